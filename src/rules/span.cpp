// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <system_error>

#include "millrace/rules/rulebook.hpp"

namespace millrace::rules {
namespace {

struct Unit {
  std::string_view name;
  std::string_view plural;
  std::int64_t milliseconds;
};
constexpr std::array kUnits = {Unit{"millisecond", "MILLISECONDS", 1},
                               Unit{"second", "SECONDS", 1'000}, Unit{"minute", "MINUTES", 60'000},
                               Unit{"hour", "HOURS", 3'600'000}, Unit{"day", "DAYS", 86'400'000}};

// A hundred centuries: far from the bounds of the clock's arithmetic.
constexpr std::int64_t kLongest = std::int64_t{3'652'425} * 86'400'000;

char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

const Unit* find_unit(std::string_view text) {
  const auto same = [](char a, char b) { return small(a) == b; };
  const auto* found = std::ranges::find_if(kUnits, [&](const Unit& unit) {
    const bool plural = text.size() == unit.name.size() + 1 && small(text.back()) == 's';
    return std::ranges::equal(plural ? text.substr(0, unit.name.size()) : text, unit.name, same);
  });
  return found != kUnits.end() ? found : nullptr;
}

struct Parts {
  std::int64_t number = 0;
  const Unit* unit = nullptr;  // null: the text is no duration
};

Parts take_apart(std::string_view text) {
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos || text[0] == '-') return {};
  Parts parts;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + blank, parts.number);
  if (fault != std::errc() || end != text.data() + blank) return {};
  parts.unit = find_unit(text.substr(blank + 1));
  return parts;
}

}  // namespace

std::optional<Span> parse_span(std::string_view text, Units units) {
  const auto [number, unit] = take_apart(text);
  if (unit == nullptr || number > kLongest / unit->milliseconds) return std::nullopt;
  if (units == Units::whole_seconds && unit->milliseconds == 1) return std::nullopt;
  return Span{std::chrono::milliseconds(number * unit->milliseconds), std::string(text)};
}

std::string Span::shouted() const {
  const auto [number, unit] = take_apart(text);
  return unit == nullptr ? text : fmt::format("{} {}", number, unit->plural);
}

}  // namespace millrace::rules
