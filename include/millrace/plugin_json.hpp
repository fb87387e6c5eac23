// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "millrace/plugin.h"

// Hidden: each plugin keeps its own, of its own version.
#pragma GCC visibility push(hidden)
namespace millrace::plugin {

/// What a plugin throws to fail with a status of its choice; any other exception is
/// MILLRACE_FAILED.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, millrace_status status = MILLRACE_FAILED)
      : std::runtime_error(message), status_(status) {}
  millrace_status status() const { return status_; }

 private:
  millrace_status status_;
};

/// One entry of an object. A template because it is used in the class that it holds.
template <class Value>
struct JsonMember {
  JsonMember(std::string member_name, Value member_value)
      : name(std::move(member_name)), value(std::move(member_value)) {}
  friend bool operator==(const JsonMember& a, const JsonMember& b) {
    return a.name == b.name && a.value == b.value;
  }

  std::string name;
  Value value;
};

/// A JSON value: as much as events and settings need. Objects keep the order of their members,
/// and are searched from end to end.
class Json {
 public:
  using Member = JsonMember<Json>;
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;

  Json() = default;
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  template <class Number, std::enable_if_t<std::is_arithmetic_v<Number>, int> = 0>
  Json(Number value) {
    if constexpr (std::is_floating_point_v<Number>) {
      value_ = static_cast<double>(value);
    } else if constexpr (std::is_unsigned_v<Number> && sizeof(Number) == sizeof(std::uint64_t)) {
      if (value > static_cast<Number>(std::numeric_limits<std::int64_t>::max())) {
        value_ = static_cast<std::uint64_t>(value);
      } else {
        value_ = static_cast<std::int64_t>(value);
      }
    } else {
      value_ = static_cast<std::int64_t>(value);
    }
  }
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  /// An object: `Json{{"name", "a"}, {"size", 5}}`.
  Json(std::initializer_list<Member> members);

  static Json object();
  static Json array(std::initializer_list<Json> items = {}) { return Json(Array(items)); }
  /// Throws Error: MILLRACE_INVALID_EVENT, with the position.
  static Json parse(std::string_view text);
  /// Compact. Bytes that are no UTF-8 become U+FFFD; NaN and infinity become null.
  std::string text() const;
  /// The same, appended.
  void append_to(std::string& out) const;

  bool is_null() const { return is<std::monostate>(); }
  bool is_string() const { return is<std::string>(); }
  bool is_integer() const { return is<std::int64_t>(); }
  bool is_number() const { return is_integer() || is<std::uint64_t>() || is<double>(); }
  bool is_boolean() const { return is<bool>(); }
  bool is_array() const { return is<Array>(); }
  bool is_object() const { return is<Object>(); }

  // The value as a type. They throw Error (MILLRACE_INVALID_EVENT) for another one.
  const std::string& string() const { return get<std::string>("string"); }
  std::int64_t integer() const { return get<std::int64_t>("integer"); }
  double number() const;
  bool boolean() const { return get<bool>("boolean"); }
  const Array& items() const { return get<Array>("list"); }
  const Object& members() const { return get<Object>("object"); }

  std::string string_or(std::string otherwise) const { return is_string() ? string() : otherwise; }
  std::int64_t integer_or(std::int64_t otherwise) const {
    return is_integer() ? integer() : otherwise;
  }
  double number_or(double otherwise) const { return is_number() ? number() : otherwise; }
  bool boolean_or(bool otherwise) const { return is_boolean() ? boolean() : otherwise; }

  /// nullptr if this is no object, or has no such member.
  const Json* find(std::string_view name) const;
  /// null if there is none, so that a["b"]["c"] reads what may be missing.
  const Json& operator[](std::string_view name) const;
  const Json& operator[](const char* name) const { return (*this)[std::string_view(name)]; }
  /// Makes the member; and an object of null. Throws Error for another type.
  Json& operator[](std::string_view name);
  Json& operator[](const char* name) { return (*this)[std::string_view(name)]; }
  /// Whether there was one.
  bool erase(std::string_view name);
  /// Appends to a list; makes a list of null. Throws Error for another type.
  void push_back(Json item);

  friend bool operator==(const Json& a, const Json& b) { return a.value_ == b.value_; }
  friend bool operator!=(const Json& a, const Json& b) { return !(a == b); }

 private:
  class Parser;
  template <class T>
  bool is() const {
    return std::holds_alternative<T>(value_);
  }
  template <class T>
  const T& get(const char* wanted) const {
    if (const auto* found = std::get_if<T>(&value_)) return *found;
    throw Error(std::string("not a JSON ") + wanted + ": " + text().substr(0, 80),
                MILLRACE_INVALID_EVENT);
  }
  static void write_string(std::string_view text, std::string& out);

  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Array,
               Object>
      value_;
};

inline Json::Json(std::initializer_list<Member> members) : value_(Object(members)) {}

inline Json Json::object() {
  Json made;
  made.value_ = Object();
  return made;
}

inline double Json::number() const {
  if (const auto* whole = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*whole);
  if (const auto* whole = std::get_if<std::uint64_t>(&value_)) return static_cast<double>(*whole);
  return get<double>("number");
}

inline const Json* Json::find(std::string_view name) const {
  const auto* object = std::get_if<Object>(&value_);
  if (object == nullptr) return nullptr;
  for (const auto& member : *object) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

inline const Json& Json::operator[](std::string_view name) const {
  static const Json kNull;
  const auto* found = find(name);
  return found == nullptr ? kNull : *found;
}

inline Json& Json::operator[](std::string_view name) {
  if (is_null()) value_ = Object();
  members();  // throws
  auto& object = std::get<Object>(value_);
  for (auto& member : object) {
    if (member.name == name) return member.value;
  }
  return object.emplace_back(std::string(name), Json()).value;
}

inline bool Json::erase(std::string_view name) {
  auto* object = std::get_if<Object>(&value_);
  if (object == nullptr) return false;
  for (auto member = object->begin(); member != object->end(); ++member) {
    if (member->name != name) continue;
    object->erase(member);
    return true;
  }
  return false;
}

inline void Json::push_back(Json item) {
  if (is_null()) value_ = Array();
  items();  // throws
  std::get<Array>(value_).push_back(std::move(item));
}

// --- writing

inline std::string Json::text() const {
  std::string out;
  append_to(out);
  return out;
}

inline void Json::append_to(std::string& out) const {
  char digits[32];
  const auto add_number = [&](auto number) {
    out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
  };
  if (const auto* whole = std::get_if<std::int64_t>(&value_)) return add_number(*whole);
  if (const auto* whole = std::get_if<std::uint64_t>(&value_)) return add_number(*whole);
  if (const auto* boolean = std::get_if<bool>(&value_)) {
    out += *boolean ? "true" : "false";
  } else if (const auto* real = std::get_if<double>(&value_); real && std::isfinite(*real)) {
    const auto begin = out.size();
    add_number(*real);
    if (out.find_first_of(".e", begin) == std::string::npos) out += ".0";
  } else if (const auto* string = std::get_if<std::string>(&value_)) {
    write_string(*string, out);
  } else if (const auto* array = std::get_if<Array>(&value_)) {
    out += '[';
    for (const auto& item : *array) {
      if (&item != array->data()) out += ',';
      item.append_to(out);
    }
    out += ']';
  } else if (const auto* object = std::get_if<Object>(&value_)) {
    out += '{';
    for (const auto& member : *object) {
      if (&member != object->data()) out += ',';
      write_string(member.name, out);
      out += ':';
      member.value.append_to(out);
    }
    out += '}';
  } else {
    out += "null";
  }
}

namespace detail {

// Bytes of the UTF-8 sequence that `text` begins with; 0 if it begins with none.
inline std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool wrong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F) ||
                     (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F);
  return wrong ? 0 : length;
}

inline void add_utf8(std::uint32_t code, std::string& out) {
  const auto add = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0 | (code >> 6));
    add(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    add(0xE0 | (code >> 12));
    add(0x80 | ((code >> 6) & 0x3F));
    add(0x80 | (code & 0x3F));
  } else {
    add(0xF0 | (code >> 18));
    add(0x80 | ((code >> 12) & 0x3F));
    add(0x80 | ((code >> 6) & 0x3F));
    add(0x80 | (code & 0x3F));
  }
}

}  // namespace detail

inline void Json::write_string(std::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; };
  out += '"';
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && is_plain(text[plain])) ++plain;
    out.append(text.data(), plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const auto length = detail::utf8_length(text);
    const auto first = static_cast<unsigned char>(text.front());
    if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else if (first == '"' || first == '\\') {
      out += '\\';
      out += text.front();
    } else if (first < 0x20) {
      out += "\\u00";
      out += kHex[first >> 4];
      out += kHex[first & 15];
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

// --- reading

class Json::Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Json whole() {
    Json value = next(0);
    skip_blanks();
    if (at_ != text_.size()) fail("something follows");
    return value;
  }

 private:
  static constexpr int kMostDepth = 128;

  [[noreturn]] void fail(const char* what) const {
    throw Error(std::string("not JSON: ") + what + " at byte " + std::to_string(at_),
                MILLRACE_INVALID_EVENT);
  }
  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }
  bool take(char wanted) {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  Json next(int depth) {
    if (depth > kMostDepth) fail("nested too deeply");
    if (take('{')) return object(depth);
    if (take('[')) return array(depth);
    if (take('"')) return string();
    if (take_word("true")) return true;
    if (take_word("false")) return false;
    if (take_word("null")) return nullptr;
    return number();
  }
  Json object(int depth) {
    Json made = Json::object();
    if (take('}')) return made;
    do {
      if (!take('"')) fail("a name is missing");
      const auto name = string();
      if (!take(':')) fail("a colon is missing");
      made[name] = next(depth + 1);
    } while (take(','));
    if (!take('}')) fail("a brace is missing");
    return made;
  }
  Json array(int depth) {
    Array items;
    if (take(']')) return items;
    do {
      items.push_back(next(depth + 1));
    } while (take(','));
    if (!take(']')) fail("a bracket is missing");
    return items;
  }
  std::string string() {
    std::string out;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (static_cast<unsigned char>(text_[at_]) < 0x20) fail("a control character");
      if (text_[at_] == '\\') {
        ++at_;
        escape(out);
      } else {
        out += text_[at_++];
      }
    }
    if (at_ == text_.size()) fail("a string has no end");
    ++at_;
    return out;
  }
  void escape(std::string& out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    if (at_ == text_.size()) fail("a string has no end");
    const char letter = text_[at_++];
    if (letter != 'u') {
      const auto which = kLetters.find(letter);
      if (which == kLetters.npos) fail("an unknown escape");
      out += kMeant[which];
      return;
    }
    auto code = hex4();
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      const auto back = at_;
      at_ += 2;
      const auto low = hex4();
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else {
        at_ = back;
      }
    }
    detail::add_utf8(code >= 0xD800 && code < 0xE000 ? 0xFFFD : code, out);
  }
  std::uint32_t hex4() {
    std::uint32_t code = 0;
    const auto digits = text_.substr(at_, 4);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() < 4 || error != std::errc() || end != digits.data() + 4) fail("a bad escape");
    at_ += 4;
    return code;
  }
  template <class Number>
  bool read(std::string_view digits, Number& number) const {
    const auto* end = digits.data() + digits.size();
    const auto result = std::from_chars(digits.data(), end, number);
    return result.ec == std::errc() && result.ptr == end;
  }
  Json number() {
    skip_blanks();
    const auto digits = text_.substr(at_, text_.find_first_not_of("+-.0123456789eE", at_) - at_);
    const auto first = digits.find_first_of("0123456789");
    if (first > 1 || (first == 1 && digits[0] != '-')) fail("a value is missing");
    std::int64_t whole = 0;
    std::uint64_t large = 0;
    double real = 0;
    Json made;
    if (read(digits, whole)) {
      made = whole;
    } else if (read(digits, large)) {
      made = large;
    } else if (read(digits, real)) {
      made = real;
    } else {
      fail("a bad number");
    }
    at_ += digits.size();
    return made;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

inline Json Json::parse(std::string_view text) { return Parser(text).whole(); }

}  // namespace millrace::plugin
#pragma GCC visibility pop
