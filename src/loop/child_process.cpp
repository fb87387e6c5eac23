// SPDX-License-Identifier: Apache-2.0
#include "millrace/loop/child_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"
#include "millrace/loop/channel.hpp"

extern char** environ;  // NOLINT(readability-identifier-naming): POSIX

namespace millrace {
namespace {

using Stream = asio::posix::stream_descriptor;

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// The system ends each text at its first NUL: it would run something else than what was asked for.
Result<> check(const ChildOptions& options) {
  if (options.arguments.empty()) return fail(Errc::invalid_settings, "no program to run");
  if (std::ranges::any_of(options.arguments, has_nul) || has_nul(options.directory)) {
    return fail(Errc::invalid_settings,
                "cannot start {}: an argument or the directory holds a NUL byte",
                printable(options.arguments[0]));
  }
  for (const auto& [name, value] : options.environment) {
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name) || has_nul(value)) {
      return fail(Errc::invalid_settings, "cannot start {}: the environment cannot hold `{}`",
                  options.arguments[0], printable(name));
    }
  }
  return {};
}

std::vector<std::string> environment_of(const ChildOptions& options) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (!options.environment.contains(std::string(text.substr(0, text.find('=')))))
      all.emplace_back(text);
  }
  for (const auto& [name, value] : options.environment)
    all.push_back(fmt::format("{}={}", name, value));
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// A process group of its own, so that what the child starts can be ended with it; default signals;
// the three pipes.
Result<pid_t> start(ChildOptions& options, const Pipe& input, const Pipe& output,
                    const Pipe& errors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.read.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output.write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors.write.get(), STDERR_FILENO);
  if (!options.directory.empty())
    posix_spawn_file_actions_addchdir_np(&actions, options.directory.c_str());

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  auto environment = environment_of(options);
  auto environment_pointers = pointers(environment);
  auto argument_pointers = pointers(options.arguments);
  pid_t pid = -1;
  const int failed = posix_spawnp(&pid, argument_pointers[0], &actions, &attributes,
                                  argument_pointers.data(), environment_pointers.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed == 0) return pid;
  if (!options.directory.empty() && ::access(options.directory.c_str(), X_OK) != 0) {
    return fail_errno(
        errno, fmt::format("cannot start {} in {}", options.arguments[0], options.directory));
  }
  return fail_errno(failed, fmt::format("cannot start {}", options.arguments[0]));
}

// One running child and what is read from it.
class Child {
 public:
  Child(MainLoop& loop, const ChildOptions& options, pid_t pid)
      : loop_(loop), options_(options), pid_(pid) {}

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

  Task<> watch(Stream pidfd) {
    boost::system::error_code error;
    co_await pidfd.async_wait(Stream::wait_read, asio::redirect_error(asio::use_awaitable, error));
    exited = true;
    changed.notify_all();
  }

  // SIGTERM now, SIGKILL after the grace period.
  void end() {
    if (ending_ || exited) return;
    ending_ = true;
    ::kill(-pid_, SIGTERM);
    kill_timer_ = loop_.call_later(options_.grace, [this] { ::kill(-pid_, SIGKILL); });
  }

  void set_timeout() {
    if (!options_.timeout) return;
    timeout_timer_ = loop_.call_later(*options_.timeout, [this] {
      outcome.timed_out = true;
      end();
    });
  }

  void reap() {
    // What the child left behind in its group holds our pipes. Before it is reaped, nobody else can
    // have its number.
    ::kill(-pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    outcome.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (kill_timer_) loop_.cancel(*kill_timer_);
    if (timeout_timer_) loop_.cancel(*timeout_timer_);
  }

  ChildOutcome outcome;
  Waiters changed;
  bool exited = false;

 private:
  MainLoop& loop_;
  const ChildOptions& options_;
  const pid_t pid_;
  bool ending_ = false;
  std::optional<MainLoop::TimerId> kill_timer_;
  std::optional<MainLoop::TimerId> timeout_timer_;
};

}  // namespace

Task<Result<ChildOutcome>> run_child(MainLoop& loop, ChildOptions options) {
  if (auto checked = check(options); !checked) co_return checked.error();
  auto input = make_pipe();
  auto output = make_pipe();
  auto errors = make_pipe();
  if (!input) co_return input.error();
  if (!output) co_return output.error();
  if (!errors) co_return errors.error();
  const auto pid = start(options, *input, *output, *errors);
  if (!pid) co_return pid.error();
  input->read.close();
  output->write.close();
  errors->write.close();

  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0));
  if (pidfd < 0) {
    const int why = errno;
    ::kill(-*pid, SIGKILL);
    ::waitpid(*pid, nullptr, 0);
    co_return fail_errno(why, "cannot watch the child process");
  }

  Child child(loop, options, *pid);
  const auto executor = loop.executor();
  TaskGroup life(executor, {});
  life.spawn("exit", child.watch(Stream(executor, pidfd)));
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
  child.reap();
  // A descendant that left the group may hold the pipes for ever: what it writes later is not
  // waited for.
  const auto drained = loop.call_later(options.grace, [&pipes] { pipes.request_stop(); });
  co_await pipes.join();
  loop.cancel(drained);
  if (!waited) co_return waited.error();
  co_return std::move(child.outcome);
}

}  // namespace millrace
