// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/log.hpp"
#include "millrace/base/result.hpp"
#include "millrace/loop/blocking_pool.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/pipeline/engine.hpp"
#include "millrace/pipeline/record_sink.hpp"

namespace millrace::pipeline {

class JournalFile;

struct JournalOptions {
  std::filesystem::path folder;
  /// Of the file. When it would be larger than that, it is written anew with what still counts;
  /// when even this is larger, no event is taken until it is smaller.
  std::uint64_t most_bytes = std::uint64_t{1} << 30;
  enum class Sync {
    always,  ///< what counts as accepted is on the disk: it outlives the machine's end, too
    never,   ///< it is the system's: it outlives the engine's end
  };
  Sync sync = Sync::always;
};

/// Keeps what was accepted until it was acted upon, and the state of the rule sets, in a file that
/// a later run reads.
///
/// What goes into the rule sets, and what becomes of actions, are lines, which gather in a buffer
/// while the lines before are being written: each write is one commit of all that has come
/// meanwhile. From time to time a new file is begun with the rule sets' state, and the old one
/// goes. When writing fails, no event is taken any more, and a new file is tried every second.
///
/// Loop thread only.
class Journal final : public RecordSink {
 public:
  struct Environment {
    MainLoop& loop;
    BlockingPool& pool;
    Log& log;
  };
  /// Writes the state of a rule set as lines.
  using Snapshot = std::function<void(std::string& out)>;
  /// The lines of one rule set that an earlier run has left, each with its end.
  using Past = std::vector<std::string_view>;

  Journal(JournalOptions options, Environment environment);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal() override;  ///< after finish(), if it was begun

  /// Reads what is there. Errors: conflict when another process has it, corrupt, unsupported for a
  /// later version's, not_found, permission_denied, io. The message names the file.
  Result<> open();
  /// What is left of a rule set; its texts live as long as the journal, with kTextPadding readable
  /// bytes behind them. Once for each.
  Past take_past(std::string_view rule_set);
  /// A rule set that has taken what is left of it, until it is removed. The file is begun anew when
  /// that changes.
  std::uint64_t add(Snapshot snapshot);
  void remove(std::uint64_t rule_set);
  /// Begins the first file, with the state of all rule sets that were added; what is left of others
  /// is kept as it is. Errors: those of writing.
  Task<Result<>> begin();
  /// Writes what is left. Nothing is taken afterwards. Errors: io, and then it is lost.
  Task<Result<>> finish();

  // For rule sets, after begin().

  bool on() const override { return true; }
  Instant start() const override { return {}; }
  /// Where to append the lines of one thing, all at once.
  std::string& begin_input() override;
  /// Calls `then` when all lines so far are safe; never, if they will not be.
  void when_safe(std::function<void()> then);
  /// Writing is behind, or fails, or the file is full: no event must be taken.
  bool behind() const;
  /// Until behind() may have changed. Errors: cancelled.
  Task<Result<>> wait_for_room() { return room_.wait(); }
  void wake() { room_.notify_all(); }

  const Summary::Journal& totals() const { return totals_; }

 private:
  void schedule();
  Task<> write_queue();
  Task<Result<>> write_lines();
  Task<Result<>> write_anew();
  Task<> retry();
  std::string state_of_all() const;
  bool wants_new_file() const;
  void tell_failure(const Error& why);
  void tell_of_room();

  const JournalOptions options_;
  const Environment environment_;
  const std::unique_ptr<JournalFile> file_;  ///< used by one job of the pool at a time
  std::string past_;
  std::map<std::string, Past, std::less<>> past_by_rule_set_;
  std::map<std::uint64_t, Snapshot> rule_sets_;
  std::uint64_t next_rule_set_ = 0;
  bool changed_ = false;  ///< the rule sets
  std::string buffer_;
  std::string writing_buffer_;  ///< kept for its memory
  std::vector<std::function<void()>> waiting_;
  bool writing_ = false;
  bool begun_ = false;
  bool finishing_ = false;
  bool failing_ = false;
  bool full_ = false;
  std::uint64_t first_bytes_ = 0;  ///< of the file when it was begun
  std::optional<MainLoop::TimerId> retry_;
  Waiters room_;
  Summary::Journal totals_;
  TaskGroup tasks_;
};

}  // namespace millrace::pipeline
