// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/base/terminal.hpp"

namespace millrace {

/// Standard output, where results go. Loop thread only. Errors (io: disk full; unavailable: the
/// reader is gone) reach the action that printed.
class Output {
 public:
  /// `width` of banners: the terminal's columns, 80 elsewhere. `status` is hidden while something
  /// is written; nullptr: none.
  Output(int fd, std::size_t width, StatusLine* status = nullptr)
      : fd_(fd), width_(width), status_(status) {}

  Result<> write(std::string_view text);
  /// The original's frame: an empty line, "** local time [name] ****", the content, a line of
  /// stars.
  Result<> banner(WallTime time, std::string_view name, std::string_view content);

  /// Whether a terminal shows it.
  bool is_terminal() const;
  /// Whether the reader has gone away (a closed pipe): nothing can be printed any more.
  bool closed() const { return closed_; }

 private:
  const int fd_;
  const std::size_t width_;
  StatusLine* const status_;
  bool closed_ = false;
};

}  // namespace millrace
