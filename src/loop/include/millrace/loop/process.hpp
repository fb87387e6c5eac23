// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"

namespace millrace {

struct ProcessOptions {
  std::vector<std::string>
      arguments;  ///< the program (looked up in PATH) and its arguments; no shell
  std::map<std::string, std::string> environment;  ///< added to the engine's own
  std::string directory;                           ///< empty: the engine's
  /// What the child has open: its number there, and the descriptor here, which stays the caller's.
  /// 0, 1 and 2 are /dev/null unless they are named. Nothing else is handed on.
  std::map<int, int> descriptors;
};

/// How a process ended.
struct ExitStatus {
  int code = 0;    ///< unless it was killed
  int signal = 0;  ///< that killed it; 0: none

  /// "ended with exit code 3", "was killed by signal 9".
  std::string text() const;
};

/// A running program, in a session and so a process group of its own, with default signals. Loop
/// thread only. It never outlives this object, and nothing in its process group does: the
/// destructor kills it, and waits for the system to do so.
class ChildProcess {
 public:
  /// Errors: not_found, permission_denied, io; invalid_settings for texts that the system cannot
  /// carry (a NUL byte, a `=` in a name).
  static Result<std::unique_ptr<ChildProcess>> start(MainLoop& loop, ProcessOptions options);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  /// Until it has ended, by itself or not; what it left behind in its group is killed then. One
  /// task at a time. Errors: cancelled, and it goes on.
  Task<Result<ExitStatus>> wait();
  const std::optional<ExitStatus>& exit_status() const { return exit_status_; }
  /// Sends the signal to its process group, unless it has ended.
  void kill(int signal);

 private:
  ChildProcess(MainLoop& loop, pid_t pid, int pidfd);
  void reap();

  const pid_t pid_;
  asio::posix::stream_descriptor pidfd_;
  std::optional<ExitStatus> exit_status_;
};

}  // namespace millrace
