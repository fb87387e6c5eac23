// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/ansible/private_folder.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/blocking_pool.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"

namespace millrace::ansible {

/// A playbook, and what it is given.
struct PlaybookOptions {
  std::filesystem::path project;    ///< folder that is copied for the run; empty: only the playbook
  std::filesystem::path playbook;   ///< its file; within `project` if there is one
  Value written;                    ///< instead of a file: the plays
  std::filesystem::path inventory;  ///< file or folder, which is copied; empty: none
  std::string limit;                ///< hosts, as --limit takes them; empty: all of the play
  /// Data: Ansible evaluates no template in it, so that nobody who sends an event can run code.
  Object extra_vars;
  std::int64_t verbosity = 0;
  /// Print events as JSON lines instead of what Ansible prints.
  enum class Print : std::uint8_t { plain, coloured, json };
  Print print = Print::plain;
};

/// Told while a playbook runs, on the loop thread.
struct PlaybookListener {
  /// Whole lines for standard output. An error ends the run.
  std::function<Result<>(std::string_view lines)> print;
  /// {event, uuid, counter, stdout, start_line, end_line, runner_ident, pid, created, event_data}.
  std::function<void(Object event)> event;
};

/// What came of a playbook.
struct PlaybookOutcome {
  int rc = 0;          ///< exit code of ansible-playbook; 128 + signal when it was killed
  std::string reason;  ///< of a failure: the last thing that went wrong; may be empty
  /// The facts of the last `set_fact` (a cacheable one if there is any), or the data of the last
  /// `set_stats`, whichever came later.
  std::optional<Object> artifacts;

  std::string_view status() const { return rc == 0 ? "successful" : "failed"; }
};

/// A playbook in a folder of its own, to be run with the system's ansible-playbook, also several
/// times. Loop thread only.
class Playbook {
 public:
  /// Copies what the run needs. Errors: not_found, permission_denied, io, unsupported (too much to
  /// copy), unavailable.
  static Task<Result<std::unique_ptr<Playbook>>> prepare(PlaybookOptions options, MainLoop& loop,
                                                         BlockingPool& pool);
  Playbook(const Playbook&) = delete;
  Playbook& operator=(const Playbook&) = delete;
  ~Playbook();

  /// Runs it to its end. When the task is asked to stop, Ansible and all that it started gets
  /// SIGTERM, two seconds later SIGKILL. A failure of the playbook is an outcome. Errors:
  /// cancelled; unavailable when there is no ansible-playbook; what `print` answers; io.
  Task<Result<PlaybookOutcome>> run(const PlaybookListener& listener);
  /// Removes the folder, on a thread of the pool. Without it the destructor does, and blocks.
  Task<> clean_up();

 private:
  Playbook(PlaybookOptions options, MainLoop& loop, BlockingPool& pool);
  static Result<> fill(const PlaybookOptions& options, PrivateFolder& folder);

  const PlaybookOptions options_;
  MainLoop& loop_;
  BlockingPool& pool_;
  std::unique_ptr<PrivateFolder> folder_;
};

}  // namespace millrace::ansible
