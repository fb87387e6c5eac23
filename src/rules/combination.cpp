// SPDX-License-Identifier: Apache-2.0
#include "combination.hpp"

namespace millrace::rules {

SlotId Combination::slot_of(std::size_t position, const Path& path) {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].position == position && places_[i].path == path) return static_cast<SlotId>(i);
  }
  places_.push_back({.position = position, .path = path});
  return static_cast<SlotId>(places_.size() - 1);
}

void Combination::bind(std::size_t position, const Value& event) {
  events_[position].value = &event;
  ++events_[position].version;
}

const Slot& Combination::slot(SlotId id) {
  Place& place = places_[id];
  const Event& event = events_[place.position];
  if (place.version != event.version) {
    place.version = event.version;
    place.found = find(*event.value, place.path);
    place.slot = place.found ? Slot::of(*place.found) : Slot();
  }
  return place.slot;
}

const Value& Combination::container(SlotId id) { return *places_[id].found; }

void Combination::each_item(SlotId id, const std::function<bool(const Slot&)>& visit) {
  for (const auto& item : container(id).get_array()) {
    if (!visit(Slot::of(item))) return;
  }
}

}  // namespace millrace::rules
