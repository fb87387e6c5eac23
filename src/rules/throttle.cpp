// SPDX-License-Identifier: Apache-2.0
#include "throttle.hpp"

#include <algorithm>
#include <cstring>

#include "keyed_hash.hpp"

namespace millrace::rules {
namespace {

template <class T>
void append_bytes(const T& value, std::string& key) {
  key.append(reinterpret_cast<const char*>(&value), sizeof(value));  // NOLINT
}

void append_value(const Value& value, std::string& key);

// A short text has its length in the byte in front, where other values have their kind: most keys
// then fit into a string without an allocation.
constexpr unsigned kShortText = 0x80;

void append_slot(const Slot& slot, std::string& key) {
  if (slot.is_string() && slot.length < kShortText) {
    key += static_cast<char>(kShortText | slot.length);
    key += slot.string();
    return;
  }
  key += static_cast<char>(slot.kind);
  switch (slot.kind) {
    case Slot::Kind::boolean:
      key += slot.boolean ? '1' : '0';
      break;
    case Slot::Kind::integer:
    case Slot::Kind::unsigned_integer:
      append_bytes(slot.unsigned_integer, key);
      break;
    case Slot::Kind::number:
      append_bytes(slot.number == 0 ? 0.0 : slot.number, key);  // -0.0 is 0.0
      break;
    case Slot::Kind::string:
      append_bytes(static_cast<std::uint32_t>(slot.length), key);
      key += slot.string();
      break;
    case Slot::Kind::list:
      append_bytes(static_cast<std::uint32_t>(slot.container->get_array().size()), key);
      for (const auto& item : slot.container->get_array()) append_value(item, key);
      break;
    case Slot::Kind::object: {
      // The order of keys does not matter.
      std::vector<const Object::value_type*> entries;
      for (const auto& entry : slot.container->get_object()) entries.push_back(&entry);
      std::ranges::sort(entries, {},
                        [](const auto* entry) { return std::string_view(entry->key()); });
      append_bytes(static_cast<std::uint32_t>(entries.size()), key);
      for (const auto* entry : entries) {
        append_bytes(static_cast<std::uint32_t>(entry->key().size()), key);
        key += std::string_view(entry->key());
        append_value(entry->value(), key);
      }
      break;
    }
    default:
      break;
  }
}

void append_value(const Value& value, std::string& key) { append_slot(Slot::of(value), key); }

constexpr std::string_view window_key(Throttle::Kind kind) {
  switch (kind) {
    case Throttle::Kind::once_within:
      return "once_within_time_window";
    case Throttle::Kind::once_after:
      return "once_after_time_window";
    default:
      return "accumulate_within_time_window";
  }
}

}  // namespace

bool append_group_key(const std::vector<SlotId>& slots, EventReader& reader, std::string& key) {
  for (const auto id : slots) {
    Slot slot = reader.slot(id);
    if (slot.missing()) return false;
    if (slot.is_container()) slot.container = &reader.container(id);
    append_slot(slot, key);
  }
  return true;
}

namespace {

template <class T>
T take_bytes(std::string_view& key) {
  T value;
  std::memcpy(&value, key.data(), sizeof(value));
  key.remove_prefix(sizeof(value));
  return value;
}

std::string_view take_text(std::string_view& key) {
  const auto size = take_bytes<std::uint32_t>(key);
  const auto text = key.substr(0, size);
  key.remove_prefix(size);
  return text;
}

// The reverse of append_slot().
Value take_value(std::string_view& key) {
  const auto front = take_bytes<unsigned char>(key);
  if ((front & kShortText) != 0) {
    const auto text = key.substr(0, front & ~kShortText);
    key.remove_prefix(text.size());
    return Value(text);
  }
  switch (static_cast<Slot::Kind>(front)) {
    case Slot::Kind::boolean:
      return take_bytes<char>(key) == '1';
    case Slot::Kind::integer:
      return take_bytes<std::int64_t>(key);
    case Slot::Kind::unsigned_integer:
      return take_bytes<std::uint64_t>(key);
    case Slot::Kind::number:
      return take_bytes<double>(key);
    case Slot::Kind::string:
      return Value(take_text(key));
    case Slot::Kind::list: {
      Array list;
      for (auto size = take_bytes<std::uint32_t>(key); size > 0; --size)
        list.push_back(take_value(key));
      return list;
    }
    case Slot::Kind::object: {
      Object object;
      for (auto size = take_bytes<std::uint32_t>(key); size > 0; --size) {
        const auto name = take_text(key);
        object[name] = take_value(key);
      }
      return object;
    }
    default:
      return nullptr;
  }
}

}  // namespace

Array values_of_group_key(std::string_view key) {
  Array values;
  while (!key.empty()) values.push_back(take_value(key));
  return values;
}

void ThrottleState::each(
    std::size_t most,
    const std::function<void(const Array&, std::uint64_t, Instant)>& visit) const {
  for (GroupId id = 0; id < groups_.end() && most > 0; ++id) {
    const Group& group = groups_[id];
    const TimerId timer = group.first ? window_ : group.timer;
    if (timer == TimerWheel::kNone) continue;  // a number that is free
    visit(values_of_group_key(group.key), std::max<std::uint64_t>(group.count, 1),
          timers_.deadline(timer));
    --most;
  }
}

std::size_t ThrottleState::Key::hash(std::string_view key) const {
  return static_cast<std::size_t>(keyed_hash(key, seed));
}

ThrottleState::ThrottleState(const Throttle& settings, TimerWheel& timers, std::uint32_t owner,
                             std::uint64_t seed)
    : settings_(settings),
      timers_(timers),
      owner_(owner),
      by_key_(0, Key{&groups_, seed}, Key{&groups_, seed}) {}

ThrottleState::GroupId ThrottleState::find(std::string_view key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? Slab<Group>::kNone : *found;
}

ThrottleState::GroupId ThrottleState::add(std::string_view key) {
  const GroupId id = groups_.add();
  groups_[id].key = key;
  by_key_.insert(id);
  return id;
}

void ThrottleState::remove(GroupId id) {
  by_key_.erase(id);
  groups_.remove(id);
}

DocumentPtr ThrottleState::take(std::optional<std::string_view> group,
                                const std::function<DocumentPtr()>& document, Instant now) {
  switch (settings_.kind) {
    case Throttle::Kind::once_within:
      return once_within(group, document, now);
    case Throttle::Kind::accumulate_within:
      return accumulate(group, document, now);
    case Throttle::Kind::once_after:
      break;
  }
  collect(group, document, now);
  return nullptr;
}

bool ThrottleState::knows(std::optional<std::string_view> group) const {
  return group && find(*group) != Slab<Group>::kNone;
}

DocumentPtr ThrottleState::take_without_window(const std::function<DocumentPtr()>& document) const {
  return settings_.kind == Throttle::Kind::once_within ? marked(document(), 0) : nullptr;
}

DocumentPtr ThrottleState::once_within(std::optional<std::string_view> group,
                                       const std::function<DocumentPtr()>& document, Instant now) {
  if (group) {
    if (find(*group) != Slab<Group>::kNone) return nullptr;
    const GroupId id = add(*group);
    groups_[id].timer = timers_.set(now + settings_.window.length, {owner_, id});
  }
  return marked(document(), 0);
}

DocumentPtr ThrottleState::accumulate(std::optional<std::string_view> group,
                                      const std::function<DocumentPtr()>& document, Instant now) {
  if (!group) return nullptr;
  GroupId id = find(*group);
  const auto count = id == Slab<Group>::kNone ? 1 : groups_[id].count + 1;
  if (static_cast<std::int64_t>(count) >= settings_.threshold) {
    if (id != Slab<Group>::kNone) {
      timers_.cancel(groups_[id].timer);
      remove(id);
    }
    return marked(document(), 0);
  }
  if (id == Slab<Group>::kNone) {
    id = add(*group);
    groups_[id].timer = timers_.set(now + settings_.window.length, {owner_, id});
  }
  groups_[id].count = count;
  return nullptr;
}

// The first event of each group, in the order of their last ones. What lacks an attribute is a
// group of its own.
void ThrottleState::collect(std::optional<std::string_view> group,
                            const std::function<DocumentPtr()>& document, Instant now) {
  if (first_ == Slab<Group>::kNone)
    window_ = timers_.set(now + settings_.window.length, {owner_, 0});
  GroupId id = group ? find(*group) : Slab<Group>::kNone;
  if (id != Slab<Group>::kNone) {
    detach(id);
  } else {
    id = group ? add(*group) : groups_.add();
    groups_[id].first = document();
  }
  ++groups_[id].count;
  append(id);
}

void ThrottleState::append(GroupId id) {
  groups_[id].before = last_;
  groups_[id].after = Slab<Group>::kNone;
  (last_ == Slab<Group>::kNone ? first_ : groups_[last_].after) = id;
  last_ = id;
}

void ThrottleState::detach(GroupId id) {
  const Group& group = groups_[id];
  (group.before == Slab<Group>::kNone ? first_ : groups_[group.before].after) = group.after;
  (group.after == Slab<Group>::kNone ? last_ : groups_[group.after].before) = group.before;
}

ThrottleState::Bindings ThrottleState::expire(std::uint32_t item) {
  if (settings_.kind != Throttle::Kind::once_after) {
    remove(item);
    return {};
  }
  Bindings bindings;
  const bool alone = groups_.size() == 1;
  for (GroupId id = first_; id != Slab<Group>::kNone;) {
    const Group& group = groups_[id];
    bindings.emplace_back(alone ? "m" : fmt::format("m_{}", bindings.size()),
                          marked(group.first, group.count));
    const GroupId next = group.after;
    if (by_key_.contains(id)) by_key_.erase(id);
    groups_.remove(id);
    id = next;
  }
  first_ = last_ = Slab<Group>::kNone;
  return bindings;
}

// --- state

// Groups of once_after in the order of their last events, which is that of what will fire.
Value ThrottleState::state(const TimerStates& timers) const {
  Array groups;
  Object state;
  if (settings_.kind == Throttle::Kind::once_after) {
    for (GroupId id = first_; id != Slab<Group>::kNone; id = groups_[id].after)
      groups.push_back(state_of(id, timers));
    if (first_ != Slab<Group>::kNone) state["window"] = timers.of(window_);
  } else {
    for (const GroupId id : by_key_) groups.push_back(state_of(id, timers));
  }
  state["groups"] = std::move(groups);
  return state;
}

Value ThrottleState::state_of(GroupId id, const TimerStates& timers) const {
  const Group& group = groups_[id];
  Array row{by_key_.contains(id) ? Value(values_of_group_key(group.key)) : Value(), group.count};
  if (group.first) {
    row.push_back(group.first->value());
  } else {
    row.push_back(timers.of(group.timer));
  }
  return row;
}

void ThrottleState::restore(const Object& state, TimersToSet& timers) {
  if (const auto* window = state.if_contains("window"); window != nullptr)
    timers.add(*window, {owner_, 0}, window_);
  for (const auto& group : array_of(entry_of(state, "groups"))) restore_group(group, timers);
}

void ThrottleState::restore_group(const Value& value, TimersToSet& timers) {
  const Array& row = row_of(value, 3);
  GroupId id = Slab<Group>::kNone;
  if (row[0].is_null()) {
    id = groups_.add();
  } else {
    std::string key;
    for (const auto& part : array_of(row[0])) append_value(part, key);
    if (find(key) != Slab<Group>::kNone) throw DamagedState{"a group is there twice"};
    id = add(key);
  }
  Group& group = groups_[id];
  group.count = static_cast<std::uint32_t>(integer_of(row[1]));
  if (settings_.kind == Throttle::Kind::once_after) {
    group.first = Document::copy_of(object_of(row[2]));
    append(id);
  } else {
    timers.add(row[2], {owner_, id}, group.timer);
  }
}

// The event with what the engine says of it.
DocumentPtr ThrottleState::marked(const DocumentPtr& document, std::uint32_t count) const {
  Value value(document->value(), {});
  Object& object = value.as_object();
  Value& meta = object["meta"];
  if (!meta.is_object()) meta = Object();
  Value& engine = meta.get_object()["rule_engine"];
  if (!engine.is_object()) engine = Object();
  Object& said = engine.get_object();
  said[window_key(settings_.kind)] = settings_.window.shouted();
  if (settings_.kind == Throttle::Kind::accumulate_within) said["threshold"] = settings_.threshold;
  if (settings_.kind == Throttle::Kind::once_after) said["events_in_window"] = count;
  return Document::copy_of(value);
}

}  // namespace millrace::rules
