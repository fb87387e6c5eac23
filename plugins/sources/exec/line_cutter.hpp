// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::exec_source {

/// Whole lines, without their ends (LF or CR LF).
struct Lines {
  struct Line {
    std::string_view text;  ///< into `memory`, with kTextPadding readable bytes behind it
    std::uint64_t number = 0;
  };
  struct TooLong {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
  };
  std::vector<Line> lines;
  std::vector<TooLong> too_long;  ///< lines that were left out
  std::shared_ptr<const void> memory;
};

/// Cuts a stream into lines. Of a line that is too long no more than the limit is gathered.
class LineCutter {
 public:
  explicit LineCutter(std::size_t limit) : limit_(limit) {}

  /// The lines that end in these bytes.
  Lines add(std::string_view bytes);
  /// A last line without an end.
  Lines finish();

 private:
  void skip(std::string_view& bytes, Lines& out);
  void cut(std::string_view bytes, Lines& out);
  void add_line(std::string_view line, Lines& out);

  const std::size_t limit_;
  std::string begun_;
  std::uint64_t skipped_ = 0;  ///< bytes of a too long line so far; 0: not inside one
  std::uint64_t number_ = 0;   ///< of the last line
};

}  // namespace millrace::exec_source
