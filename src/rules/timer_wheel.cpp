// SPDX-License-Identifier: Apache-2.0
#include "timer_wheel.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace millrace::rules {

TimerWheel::TimerWheel() {
  for (auto& level : levels_) level.first.fill(kNone);
}

// Time before the clock's zero is time zero: it is over at once.
std::uint64_t TimerWheel::tick_of(Instant time) {
  const auto nanoseconds = std::max<std::int64_t>(time.time_since_epoch().count(), 0);
  return static_cast<std::uint64_t>(nanoseconds) >> kTickShift;
}

TimerId TimerWheel::set(Instant deadline, Purpose purpose) {
  const TimerId id = timers_.add();
  timers_[id].deadline = deadline;
  timers_[id].purpose = purpose;
  link(id);
  return id;
}

void TimerWheel::cancel(TimerId id) {
  unlink(id);
  timers_.remove(id);
}

void TimerWheel::link(TimerId id) {
  const auto tick = std::max(tick_of(timers_[id].deadline), tick_);
  const auto differing = tick ^ tick_;
  const std::size_t level =
      differing == 0 ? 0 : (static_cast<std::size_t>(std::bit_width(differing)) - 1) / kDigit;
  const auto slot = static_cast<std::size_t>(tick >> (level * kDigit)) % kSlots;
  append(id, level, slot);
}

void TimerWheel::append(TimerId id, std::size_t level, std::size_t slot) {
  Timer& timer = timers_[id];
  timer.slot = static_cast<std::uint16_t>(level * kSlots + slot);
  timer.next = kNone;
  TimerId& first = levels_[level].first[slot];
  if (first == kNone) {
    first = id;
    timer.previous = id;
    levels_[level].occupied |= std::uint64_t{1} << slot;
  } else {
    const TimerId last = timers_[first].previous;
    timers_[last].next = id;
    timer.previous = last;
    timers_[first].previous = id;
  }
}

void TimerWheel::unlink(TimerId id) {
  const Timer& timer = timers_[id];
  const std::size_t slot = timer.slot % kSlots;
  Level& level = levels_[timer.slot / kSlots];
  TimerId& first = level.first[slot];
  if (first == id) {
    first = timer.next;
    if (first == kNone) {
      level.occupied &= ~(std::uint64_t{1} << slot);
    } else {
      timers_[first].previous = timer.previous;
    }
  } else {
    timers_[timer.previous].next = timer.next;
    const TimerId after = timer.next == kNone ? first : timer.next;
    timers_[after].previous = timer.previous;
  }
}

// The tick at which the first occupied slot of a level begins.
std::uint64_t TimerWheel::start_of(std::size_t level) const {
  const auto slot = static_cast<std::uint64_t>(std::countr_zero(levels_[level].occupied));
  const auto shift = level * kDigit;
  const auto above = shift + kDigit;
  const std::uint64_t upper = above >= 64 ? 0 : tick_ >> above << above;
  return upper | slot << shift;
}

void TimerWheel::move_down(std::size_t level) {
  tick_ = start_of(level);
  const auto slot = static_cast<std::size_t>(std::countr_zero(levels_[level].occupied));
  TimerId id = std::exchange(levels_[level].first[slot], kNone);
  levels_[level].occupied &= ~(std::uint64_t{1} << slot);
  while (id != kNone) {
    const TimerId next = timers_[id].next;
    link(id);
    id = next;
  }
}

// What lies in the first slot is about to fire.
void TimerWheel::take_slot() {
  Level& level = levels_[0];
  Level& due = levels_[kDue];
  const auto slot = static_cast<std::size_t>(std::countr_zero(level.occupied));
  sorting_.clear();
  for (const TimerId list : {due.first[0], level.first[slot]}) {
    for (TimerId id = list; id != kNone; id = timers_[id].next) sorting_.push_back(id);
  }
  level.first[slot] = kNone;
  level.occupied &= ~(std::uint64_t{1} << slot);
  due.first[0] = kNone;
  std::ranges::stable_sort(sorting_, {}, [this](TimerId id) { return timers_[id].deadline; });
  for (const TimerId id : sorting_) append(id, kDue, 0);
}

void TimerWheel::advance(Instant now, const std::function<void(Instant, Purpose)>& fire) {
  const auto end = tick_of(now);
  const TimerId& due = levels_[kDue].first[0];
  while (timers_.size() > 0) {
    // One at a time: what it sets off may cancel the others.
    while (due != kNone && timers_[due].deadline <= now) {
      const Timer timer = timers_[due];
      const TimerId id = due;
      unlink(id);
      timers_.remove(id);
      fire(timer.deadline, timer.purpose);
    }
    const auto level = first_level();
    if (level == kLevels || start_of(level) > end) break;
    if (level > 0) {
      move_down(level);
    } else {
      tick_ = start_of(0);
      take_slot();
    }
  }
  tick_ = std::max(tick_, end);
}

std::size_t TimerWheel::first_level() const {
  std::size_t level = 0;
  while (level < kLevels && levels_[level].occupied == 0) ++level;
  return level;
}

std::optional<Instant> TimerWheel::next() const {
  if (levels_[kDue].first[0] != kNone) return timers_[levels_[kDue].first[0]].deadline;
  const auto level = first_level();
  if (level == kLevels) return std::nullopt;
  if (level > 0) return Instant(Duration(start_of(level) << kTickShift));
  const auto slot = static_cast<std::size_t>(std::countr_zero(levels_[0].occupied));
  Instant first = Instant::max();
  for (TimerId id = levels_[0].first[slot]; id != kNone; id = timers_[id].next)
    first = std::min(first, timers_[id].deadline);
  return first;
}

}  // namespace millrace::rules
