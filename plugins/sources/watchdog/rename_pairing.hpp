// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/loop/inotify.hpp"

namespace millrace::watchdog {

/// An event, or the two halves of a rename.
struct Step {
  InotifyEvent event;
  std::optional<InotifyEvent> target;  ///< IN_MOVED_TO of the same rename
};

/// Unites the halves of renames. The first half of one whose second half does not come, because the
/// file has left what is watched, is held for a while, and with it all that came after it: nothing
/// overtakes.
class RenamePairing {
 public:
  static constexpr Duration kPatience = std::chrono::milliseconds(500);
  /// Events that wait; when there are more, the second half would have come long ago.
  static constexpr std::size_t kMostWaiting = 8192;

  void add(std::vector<InotifyEvent> events, Instant now);
  /// What need not wait any more.
  std::vector<Step> take(Instant now);
  /// When to take() next although nothing was added; never in the past after a take().
  std::optional<Instant> deadline() const;

 private:
  struct Waiting {
    Step step;
    std::optional<Instant> until;  ///< of a first half
  };
  bool complete_rename(InotifyEvent& target);

  std::deque<Waiting> waiting_;
};

}  // namespace millrace::watchdog
