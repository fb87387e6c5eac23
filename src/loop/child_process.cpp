// SPDX-License-Identifier: Apache-2.0
#include "millrace/loop/child_process.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "millrace/base/files.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/loop/process.hpp"

namespace millrace {
namespace {

using Stream = asio::posix::stream_descriptor;

// One running child and what is read from it.
class Child {
 public:
  Child(MainLoop& loop, const ChildOptions& options, ChildProcess& process)
      : loop_(loop), options_(options), process_(process) {}

  Task<> read(Stream from, std::string& into) {
    std::array<char, 16384>
        buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the read
    while (true) {
      boost::system::error_code error;
      const auto got = co_await from.async_read_some(
          asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;
      const auto kept = std::min(got, options_.output_limit - into.size());
      into.append(buffer.data(), kept);
      if (kept < got) outcome.truncated = true;
    }
  }

  Task<> write(Stream to) {
    boost::system::error_code error;  // a child that does not read its input is no fault
    co_await asio::async_write(to, asio::buffer(options_.input),
                               asio::redirect_error(asio::use_awaitable, error));
  }

  // In a group that nobody stops: the wait ends with the child.
  Task<> watch() {
    if (const auto exit = co_await process_.wait()) {
      outcome.exit_code = exit->signal != 0 ? 128 + exit->signal : exit->code;
    }
    exited = true;
    if (kill_timer_) loop_.cancel(*kill_timer_);
    if (timeout_timer_) loop_.cancel(*timeout_timer_);
    changed.notify_all();
  }

  // SIGTERM now, SIGKILL after the grace period.
  void end() {
    if (ending_ || exited) return;
    ending_ = true;
    process_.kill(SIGTERM);
    kill_timer_ = loop_.call_later(options_.grace, [this] { process_.kill(SIGKILL); });
  }

  void set_timeout() {
    if (!options_.timeout) return;
    timeout_timer_ = loop_.call_later(*options_.timeout, [this] {
      outcome.timed_out = true;
      end();
    });
  }

  ChildOutcome outcome;
  Waiters changed;
  bool exited = false;

 private:
  MainLoop& loop_;
  const ChildOptions& options_;
  ChildProcess& process_;
  bool ending_ = false;
  std::optional<MainLoop::TimerId> kill_timer_;
  std::optional<MainLoop::TimerId> timeout_timer_;
};

}  // namespace

Task<Result<ChildOutcome>> run_child(MainLoop& loop, ChildOptions options) {
  auto input = make_pipe();
  auto output = make_pipe();
  auto errors = make_pipe();
  if (!input) co_return input.error();
  if (!output) co_return output.error();
  if (!errors) co_return errors.error();
  auto process = ChildProcess::start(loop, {.arguments = options.arguments,
                                            .environment = options.environment,
                                            .directory = options.directory,
                                            .descriptors = {{STDIN_FILENO, input->read.get()},
                                                            {STDOUT_FILENO, output->write.get()},
                                                            {STDERR_FILENO, errors->write.get()}}});
  if (!process) co_return process.error();
  input->read.close();
  output->write.close();
  errors->write.close();

  Child child(loop, options, **process);
  const auto executor = loop.executor();
  TaskGroup life(executor, {});
  life.spawn("exit", child.watch());
  TaskGroup pipes(executor, {});
  pipes.spawn("output", child.read(Stream(executor, output->read.release()), child.outcome.output));
  pipes.spawn("errors", child.read(Stream(executor, errors->read.release()), child.outcome.errors));
  if (options.input.empty()) {
    input->write.close();
  } else {
    pipes.spawn("input", child.write(Stream(executor, input->write.release())));
  }
  child.set_timeout();

  Result<> waited;
  while (waited && !child.exited) waited = co_await child.changed.wait();
  if (!waited) child.end();
  co_await life.join();
  // A descendant that left the group may hold the pipes for ever: what it writes later is not
  // waited for.
  const auto drained = loop.call_later(options.grace, [&pipes] { pipes.request_stop(); });
  co_await pipes.join();
  loop.cancel(drained);
  if (!waited) co_return waited.error();
  co_return std::move(child.outcome);
}

}  // namespace millrace
