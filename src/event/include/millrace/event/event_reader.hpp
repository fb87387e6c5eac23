// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/event.hpp"
#include "millrace/event/path.hpp"
#include "millrace/event/value.hpp"

namespace millrace {

/// What one path found in one event. Scalars are here; a list or object is fetched with
/// EventReader::container(), because most tests only ask whether it is one. Two machine words, so
/// that it travels in registers.
struct Slot {
  enum class Kind : std::uint8_t {
    missing,
    null,
    boolean,
    integer,
    unsigned_integer,
    number,
    string,
    list,
    object
  };

  union {
    bool boolean;
    std::int64_t integer;  ///< every integer that fits
    std::uint64_t unsigned_integer;
    double number;
    const char* characters;  ///< of a string; valid until the next event is read
    const Value* container;  ///< of a list or object, once fetched
  };
  std::uint32_t length = 0;  ///< of a string
  Kind kind = Kind::missing;

  Slot() : integer(0) {}
  /// A view of `value`, which must outlive the slot.
  static Slot of(const Value& value);

  bool missing() const { return kind == Kind::missing; }
  bool is_null() const { return kind == Kind::null; }
  bool is_string() const { return kind == Kind::string; }
  bool is_number() const { return kind >= Kind::integer && kind <= Kind::number; }
  bool is_container() const { return kind >= Kind::list; }
  std::string_view string() const { return {characters, length}; }
};

using SlotId = std::uint32_t;

/// Reads events for one rule set: the paths that its rules use are numbered, and one pass over an
/// event fills a slot for each. Text is parsed here, once, and checked in full; the whole value is
/// built only when document() is asked for.
///
/// An event must be an object, and its `meta` too if it has one. One thread; slots and containers
/// hold until the next read().
class EventReader {
 public:
  /// `paths`: those of slots 0, 1, …
  EventReader(std::vector<Path> paths, const JsonLimits& limits);
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;
  ~EventReader();

  /// What the engine knows of an event's coming, put under `meta` where the event does not say it
  /// itself.
  struct Arrival {
    const Origin* origin = nullptr;  ///< null: nothing is added to the event
    WallTime received_at;
    std::string_view uuid;  ///< empty: one is made when it is first needed
  };

  /// Errors: invalid_event.
  Result<> read(Event& event, const Arrival& arrival);
  /// The same for a value that exists already; nothing is added to it. `value` must outlive the use
  /// of the slots.
  void read(const Value& value);

  const Slot& slot(SlotId id) const { return slots_[id]; }
  /// Ids of the slots that are not missing, each once, in no order.
  std::span<const SlotId> present() const { return present_; }
  /// The list or object of a slot.
  const Value& container(SlotId id);
  /// Calls `visit` with each element of the slot's list until it returns false. Lists and objects
  /// among them come without their content.
  void each_item(SlotId id, const std::function<bool(const Slot&)>& visit);
  /// The event as a whole, with what `arrival` adds. Built at the first call. Not for events read
  /// as values.
  DocumentPtr document();
  /// The uuid that was made for the event; empty as long as none was needed.
  std::string_view uuid() const;

  const std::vector<Path>& paths() const { return paths_; }

 private:
  struct Impl;
  friend struct Impl;
  const std::vector<Path> paths_;
  std::vector<Slot> slots_;
  std::vector<SlotId> present_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace
