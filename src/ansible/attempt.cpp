// SPDX-License-Identifier: Apache-2.0
#include "attempt.hpp"

#include <signal.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "artifacts.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"

namespace millrace::ansible {
namespace {

constexpr auto kGrace = std::chrono::seconds(2);
constexpr std::size_t kReadAtOnce = std::size_t{64} << 10;
constexpr std::size_t kLongestPrinted = std::size_t{64} << 10;  // longer ones are printed in parts
constexpr std::size_t kLongestEvent = std::size_t{16} << 20;
// More than the system keeps of what Ansible has written: if there is more, somebody else writes.
constexpr std::size_t kMostLeftBehind = std::size_t{8} << 20;
constexpr int kEvents = 3;  // the descriptor, as Ansible sees it
constexpr std::size_t kShownReason = 500;

}  // namespace

Attempt::Reading::Reading(MainLoop& loop, FileDescriptor its_pipe, std::size_t its_most)
    : pipe(loop.executor(), its_pipe.release()), most(its_most), buffer(kReadAtOnce) {
  pipe.non_blocking(true);
}

Attempt::Attempt(MainLoop& loop, const PlaybookListener& listener, bool as_json)
    : loop_(loop),
      listener_(listener),
      as_json_(as_json),
      life_(loop.executor(), {}),
      readers_(loop.executor(),
               [this](std::string_view, const std::exception_ptr& why) { exception_ = why; }) {}

Result<std::unique_ptr<Attempt>> Attempt::start(MainLoop& loop, ProcessOptions process,
                                                const PlaybookListener& listener, bool as_json) {
  std::unique_ptr<Attempt> attempt(new Attempt(loop, listener, as_json));
  auto output = make_pipe();
  auto events = make_pipe();
  if (!output) return output.error();
  if (!events) return events.error();
  // Errors among the output, in the order in which they were written.
  process.descriptors = {{STDOUT_FILENO, output->write.get()},
                         {STDERR_FILENO, output->write.get()},
                         {kEvents, events->write.get()}};
  process.environment["MILLRACE_ANSIBLE_EVENTS"] = std::to_string(kEvents);
  attempt->output_ = std::make_unique<Reading>(loop, std::move(output->read), kLongestPrinted);
  attempt->events_ = std::make_unique<Reading>(loop, std::move(events->read), kLongestEvent);
  auto started = ChildProcess::start(loop, std::move(process));
  if (!started && started.error().code() == Errc::not_found) {
    return fail(
        Errc::unavailable,
        "there is no ansible-playbook in PATH: install Ansible (`apt install ansible-core`)");
  }
  if (!started) return started.error();
  attempt->process_ = std::move(*started);
  return attempt;
}

Task<Result<PlaybookOutcome>> Attempt::run() {
  const auto tell = [this] { changed_.notify_all(); };
  life_.spawn("ansible-playbook", watch_exit(), tell);
  readers_.spawn("output of ansible-playbook", read_output(), tell);
  readers_.spawn("events of ansible-playbook", read_events(), tell);
  Result<> waited;
  while (waited && !failure_ && !exception_ && life_.size() + readers_.size() > 0)
    waited = co_await changed_.wait();
  co_await end();
  if (exception_) std::rethrow_exception(exception_);
  if (!waited) co_return waited.error();
  if (failure_) co_return *failure_;
  const auto& status = *process_->exit_status();
  outcome_.rc = status.signal != 0 ? 128 + status.signal : status.code;
  if (outcome_.reason.empty()) outcome_.reason = last_line_;
  if (outcome_.rc == 0) outcome_.reason.clear();
  co_return std::move(outcome_);
}

// Nothing happens when it has ended already.
Task<> Attempt::end() {
  readers_.request_stop();
  process_->kill(SIGTERM);
  const auto timer = loop_.call_later(kGrace, [this] { process_->kill(SIGKILL); });
  co_await life_.join();
  loop_.cancel(timer);
  co_await readers_.join();
}

// What was written lies in the pipes; the readers take it and end, also when a process that a
// playbook left behind holds the other ends.
Task<> Attempt::watch_exit() {
  if (!co_await process_->wait()) co_return;  // never: nobody stops this group
  exited_ = true;
  boost::system::error_code ignored;
  output_->pipe.cancel(ignored);
  events_->pipe.cancel(ignored);
}

// None at the end.
Task<std::string_view> Attempt::receive(Reading& from) {
  while (!co_await stop_requested()) {
    boost::system::error_code error;
    std::size_t got = 0;
    if (exited_ && from.left_behind > kMostLeftBehind) break;
    if (exited_) {
      got = from.pipe.read_some(asio::buffer(from.buffer), error);
      from.left_behind += got;
    } else {
      got = co_await from.pipe.async_read_some(asio::buffer(from.buffer),
                                               asio::redirect_error(asio::use_awaitable, error));
      if (error == asio::error::operation_aborted) continue;
    }
    if (error) break;
    co_return std::string_view(from.buffer.data(), got);
  }
  co_return std::string_view();
}

Task<> Attempt::read_output() {
  auto& line = output_->line;
  while (!failure_) {
    const auto bytes = co_await receive(*output_);
    if (bytes.empty()) break;
    line += bytes;
    const auto ended = line.rfind('\n');
    const auto whole = ended != std::string::npos    ? ended + 1
                       : line.size() > output_->most ? line.size()
                                                     : 0;
    if (auto printed = print(std::string_view(line).substr(0, whole)); !printed)
      failure_ = printed.error();
    line.erase(0, whole);
  }
  if (failure_ || line.empty()) co_return;
  line += '\n';
  if (auto printed = print(line); !printed) failure_ = printed.error();
}

Result<> Attempt::print(std::string_view lines) {
  for (const auto line : split(lines, '\n')) {
    const auto at = line.find("ERROR!");
    if (at == std::string_view::npos) continue;
    const auto text = line.substr(at, kShownReason);
    last_line_ = printable(text.substr(0, text.find('\x1b')));  // where its colour ends
  }
  if (lines.empty() || as_json_) return {};
  return listener_.print(lines);
}

Task<> Attempt::read_events() {
  auto& from = *events_;
  while (!failure_) {
    auto bytes = co_await receive(from);
    if (bytes.empty()) break;
    while (!bytes.empty() && !failure_) {
      const auto end = bytes.find('\n');
      from.line += bytes.substr(0, end);
      if (from.line.size() > from.most) from.too_long = true;
      if (from.too_long) from.line.clear();
      if (end == std::string_view::npos) break;
      bytes.remove_prefix(end + 1);
      if (!std::exchange(from.too_long, false)) {
        if (auto taken = take_event(from.line); !taken) failure_ = taken.error();
      }
      from.line.clear();
    }
  }
}

// A line that is no event is dropped: nothing depends on it but what is told.
Result<> Attempt::take_event(std::string_view line) {
  auto event = parse_json(line);
  if (!event || !event->is_object()) return {};
  note(event->get_object());
  Result<> printed;
  if (as_json_) printed = listener_.print(to_json(*event) + "\n");
  if (listener_.event) listener_.event(std::move(event->get_object()));
  return printed;
}

void Attempt::note(const Object& event) {
  if (auto artifacts = artifacts_of(event)) {
    if (artifacts->cacheable || !cacheable_) outcome_.artifacts = std::move(artifacts->data);
    cacheable_ = cacheable_ || artifacts->cacheable;
  }
  auto reason = reason_of(event);
  if (reason.empty()) return;
  outcome_.reason = printable(std::string_view(reason).substr(0, kShownReason));
}

}  // namespace millrace::ansible
