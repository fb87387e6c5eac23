// SPDX-License-Identifier: Apache-2.0
#include "avro_text.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <simdjson.h>

#include <chrono>
#include <cmath>

#include "millrace/base/text.hpp"

namespace millrace::kafka {
namespace {

using Logical = AvroSchema::Logical;
using std::chrono::days;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::int64_t kDaysToYear10000 = 2'932'897;
constexpr std::int64_t kDaysToYear1 = -719'162;

// As Python's isoformat() writes it.
std::string time_text(microseconds of_day) {
  const auto micros = of_day.count() % 1'000'000;
  const auto seconds = of_day.count() / 1'000'000;
  auto text = fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (micros != 0) text += fmt::format(".{:06}", micros);
  return text;
}

std::string date_text(days since_epoch) {
  const std::chrono::year_month_day date{std::chrono::sys_days(since_epoch)};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

bool is_date(std::int64_t day) { return day >= kDaysToYear1 && day < kDaysToYear10000; }

Value timestamp(std::int64_t value, microseconds unit, std::string_view zone) {
  const auto in_day = std::chrono::microseconds(days(1)) / unit;
  const auto day = value / in_day - (value % in_day < 0 ? 1 : 0);
  if (!is_date(day)) return value;
  const microseconds of_day = unit * (value - day * in_day);
  return Value(fmt::format("{}T{}{}", date_text(days(day)), time_text(of_day), zone));
}

Value time_of_day(std::int64_t value, microseconds unit) {
  if (value < 0 || value >= std::chrono::microseconds(days(1)) / unit) return value;
  return Value(time_text(unit * value));
}

}  // namespace

Value avro_integer(std::int64_t value, Logical logical) {
  switch (logical) {
    case Logical::date:
      return is_date(value) ? Value(date_text(days(value))) : Value(value);
    case Logical::time_millis:
      return time_of_day(value, milliseconds(1));
    case Logical::time_micros:
      return time_of_day(value, microseconds(1));
    case Logical::timestamp_millis:
      return timestamp(value, milliseconds(1), "+00:00");
    case Logical::timestamp_micros:
      return timestamp(value, microseconds(1), "+00:00");
    case Logical::local_timestamp_millis:
      return timestamp(value, milliseconds(1), "");
    case Logical::local_timestamp_micros:
      return timestamp(value, microseconds(1), "");
    default:
      return value;
  }
}

Value avro_number(double value) { return std::isfinite(value) ? Value(value) : Value(nullptr); }

Value avro_bytes(std::string_view bytes) {
  if (simdjson::validate_utf8(bytes.data(), bytes.size())) return Value(bytes);
  std::string text((bytes.size() + 2) / 3 * 4, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  return Value(text);
}

Value avro_decimal(std::string_view big_endian, int scale) {
  constexpr std::size_t kLargest = 15;  // bytes: what 128 bits hold with their sign
  if (big_endian.empty() || big_endian.size() > kLargest) return avro_bytes(big_endian);
  __int128 value = static_cast<signed char>(big_endian.front()) < 0 ? -1 : 0;
  for (const char byte : big_endian) value = value * 256 + static_cast<std::uint8_t>(byte);
  const bool is_negative = value < 0;
  auto digits = fmt::format("{}", static_cast<unsigned __int128>(is_negative ? -value : value));
  const auto places = static_cast<std::size_t>(scale);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  if (places > 0) digits.insert(digits.size() - places, ".");
  return Value((is_negative ? "-" : "") + digits);
}

std::string avro_text(std::string_view bytes) { return valid_utf8(bytes); }

}  // namespace millrace::kafka
