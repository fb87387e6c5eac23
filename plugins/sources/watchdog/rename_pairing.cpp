// SPDX-License-Identifier: Apache-2.0
#include "rename_pairing.hpp"

#include <sys/inotify.h>

#include <algorithm>
#include <ranges>
#include <utility>

namespace millrace::watchdog {

void RenamePairing::add(std::vector<InotifyEvent> events, Instant now) {
  for (auto& event : events) {
    if ((event.mask & IN_MOVED_TO) != 0 && complete_rename(event)) continue;
    if ((event.mask & IN_Q_OVERFLOW) != 0) {  // the second halves may be among what was lost
      for (auto& waiting : waiting_) waiting.until.reset();
    }
    std::optional<Instant> until;
    if ((event.mask & IN_MOVED_FROM) != 0) until = now + kPatience;
    waiting_.push_back({.step = {.event = std::move(event), .target = {}}, .until = until});
  }
}

// The halves lie side by side, or nearly so: the search begins at the end.
bool RenamePairing::complete_rename(InotifyEvent& target) {
  for (auto& waiting : std::views::reverse(waiting_)) {
    if (!waiting.until || waiting.step.event.cookie != target.cookie) continue;
    waiting.step.target = std::move(target);
    waiting.until.reset();
    return true;
  }
  return false;
}

std::vector<Step> RenamePairing::take(Instant now) {
  std::vector<Step> steps;
  while (!waiting_.empty()) {
    auto& first = waiting_.front();
    if (first.until && *first.until > now && waiting_.size() <= kMostWaiting) break;
    steps.push_back(std::move(first.step));
    waiting_.pop_front();
  }
  return steps;
}

std::optional<Instant> RenamePairing::deadline() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.front().until;
}

}  // namespace millrace::watchdog
