// SPDX-License-Identifier: Apache-2.0
// A scalar's text and its source hold the same characters in the same order, but for blanks, line
// breaks and escapes. So both are walked side by side, and each byte of the text gets the place at
// which the walk has arrived in the source.
#include "condition_places.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace millrace::rules {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

SourceText::SourceText(std::string_view text) : text_(text), lines_{0} {
  for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', end + 1)) {
    lines_.push_back(end + 1);
  }
}

std::optional<std::size_t> SourceText::offset_of(const Location& where) const {
  if (where.line == 0 || where.column == 0 || where.line > lines_.size()) return std::nullopt;
  const std::size_t offset = lines_[where.line - 1] + where.column - 1;
  return offset < text_.size() ? std::optional(offset) : std::nullopt;
}

class Places::Aligner {
 public:
  Aligner(std::string_view source, std::size_t at, const Location& where)
      : source_(source), at_(at), line_(where.line), column_(where.column) {}

  std::optional<std::vector<Place>> run(const YamlNode& scalar) {
    if (scalar.style == YamlNode::Style::block && !skip_block_header()) return std::nullopt;
    const char quote = scalar.style == YamlNode::Style::quoted ? current() : '\0';
    if (scalar.style == YamlNode::Style::quoted) {
      if (quote != '"' && quote != '\'') return std::nullopt;
      advance();
    }
    std::vector<Place> places;
    for (const char c : scalar.text) {
      if (is_blank(c) && !is_blank(current())) {
        skip_escaped_blank(c, quote, places);
      } else if (is_blank(c)) {
        take_blank(c, places);
      } else if (!take(c, quote, places)) {
        return std::nullopt;
      }
    }
    places.push_back({line_, column_});
    return places;
  }

 private:
  char current(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  void advance() {
    if (at_ >= source_.size()) return;
    if (source_[at_++] == '\n') {
      ++line_;
      column_ = 1;
    } else {
      ++column_;
    }
  }
  void skip_blanks() {
    while (is_blank(current())) advance();
  }

  bool skip_block_header() {
    if (current() != '|' && current() != '>') return false;
    const std::size_t line = line_;
    while (at_ < source_.size() && line_ == line) advance();
    skip_blanks();
    return true;
  }

  void take_blank(char c, std::vector<Place>& places) {
    places.push_back({line_, column_});
    if (c == current()) advance();
  }

  // A blank of the text that the source writes as an escape.
  void skip_escaped_blank(char c, char quote, std::vector<Place>& places) {
    places.push_back({line_, column_});
    constexpr std::string_view kLetters = "ntr ";
    constexpr std::string_view kCharacters = "\n\t\r ";
    if (quote != '"' || current() != '\\') return;
    const auto letter = kLetters.find(current(1));
    if (letter == std::string_view::npos || kCharacters[letter] != c) return;
    advance();
    advance();
  }

  bool take(char c, char quote, std::vector<Place>& places) {
    skip_blanks();
    while (quote == '"' && current() == '\\' && current(1) == '\n') {  // a joined line
      advance();
      skip_blanks();
    }
    places.push_back({line_, column_});
    const bool doubled = quote == '\'' && c == '\'' && current(1) == '\'';
    const bool escaped = quote == '"' && current() == '\\' && (c == '"' || c == '\\' || c == '/');
    if (doubled || escaped) advance();
    if (current() != c) return false;
    advance();
    return true;
  }

  std::string_view source_;
  std::size_t at_;
  std::size_t line_;
  std::size_t column_;
};

Places::Places(std::string_view text, const Location& where) : file_(where.file) {
  Place place{where.line, where.column};
  for (const char c : text) {
    add(place);
    if (c == '\n') {
      place = {place.line + 1, where.column};
    } else {
      ++place.column;
    }
  }
  add(place);
}

Places Places::of_scalar(const YamlNode& scalar, const SourceText& file) {
  Places places(scalar.where.file);
  if (const auto at = file.offset_of(scalar.where)) {
    if (const auto found = Aligner(file.text(), *at, scalar.where).run(scalar)) {
      for (const Place& place : *found) places.add(place);
      return places;
    }
  }
  places.add({scalar.where.line, scalar.where.column});
  return places;
}

void Places::add(Place next) {
  const std::size_t offset = size_++;
  if (!runs_.empty()) {
    const auto& [start, place] = runs_.back();
    if (next.line == place.line && next.column == place.column + offset - start) return;
  }
  runs_.push_back({offset, next});
}

Places::Place Places::place_of(std::size_t offset) const {
  const auto after = std::ranges::upper_bound(runs_, offset, {}, &Run::offset);
  const auto& [start, place] = *std::prev(after);
  return {place.line, place.column + offset - start};
}

Location Places::at(std::size_t offset, std::size_t length) const {
  const std::size_t first = std::min(offset, size_ - 1);
  const std::size_t end = std::min(offset + std::max<std::size_t>(length, 1), size_);
  const Place begin = place_of(first);
  Location where{file_, begin.line, begin.column, 1};
  for (std::size_t i = first; i < end; ++i) {
    const Place place = place_of(i);
    if (place.line != begin.line) break;
    where.length = std::max(where.length, place.column - std::min(where.column, place.column) + 1);
  }
  return where;
}

}  // namespace millrace::rules
