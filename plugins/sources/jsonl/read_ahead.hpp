// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "line_reader.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/plugin/source.hpp"
#include "readiness.hpp"

namespace millrace::jsonl {

/// Reads a file on the pool, one block ahead of whoever takes the lines: at most two blocks are in
/// memory, not counting those that the engine keeps. Loop thread only.
class ReadAhead {
 public:
  ReadAhead(SourceContext& context, std::shared_ptr<BlockStore> store);
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// Begins to read `path` ("-": standard input); again, once the end was reached. Errors: those of
  /// Input::open().
  Task<Result<>> open(const std::string& path);
  /// The next lines, while those behind them are being read already. Errors: cancelled, io.
  Task<Result<Lines>> next();
  /// To be awaited before destruction, whatever happened; last, for it is not cancelled and leaves
  /// the caller deaf to later requests to stop.
  Task<> stop();

 private:
  void start();
  Task<> read();
  Task<Result<Lines>> read_block();

  SourceContext& context_;
  const std::shared_ptr<BlockStore> store_;
  TaskGroup tasks_;
  std::unique_ptr<LineReader> lines_;
  std::unique_ptr<Readiness> readiness_;  ///< of a stream
  std::optional<Result<Lines>> ahead_;
  std::exception_ptr failure_;
  Waiters arrived_;
};

}  // namespace millrace::jsonl
