// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string_view>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "timer_wheel.hpp"

namespace millrace::rules {

// How the state of a session is written: points of time are whole nanoseconds.

inline Value to_state(Instant time) { return time.time_since_epoch().count(); }

/// What should have been a state is none: thrown by the readers below, caught in
/// Session::restore().
struct DamagedState {
  std::string_view what;
};

inline std::int64_t integer_of(const Value& value) {
  if (!value.is_int64()) throw DamagedState{"a whole number is expected"};
  return value.get_int64();
}
inline Instant instant_of(const Value& value) { return Instant(Duration(integer_of(value))); }
inline const Array& array_of(const Value& value) {
  if (!value.is_array()) throw DamagedState{"a list is expected"};
  return value.get_array();
}
inline const Array& row_of(const Value& value, std::size_t size) {
  const Array& row = array_of(value);
  if (row.size() != size) throw DamagedState{"a row is too short or too long"};
  return row;
}
inline const Object& object_of(const Value& value) {
  if (!value.is_object()) throw DamagedState{"an object is expected"};
  return value.get_object();
}
inline const Value& entry_of(const Object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  if (found == nullptr) throw DamagedState{"an entry is missing"};
  return *found;
}
inline bool boolean_of(const Value& value) {
  if (!value.is_bool()) throw DamagedState{"true or false is expected"};
  return value.get_bool();
}

/// Writes timers: when each falls due, and its place among all.
class TimerStates {
 public:
  explicit TimerStates(const TimerWheel& timers) : timers_(timers) {
    for (const TimerId id : timers.in_order())
      places_.emplace(id, static_cast<std::int64_t>(places_.size()));
  }
  Value of(TimerId id) const { return Array{to_state(timers_.deadline(id)), places_.at(id)}; }

 private:
  const TimerWheel& timers_;
  boost::unordered_flat_map<TimerId, std::int64_t> places_;
};

/// Sets timers that were written so, all at the end: those of one deadline fire in the order in
/// which they are set.
class TimersToSet {
 public:
  /// `id` stays where it is until set_all(), which fills it in.
  void add(const Value& state, TimerWheel::Purpose purpose, TimerId& id) {
    const Array& row = row_of(state, 2);
    waiting_.push_back({integer_of(row[1]), instant_of(row[0]), purpose, &id});
  }
  void set_all(TimerWheel& timers) {
    std::ranges::stable_sort(waiting_, {}, &Waiting::place);
    for (const auto& timer : waiting_) *timer.id = timers.set(timer.deadline, timer.purpose);
  }

 private:
  struct Waiting {
    std::int64_t place;
    Instant deadline;
    TimerWheel::Purpose purpose;
    TimerId* id;
  };
  std::vector<Waiting> waiting_;
};

}  // namespace millrace::rules
