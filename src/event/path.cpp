// SPDX-License-Identifier: Apache-2.0
#include "millrace/event/path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <system_error>

#include "utf8.hpp"

namespace millrace {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// What lies beyond ASCII and is no letter, mark or digit: blocks of punctuation, symbols and
// blanks. Everything else counts as a letter, which spares the tables of every script.
constexpr std::array kNoLetters = {
    Range{0x80, 0xA9},      Range{0xAB, 0xB4},     Range{0xB6, 0xB9},     Range{0xBB, 0xBF},
    Range{0xD7, 0xD7},      Range{0xF7, 0xF7},     Range{0x2000, 0x206F}, Range{0x20A0, 0x20CF},
    Range{0x2190, 0x2BFF},  Range{0x2E00, 0x2E7F}, Range{0x3000, 0x3004}, Range{0x3008, 0x3020},
    Range{0xD800, 0xF8FF},  Range{0xFE10, 0xFE1F}, Range{0xFE30, 0xFE6F}, Range{0xFF01, 0xFF0F},
    Range{0xFF1A, 0xFF20},  Range{0xFF3B, 0xFF40}, Range{0xFF5B, 0xFF65}, Range{0xFFE0, 0xFFFF},
    Range{0x1F000, 0x1FAFF}};

constexpr Range kCombiningMarks = {0x300, 0x36F};

bool lies_in(const Range& range, char32_t c) { return c >= range.first && c <= range.last; }

bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }

bool continues_name(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
  return std::ranges::none_of(kNoLetters, [c](const Range& range) { return lies_in(range, c); });
}

bool starts_name(char32_t c) {
  return continues_name(c) && !is_digit(c) && !lies_in(kCombiningMarks, c);
}

// What stands between the quotes that `text` opens with; `text` is left behind them.
Result<std::string> take_quoted_key(std::string_view& text) {
  const auto end = text.find(text[0], 1);
  if (end == std::string_view::npos || text.substr(0, end).contains('\n')) {
    return fail(Errc::invalid_rule, "the quote of a key in brackets must be closed on its line");
  }
  std::string key(text.substr(1, end - 1));
  text.remove_prefix(end + 1);
  return key;
}

Result<Path::Index> take_index(std::string_view& text) {
  std::string_view digits = text;
  if (digits.starts_with('+') && !digits.substr(1).starts_with('-')) digits.remove_prefix(1);
  Path::Index index = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (fault == std::errc::result_out_of_range) {
    return fail(Errc::invalid_rule, "an index must fit in 64 bits");
  }
  if (fault != std::errc()) {
    return fail(Errc::invalid_rule, "brackets must hold a whole number or a quoted key, no blanks");
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return index;
}

Result<Path::Segment> take_brackets(std::string_view& text) {
  text.remove_prefix(1);
  std::optional<Path::Segment> segment;
  if (text.starts_with('\'') || text.starts_with('"')) {
    auto key = take_quoted_key(text);
    if (!key) return key.error();
    segment = Path::Key{std::move(*key), /*dotted=*/false};
  } else {
    auto index = take_index(text);
    if (!index) return index.error();
    segment = *index;
  }
  if (!text.starts_with(']')) return fail(Errc::invalid_rule, "a bracket must be closed by `]`");
  text.remove_prefix(1);
  return std::move(*segment);
}

Result<Path::Segment> take_name(std::string_view& text) {
  const std::size_t length = name_length(text);
  if (length == 0) {
    return fail(Errc::invalid_rule,
                "a name must follow the dot (an index is written [0], any other key [\"a key\"])");
  }
  Path::Key key{std::string(text.substr(0, length)), /*dotted=*/true};
  text.remove_prefix(length);
  return key;
}

const Value* element(const Array& list, Path::Index index) {
  const auto size = static_cast<Path::Index>(list.size());
  if (index < 0) index += size;
  return index >= 0 && index < size ? &list[static_cast<std::size_t>(index)] : nullptr;
}

// The values that the objects of the list have under the key; nothing when there is none.
std::optional<Array> collect(const Array& list, std::string_view key) {
  Array found;
  bool any = false;
  for (const Value& item : list) {
    const Value* value = item.is_object() ? item.get_object().if_contains(key) : nullptr;
    if (value == nullptr) continue;
    any = true;
    if (value->is_array()) {
      for (const Value& inner : value->get_array()) found.emplace_back(Value(inner, {}));
    } else {
      found.emplace_back(Value(*value, {}));
    }
  }
  if (!any || found.empty()) return std::nullopt;
  return found;
}

const Value* step(const Value& value, const Path::Segment& segment) {
  if (const auto* index = std::get_if<Path::Index>(&segment)) {
    return value.is_array() ? element(value.get_array(), *index) : nullptr;
  }
  return value.is_object() ? value.get_object().if_contains(std::get<Path::Key>(segment).name)
                           : nullptr;
}

bool maps(const Value& value, const Path::Segment& segment) {
  const auto* key = std::get_if<Path::Key>(&segment);
  return key != nullptr && key->dotted && value.is_array();
}

}  // namespace

std::size_t name_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size()) {
    const auto next = decode_utf8(text.substr(length));
    if (next.length == 0 || !(length == 0 ? starts_name : continues_name)(next.value)) break;
    length += next.length;
  }
  return length;
}

Result<Path> Path::take(std::string_view& text) {
  std::vector<Segment> segments;
  while (text.starts_with('.') || text.starts_with('[')) {
    const bool dotted = text.starts_with('.');
    if (dotted) text.remove_prefix(1);
    auto segment = dotted ? take_name(text) : take_brackets(text);
    if (!segment) return segment.error();
    segments.push_back(std::move(*segment));
  }
  return Path(std::move(segments));
}

Result<Path> Path::parse(std::string_view text) {
  std::string dotted(text);
  if (!text.starts_with('[')) dotted.insert(0, 1, '.');
  std::string_view rest = dotted;
  auto path = take(rest);
  if (!path) return std::move(path.error()).with_context(fmt::format("path `{}`", text));
  if (!rest.empty()) {
    return fail(Errc::invalid_rule, "path `{}`: `{}` is not part of a path", text, rest);
  }
  return path;
}

std::string_view Path::first_key() const {
  if (segments_.empty()) return {};
  const auto* key = std::get_if<Key>(&segments_.front());
  return key != nullptr ? std::string_view(key->name) : std::string_view();
}

Path Path::rest() const {
  if (segments_.empty()) return {};
  return Path({segments_.begin() + 1, segments_.end()});
}

std::string Path::to_string() const {
  std::string out;
  for (const Segment& segment : segments_) {
    if (const auto* index = std::get_if<Index>(&segment)) {
      out += fmt::format("[{}]", *index);
    } else if (const Key& key = std::get<Key>(segment); key.dotted) {
      out += out.empty() ? key.name : "." + key.name;
    } else {
      const char quote = key.name.contains('"') ? '\'' : '"';
      out += fmt::format("[{1}{0}{1}]", key.name, quote);
    }
  }
  return out;
}

Found find(const Value& root, const Path& path) {
  const Value* current = &root;
  Value made;  // what a dotted key over a list gave; `current` may point into it
  bool is_made = false;
  for (const auto& segment : path.segments()) {
    if (current->is_null()) break;
    if (maps(*current, segment)) {
      auto found = collect(current->get_array(), std::get<Path::Key>(segment).name);
      if (!found) return {};
      made = std::move(*found);
      current = &made;
      is_made = true;
    } else {
      current = step(*current, segment);
      if (current == nullptr) return {};
    }
  }
  return is_made ? Found(Value(*current, {})) : Found(*current);
}

}  // namespace millrace
