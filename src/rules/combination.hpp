// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "millrace/event/path.hpp"
#include "predicate.hpp"

namespace millrace::rules {

/// The events that one rule's conditions have been given so far, as operands of the tests between
/// them. A path is followed when it is first asked for.
class Combination final : public Operands {
 public:
  explicit Combination(std::size_t positions) : events_(positions) {}

  /// The slot of a path into the event at `position`.
  SlotId slot_of(std::size_t position, const Path& path);
  /// `event` must outlive the use of its slots.
  void bind(std::size_t position, const Value& event);

  const Slot& slot(SlotId id) override;
  const Value& container(SlotId id) override;
  void each_item(SlotId id, const std::function<bool(const Slot&)>& visit) override;

 private:
  struct Event {
    const Value* value = nullptr;
    std::uint64_t version = 0;
  };
  struct Place {
    std::size_t position = 0;
    Path path;
    std::uint64_t version = 0;  // of the event in which it was found
    Found found;
    Slot slot;
  };

  std::vector<Event> events_;
  std::deque<Place> places_;
};

}  // namespace millrace::rules
