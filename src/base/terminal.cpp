// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/terminal.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "millrace/base/files.hpp"

namespace millrace {
namespace {

constexpr std::size_t kUsualWidth = 80;
constexpr std::string_view kToLineStart = "\r";
constexpr std::string_view kEraseToLineEnd = "\x1b[K";

}  // namespace

std::size_t terminal_width(int fd) {
  struct winsize size{};
  if (::isatty(fd) != 1 || ::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return kUsualWidth;
  return size.ws_col;
}

void StatusLine::show(std::string_view text) {
  const std::lock_guard lock(mutex_);
  // The last column stays free: many terminals go to the next line once it is filled.
  text = text.substr(0, terminal_width(fd_) - 1);
  if (text == shown_ || !can_write()) return;
  shown_ = text;
  static_cast<void>(
      write_all(fd_, fmt::format("{}{}{}", kToLineStart, text, kEraseToLineEnd)).has_value());
}

void StatusLine::erase() {
  const std::lock_guard lock(mutex_);
  erase_shown();
}

StatusLine::Hidden StatusLine::hide() {
  Hidden hidden(mutex_);
  erase_shown();
  return hidden;
}

// A terminal that was halted (Ctrl-S) takes nothing; one that belongs to another job is none of our
// business.
bool StatusLine::can_write() const {
  const auto foreground = ::tcgetpgrp(fd_);  // -1: not the terminal that controls this process
  if (foreground >= 0 && foreground != ::getpgrp()) return false;
  struct pollfd terminal{.fd = fd_, .events = POLLOUT, .revents = 0};
  return ::poll(&terminal, 1, 0) == 1 && (terminal.revents & POLLOUT) != 0;
}

void StatusLine::erase_shown() {
  if (shown_.empty()) return;
  shown_.clear();
  static_cast<void>(write_all(fd_, fmt::format("{}{}", kToLineStart, kEraseToLineEnd)).has_value());
}

}  // namespace millrace
