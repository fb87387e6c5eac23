// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"

#include <signal.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"

namespace millrace::exec_source {
namespace {

constexpr auto kGrace = std::chrono::seconds(2);
constexpr std::size_t kReadAtOnce = std::size_t{64} << 10;
constexpr std::size_t kShownLastWords = 200;
// More than the system keeps of what a command has written: if there is more, somebody else writes.
constexpr std::size_t kMostLeftBehind = std::size_t{8} << 20;

}  // namespace

Command::Reading::Reading(MainLoop& loop, FileDescriptor its_pipe, std::string_view its_name)
    : pipe(loop.executor(), its_pipe.release()), name(its_name), buffer(kReadAtOnce) {
  pipe.non_blocking(true);
}

Command::Command(SourceContext& context, const CommandOptions& options)
    : context_(context),
      options_(options),
      log_(context.log(), LogLevel::warning, context.log_name()),
      life_(context.loop().executor(), {}),
      readers_(context.loop().executor(),
               [this](std::string_view, const std::exception_ptr& why) { exception_ = why; }) {}

Result<std::unique_ptr<Command>> Command::start(SourceContext& context,
                                                const CommandOptions& options) {
  std::unique_ptr<Command> command(new Command(context, options));
  auto process = options.process;
  auto errors = make_pipe();
  if (!errors) return errors.error();
  process.descriptors[STDERR_FILENO] = errors->write.get();
  command->errors_ = std::make_unique<Reading>(context.loop(), std::move(errors->read), "stderr");
  Pipe output;
  if (options.output) {
    auto made = make_pipe();
    if (!made) return made.error();
    output = std::move(*made);
    process.descriptors[STDOUT_FILENO] = output.write.get();
    command->output_ = std::make_unique<Reading>(context.loop(), std::move(output.read), "stdout");
  }
  auto started = ChildProcess::start(context.loop(), std::move(process));
  if (!started) return started.error();
  command->process_ = std::move(*started);
  return command;
}

Task<Result<>> Command::run() {
  const auto tell = [this] { changed_.notify_all(); };
  life_.spawn("exit", watch_exit(), tell);
  if (output_ != nullptr) readers_.spawn("stdout", read_events(*output_), tell);
  readers_.spawn("stderr", options_.errors ? read_events(*errors_) : read_log(*errors_), tell);

  Result<> waited;
  while (waited && !failure_ && !exception_ && life_.size() + readers_.size() > 0)
    waited = co_await changed_.wait();
  co_await end();
  if (exception_) std::rethrow_exception(exception_);
  if (!waited) co_return waited.error();
  if (failure_) co_return *failure_;
  co_return judge();
}

// Nothing happens when it has ended already.
Task<> Command::end() {
  readers_.request_stop();
  process_->kill(SIGTERM);
  const auto timer = context_.loop().call_later(kGrace, [this] { process_->kill(SIGKILL); });
  co_await life_.join();
  context_.loop().cancel(timer);
  co_await readers_.join();
}

Result<> Command::judge() const {
  const auto& status = *process_->exit_status();
  if (status.signal == 0 && status.code == 0) return {};
  auto last_words = log_.last();
  if (!last_words.empty()) {
    if (last_words.size() > kShownLastWords) last_words = last_words.substr(0, kShownLastWords);
    last_words.insert(0, ": ");
  }
  return fail(Errc::io, "{} {}{}", options_.name, status.text(), printable(last_words));
}

// What it has written lies in the pipes; the readers take it and end, also when somebody else holds
// the other ends.
Task<> Command::watch_exit() {
  if (!co_await process_->wait()) co_return;  // never: nobody stops this group
  exited_ = true;
  boost::system::error_code ignored;
  if (output_ != nullptr) output_->pipe.cancel(ignored);
  errors_->pipe.cancel(ignored);
}

Task<> Command::read_events(Reading& from) {
  LineCutter cutter(options_.max_line);
  Result<> delivered;
  while (delivered) {
    const auto bytes = co_await receive(from);
    if (!bytes) break;
    const auto lines = bytes->empty() ? cutter.finish() : cutter.add(*bytes);
    delivered = co_await deliver(from, lines);
    if (bytes->empty()) break;
  }
  boost::system::error_code ignored;
  from.pipe.close(ignored);  // whoever goes on to write learns of it
  if (!delivered && delivered.error().code() != Errc::cancelled) failure_ = delivered.error();
}

Task<> Command::read_log(Reading& from) {
  while (true) {
    const auto bytes = co_await receive(from);
    if (!bytes || bytes->empty()) break;
    log_.add(*bytes);
  }
  log_.finish();
  boost::system::error_code ignored;
  from.pipe.close(ignored);
}

// None at the end. Errors: cancelled.
Task<Result<std::string_view>> Command::receive(Reading& from) {
  while (true) {
    boost::system::error_code error;
    std::size_t got = 0;
    if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
    if (exited_ && from.left_behind > kMostLeftBehind) co_return std::string_view();
    if (exited_) {
      got = from.pipe.read_some(asio::buffer(from.buffer), error);
      from.left_behind += got;
    } else {
      got = co_await from.pipe.async_read_some(asio::buffer(from.buffer),
                                               asio::redirect_error(asio::use_awaitable, error));
      if (error == asio::error::operation_aborted) continue;
    }
    co_return error ? std::string_view() : std::string_view(from.buffer.data(), got);
  }
}

Task<Result<>> Command::deliver(const Reading& from, const Lines& lines) {
  for (const auto& line : lines.too_long) {
    context_.refuse(line.number,
                    fail(Errc::invalid_event, "a line of {} on {} is left out: max_line is {}",
                         human_bytes(static_cast<double>(line.bytes)), from.name,
                         human_bytes(static_cast<double>(options_.max_line))));
  }
  EventBatch batch;
  batch.events.reserve(lines.lines.size());
  for (const auto& line : lines.lines) {
    if (auto event = event_of(from, line)) batch.events.push_back(std::move(*event));
  }
  if (batch.events.empty()) co_return Result<>();
  if (options_.format == Format::json) batch.memory = lines.memory;
  co_return co_await context_.emit(std::move(batch));
}

// None for a line that is refused, or holds nothing.
std::optional<Event> Command::event_of(const Reading& from, const Lines::Line& line) {
  const bool both = options_.output && options_.errors;
  if (options_.format == Format::lines) {
    Object data{{"line", valid_utf8(line.text)}};
    if (both) data["stream"] = from.name;
    return Event(Value(std::move(data))).at(line.number);
  }
  if (trim(line.text).empty()) return std::nullopt;
  if (!both) return Event(Event::Text{.json = line.text, .position = line.number});
  auto data = parse_json(line.text, context_.limits());
  if (data && !data->is_object()) data = fail(Errc::invalid_event, "an event must be an object");
  if (!data) {
    context_.refuse(line.number, Error(data.error()).with_context(from.name));
    return std::nullopt;
  }
  data->get_object()["stream"] = from.name;
  return Event(std::move(*data)).at(line.number);
}

}  // namespace millrace::exec_source
