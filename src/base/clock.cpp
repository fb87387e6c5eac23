// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/clock.hpp"

#include <fmt/format.h>

#include <ctime>

namespace millrace {

Instant SystemClock::now() const { return std::chrono::steady_clock::now(); }

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
  return {std::chrono::system_clock::to_time_t(seconds), (time - seconds).count()};
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

std::string to_local_text(WallTime time) {
  const auto [seconds, micros] = split(time);
  std::tm tm{};
  localtime_r(&seconds, &tm);
  return date_and_time(tm, ' ') + fmt::format(".{:06}", micros);
}

}  // namespace millrace
