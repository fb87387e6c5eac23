// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::syslog {

/// Finds the messages in a stream of bytes (RFC 6587): each is either counted ("11 <34>1 …") or
/// ends with a line feed. Which of the two is told by the message itself: a count is a number, a
/// blank and a "<". Where all is counted, so are messages that do not begin with "<".
///
///     framer.feed(bytes);
///     while (const auto frame = framer.next()) …
///
/// Holds no more than one message of the greatest size and what was fed last.
class Framer {
 public:
  struct Frame {
    enum class Kind {
      message,
      too_long,   ///< more bytes than allowed: they are skipped
      truncated,  ///< the stream ended before the message did
    };
    Kind kind = Kind::message;
    std::string_view text;  ///< of a message; until the next call of feed()
  };

  explicit Framer(std::size_t most) : most_(most) {}

  /// Only after next() has answered with nothing.
  void feed(std::string_view bytes);
  /// Empty lines are passed over.
  std::optional<Frame> next();
  /// What is left when the stream has ended: a line may do without its end, a count may not.
  std::optional<Frame> end();

 private:
  enum class Look { count, line, more };
  Look look(std::size_t& header, std::size_t& count) const;
  std::optional<Frame> next_counted(std::size_t header, std::size_t count);
  std::optional<Frame> next_line();
  bool skip();
  std::string_view unread() const { return std::string_view(buffer_).substr(begin_); }

  const std::size_t most_;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t searched_ = 0;  ///< of the unread bytes, how many hold no line feed
  std::size_t octets_to_skip_ = 0;
  bool skips_line_ = false;
  bool last_was_counted_ = false;
};

}  // namespace millrace::syslog
