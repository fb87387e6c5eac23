// SPDX-License-Identifier: Apache-2.0
#include "not_all.hpp"

#include <algorithm>

namespace millrace::rules {

NotAll::NotAll(const Rule& rule, TimerWheel& timers, std::uint32_t owner, Duration life,
               std::uint64_t seed)
    : rule_(rule),
      timers_(timers),
      owner_(owner),
      life_(life),
      join_(rule, memory_, seed, Join::Waiting::listed) {}

void NotAll::take(const DocumentPtr& document, Outer outer, Positions positions, Instant now,
                  Outers& leaving) {
  const EntryId entry = memory_.add(document, now, /*is_fact=*/false);
  outers_[entry] = outer;
  in_order_[memory_[entry].arrival] = entry;
  memory_[entry].life = timers_.set(now + life_, {owner_, entry});
  join_.add(entry, positions);
  if (!is_open()) open(now);
  std::vector<Join::Entries> combinations;
  join_.combine(entry, positions, combinations);
  const auto complete = std::ranges::find_if(combinations, Join::all_differ);
  if (complete == combinations.end()) return;
  const bool ends = std::ranges::find(*complete, starter_) != complete->end();
  for (const EntryId participant : *complete) leave(participant, leaving);
  if (!ends) return;
  close();
  open(now);
}

std::optional<NotAll::Fired> NotAll::expire(std::uint32_t item, Instant now, Outers& leaving) {
  if (item != kWindow) {
    memory_[item].life = TimerWheel::kNone;
    remove(item);
    if (!is_open()) open(now);
    return std::nullopt;
  }
  window_ = TimerWheel::kNone;
  const EntryId starter = starter_;
  const std::size_t position = *starting_position(starter);
  Fired fired{rule_.binding(position), memory_[starter].document};
  leave(starter, leaving);
  for (std::size_t other = 0; other < join_.positions(); ++other) {
    if (other == position) continue;
    if (const EntryId oldest = join_.memory(other).oldest(); oldest != kNoEntry)
      leave(oldest, leaving);
  }
  close();
  open(now);
  return fired;
}

void NotAll::retract(const std::function<bool(const Document&)>& drops, Instant now) {
  for (const EntryId entry : memory_.all()) {
    if (drops(*memory_[entry].document)) remove(entry);
  }
  if (!is_open()) open(now);
}

Value NotAll::state(const TimerStates& timers,
                    const std::function<std::int64_t(const Outer&)>& number_of) const {
  Array entries;
  std::int64_t starter = -1;
  for (const auto& [arrival, id] : in_order_) {
    const Entry& entry = memory_[id];
    if (id == starter_) starter = static_cast<std::int64_t>(entries.size());
    entries.push_back(Array{to_state(entry.inserted), timers.of(entry.life),
                            number_of(outers_.at(id)), entry.document->value()});
  }
  Object state{{"begun", begun_}, {"entries", std::move(entries)}, {"starter", starter}};
  if (is_open()) state["window"] = timers.of(window_);
  return state;
}

void NotAll::restore(const Object& state, const Surroundings& surroundings) {
  std::vector<EntryId> ids;
  for (const auto& value : array_of(entry_of(state, "entries"))) {
    const Array& row = row_of(value, 4);
    const auto document = Document::copy_of(object_of(row[3]));
    const EntryId id = memory_.add(document, instant_of(row[0]), /*is_fact=*/false);
    outers_[id] = surroundings.outer_of(integer_of(row[2]));
    in_order_[memory_[id].arrival] = id;
    surroundings.timers.add(row[1], {owner_, id}, memory_[id].life);
    join_.add(id, surroundings.positions_of(*document));
    ids.push_back(id);
  }
  begun_ = boolean_of(entry_of(state, "begun"));
  const auto starter = integer_of(entry_of(state, "starter"));
  if (starter < 0) return;
  if (static_cast<std::size_t>(starter) >= ids.size() ||
      !starting_position(ids[static_cast<std::size_t>(starter)])) {
    throw DamagedState{"no such event can open a window"};
  }
  starter_ = ids[static_cast<std::size_t>(starter)];
  surroundings.timers.add(entry_of(state, "window"), {owner_, kWindow}, window_);
}

// With the oldest event that can open a window, if there is one.
void NotAll::open(Instant now) {
  for (const auto& [arrival, entry] : in_order_) {
    if (!starting_position(entry)) continue;
    starter_ = entry;
    window_ = timers_.set(now + rule_.timeout->length, {owner_, kWindow});
    begun_ = true;
    return;
  }
}

void NotAll::close() {
  if (window_ != TimerWheel::kNone) timers_.cancel(window_);
  window_ = TimerWheel::kNone;
  starter_ = kNoEntry;
}

void NotAll::remove(EntryId entry) {
  if (memory_[entry].life != TimerWheel::kNone) timers_.cancel(memory_[entry].life);
  outers_.erase(entry);
  in_order_.erase(memory_[entry].arrival);
  memory_.remove(entry);
  if (entry == starter_) close();
}

void NotAll::leave(EntryId entry, Outers& leaving) {
  leaving.push_back(outers_[entry]);
  if (memory_[entry].life != TimerWheel::kNone) timers_.cancel(memory_[entry].life);
  outers_.erase(entry);
  in_order_.erase(memory_[entry].arrival);
  memory_.remove(entry);
}

// The first condition as which the event waits and which needs no other event.
std::optional<std::size_t> NotAll::starting_position(EntryId entry) const {
  std::optional<std::size_t> first;
  const auto& links = memory_.links();
  for (LinkId link = memory_[entry].links; link != Slab<Link>::kNone; link = links[link].next) {
    const auto position = links[link].memory->position();
    if (!join_.joins(position) && (!first || position < *first)) first = position;
  }
  return first;
}

}  // namespace millrace::rules
