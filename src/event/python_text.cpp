// SPDX-License-Identifier: Apache-2.0
// Text as Python 3.11 writes it: repr(), str() and pprint.pformat(). Widths count code points, as
// Python's len() does.
#include "millrace/event/python_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "unprintable.hpp"
#include "utf8.hpp"

namespace millrace {
namespace {

constexpr int kLeastFixedExponent = -4;  // outside these a double is written with an exponent
constexpr int kMostFixedExponent = 16;

bool is_printable(char32_t c) {
  if (c < 0x7F) return c >= 0x20;
  const auto after = std::ranges::upper_bound(kUnprintable, c, {}, &CodePointRange::first);
  return after == kUnprintable.begin() || std::prev(after)->last < c;
}

// str.isspace(), which is also the \s of regular expressions.
bool is_space(char32_t c) {
  if (c <= 0x20) return c == 0x20 || (c >= 0x09 && c <= 0x0D) || c >= 0x1C;
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// Where str.splitlines() ends a line.
bool is_line_end(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
         c == 0x2029;
}

// As decode_utf8(), but a byte that is no UTF-8 is a character of its own.
CodePoint next_character(std::string_view text) {
  const auto found = decode_utf8(text);
  return found.length > 0 ? found : CodePoint{static_cast<unsigned char>(text[0]), 1};
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

void append_escape(std::string& out, char32_t c) {
  const auto code = static_cast<unsigned>(c);
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  auto end = std::back_inserter(out);
  if (code <= 0xFF) {
    fmt::format_to(end, "\\x{:02x}", code);
  } else if (code <= 0xFFFF) {
    fmt::format_to(end, "\\u{:04x}", code);
  } else {
    fmt::format_to(end, "\\U{:08x}", code);
  }
}

void append_string(std::string& out, std::string_view text) {
  const char quote = text.contains('\'') && !text.contains('"') ? '"' : '\'';
  out += quote;
  while (!text.empty()) {
    const auto [c, length] = next_character(text);
    if (c == static_cast<char32_t>(quote) || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (is_printable(c) && (c < 0x80 || length > 1)) {
      out += text.substr(0, length);
    } else {
      append_escape(out, c);
    }
    text.remove_prefix(length);
  }
  out += quote;
}

std::string string_repr(std::string_view text) {
  std::string out;
  append_string(out, text);
  return out;
}

// The shortest digits that read back as the same double, laid out as float.__repr__() does.
void append_double(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += std::isnan(number) ? "nan" : number < 0 ? "-inf" : "inf";
    return;
  }
  std::array<char, 32> buffer{};
  const auto* end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                                  std::chars_format::scientific)
                        .ptr;
  const std::string_view text(buffer.data(), end);
  const auto mark = text.find('e');
  const int exponent =
      std::atoi(text.data() + mark + 1);  // NOLINT(cert-err34-c): "e+16" was just written
  if (exponent >= kLeastFixedExponent && exponent < kMostFixedExponent) {
    end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                        std::chars_format::fixed)
              .ptr;
    const std::string_view fixed(buffer.data(), end);
    out += fixed;
    if (!fixed.contains('.')) out += ".0";
  } else {
    out += text;
  }
}

void append_scalar(std::string& out, const Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      out += "None";
      break;
    case boost::json::kind::bool_:
      out += value.get_bool() ? "True" : "False";
      break;
    case boost::json::kind::int64:
      out += std::to_string(value.get_int64());
      break;
    case boost::json::kind::uint64:
      out += std::to_string(value.get_uint64());
      break;
    case boost::json::kind::double_:
      append_double(out, value.get_double());
      break;
    case boost::json::kind::string:
      append_string(out, view(value.get_string()));
      break;
    case boost::json::kind::array:
    case boost::json::kind::object:
      break;
  }
}

using Entries = std::vector<const boost::json::key_value_pair*>;

// Bytes of UTF-8 sort as code points do.
Entries sorted_entries(const Object& object) {
  Entries entries;
  entries.reserve(object.size());
  for (const auto& entry : object) entries.push_back(&entry);
  std::ranges::sort(entries, {}, [](const auto* entry) { return std::string_view(entry->key()); });
  return entries;
}

// repr() on one line.
class Repr {
 public:
  enum class Order { as_stored, sorted };
  explicit Repr(Order order) : order_(order) {}
  /// Writing ends soon after so many columns.
  Repr(Order order, std::ptrdiff_t widest) : order_(order), widest_(widest) {}

  void write(const Value& value) {
    if (value.is_array()) {
      write_array(value.get_array());
    } else if (value.is_object()) {
      write_object(value.get_object());
    } else {
      append_scalar(out_, value);
    }
  }
  /// The text fits; may only be asked when writing has ended.
  bool fits() const { return !is_full() && static_cast<std::ptrdiff_t>(columns(out_)) <= widest_; }
  std::string take() { return std::move(out_); }

 private:
  static constexpr std::ptrdiff_t kBytesInACharacter = 4;

  bool is_full() const {
    return static_cast<std::ptrdiff_t>(out_.size()) / kBytesInACharacter > widest_;
  }

  void write_array(const Array& array) {
    out_ += '[';
    for (const auto& item : array) {
      if (is_full()) return;
      if (&item != array.data()) out_ += ", ";
      write(item);
    }
    out_ += ']';
  }

  void write_object(const Object& object) {
    out_ += '{';
    bool first = true;
    const auto write_entry = [&](const boost::json::key_value_pair& entry) {
      if (is_full()) return;
      if (!std::exchange(first, false)) out_ += ", ";
      append_string(out_, entry.key());
      out_ += ": ";
      write(entry.value());
    };
    if (order_ == Order::sorted) {
      for (const auto* entry : sorted_entries(object)) write_entry(*entry);
    } else {
      for (const auto& entry : object) write_entry(entry);
    }
    out_ += '}';
  }

  const Order order_;
  const std::ptrdiff_t widest_ = std::numeric_limits<std::ptrdiff_t>::max();
  std::string out_;
};

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto [c, length] = next_character(text.substr(at));
    at += length;
    if (!is_line_end(c)) continue;
    if (c == '\r' && text.substr(at).starts_with('\n')) ++at;
    lines.push_back(text.substr(start, at - start));
    start = at;
  }
  if (start < text.size()) lines.push_back(text.substr(start));
  return lines;
}

// Each word together with the space behind it.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t start = 0;
  bool in_space = false;
  for (std::size_t at = 0; at < text.size();) {
    const auto [c, length] = next_character(text.substr(at));
    if (in_space && !is_space(c)) {
      words.push_back(text.substr(start, at - start));
      start = at;
    }
    in_space = is_space(c);
    at += length;
  }
  words.push_back(text.substr(start));
  return words;
}

// pprint.pformat(): what does not fit between the current column and the right margin is broken at
// its commas, and strings at line ends and between words.
class PrettyPrinter {
 public:
  explicit PrettyPrinter(std::size_t width) : width_(static_cast<std::ptrdiff_t>(width)) {}

  // `reserved` columns at the right stay free for what the callers close behind the value.
  void write(const Value& value, std::ptrdiff_t indent, std::ptrdiff_t reserved,
             std::size_t level) {
    const bool can_break = value.is_structured() || value.is_string();
    if (!can_break) return append_scalar(out_, value);
    Repr line(Repr::Order::sorted, width_ - indent - reserved);
    line.write(value);
    if (line.fits()) {
      out_ += line.take();
    } else if (value.is_string()) {
      write_string(view(value.get_string()), indent, reserved, level);
    } else if (value.is_array()) {
      write_array(value.get_array(), indent + 1, reserved + 1, level);
    } else {
      write_object(value.get_object(), indent + 1, reserved + 1, level);
    }
  }
  std::string take() { return std::move(out_); }

 private:
  void write_array(const Array& array, std::ptrdiff_t indent, std::ptrdiff_t reserved,
                   std::size_t level) {
    out_ += '[';
    for (const auto& item : array) {
      const bool last = &item == &array.back();
      write(item, indent, last ? reserved : 1, level + 1);
      if (!last) next_line(",", indent);
    }
    out_ += ']';
  }

  void write_object(const Object& object, std::ptrdiff_t indent, std::ptrdiff_t reserved,
                    std::size_t level) {
    out_ += '{';
    const auto entries = sorted_entries(object);
    for (const auto* entry : entries) {
      const bool last = entry == entries.back();
      const auto key = string_repr(entry->key());
      out_.append(key).append(": ");
      const auto key_width = static_cast<std::ptrdiff_t>(columns(key)) + 2;
      write(entry->value(), indent + key_width, last ? reserved : 1, level + 1);
      if (!last) next_line(",", indent);
    }
    out_ += '}';
  }

  void write_string(std::string_view text, std::ptrdiff_t indent, std::ptrdiff_t reserved,
                    std::size_t level) {
    const bool alone = level == 0;  // within brackets the pieces need no parentheses
    if (alone) {
      ++indent;
      ++reserved;
    }
    const auto pieces = split_string(text, width_ - indent, reserved);
    const bool parentheses = alone && pieces.size() > 1;
    if (parentheses) out_ += '(';
    for (const auto& piece : pieces) {
      if (&piece != pieces.data()) next_line("", indent);
      out_ += piece;
    }
    if (parentheses) out_ += ')';
  }

  static std::vector<std::string> split_string(std::string_view text, std::ptrdiff_t width,
                                               std::ptrdiff_t reserved) {
    std::vector<std::string> pieces;
    const auto lines = lines_of(text);
    for (const auto& line : lines) {
      const std::ptrdiff_t at_end = &line == &lines.back() ? reserved : 0;
      auto whole = string_repr(line);
      if (fits(whole, width - at_end)) {
        pieces.push_back(std::move(whole));
      } else {
        fill(pieces, words_of(line), width, at_end);
      }
    }
    if (pieces.empty()) pieces.push_back(string_repr(text));
    return pieces;
  }

  // As many words to a piece as fit; a longer word makes a piece of its own.
  static void fill(std::vector<std::string>& pieces, const std::vector<std::string_view>& words,
                   std::ptrdiff_t width, std::ptrdiff_t at_end) {
    std::string_view piece = words.front().substr(0, 0);
    for (const auto& word : words) {
      const std::string_view longer(
          piece.data(), piece.size() + word.size());  // the words lie one behind the other
      const bool last = &word == &words.back();
      if (fits(string_repr(longer), last ? width - at_end : width)) {
        piece = longer;
      } else {
        if (!piece.empty()) pieces.push_back(string_repr(piece));
        piece = word;
      }
    }
    if (!piece.empty()) pieces.push_back(string_repr(piece));
  }

  static bool fits(const std::string& text, std::ptrdiff_t width) {
    return static_cast<std::ptrdiff_t>(columns(text)) <= width;
  }

  void next_line(std::string_view end, std::ptrdiff_t indent) {
    out_.append(end).append(1, '\n').append(static_cast<std::size_t>(indent), ' ');
  }

  const std::ptrdiff_t width_;
  std::string out_;
};

}  // namespace

std::string python_repr(const Value& value) {
  Repr repr(Repr::Order::as_stored);
  repr.write(value);
  return repr.take();
}

std::string python_str(const Value& value) {
  return value.is_string() ? std::string(view(value.get_string())) : python_repr(value);
}

std::string python_pformat(const Value& value, std::size_t width) {
  PrettyPrinter printer(width);
  printer.write(value, 0, 0, 0);
  return printer.take();
}

std::string_view python_type(const Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return "NoneType";
    case boost::json::kind::bool_:
      return "bool";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
      return "int";
    case boost::json::kind::double_:
      return "float";
    case boost::json::kind::string:
      return "str";
    case boost::json::kind::array:
      return "list";
    case boost::json::kind::object:
      break;
  }
  return "dict";
}

}  // namespace millrace
