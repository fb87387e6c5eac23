// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "millrace/base/log.hpp"
#include "millrace/loop/blocking_pool.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/pipeline/engine.hpp"
#include "millrace/pipeline/record.hpp"
#include "millrace/pipeline/record_sink.hpp"

namespace millrace::pipeline {

class RecordFile;

struct RecordOptions {
  std::string file;  ///< empty: nothing is recorded
  /// A file that would be larger is renamed FILE.1, and a new one begun; FILE.1 becomes FILE.2.
  std::uint64_t most_bytes = std::uint64_t{1} << 30;
  std::size_t keep = 3;  ///< renamed files
};

/// Writes what goes into the rule sets of a run, and what fires, to a file, so that the run can be
/// repeated. Lines gather in a buffer, which the pool compresses and writes: when it is full, a
/// second after its first line, and at the end. When that fails, it is logged once and nothing more
/// is recorded. Loop thread only.
class Recorder final : public RecordSink {
 public:
  struct Environment {
    MainLoop& loop;
    BlockingPool& pool;
    Log& log;
  };

  /// `started`, `run` and `part` of the header are filled in.
  Recorder(RecordOptions options, RecordHeader header, Environment environment);
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  ~Recorder() override;  ///< after finish(), if anything was recorded

  /// Before anything is recorded; times are told from then on. A file that is there is kept, as one
  /// that is full. Errors: not_found, permission_denied, io.
  Result<> open();
  /// Writes what is left. Nothing is recorded afterwards.
  Task<> finish();
  /// `bytes` are compressed, and of all files.
  Summary::Record totals() const { return totals_; }

  // For rule sets.

  bool on() const override { return on_; }
  Instant start() const override { return start_; }
  /// Of the next input and its firings.
  std::string& begin_input() override;
  /// The disk is slow: wait before events are read. False when the task was asked to stop.
  bool behind() const { return waiting_bytes_ > kMuch; }
  Task<bool> catch_up();

 private:
  static constexpr std::size_t kMuch = std::size_t{8} << 20;

  void hand_over();
  Task<> write_queue();
  void give_up(const Error& why);

  const RecordOptions options_;
  const Environment environment_;
  const std::unique_ptr<RecordFile> file_;  ///< used by one job of the pool at a time
  Instant start_;
  std::string buffer_;
  std::vector<std::string> spare_;  ///< buffers that were written; kept for their memory
  std::vector<std::string> queue_;  ///< buffers that wait to be written
  std::size_t waiting_bytes_ = 0;   ///< of these, and of those that are being written
  bool on_ = false;
  bool writing_ = false;
  std::optional<MainLoop::TimerId> flush_;
  Waiters room_;
  Summary::Record totals_;
  TaskGroup tasks_;
};

}  // namespace millrace::pipeline
