// SPDX-License-Identifier: Apache-2.0
#include "timer_wheel.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace millrace::rules {

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
  timers_[id].purpose.owner = kCancelled;
  ++cancelled_;
  constexpr std::size_t kFew = 1024;
  if (cancelled_ > kFew && cancelled_ > timers_.size() / 2) sweep();
}

bool TimerWheel::take_if_cancelled(TimerId id) {
  if (timers_[id].purpose.owner != kCancelled) return false;
  timers_.remove(id);
  --cancelled_;
  return true;
}

void TimerWheel::sweep() {
  const auto sweep_list = [this](List& list) {
    for (TimerId id = std::exchange(list, List()).first; id != kNone;) {
      const TimerId next = timers_[id].next;
      if (!take_if_cancelled(id)) append(list, id);
      id = next;
    }
  };
  sweep_list(due_);
  for (auto& level : levels_) {
    for (auto bits = level.occupied; bits != 0; bits &= bits - 1) {
      const auto slot = static_cast<std::size_t>(std::countr_zero(bits));
      sweep_list(level.slots[slot]);
      if (level.slots[slot].first == kNone) level.occupied &= ~(std::uint64_t{1} << slot);
    }
  }
}

void TimerWheel::link(TimerId id) {
  const auto tick = std::max(tick_of(timers_[id].deadline), tick_);
  const auto differing = tick ^ tick_;
  const std::size_t level =
      differing == 0 ? 0 : (static_cast<std::size_t>(std::bit_width(differing)) - 1) / kDigit;
  const auto slot = static_cast<std::size_t>(tick >> (level * kDigit)) % kSlots;
  append(levels_[level].slots[slot], id);
  levels_[level].occupied |= std::uint64_t{1} << slot;
}

void TimerWheel::append(List& list, TimerId id) {
  timers_[id].next = kNone;
  (list.first == kNone ? list.first : timers_[list.last].next) = id;
  list.last = id;
}

// The tick at which the first occupied slot of a level begins.
std::uint64_t TimerWheel::start_of(std::size_t level) const {
  const auto slot = static_cast<std::uint64_t>(std::countr_zero(levels_[level].occupied));
  const auto shift = level * kDigit;
  const auto above = shift + kDigit;
  const std::uint64_t upper = above >= 64 ? 0 : tick_ >> above << above;
  return upper | slot << shift;
}

// The timers of the first occupied slot, which is empty then.
TimerWheel::List TimerWheel::take(std::size_t level) {
  const auto slot = static_cast<std::size_t>(std::countr_zero(levels_[level].occupied));
  levels_[level].occupied &= ~(std::uint64_t{1} << slot);
  return std::exchange(levels_[level].slots[slot], List());
}

void TimerWheel::move_down(std::size_t level) {
  tick_ = start_of(level);
  for (TimerId id = take(level).first; id != kNone;) {
    const TimerId next = timers_[id].next;
    if (!take_if_cancelled(id)) link(id);
    id = next;
  }
}

// What lies in the first slot is about to fire.
void TimerWheel::take_slot() {
  sorting_.clear();
  for (const List list : {std::exchange(due_, List()), take(0)}) {
    for (TimerId id = list.first; id != kNone;) {
      const TimerId next = timers_[id].next;
      if (!take_if_cancelled(id)) sorting_.push_back(id);
      id = next;
    }
  }
  std::ranges::stable_sort(sorting_, {}, [this](TimerId id) { return timers_[id].deadline; });
  for (const TimerId id : sorting_) append(due_, id);
}

void TimerWheel::advance(Instant now, const std::function<void(Instant, Purpose)>& fire) {
  const auto end = tick_of(now);
  while (timers_.size() > 0) {
    // One at a time: what it sets off may cancel the others.
    while (due_.first != kNone && timers_[due_.first].deadline <= now) {
      const TimerId id = due_.first;
      due_.first = timers_[id].next;
      if (take_if_cancelled(id)) continue;
      const Timer timer = timers_[id];
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
  if (size() == 0) return std::nullopt;
  if (due_.first != kNone) return timers_[due_.first].deadline;
  const auto level = first_level();
  if (level == kLevels) return std::nullopt;
  if (level > 0) return Instant(Duration(start_of(level) << kTickShift));
  const auto slot = static_cast<std::size_t>(std::countr_zero(levels_[0].occupied));
  Instant first = Instant::max();
  for (TimerId id = levels_[0].slots[slot].first; id != kNone; id = timers_[id].next)
    first = std::min(first, timers_[id].deadline);
  return first;
}

std::vector<TimerId> TimerWheel::in_order() const {
  std::vector<TimerId> ids;
  const auto collect = [&](const List& list) {
    for (TimerId id = list.first; id != kNone; id = timers_[id].next) {
      if (timers_[id].purpose.owner != kCancelled) ids.push_back(id);
    }
  };
  collect(due_);
  for (const Level& level : levels_) std::ranges::for_each(level.slots, collect);
  // Those of one deadline lie in one list, in the order in which they were set.
  std::ranges::stable_sort(ids, {}, [this](TimerId id) { return timers_[id].deadline; });
  return ids;
}

}  // namespace millrace::rules
