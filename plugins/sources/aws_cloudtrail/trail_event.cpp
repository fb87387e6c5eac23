// SPDX-License-Identifier: Apache-2.0
#include "trail_event.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "millrace/base/clock.hpp"
#include "millrace/event/json.hpp"

namespace millrace::aws_cloudtrail {
namespace {

constexpr double kMostSeconds = 253'402'300'799;  // the end of the year 9999

// As Python's isoformat() writes it.
Value time_text(double seconds) {
  const auto microseconds = static_cast<std::int64_t>(std::llround(seconds * 1e6));
  auto text = to_iso8601(WallTime(std::chrono::microseconds(microseconds)));
  text.replace(text.size() - 1, 1, "+00:00");
  return Value(text);
}

}  // namespace

Value event_of(Object item) {
  if (auto* time = item.if_contains("EventTime"); time != nullptr && time->is_number()) {
    const auto seconds = time->to_number<double>();
    if (seconds >= 0 && seconds <= kMostSeconds) *time = time_text(seconds);
  }
  if (auto* text = item.if_contains("CloudTrailEvent"); text != nullptr && text->is_string()) {
    if (auto parsed = parse_json(view(text->get_string()))) *text = std::move(*parsed);
  }
  if (const auto* id = item.if_contains("EventId"); id != nullptr && id->is_string()) {
    Value uuid = *id;  // the same event when it comes twice
    item["meta"] = Object{{"uuid", std::move(uuid)}};
  }
  return item;
}

}  // namespace millrace::aws_cloudtrail
