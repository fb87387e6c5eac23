// SPDX-License-Identifier: Apache-2.0
// Reads the literals of Python's expression syntax. Where Python would evaluate, or where JSON has
// no such value (bytes, sets, complex numbers, Ellipsis), there is nothing.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

#include "millrace/event/json.hpp"
#include "millrace/event/python_text.hpp"
#include "number_text.hpp"
#include "utf8.hpp"

namespace millrace {
namespace {

constexpr std::size_t kDeepest = 100;
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool continues_name(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (c & 0x80) != 0;
}

unsigned hex_value(char c) {
  return static_cast<unsigned>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
}

class LiteralReader {
 public:
  explicit LiteralReader(std::string_view text) : text_(text) {}

  std::optional<Value> read() {
    if (text_.contains('\0') || !skip_blank_lines()) return std::nullopt;
    auto value = read_expression_list();
    skip_space(Newlines::skipped);
    return at_ == text_.size() ? std::move(value) : std::nullopt;
  }

 private:
  enum class Newlines { significant, skipped };

  // Lines with nothing but blanks and comments may come first; the expression itself must not be
  // indented.
  bool skip_blank_lines() {
    while (at_ < text_.size()) {
      if (ahead() == '\\' && ahead(1) == '\n') at_ += 2;
      const auto start = at_;
      skip_space(Newlines::significant);
      if (at_ == text_.size()) return false;
      if (text_[at_] != '\n' && text_[at_] != '\r') return at_ == start;
      ++at_;
    }
    return false;
  }

  void skip_space(Newlines newlines) {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool newline = c == '\n' || c == '\r';
      if (c == '#') {
        at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
      } else if (c == '\\' && ahead(1) == '\n' && at_ + 2 < text_.size()) {
        at_ += 2;  // the line goes on
      } else if (c == ' ' || c == '\t' || c == '\f' || (newline && newlines == Newlines::skipped)) {
        ++at_;
      } else {
        return;
      }
    }
  }

  void skip_space() { skip_space(depth_ > 0 ? Newlines::skipped : Newlines::significant); }

  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool next_is(char c) {
    skip_space();
    return at_ < text_.size() && text_[at_] == c;
  }

  char ahead(std::size_t offset = 0) const {
    return at_ + offset < text_.size() ? text_[at_ + offset] : '\0';
  }

  // "1, 2" is a tuple, also without parentheses.
  std::optional<Value> read_expression_list() {
    auto first = read_expression();
    if (!first || !next_is(',')) return first;
    Array items;
    items.push_back(*std::move(first));
    while (take(',')) {
      skip_space();
      if (at_ == text_.size() || ahead() == '\n' || ahead() == '\r') break;
      auto item = read_expression();
      if (!item) return std::nullopt;
      items.push_back(*std::move(item));
    }
    return Value(std::move(items));
  }

  std::optional<Value> read_expression() {
    skip_space();
    const char c = ahead();
    if (c == '[' || c == '(' || c == '{') return read_container(c);
    if (c == '-' || c == '+') return read_signed();
    if (is_digit(c) || (c == '.' && is_digit(ahead(1)))) return read_number(false);
    if (c == '"' || c == '\'') return read_strings();
    return read_word();
  }

  std::optional<Value> read_container(char open) {
    if (depth_ == kDeepest) return std::nullopt;
    ++at_;
    ++depth_;
    auto value = open == '{' ? read_dict() : open == '[' ? read_list() : read_parentheses();
    --depth_;
    return value;
  }

  // Up to the closing bracket, which is taken. `commas` counts those that were written.
  std::optional<Array> read_items(char close, std::size_t& commas) {
    Array items;
    while (!take(close)) {
      if (items.size() > commas) return std::nullopt;
      auto item = read_expression();
      if (!item) return std::nullopt;
      items.push_back(*std::move(item));
      if (take(',')) ++commas;
    }
    return items;
  }

  std::optional<Value> read_list() {
    std::size_t commas = 0;
    auto items = read_items(']', commas);
    return items ? std::optional<Value>(*std::move(items)) : std::nullopt;
  }

  std::optional<Value> read_parentheses() {
    std::size_t commas = 0;
    auto items = read_items(')', commas);
    if (!items) return std::nullopt;
    if (items->size() == 1 && commas == 0) return std::move(items->front());
    return std::optional<Value>(*std::move(items));
  }

  std::optional<Value> read_dict() {
    Object dict;
    bool more = true;
    while (!take('}')) {
      if (!more) return std::nullopt;
      const auto key = read_expression();
      if (!key || key->is_structured() || !take(':')) return std::nullopt;
      auto value = read_expression();
      if (!value) return std::nullopt;
      dict.insert_or_assign(
          key->is_string() ? std::string(view(key->get_string())) : key_text(*key),
          *std::move(value));
      more = take(',');
    }
    return std::optional<Value>(std::move(dict));
  }

  // As json.dumps() writes a key that is not a string.
  static std::string key_text(const Value& key) {
    return key.is_double() ? python_repr(key) : to_json(key);
  }

  std::optional<Value> read_signed() {
    const bool negative = ahead() == '-';
    ++at_;
    std::size_t open = 0;  // -((5))
    while (take('(')) ++open;
    depth_ += open;
    skip_space();
    const bool number = is_digit(ahead()) || (ahead() == '.' && is_digit(ahead(1)));
    auto value = number && depth_ <= kDeepest ? read_number(negative) : std::nullopt;
    for (std::size_t closed = 0; value && closed < open; ++closed) {
      if (!take(')')) return std::nullopt;
      --depth_;
    }
    return value;
  }

  std::optional<Value> read_word() {
    constexpr std::array<std::pair<std::string_view, int>, 3> kWords = {
        {{"None", 0}, {"True", 1}, {"False", 2}}};
    const auto rest = text_.substr(at_);
    for (const auto& [word, which] : kWords) {
      if (!rest.starts_with(word) || continues_name(ahead(word.size()))) continue;
      at_ += word.size();
      if (ahead() == '"' || ahead() == '\'') return std::nullopt;
      return which == 0 ? Value(nullptr) : Value(which == 1);
    }
    return is_string_start() ? read_strings() : std::nullopt;
  }

  // Digits of the base with single underscores between them ("1_000"); empty if there are none or
  // they are misplaced.
  std::string take_digits(std::string_view allowed) {
    std::string digits;
    while (at_ < text_.size()) {
      if (allowed.contains(ahead())) {
        digits += ahead();
        ++at_;
      } else if (ahead() == '_' && !digits.empty() && at_ + 1 < text_.size() &&
                 allowed.contains(ahead(1))) {
        ++at_;
      } else {
        break;
      }
    }
    return digits;
  }

  std::optional<Value> read_number(bool negative) {
    was_float_ = false;
    const bool based = ahead() == '0' && std::string_view("xXoObB").contains(ahead(1));
    auto value = based ? read_based(negative) : read_decimal(negative);
    if (!value || continues_name(ahead())) return std::nullopt;
    // JSON has no infinity: the text stays what it is.
    const bool overflow = value->is_double() && std::isinf(value->get_double());
    return overflow ? std::nullopt : value;
  }

  std::optional<Value> read_based(bool negative) {
    const char letter = static_cast<char>(ahead(1) | 0x20);
    at_ += ahead(2) == '_' ? 3 : 2;
    const auto digits = take_digits(letter == 'x' ? kHexDigits : letter == 'o' ? "01234567" : "01");
    if (digits.empty()) return std::nullopt;
    return integer_value(negative, digits, letter == 'x' ? 16 : letter == 'o' ? 8 : 2);
  }

  std::optional<Value> read_decimal(bool negative) {
    std::string number = take_digits(kDigits);
    const auto whole = number;
    if (ahead() == '.') {
      was_float_ = true;
      number += '.';
      ++at_;
      number += take_digits(kDigits);
    }
    const bool exponent_sign = ahead(1) == '-' || ahead(1) == '+';
    if ((ahead() | 0x20) == 'e' && is_digit(ahead(exponent_sign ? 2 : 1))) {
      was_float_ = true;
      number += 'e';
      if (exponent_sign) number += ahead(1);
      at_ += exponent_sign ? 2 : 1;
      number += take_digits(kDigits);
    }
    if (was_float_) {
      const auto value = parse_decimal(number);
      return value ? std::optional<Value>(negative ? -*value : *value) : std::nullopt;
    }
    const bool leading_zero =
        whole.starts_with('0') && whole.find_first_not_of('0') != std::string::npos;
    if (whole.empty() || leading_zero) return std::nullopt;
    return integer_value(negative, whole, 10);
  }

  // A quote, or a prefix that makes a text ("r", "u") and a quote behind it.
  bool is_string_start() const {
    const char first = ahead();
    if (first == '"' || first == '\'') return true;
    const bool prefix = first == 'r' || first == 'R' || first == 'u' || first == 'U';
    return prefix && (ahead(1) == '"' || ahead(1) == '\'');
  }

  // Strings that stand side by side are one.
  std::optional<Value> read_strings() {
    std::string joined;
    while (is_string_start()) {
      if (!read_string(joined)) return std::nullopt;
      skip_space();
    }
    return Value(boost::json::string_view(joined.data(), joined.size()));
  }

  bool read_string(std::string& out) {
    const bool raw = (ahead() | 0x20) == 'r';
    if (ahead() != '"' && ahead() != '\'') ++at_;
    const std::string quote(1, ahead());
    const bool triple = text_.substr(at_).starts_with(quote + quote + quote);
    const std::string end = triple ? quote + quote + quote : quote;
    at_ += end.size();
    while (at_ < text_.size()) {
      if (text_.substr(at_).starts_with(end)) {
        at_ += end.size();
        return true;
      }
      const char c = ahead();
      if ((c == '\n' || c == '\r') && !triple) return false;
      if (c == '\\') {
        if (!(raw ? copy_raw_escape(out) : read_escape(out))) return false;
      } else {
        copy_character(out);
      }
    }
    return false;
  }

  // Python reads all line ends as "\n".
  void copy_character(std::string& out) {
    const char c = text_[at_++];
    if (c == '\r' && ahead() == '\n') ++at_;
    out += c == '\r' ? '\n' : c;
  }

  bool copy_raw_escape(std::string& out) {
    copy_character(out);
    if (at_ == text_.size()) return false;
    copy_character(out);
    return true;
  }

  bool read_escape(std::string& out) {
    constexpr std::string_view kLetters = "\\'\"abfnrtv";
    constexpr std::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
    ++at_;
    const char c = ahead();
    if (const auto known = kLetters.find(c);
        known != std::string_view::npos && at_ < text_.size()) {
      out += kMeanings[known];
      ++at_;
      return true;
    }
    switch (c) {
      case '\r':
      case '\n': {
        std::string dropped;  // the line goes on
        copy_character(dropped);
        return true;
      }
      case 'x':
        return read_hex(out, 2);
      case 'u':
        return read_hex(out, 4);
      case 'U':
        return read_hex(out, 8);
      case 'N':
        return false;
      default:
        break;
    }
    if (c >= '0' && c <= '7') return read_octal(out);
    out += '\\';
    return true;
  }

  bool read_hex(std::string& out, std::size_t length) {
    ++at_;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < length; ++i, ++at_) {
      if (at_ == text_.size() || !kHexDigits.contains(ahead())) return false;
      value = value << 4 | hex_value(ahead());
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return false;
    append_utf8(out, value);
    return true;
  }

  bool read_octal(std::string& out) {
    std::uint32_t value = 0;
    for (int i = 0; i < 3 && ahead() >= '0' && ahead() <= '7'; ++i, ++at_)
      value = value << 3 | hex_value(ahead());
    append_utf8(out, value);
    return true;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  bool was_float_ = false;  // the last number read
};

}  // namespace

std::optional<Value> python_literal(std::string_view text) { return LiteralReader(text).read(); }

}  // namespace millrace
