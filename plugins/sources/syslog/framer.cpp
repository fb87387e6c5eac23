// SPDX-License-Identifier: Apache-2.0
#include "framer.hpp"

#include <algorithm>

namespace millrace::syslog {
namespace {

// No count is longer; a longer number is the beginning of a line.
constexpr std::size_t kMostDigits = 9;

}  // namespace

void Framer::feed(std::string_view bytes) {
  buffer_.erase(0, begin_);
  begin_ = 0;
  buffer_ += bytes;
}

std::optional<Framer::Frame> Framer::next() {
  while (skip()) {
    std::size_t header = 0;
    std::size_t count = 0;
    const Look found = look(header, count);
    if (found == Look::more) return std::nullopt;
    if (found == Look::count) return next_counted(header, count);
    const auto line = next_line();
    if (!line || line->kind != Frame::Kind::message || !line->text.empty()) return line;
  }
  return std::nullopt;
}

std::optional<Framer::Frame> Framer::end() {
  if (octets_to_skip_ > 0 || skips_line_ || unread().empty()) return std::nullopt;  // told before
  std::size_t header = 0;
  std::size_t count = 0;
  const Look found = look(header, count);
  const auto rest = unread();
  begin_ = buffer_.size();
  if (found == Look::count) return Frame{Frame::Kind::truncated, {}};
  return Frame{Frame::Kind::message, rest};
}

// Drops what belongs to a message that was too long; false: there may be more of it to come.
bool Framer::skip() {
  if (octets_to_skip_ > 0) {
    const auto size = std::min(octets_to_skip_, unread().size());
    begin_ += size;
    octets_to_skip_ -= size;
  }
  if (skips_line_) {
    const auto end = unread().find('\n');
    skips_line_ = end == std::string_view::npos;
    begin_ += skips_line_ ? unread().size() : end + 1;
  }
  return octets_to_skip_ == 0 && !skips_line_;
}

// How the next message is framed; of a counted one, the size of its header and of itself.
Framer::Look Framer::look(std::size_t& header, std::size_t& count) const {
  const auto bytes = unread();
  if (bytes.empty()) return Look::more;
  if (bytes.front() < '1' || bytes.front() > '9') return Look::line;
  std::size_t digits = 0;
  for (; digits < bytes.size() && bytes[digits] >= '0' && bytes[digits] <= '9'; ++digits) {
    if (digits == kMostDigits) return Look::line;
    count = count * 10 + static_cast<std::size_t>(bytes[digits] - '0');
  }
  if (digits == bytes.size()) return Look::more;
  if (bytes[digits] != ' ') return Look::line;
  header = digits + 1;
  if (last_was_counted_) return Look::count;
  if (header == bytes.size()) return Look::more;
  return bytes[header] == '<' ? Look::count : Look::line;
}

std::optional<Framer::Frame> Framer::next_counted(std::size_t header, std::size_t count) {
  if (count > most_) {
    last_was_counted_ = true;
    octets_to_skip_ = header + count;
    skip();
    return Frame{Frame::Kind::too_long, {}};
  }
  if (unread().size() < header + count) return std::nullopt;
  last_was_counted_ = true;
  const auto text = unread().substr(header, count);
  begin_ += header + count;
  return Frame{Frame::Kind::message, text};
}

std::optional<Framer::Frame> Framer::next_line() {
  const auto end = unread().find('\n', searched_);
  const bool ended = end != std::string_view::npos;
  const auto size = ended ? end : unread().size();
  if (size > most_) {
    last_was_counted_ = false;
    searched_ = 0;
    skips_line_ = true;
    skip();
    return Frame{Frame::Kind::too_long, {}};
  }
  if (!ended) {
    searched_ = size;
    return std::nullopt;
  }
  searched_ = 0;
  auto text = unread().substr(0, end);
  begin_ += end + 1;
  while (text.ends_with('\r')) text.remove_suffix(1);
  if (!text.empty()) last_was_counted_ = false;
  return Frame{Frame::Kind::message, text};
}

}  // namespace millrace::syslog
