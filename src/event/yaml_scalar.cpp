// SPDX-License-Identifier: Apache-2.0
// The implicit types of YAML 1.1 as PyYAML resolves them. Its regular expressions are stricter than
// the specification's and are what rulebooks are written against: `1e3` and `-.5` are strings,
// `0o17` too, `010` is 8 and `190:20:30` is 685230.
#include "yaml_scalar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>

#include "number_text.hpp"

namespace millrace {
namespace {

constexpr std::string_view kDecimal = "0123456789";
constexpr std::array<std::string_view, 5> kNulls = {"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 9> kTrue = {"yes",  "Yes", "YES", "true", "True",
                                                   "TRUE", "on",  "On",  "ON"};
constexpr std::array<std::string_view, 9> kFalse = {"no",    "No",  "NO",  "false", "False",
                                                    "FALSE", "off", "Off", "OFF"};

bool one_of(const auto& words, std::string_view text) {
  return std::ranges::find(words, text) != words.end();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// One or more of `digits` or underscores, and nothing else.
bool only(std::string_view text, std::string_view digits) {
  return !text.empty() && text.find_first_not_of(digits) == std::string_view::npos;
}

// A digit, then digits and underscores.
bool is_grouped(std::string_view text) {
  return !text.empty() && is_digit(text[0]) && only(text, "0123456789_");
}

std::string without_underscores(std::string_view text) {
  std::string out(text);
  std::erase(out, '_');
  return out;
}

struct Signed {
  bool negative = false;
  bool written = false;
  std::string_view rest;
};

Signed split_sign(std::string_view text) {
  if (text.empty() || (text[0] != '-' && text[0] != '+')) return {false, false, text};
  return {text[0] == '-', true, text.substr(1)};
}

Value signed_double(bool negative, double number) { return Value(negative ? -number : number); }

// "190:20:30": a grouped number, then parts of one or two digits below 60.
bool is_sexagesimal(std::string_view text) {
  auto colon = text.find(':');
  if (colon == std::string_view::npos || !is_grouped(text.substr(0, colon))) return false;
  while (colon != std::string_view::npos) {
    text.remove_prefix(colon + 1);
    colon = text.find(':');
    const auto part = text.substr(0, colon);
    const bool short_part = part.size() == 1 || (part.size() == 2 && part[0] <= '5');
    if (!short_part || !only(part, kDecimal)) return false;
  }
  return true;
}

double sexagesimal_double(std::string_view text) {
  double sum = 0;
  while (true) {
    const auto colon = text.find(':');
    sum = sum * 60 + parse_decimal(text.substr(0, colon)).value_or(0);
    if (colon == std::string_view::npos) return sum;
    text.remove_prefix(colon + 1);
  }
}

Value sexagesimal_int(bool negative, const std::string& text) {
  constexpr double kWide = 9e18;  // near the end of int64, with room for the rounding of `rough`
  const double rough = sexagesimal_double(text);
  if (rough >= kWide) return signed_double(negative, rough);
  std::int64_t sum = 0;
  std::int64_t part = 0;
  for (const char c : text) {
    if (c == ':') {
      sum = (sum + part) * 60;
      part = 0;
    } else {
      part = part * 10 + (c - '0');
    }
  }
  sum += part;
  return Value(negative ? -sum : sum);
}

// "12.", "1_0.5e+3": digits around a dot, and an exponent with a sign.
bool is_dotted(std::string_view text, bool signed_text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return false;
  const auto whole = text.substr(0, dot);
  auto fraction = text.substr(dot + 1);
  if (const auto mark = fraction.find_first_of("eE"); mark != std::string_view::npos) {
    const auto exponent = split_sign(fraction.substr(mark + 1));
    if (!exponent.written || !only(exponent.rest, kDecimal)) return false;
    fraction = fraction.substr(0, mark);
  }
  if (whole.empty()) return !signed_text && is_grouped(fraction);
  return is_grouped(whole) && (fraction.empty() || only(fraction, "0123456789_"));
}

bool is_sexagesimal_float(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos || !is_sexagesimal(text.substr(0, dot))) return false;
  const auto fraction = text.substr(dot + 1);
  return fraction.empty() || only(fraction, "0123456789_");
}

std::optional<Value> special_float(const Signed& number) {
  if (one_of(std::array<std::string_view, 3>{".inf", ".Inf", ".INF"}, number.rest)) {
    return signed_double(number.negative, std::numeric_limits<double>::infinity());
  }
  if (!number.written &&
      one_of(std::array<std::string_view, 3>{".nan", ".NaN", ".NAN"}, number.rest)) {
    return Value(std::numeric_limits<double>::quiet_NaN());
  }
  return std::nullopt;
}

std::optional<Value> plain_float(std::string_view text) {
  const auto number = split_sign(text);
  if (auto special = special_float(number)) return special;
  if (is_dotted(number.rest, number.written)) {
    const auto value = parse_decimal(without_underscores(number.rest));
    return value ? std::optional(signed_double(number.negative, *value)) : std::nullopt;
  }
  if (!is_sexagesimal_float(number.rest)) return std::nullopt;
  return signed_double(number.negative, sexagesimal_double(without_underscores(number.rest)));
}

std::optional<Value> based_int(const Signed& number, std::string_view digits,
                               std::string_view allowed, int base) {
  const auto bare = without_underscores(digits);
  if (bare.empty() || !only(bare, allowed)) return std::nullopt;
  return integer_value(number.negative, bare, base);
}

}  // namespace

std::optional<Value> yaml_bool(std::string_view text) {
  const auto lower = [&] {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    return out;
  }();
  if (one_of(kTrue, lower)) return Value(true);
  if (one_of(kFalse, lower)) return Value(false);
  return std::nullopt;
}

std::optional<Value> yaml_int(std::string_view text) {
  const auto number = split_sign(text);
  const auto digits = number.rest;
  if (digits.empty() || !is_digit(digits[0])) return std::nullopt;
  if (digits.starts_with("0b")) return based_int(number, digits.substr(2), "01", 2);
  if (digits.starts_with("0x"))
    return based_int(number, digits.substr(2), "0123456789abcdefABCDEF", 16);
  if (digits[0] == '0') return based_int(number, digits, "01234567", 8);
  if (is_sexagesimal(digits)) return sexagesimal_int(number.negative, without_underscores(digits));
  return based_int(number, digits, kDecimal, 10);
}

std::optional<Value> yaml_float(std::string_view text) {
  if (auto value = plain_float(text)) return value;
  const auto number = split_sign(text);
  const auto bare = without_underscores(number.rest);
  if (is_sexagesimal(bare)) return signed_double(number.negative, sexagesimal_double(bare));
  const auto value = parse_decimal(bare);
  return value ? std::optional(signed_double(number.negative, *value)) : std::nullopt;
}

Value yaml_plain_value(std::string_view text) {
  if (one_of(kNulls, text)) return Value(nullptr);
  if (one_of(kTrue, text)) return Value(true);
  if (one_of(kFalse, text)) return Value(false);
  const char first = text[0];
  if (is_digit(first) || first == '-' || first == '+' || first == '.') {
    if (auto value = plain_float(text)) return *std::move(value);
    if (auto value = yaml_int(text)) return *std::move(value);
  }
  return Value(boost::json::string_view(text.data(), text.size()));
}

}  // namespace millrace
