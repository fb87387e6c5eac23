// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/event/event_reader.hpp"
#include "millrace/rules/rulebook.hpp"
#include "millrace/rules/session.hpp"
#include "slab.hpp"
#include "state_value.hpp"
#include "timer_wheel.hpp"

namespace millrace::rules {

/// What the throttle of one rule remembers: which groups of events have a window open.
class ThrottleState {
 public:
  /// `settings` and `timers` must outlive it; its timers carry `owner`. `seed` keys the hashes.
  ThrottleState(const Throttle& settings, TimerWheel& timers, std::uint32_t owner,
                std::uint64_t seed);
  ThrottleState(const ThrottleState&) = delete;
  ThrottleState& operator=(const ThrottleState&) = delete;

  /// Takes an event that the rule matches. `group` are the values of the group attributes, empty if
  /// one is missing; `document` makes the event when it is needed. What fires, or null.
  DocumentPtr take(std::optional<std::string_view> group,
                   const std::function<DocumentPtr()>& document, Instant now);
  /// Whether a window of the group is open.
  bool knows(std::optional<std::string_view> group) const;
  /// The same for an event whose window there is no room for: once_within fires without one, the
  /// others forget it.
  DocumentPtr take_without_window(const std::function<DocumentPtr()>& document) const;
  /// A timer has come. What fires, if anything does.
  using Bindings = std::vector<std::pair<std::string, DocumentPtr>>;
  Bindings expire(std::uint32_t item);

  /// What it holds, for restore() of one that is new, which throws DamagedState.
  Value state(const TimerStates& timers) const;
  void restore(const Object& state, TimersToSet& timers);

  /// For explaining: calls `visit` for some groups, at most `most`; the window's end of once_after.
  void each(std::size_t most,
            const std::function<void(const Array& values, std::uint64_t events, Instant end)>&
                visit) const;

  /// Groups with a window open.
  std::size_t groups() const { return groups_.size(); }
  struct Group {
    std::string key;
    TimerId timer = TimerWheel::kNone;
    std::uint32_t count = 0;
    /// Of once_after: the first event, and the neighbours in the order of last events.
    DocumentPtr first;
    std::uint32_t before = Slab<Group>::kNone;
    std::uint32_t after = Slab<Group>::kNone;
  };

 private:
  using GroupId = std::uint32_t;
  struct Key {
    const Slab<Group>* groups;
    std::uint64_t seed;
    using is_transparent = void;
    static std::string_view text(std::string_view key) { return key; }
    std::string_view text(GroupId id) const { return (*groups)[id].key; }
    std::size_t operator()(const auto& key) const { return hash(text(key)); }
    bool operator()(const auto& a, const auto& b) const { return text(a) == text(b); }
    std::size_t hash(std::string_view key) const;
  };

  GroupId find(std::string_view key) const;
  GroupId add(std::string_view key);
  void remove(GroupId id);
  void append(GroupId id);
  Value state_of(GroupId id, const TimerStates& timers) const;
  void restore_group(const Value& value, TimersToSet& timers);
  void detach(GroupId id);
  DocumentPtr once_within(std::optional<std::string_view> group,
                          const std::function<DocumentPtr()>& document, Instant now);
  DocumentPtr accumulate(std::optional<std::string_view> group,
                         const std::function<DocumentPtr()>& document, Instant now);
  void collect(std::optional<std::string_view> group, const std::function<DocumentPtr()>& document,
               Instant now);
  DocumentPtr marked(const DocumentPtr& document, std::uint32_t count) const;

  const Throttle& settings_;
  TimerWheel& timers_;
  const std::uint32_t owner_;
  Slab<Group> groups_;
  boost::unordered_flat_set<GroupId, Key, Key> by_key_;
  TimerId window_ = TimerWheel::kNone;  // of once_after
  GroupId first_ = Slab<Group>::kNone;  // of once_after
  GroupId last_ = Slab<Group>::kNone;
};

/// The values that a group key was made of.
Array values_of_group_key(std::string_view key);

/// The values of `slots` as a key that differs when any of them, or its type, does; appended to
/// `key`. False if one is missing.
bool append_group_key(const std::vector<SlotId>& slots, EventReader& reader, std::string& key);

}  // namespace millrace::rules
