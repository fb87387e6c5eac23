// SPDX-License-Identifier: Apache-2.0
#include "millrace/loop/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"

extern char** environ;  // NOLINT(readability-identifier-naming): POSIX

namespace millrace {
namespace {

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// The system ends each text at its first NUL: it would run something else than what was asked for.
Result<> check(const ProcessOptions& options) {
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

std::vector<std::string> environment_of(const ProcessOptions& options) {
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

// The descriptors that the child gets, as file actions.
class Descriptors {
 public:
  Descriptors() { posix_spawn_file_actions_init(&actions_); }
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;
  ~Descriptors() { posix_spawn_file_actions_destroy(&actions_); }

  // Errors: io.
  Result<> fill(const std::map<int, int>& wanted) {
    const int highest =
        wanted.empty() ? STDERR_FILENO : std::max(STDERR_FILENO, wanted.rbegin()->first);
    // Out of the way first: a descriptor here may have the number of another one there.
    for (const auto& [number, from] : wanted) {
      FileDescriptor moved(::fcntl(from, F_DUPFD_CLOEXEC, highest + 1));
      if (!moved) return fail_errno(errno, "cannot hand on a descriptor");
      posix_spawn_file_actions_adddup2(&actions_, moved.get(), number);
      moved_.push_back(std::move(moved));
    }
    for (int number = 0; number <= highest; ++number) {
      if (wanted.contains(number)) continue;
      if (number <= STDERR_FILENO) {
        posix_spawn_file_actions_addopen(&actions_, number, "/dev/null", O_RDWR, 0);
      } else {
        posix_spawn_file_actions_addclose(&actions_, number);
      }
    }
    posix_spawn_file_actions_addclosefrom_np(&actions_, highest + 1);
    return {};
  }

  posix_spawn_file_actions_t actions_;  // NOLINT(readability-identifier-naming)

 private:
  std::vector<FileDescriptor> moved_;
};

// A session of its own: so the child leads a group, with which what it starts can be ended, and has
// no terminal, to which it could type. Default signals.
Result<pid_t> spawn(ProcessOptions& options) {
  Descriptors descriptors;
  if (auto filled = descriptors.fill(options.descriptors); !filled) return filled.error();
  auto& actions = descriptors.actions_;
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
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  auto environment = environment_of(options);
  auto environment_pointers = pointers(environment);
  auto argument_pointers = pointers(options.arguments);
  pid_t pid = -1;
  const int failed = posix_spawnp(&pid, argument_pointers[0], &actions, &attributes,
                                  argument_pointers.data(), environment_pointers.data());
  posix_spawnattr_destroy(&attributes);
  if (failed == 0) return pid;
  if (!options.directory.empty() && ::access(options.directory.c_str(), X_OK) != 0) {
    return fail_errno(
        errno, fmt::format("cannot start {} in {}", options.arguments[0], options.directory));
  }
  return fail_errno(failed, fmt::format("cannot start {}", options.arguments[0]));
}

}  // namespace

std::string ExitStatus::text() const {
  if (signal != 0) return fmt::format("was killed by signal {}", signal);
  return fmt::format("ended with exit code {}", code);
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(MainLoop& loop, ProcessOptions options) {
  if (auto checked = check(options); !checked) return checked.error();
  const auto pid = spawn(options);
  if (!pid) return pid.error();
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0));
  if (pidfd < 0) {
    const int why = errno;
    ::kill(-*pid, SIGKILL);
    ::waitpid(*pid, nullptr, 0);
    return fail_errno(why, "cannot watch the child process");
  }
  return std::unique_ptr<ChildProcess>(new ChildProcess(loop, *pid, pidfd));
}

ChildProcess::ChildProcess(MainLoop& loop, pid_t pid, int pidfd)
    : pid_(pid), pidfd_(loop.executor(), pidfd) {}

ChildProcess::~ChildProcess() {
  if (!exit_status_) reap();
}

Task<Result<ExitStatus>> ChildProcess::wait() {
  boost::system::error_code error;
  if (!exit_status_) {
    co_await pidfd_.async_wait(asio::posix::stream_descriptor::wait_read,
                               asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return Error(Errc::cancelled, "asked to stop");
    reap();
  }
  co_return *exit_status_;
}

void ChildProcess::kill(int signal) {
  if (!exit_status_) ::kill(-pid_, signal);
}

// Before the child is reaped nobody else can have its number: its group is killed first.
void ChildProcess::reap() {
  ::kill(-pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  exit_status_ = WIFSIGNALED(status) ? ExitStatus{.signal = WTERMSIG(status)}
                                     : ExitStatus{.code = WEXITSTATUS(status)};
}

}  // namespace millrace
