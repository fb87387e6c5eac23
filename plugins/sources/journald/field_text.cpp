// SPDX-License-Identifier: Apache-2.0
#include "field_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>

#include "millrace/base/text.hpp"
#include "millrace/event/python_text.hpp"

namespace millrace::journald {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::uint64_t kDay = 86'400;
constexpr std::uint64_t kLastTimestamp = 253'402'300'799 * kSecond;  // of the year 9999

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_id(std::string_view text) {
  return text.size() == 32 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string with_dashes(std::string_view id) {
  return fmt::format("{}-{}-{}-{}-{}", id.substr(0, 8), id.substr(8, 4), id.substr(12, 4),
                     id.substr(16, 4), id.substr(20));
}

// As repr() of bytes.
std::string bytes_text(std::string_view bytes) {
  const bool has_single = bytes.contains('\'');
  const char quote = has_single && !bytes.contains('"') ? '"' : '\'';
  std::string text = fmt::format("b{}", quote);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      text += '\\';
      text += c;
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\r') {
      text += "\\r";
    } else if (c == '\t') {
      text += "\\t";
    } else if (byte < 0x20 || byte >= 0x7F) {
      text += fmt::format("\\x{:02x}", byte);
    } else {
      text += c;
    }
  }
  return text + quote;
}

// As str() of a timedelta.
std::string duration_text(std::uint64_t microseconds) {
  const auto seconds = microseconds / kSecond;
  const auto fraction = microseconds % kSecond;
  const auto days = seconds / kDay;
  std::string text;
  if (days > 0) text = fmt::format("{} day{}, ", days, days == 1 ? "" : "s");
  text += fmt::format("{}:{:02}:{:02}", seconds % kDay / 3600, seconds % 3600 / 60, seconds % 60);
  if (fraction > 0) text += fmt::format(".{:06}", fraction);
  return text;
}

bool is_text(std::string_view bytes) { return valid_utf8(bytes) == bytes; }

std::string one_text(std::string_view name, std::string_view value) {
  const bool names_id = name == "_BOOT_ID" || name == "_MACHINE_ID" || name == "MESSAGE_ID";
  if (names_id && is_id(value)) return with_dashes(value);
  if (name == "_SOURCE_REALTIME_TIMESTAMP" || name == "COREDUMP_TIMESTAMP") {
    if (const auto number = number_of(value); number && *number <= kLastTimestamp)
      return timestamp_text(*number);
  }
  if (name == "_SOURCE_MONOTONIC_TIMESTAMP") {
    if (const auto number = number_of(value)) return duration_text(*number);
  }
  return is_text(value) ? std::string(value) : bytes_text(value);
}

}  // namespace

std::string field_text(std::string_view name, const std::vector<std::string_view>& values) {
  if (values.size() == 1) return one_text(name, values.front());
  std::vector<std::string> items;
  items.reserve(values.size());
  for (const auto value : values)
    items.push_back(is_text(value) ? python_repr(Value(one_text(name, value))) : bytes_text(value));
  return fmt::format("[{}]", fmt::join(items, ", "));
}

std::string timestamp_text(std::uint64_t microseconds) {
  const std::chrono::sys_seconds seconds(
      std::chrono::seconds(static_cast<std::int64_t>(microseconds / kSecond)));
  const auto fraction = microseconds % kSecond;
  auto text = fmt::format("{:%Y-%m-%d %H:%M:%S}", seconds);
  if (fraction > 0) text += fmt::format(".{:06}", fraction);
  return text + "+00:00";
}

std::string monotonic_text(std::uint64_t microseconds, std::string_view boot) {
  const auto seconds = microseconds / kSecond;
  std::vector<std::string> parts;
  if (seconds >= kDay) parts.push_back(fmt::format("days={}", seconds / kDay));
  if (seconds % kDay > 0) parts.push_back(fmt::format("seconds={}", seconds % kDay));
  if (microseconds % kSecond > 0)
    parts.push_back(fmt::format("microseconds={}", microseconds % kSecond));
  if (parts.empty()) parts.emplace_back("0");
  return fmt::format("journal.Monotonic(timestamp=datetime.timedelta({}), bootid=UUID('{}'))",
                     fmt::join(parts, ", "), with_dashes(boot));
}

}  // namespace millrace::journald
