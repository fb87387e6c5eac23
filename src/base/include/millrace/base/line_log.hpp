// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "millrace/base/log.hpp"

namespace millrace {

/// Writes what a process prints into the log, line by line. Of a longer line kLongest bytes are
/// kept.
class LineLog {
 public:
  LineLog(Log& log, LogLevel level, std::string component)
      : log_(log), level_(level), component_(std::move(component)) {}

  void add(std::string_view bytes);
  /// A line without an end counts too.
  void finish();
  /// The last line that was not empty.
  const std::string& last() const { return last_; }

  static constexpr std::size_t kLongest = 4096;

 private:
  void keep(std::string_view bytes);
  void write();

  Log& log_;
  const LogLevel level_;
  const std::string component_;
  std::string line_;
  std::string last_;
  bool cut_ = false;
};

}  // namespace millrace
