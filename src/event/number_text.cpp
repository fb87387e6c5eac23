// SPDX-License-Identifier: Apache-2.0
#include "number_text.hpp"

#include <charconv>
#include <cstdint>
#include <limits>

namespace millrace {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

unsigned digit_value(char c) {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  return static_cast<unsigned>((c | 0x20) - 'a') + 10U;
}

double wide_integer(std::string_view digits, int base) {
  if (base == 10) return parse_decimal(digits).value_or(0);
  double sum = 0;
  for (const char c : digits) sum = sum * base + digit_value(c);
  return sum;
}

}  // namespace

Value integer_value(bool negative, std::string_view digits, int base) {
  constexpr std::uint64_t kLeast = std::uint64_t{1} << 63;  // the magnitude of the least int64
  std::uint64_t magnitude = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
  if (read.ec != std::errc() || (negative && magnitude > kLeast)) {
    const double wide = wide_integer(digits, base);
    return Value(negative ? -wide : wide);
  }
  if (negative) return Value(static_cast<std::int64_t>(-magnitude));
  if (magnitude < kLeast) return Value(static_cast<std::int64_t>(magnitude));
  return Value(magnitude);
}

std::optional<double> parse_decimal(std::string_view text) {
  if (text.empty() || (!is_digit(text[0]) && text[0] != '.')) return std::nullopt;
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ptr != text.data() + text.size() || read.ec == std::errc::invalid_argument)
    return std::nullopt;
  if (read.ec == std::errc()) return number;
  // Out of range: a huge number has no negative exponent, a tiny one needs one or a long fraction
  // of zeros.
  const auto first = text.find_first_not_of("0.");
  const bool tiny = text.find("e-") != std::string_view::npos ||
                    text.find("E-") != std::string_view::npos ||
                    (text.find_first_of("eE") == std::string_view::npos && first > text.find('.'));
  return tiny ? 0.0 : std::numeric_limits<double>::infinity();
}

}  // namespace millrace
