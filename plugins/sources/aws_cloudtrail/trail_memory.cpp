// SPDX-License-Identifier: Apache-2.0
#include "trail_memory.hpp"

#include <algorithm>
#include <utility>

namespace millrace::aws_cloudtrail {

bool TrailMemory::add(const std::string& id, double time) {
  if (time < since_) return false;
  newest_ = std::max(newest_, time);
  return seen_.emplace(id, time).second;
}

void TrailMemory::end_poll() {
  since_ = newest_ - lateness_;
  std::erase_if(seen_, [this](const auto& entry) { return entry.second < since_; });
}

Value TrailMemory::to_value() const {
  Object seen;
  for (const auto& [id, time] : seen_) seen[id] = time;
  return Object{{"newest", newest_}, {"seen", std::move(seen)}};
}

std::optional<TrailMemory> TrailMemory::from_value(const Value& value, double lateness) {
  const auto* object = value.if_object();
  const auto* newest = object == nullptr ? nullptr : object->if_contains("newest");
  const auto* seen = object == nullptr ? nullptr : object->if_contains("seen");
  if (newest == nullptr || !newest->is_number() || seen == nullptr || !seen->is_object())
    return std::nullopt;
  TrailMemory memory(newest->to_number<double>(), lateness);
  for (const auto& [id, time] : seen->get_object()) {
    if (time.is_number()) memory.seen_.emplace(id, time.to_number<double>());
  }
  return memory;
}

Delivery SettledPolls::delivery(const PollPtr& poll) {
  ++poll->unsettled;
  poll->has_events = true;
  return {.taken = {}, .settled = [poll] { --poll->unsettled; }};
}

std::optional<Value> SettledPolls::take() {
  std::optional<Value> last;
  while (!polls_.empty() && polls_.front().first->unsettled == 0) {
    last = std::move(polls_.front().second);
    polls_.pop_front();
  }
  return last;
}

}  // namespace millrace::aws_cloudtrail
