// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace millrace {

/// The terminal's columns; 80 where there is no terminal.
std::size_t terminal_width(int fd);

/// A line at the foot of a terminal that is rewritten in place. Whoever else writes to the terminal
/// hides it meanwhile, so that lines never run into each other. Usable from any thread. Writing
/// never fails towards the caller.
class StatusLine {
 public:
  /// As long as it lives, the line is not on the terminal.
  class Hidden {
   private:
    friend class StatusLine;
    explicit Hidden(std::mutex& mutex) : lock_(mutex) {}
    std::unique_lock<std::mutex> lock_;
  };

  /// `fd` is a terminal that understands escape sequences, and is not owned.
  explicit StatusLine(int fd) : fd_(fd) {}
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;
  ~StatusLine() { erase(); }

  /// `text` is printable ASCII; what does not fit into the terminal's width is cut off. Does
  /// nothing while the terminal would make the caller wait, and while the program is in the
  /// background.
  void show(std::string_view text);
  void erase();
  [[nodiscard]] Hidden hide();

 private:
  bool can_write() const;
  void erase_shown();

  const int fd_;
  std::mutex mutex_;
  std::string shown_;  ///< guarded by mutex_; empty: nothing is
};

}  // namespace millrace
