// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "join.hpp"
#include "millrace/rules/rulebook.hpp"
#include "state_value.hpp"
#include "timer_wheel.hpp"
#include "working_memory.hpp"

namespace millrace::rules {

/// A rule that fires unless different events meet all its conditions in time. Its window opens with
/// the first event that meets one. Events that complete the conditions leave, and nothing fires; at
/// the end of the window the event that opened it fires, and one for each other condition leaves
/// with it. What is left over then opens the next window at once.
///
/// It keeps its events for itself: that another rule consumes one does not undo that it came.
class NotAll {
 public:
  /// An event as working memory knows it, for as long as it is there.
  struct Outer {
    EntryId entry = kNoEntry;
    std::uint64_t arrival = 0;
  };
  using Outers = std::vector<Outer>;
  struct Fired {
    std::string binding;
    DocumentPtr document;
  };

  /// `rule` and `timers` must outlive it; its timers carry `owner`. `life`: of an event.
  NotAll(const Rule& rule, TimerWheel& timers, std::uint32_t owner, Duration life,
         std::uint64_t seed);
  NotAll(const NotAll&) = delete;
  NotAll& operator=(const NotAll&) = delete;

  /// An event that meets these conditions. Those that leave with it are added to `leaving`.
  void take(const DocumentPtr& document, Outer outer, Positions positions, Instant now,
            Outers& leaving);
  /// A timer has come.
  std::optional<Fired> expire(std::uint32_t item, Instant now, Outers& leaving);
  /// Drops the events that `drops` says.
  void retract(const std::function<bool(const Document&)>& drops, Instant now);

  /// What it holds, for restore(). `number_of`: what working memory's entries are called there; -1
  /// for one that is gone.
  Value state(const TimerStates& timers,
              const std::function<std::int64_t(const Outer&)>& number_of) const;
  /// Into one that is new. `positions_of`: the conditions that an event meets. Its timers are
  /// set by others, before anything else is asked of it. Throws DamagedState.
  struct Surroundings {
    std::function<Positions(const Document&)> positions_of;
    std::function<Outer(std::int64_t)> outer_of;
    TimersToSet& timers;
  };
  void restore(const Object& state, const Surroundings& surroundings);

  std::optional<Instant> window_end() const {
    return is_open() ? std::optional(timers_.deadline(window_)) : std::nullopt;
  }
  Join& join() { return join_; }
  const WorkingMemory& memory() const { return memory_; }

  bool is_open() const { return starter_ != kNoEntry; }
  /// Whether a window has ever been open.
  bool begun() const { return begun_; }
  std::size_t rows() const { return memory_.rows(); }
  std::size_t bytes() const { return memory_.bytes(); }

 private:
  static constexpr std::uint32_t kWindow = ~std::uint32_t{0};  // the timer that is no event's

  void open(Instant now);
  void close();
  void remove(EntryId entry);
  void leave(EntryId entry, Outers& leaving);
  std::optional<std::size_t> starting_position(EntryId entry) const;

  const Rule& rule_;
  TimerWheel& timers_;
  const std::uint32_t owner_;
  const Duration life_;
  WorkingMemory memory_;
  Join join_;
  boost::unordered_flat_map<EntryId, Outer> outers_;
  std::map<std::uint64_t, EntryId> in_order_;  // by arrival
  EntryId starter_ = kNoEntry;
  TimerId window_ = TimerWheel::kNone;
  bool begun_ = false;
};

}  // namespace millrace::rules
