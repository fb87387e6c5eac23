// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/clock.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <ctime>

namespace millrace {

SystemClock::SystemClock()
    : offset_(std::chrono::system_clock::now().time_since_epoch() -
              std::chrono::steady_clock::now().time_since_epoch()) {}

WallTime SystemClock::wall() const {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

namespace {

struct Split {
  std::time_t seconds;
  std::int64_t micros;
};

Split split(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {static_cast<std::time_t>(seconds.time_since_epoch().count()), (time - seconds).count()};
}

std::string date_and_time(const std::tm& tm, char between) {
  return fmt::format("{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}", tm.tm_year + 1900, tm.tm_mon + 1,
                     tm.tm_mday, between, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

}  // namespace

std::string to_iso8601(WallTime time) {
  const auto [seconds, micros] = split(time);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  auto text = date_and_time(tm, 'T');
  if (micros != 0) text += fmt::format(".{:06}", micros);
  return text + 'Z';
}

std::optional<WallTime> from_iso8601(std::string_view text) {
  std::tm tm{};
  double seconds = 0;
  int length = 0;
  const std::string copy(text);
  const int read = std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%lfZ%n", &tm.tm_year, &tm.tm_mon,
                               &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &seconds, &length);
  constexpr int kFields = 6;
  if (read != kFields || static_cast<std::size_t>(length) != copy.size()) return std::nullopt;
  if (!(seconds >= 0 && seconds < 61)) return std::nullopt;
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  const auto micros = static_cast<std::int64_t>(std::llround(seconds * 1e6));
  return WallTime(std::chrono::seconds(timegm(&tm)) + std::chrono::microseconds(micros));
}

std::string to_local_text(WallTime time) {
  const auto [seconds, micros] = split(time);
  std::tm tm{};
  localtime_r(&seconds, &tm);
  return date_and_time(tm, ' ') + fmt::format(".{:06}", micros);
}

}  // namespace millrace
