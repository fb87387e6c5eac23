// SPDX-License-Identifier: Apache-2.0
#include "instance.hpp"

#include <fmt/chrono.h>

#include <chrono>
#include <utility>

#include "failure.hpp"
#include "millrace/event/json.hpp"

namespace millrace::python {
namespace {

double in_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::uint64_t number_of(const Object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_int64() ? static_cast<std::uint64_t>(value->get_int64()) : 0;
}

}  // namespace

Object start_message(const Extension& extension, const Object& settings) {
  return {{"file", extension.file},
          {"kind", extension.kind},
          {"extension", extension.extension ? Value(*extension.extension) : Value()},
          {"name", extension.name},
          {"settings", settings}};
}

Instance::~Instance() {
  forget_abandoned();
  close();
}

std::string Instance::name() const {
  return fmt::format("{} {}", extension_->kind, extension_->name);
}

// ---------------------------------------------------------------------------------- its channel

Task<Result<>> Instance::open() {
  auto& host = extension_->host;
  while (true) {
    if (!host.is_live()) {  // when it dies, this instance is told before ready() starts another
      if (auto ready = co_await host.ready(); !ready) co_return ready.error();
      continue;
    }
    if (state_ == State::open) co_return Result<>();
    if (state_ == State::opening) {  // another call does it
      if (auto waited = co_await state_changed_.wait(); !waited) co_return waited.error();
      continue;
    }
    state_ = State::opening;
    opening_failed_.reset();
    channel_ = host.open(*this);
    host.send(FrameType::start, channel_, to_json(start_message(*extension_, settings_)));
    if (auto opened = co_await wait_until_open(); !opened) {
      close();
      state_changed_.notify_all();
      co_return opened.error();
    }
  }
}

Task<Result<>> Instance::wait_until_open() {
  auto& host = extension_->host;
  const auto limit = host.settings().call_timeout;
  const auto timer = host.loop().call_later(limit, [this, limit] {
    extension_->host.kill(
        fail(Errc::timeout, "{} did not start within {:g} s", name(), in_seconds(limit)));
  });
  Result<> waited;
  while (waited && state_ == State::opening && !opening_failed_)
    waited = co_await state_changed_.wait();
  host.loop().cancel(timer);
  if (waited && opening_failed_) co_return *opening_failed_;
  co_return waited;
}

void Instance::close() {
  state_ = State::closed;
  const auto channel = std::exchange(channel_, kHostChannel);
  if (channel == kHostChannel) return;
  extension_->host.send(FrameType::cancel, channel);
  extension_->host.close(channel);
}

void Instance::on_host_end(const Error& why) {
  if (state_ == State::opening) {
    opening_failed_ = why;
  } else {
    state_ = State::closed;
  }
  channel_ = kHostChannel;
  forget_abandoned();
  for (const auto& [id, call] : calls_) {
    if (call->result) continue;
    call->result = why;
    call->changed.notify_all();
  }
  state_changed_.notify_all();
}

// -------------------------------------------------------------------------------------- calls

Task<Result<Value>> Instance::call(std::string_view fields, RequestHandler* requests) {
  if (auto opened = co_await open(); !opened) co_return opened.error();
  auto& host = extension_->host;
  const auto id = ++last_id_;
  const auto payload = fmt::format("{{\"id\":{},{}}}", id, fields);
  if (payload.size() > kLongestPayload) {
    co_return fail(Errc::invalid_event, "{} would be told {} bytes at once; the most is {}", name(),
                   payload.size(), kLongestPayload);
  }
  Call call{.requests = requests};
  calls_.emplace(id, &call);
  host.send(FrameType::call, channel_, payload);
  const auto limit = host.settings().call_timeout;
  const auto timer = host.loop().call_later(limit, [&call] {
    call.timed_out = true;
    call.changed.notify_all();
  });
  Result<> waited;
  while (waited && !call.result && !call.timed_out) waited = co_await call.changed.wait();
  host.loop().cancel(timer);
  calls_.erase(id);
  if (call.result) co_return std::move(*call.result);
  abandon(id);
  if (!waited) co_return waited.error();
  co_return fail(Errc::timeout, "{} did not answer within {:g} s", name(), in_seconds(limit));
}

void Instance::abandon(std::uint64_t id) {
  auto& host = extension_->host;
  host.send(FrameType::stop_call, channel_, to_json(Object{{"id", id}}));
  const auto kill = [this] {
    extension_->host.kill(fail(Errc::unavailable,
                               "{} was killed: a call of {} did not end when it was "
                               "stopped",
                               extension_->host.title(), name()));
  };
  abandoned_.emplace(id, host.loop().call_later(host.settings().stop_grace, kill));
}

void Instance::forget_abandoned() {
  for (const auto& [id, timer] : std::exchange(abandoned_, {}))
    extension_->host.loop().cancel(timer);
}

// ------------------------------------------------------------------------------------- frames

Result<> Instance::on_frame(const Frame& frame, const std::shared_ptr<const void>&) {
  switch (frame.type) {
    case FrameType::started:
      if (state_ == State::opening) state_ = State::open;
      state_changed_.notify_all();
      return {};
    case FrameType::failed: {
      const auto failure = read_object(frame);
      if (!failure) return failure.error();
      opening_failed_ = plugin_error(Errc::io, *failure);
      state_changed_.notify_all();
      return {};
    }
    case FrameType::result:
      return on_result(frame);
    case FrameType::request:
      return on_request(frame);
    case FrameType::ended:
      return {};
    default:
      return fail(Errc::corrupt, "a frame of type {} for a {}", static_cast<int>(frame.type),
                  extension_->kind);
  }
}

Result<> Instance::on_result(const Frame& frame) {
  auto message = read_object(frame);
  if (!message) return message.error();
  const auto id = number_of(*message, "id");
  if (const auto stopped = abandoned_.extract(id)) {
    extension_->host.loop().cancel(stopped.mapped());
    return {};
  }
  auto* call = call_of(*message, "id");
  if (call == nullptr) return {};
  if (const auto* error = message->if_contains("error"); error != nullptr && error->is_object()) {
    call->result = call_error(error->get_object());
  } else {
    call->result = std::move((*message)["value"]);
  }
  call->changed.notify_all();
  return {};
}

// What has been answered to a call that has ended meanwhile is not done.
Result<> Instance::on_request(const Frame& frame) {
  const auto message = read_object(frame);
  if (!message) return message.error();
  auto* call = call_of(*message, "call");
  if (call == nullptr && !message->contains("call") && !calls_.empty())
    call = calls_.begin()->second;
  const auto* arguments = message->if_contains("arguments");
  Result<Value> answer = fail(Errc::unsupported, "there is no call to answer for");
  if (call != nullptr && call->requests != nullptr) {
    answer = call->requests->answer(
        text_of(*message, "method"),
        arguments != nullptr && arguments->is_object() ? arguments->get_object() : Object());
  }
  Object reply{{"id", number_of(*message, "id")}};
  if (answer) {
    reply["value"] = std::move(*answer);
  } else {
    reply["error"] = {{"code", to_string(answer.error().code())},
                      {"message", answer.error().message()}};
  }
  auto payload = to_json(reply);
  if (payload.size() > kLongestPayload) {
    reply.erase("value");
    reply["error"] = {{"code", to_string(Errc::invalid_event)},
                      {"message", fmt::format("the answer has {} bytes; the most is {}",
                                              payload.size(), kLongestPayload)}};
    payload = to_json(reply);
  }
  extension_->host.send(FrameType::answer, channel_, payload);
  return {};
}

Instance::Call* Instance::call_of(const Object& message, std::string_view key) {
  const auto found = calls_.find(number_of(message, key));
  return found == calls_.end() ? nullptr : found->second;
}

}  // namespace millrace::python
