// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/loop/main_loop.hpp"

namespace millrace {

struct ChildOptions {
  std::vector<std::string>
      arguments;  ///< the program (looked up in PATH) and its arguments; no shell
  std::map<std::string, std::string> environment;  ///< added to the engine's own
  std::string directory;                           ///< empty: the engine's
  std::string input;                               ///< given on standard input
  std::optional<Duration>
      timeout;  ///< then SIGTERM to its process group, and SIGKILL after `grace`
  Duration grace = std::chrono::seconds(2);
  std::size_t output_limit = std::size_t{1}
                             << 20;  ///< bytes kept of each output; the rest is read and dropped
};

struct ChildOutcome {
  int exit_code = 0;  ///< 128 + signal when it was killed
  bool timed_out = false;
  std::string output;
  std::string errors;
  bool truncated = false;  ///< an output was longer than the limit
};

/// Runs a program to its end; it is always reaped. It leads a process group of its own: what it
/// leaves behind there is killed at its end. When the task is asked to stop, the child is ended as
/// by the timeout and the answer is Errc::cancelled. Errors: not_found, permission_denied, io when
/// it cannot be started; invalid_settings for texts that the system cannot carry (a NUL byte, a `=`
/// in a name); cancelled.
Task<Result<ChildOutcome>> run_child(MainLoop& loop, ChildOptions options);

}  // namespace millrace
