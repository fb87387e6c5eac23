// SPDX-License-Identifier: Apache-2.0
#include "python_source.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "failure.hpp"
#include "millrace/event/json.hpp"

namespace millrace::python {
namespace {

// Events on their way: few at first, then as many as make kWindowBytes.
constexpr std::size_t kFirstWindow = 64;
constexpr std::size_t kLeastWindow = 4;
constexpr std::size_t kMostWindow = 4096;
constexpr std::size_t kWindowBytes = std::size_t{4} << 20;
constexpr std::size_t kBytesToTell = std::size_t{1} << 20;  // the host waits after 16 MiB
constexpr std::size_t kNumber = sizeof(std::uint64_t);

// As Python sees it.
bool is_truthy(const Value* value) {
  if (value == nullptr) return false;
  switch (value->kind()) {
    case boost::json::kind::null:
      return false;
    case boost::json::kind::bool_:
      return value->get_bool();
    case boost::json::kind::string:
      return !value->get_string().empty();
    case boost::json::kind::array:
      return !value->get_array().empty();
    case boost::json::kind::object:
      return !value->get_object().empty();
    default:
      return value->to_number<double>() != 0;
  }
}

// Kept by the batch: tells the host of its events when they are settled.
struct Settlement {
  HostProcess& host;
  std::uint32_t channel;
  std::uint64_t first;
  std::uint64_t last;

  void operator()() const {
    std::string numbers = "[";
    for (auto number = first; number <= last; ++number)
      fmt::format_to(std::back_inserter(numbers), "{}{}", number == first ? "" : ",", number);
    numbers += "]";
    host.send(FrameType::settled, channel, numbers);
  }
};

}  // namespace

PythonSource::PythonSource(std::shared_ptr<const Extension> extension, Object settings)
    : extension_(std::move(extension)),
      settings_(std::move(settings)),
      feedback_(is_truthy(settings_.if_contains("feedback"))) {}

PythonSource::~PythonSource() { extension_->host.close(channel_); }

Task<Result<>> PythonSource::run(SourceContext& context) {
  context_ = &context;
  if (auto ready = co_await extension_->host.ready(); !ready) co_return ready.error();
  start(context);
  auto outcome = co_await forward(context);
  if (!ended_) co_await cancel();
  extension_->host.close(channel_);
  co_return outcome;
}

void PythonSource::start(SourceContext& context) {
  auto message = start_message(*extension_, settings_);
  message["source"] = {{"name", context.origin().name}, {"type", context.origin().type}};
  message["feedback"] = feedback_;
  message["filtered"] = context.filtered();
  message["credits"] = kFirstWindow;
  allowed_ = kFirstWindow;
  channel_ = extension_->host.open(*this);
  extension_->host.send(FrameType::start, channel_, to_json(message));
}

// Errors: those of the end, or of the engine.
Task<Result<>> PythonSource::forward(SourceContext& context) {
  while (true) {
    while (!waiting_.empty()) {
      auto [batch, batch_bytes] = std::move(waiting_.front());
      waiting_.pop_front();
      const auto last = batch.events.back().position();
      const auto bytes = batch_bytes / batch.events.size();
      if (feedback_) tell_when_settled(batch);
      if (auto emitted = co_await context.emit(std::move(batch)); !emitted)
        co_return emitted.error();
      bytes_taken_ += batch_bytes;
      give_credit(last, bytes);
    }
    if (ended_) co_return *ended_;
    if (auto waited = co_await changed_.wait(); !waited) co_return waited.error();
  }
}

void PythonSource::tell_when_settled(EventBatch& batch) const {
  batch.delivery.settled = Settlement{.host = extension_->host,
                                      .channel = channel_,
                                      .first = batch.events.front().position(),
                                      .last = batch.events.back().position()};
}

// In chunks, so that there are fewer CREDITs than batches. The window is of the size that events
// had so far: when they grow, the host's own bound of their bytes holds them up, so it must hear of
// bytes that were taken even when there is no credit to give.
void PythonSource::give_credit(std::uint64_t taken, std::size_t event_bytes) {
  const auto window =
      std::clamp(kWindowBytes / std::max<std::size_t>(event_bytes, 1), kLeastWindow, kMostWindow);
  const auto wanted = taken + window;
  const bool is_due = wanted >= allowed_ + std::max<std::size_t>(window / 8, 1);
  if (!is_due && bytes_taken_ < kBytesToTell) return;
  const auto credit = is_due ? wanted - allowed_ : 0;
  allowed_ += credit;
  extension_->host.send(
      FrameType::credit, channel_,
      u32_text(static_cast<std::uint32_t>(credit)) + u64_text(std::exchange(bytes_taken_, 0)));
}

// The task has been asked to stop, or a filter cannot go on: nothing more is emitted.
Task<> PythonSource::cancel() {
  auto& host = extension_->host;
  host.send(FrameType::cancel, channel_);
  bool too_late = false;
  const auto timer = host.loop().call_later(host.settings().stop_grace, [this, &too_late] {
    too_late = true;
    changed_.notify_all();
  });
  while (!ended_ && !too_late) co_await changed_.wait_to_the_end();
  host.loop().cancel(timer);
  if (ended_) co_return;
  if (host.open_channels() > 1) {
    host.log().warning(host.log_name(),
                       "source {} does not end; its host has other tasks, so it is left alone",
                       context_->origin().name);
    co_return;
  }
  host.log().warning(host.log_name(), "source {} does not end: its host is killed",
                     context_->origin().name);
  host.kill(fail(Errc::unavailable, "{} was killed: its source did not end", host.title()));
  while (!ended_) co_await changed_.wait_to_the_end();
}

void PythonSource::end(Result<> how) {
  if (!ended_) ended_ = std::move(how);
  changed_.notify_all();
}

void PythonSource::on_host_end(const Error& why) { end(why); }

Result<> PythonSource::on_frame(const Frame& frame, const std::shared_ptr<const void>& memory) {
  switch (frame.type) {
    case FrameType::events:
      return on_events(frame, memory);
    case FrameType::ended:
      end({});
      return {};
    case FrameType::failed:
      return on_failure(frame);
    case FrameType::refused:
      return on_refusal(frame);
    default:
      return fail(Errc::corrupt, "a frame of type {} for a source", static_cast<int>(frame.type));
  }
}

// Frames of one read share its memory, so they become one batch.
Result<> PythonSource::on_events(const Frame& frame, const std::shared_ptr<const void>& memory) {
  if (frame.payload.size() <= kNumber || frame.payload.back() != '\n')
    return fail(Errc::corrupt, "events without an end");
  const auto first = read_u64(frame.payload);
  if (first != next_event_)
    return fail(Errc::corrupt, "event {} instead of {}", first, next_event_);
  if (waiting_.empty() || waiting_.back().batch.memory != memory) {
    waiting_.emplace_back();
    waiting_.back().batch.memory = memory;
  }
  waiting_.back().bytes += frame.payload.size() - kNumber;
  auto& events = waiting_.back().batch.events;
  const char* at = frame.payload.data() + kNumber;
  const char* const end = frame.payload.data() + frame.payload.size();
  while (at != end) {
    const auto* line_end =
        static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    events.emplace_back(Event::Text{.json = {at, line_end}, .position = next_event_++});
    at = line_end + 1;
  }
  if (next_event_ > allowed_ + 1)
    return fail(Errc::corrupt, "event {} is beyond its credit, {}", next_event_ - 1, allowed_);
  changed_.notify_all();
  return {};
}

Result<> PythonSource::on_failure(const Frame& frame) {
  const auto failure = read_object(frame);
  if (!failure) return failure.error();
  end(source_error(*failure));
  return {};
}

Result<> PythonSource::on_refusal(const Frame& frame) {
  const auto refusal = read_object(frame);
  if (!refusal) return refusal.error();
  context_->refuse(0, Error(Errc::invalid_event, std::string(text_of(*refusal, "message"))));
  return {};
}

}  // namespace millrace::python
