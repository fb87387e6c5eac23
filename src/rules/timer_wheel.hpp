// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "millrace/base/clock.hpp"
#include "slab.hpp"

namespace millrace::rules {

using TimerId = std::uint32_t;

/// Any number of timers, each of 24 bytes; setting, cancelling and firing one takes constant time.
/// Timers fire in the order of their deadlines, those of one deadline in the order in which they
/// were set, however large the steps in which time comes.
///
/// A hierarchical wheel (Varghese and Lauck, 1987): 64 slots to a level, a level's slot as long as
/// the whole level below. A timer lies on the level of the highest digit, to base 64, in which its
/// deadline differs from now, and moves down when time reaches its slot. A cancelled timer stays
/// where it is until its slot comes, or until more than half are cancelled: so cancelling touches
/// nothing but the timer.
class TimerWheel {
 public:
  static constexpr TimerId kNone = ~TimerId{0};

  /// What a timer is for, told back when it fires.
  struct Purpose {
    std::uint32_t owner = 0;
    std::uint32_t item = 0;
  };

  /// A deadline that is over fires at the next advance().
  TimerId set(Instant deadline, Purpose purpose);
  void cancel(TimerId id);
  /// Fires every timer whose deadline is at or before `now`, also those set meanwhile.
  void advance(Instant now, const std::function<void(Instant deadline, Purpose)>& fire);
  /// When advance() has something to do; never later than the first deadline, at times earlier.
  std::optional<Instant> next() const;

  /// Fetches a timer that will be cancelled soon, if it is one.
  void prefetch(TimerId id) const {
    if (id != kNone) __builtin_prefetch(&timers_[id]);
  }

  /// All, in the order in which they will fire. Takes time: it looks at all.
  std::vector<TimerId> in_order() const;

  std::size_t size() const { return timers_.size() - cancelled_; }
  Instant deadline(TimerId id) const { return timers_[id].deadline; }

 private:
  static constexpr unsigned kDigit = 6;
  static constexpr std::size_t kSlots = 1U << kDigit;
  static constexpr std::size_t kLevels = 11;  // 64 bits in digits
  // Less than a millisecond, so that no timer set while a slot fires can belong into that slot.
  static constexpr unsigned kTickShift = 19;  // nanoseconds

  struct Timer {
    Instant deadline;
    Purpose purpose;
    TimerId next = kNone;  // in its slot
  };
  struct List {
    TimerId first = kNone;
    TimerId last = kNone;
  };
  struct Level {
    std::uint64_t occupied = 0;
    std::array<List, kSlots> slots;
  };
  static constexpr std::uint32_t kCancelled = ~std::uint32_t{0};  // an owner

  static std::uint64_t tick_of(Instant time);
  void link(TimerId id);
  void append(List& list, TimerId id);
  bool take_if_cancelled(TimerId id);
  void sweep();
  List take(std::size_t level);
  std::size_t first_level() const;
  std::uint64_t start_of(std::size_t level) const;
  void move_down(std::size_t level);
  void take_slot();

  Slab<Timer> timers_;
  std::array<Level, kLevels> levels_;
  List due_;  // what is about to fire, in the order of deadlines
  std::uint64_t tick_ = 0;
  std::size_t cancelled_ = 0;
  std::vector<TimerId> sorting_;  // kept for its capacity
};

}  // namespace millrace::rules
