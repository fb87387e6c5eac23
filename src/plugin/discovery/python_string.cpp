// SPDX-License-Identifier: Apache-2.0
#include "python_string.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "millrace/base/text.hpp"

namespace millrace {
namespace {

constexpr std::size_t kLongestPrefix = 2;
constexpr std::uint32_t kReplacement = 0xFFFD;

bool is_quote(char c) { return c == '"' || c == '\''; }

struct Frame {
  std::size_t prefix = 0;
  std::size_t quotes = 1;  // on each side: 1 or 3
  char quote = '"';
  bool raw = false;

  std::size_t begin() const { return prefix + quotes; }
  bool closes(std::string_view text, std::size_t at) const {
    if (quotes == 1) return text[at] == quote;
    return text.substr(at, 3) == std::string(3, quote);
  }
};

std::optional<Frame> frame_of(std::string_view text) {
  Frame frame;
  while (frame.prefix < text.size() && frame.prefix <= kLongestPrefix &&
         std::string_view("rRbBuUfF").contains(text[frame.prefix]))
    ++frame.prefix;
  if (frame.prefix > kLongestPrefix || frame.prefix >= text.size() || !is_quote(text[frame.prefix]))
    return std::nullopt;
  frame.quote = text[frame.prefix];
  const auto prefix = text.substr(0, frame.prefix);
  frame.raw = prefix.contains('r') || prefix.contains('R');
  if (text.substr(frame.prefix, 3) == std::string(3, frame.quote)) frame.quotes = 3;
  return frame;
}

// Where the content ends: before the closing quotes, if there are any.
std::size_t end_of_content(std::string_view text, const Frame& frame) {
  auto at = frame.begin();
  while (at < text.size() && !frame.closes(text, at)) {
    if (text[at] == '\n' && frame.quotes == 1) return at;
    if (text[at] == '\\') at += text.substr(at + 1, 2) == "\r\n" ? 2 : 1;
    ++at;
  }
  return std::min(at, text.size());
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) code = kReplacement;
  const auto tail = [&](unsigned shift) {
    out += static_cast<char>(0x80 | ((code >> shift) & 0x3F));
  };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

// Digits of the base after a backslash and a letter; nothing if there are fewer than wanted.
std::optional<std::uint32_t> number_of(std::string_view digits, std::size_t wanted, int base) {
  std::uint32_t number = 0;
  if (digits.size() < wanted) return std::nullopt;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + wanted, number, base);
  if (error != std::errc() || end != digits.data() + wanted) return std::nullopt;
  return number;
}

// Appends what an escape stands for; returns its length. `text` begins with the backslash.
std::size_t decode_escape(std::string_view text, std::string& out) {
  constexpr std::string_view kLetters = "abfnrtv\\'\"";
  constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"";
  const char c = text.size() > 1 ? text[1] : '\0';
  if (c == '\n') return 2;
  if (text.substr(1, 2) == "\r\n") return 3;
  if (const auto at = kLetters.find(c); at != std::string_view::npos && text.size() > 1) {
    out += kMeanings[at];
    return 2;
  }
  if (c == 'x' || c == 'u' || c == 'U') {
    const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
    if (const auto code = number_of(text.substr(2), digits, 16)) {
      append_utf8(out, *code);
      return 2 + digits;
    }
  }
  if (c >= '0' && c <= '7') {
    std::size_t digits = 1;
    while (digits < 3 && digits + 1 < text.size() && text[digits + 1] >= '0' &&
           text[digits + 1] <= '7')
      ++digits;
    append_utf8(out, number_of(text.substr(1), digits, 8).value_or(kReplacement));
    return 1 + digits;
  }
  out += '\\';  // as Python: not an escape
  return 1;
}

std::string decode(std::string_view content, bool raw) {
  std::string out;
  out.reserve(content.size());
  while (!content.empty()) {
    std::size_t used = 1;
    if (content.front() == '\\' && !raw) {
      used = decode_escape(content, out);
    } else if (!content.starts_with("\r\n")) {
      out += content.front();
    }
    content.remove_prefix(std::min(used, content.size()));
  }
  return valid_utf8(out);
}

}  // namespace

bool PythonString::starts(std::string_view text) { return frame_of(text).has_value(); }

std::size_t PythonString::length_of(std::string_view text) {
  const auto frame = frame_of(text).value_or(Frame());
  const auto end = end_of_content(text, frame);
  const bool closed = end < text.size() && frame.closes(text, end);
  return closed ? end + frame.quotes : std::max<std::size_t>(end, 1);
}

PythonString PythonString::read(std::string_view text) {
  const auto frame = frame_of(text).value_or(Frame());
  const auto begin = std::min(frame.begin(), text.size());
  const auto end = std::max(end_of_content(text, frame), begin);
  return {.decoded = decode(text.substr(begin, end - begin), frame.raw),
          .content = begin,
          .length = length_of(text)};
}

}  // namespace millrace
