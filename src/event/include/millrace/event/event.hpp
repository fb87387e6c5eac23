// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"

namespace millrace {

/// Bytes that must be readable behind every JSON text handed over as a view (the parser reads in
/// wide steps).
inline constexpr std::size_t kTextPadding = 64;

/// Makes an event's own `meta` when somebody wants to see it, which of most events nobody does.
class MetaMaker {
 public:
  virtual Object make_meta() const = 0;

 protected:
  MetaMaker() = default;
  MetaMaker(const MetaMaker&) = default;
  MetaMaker& operator=(const MetaMaker&) = default;
  ~MetaMaker() = default;
};

/// An event on its way in: JSON text that nobody has parsed yet, or a value that was built by hand.
///
/// Text stays text until a rule set reads it: the paths that its rules use are taken from the text
/// in one pass, and the whole value is built only if the event matches, is printed or is kept.
class Event {
 public:
  /// A value built by the source or a filter. Anything but an object is refused by the rule set.
  explicit Event(Value data) : data_(std::move(data)), is_text_(false) {}

  /// The JSON text, which must stay where it is, with kTextPadding readable bytes behind it, until
  /// the batch is settled (EventBatch::memory keeps it).
  static Event from_text(std::string_view json) {
    Event event{Value()};
    event.text_ = json;
    event.is_text_ = true;
    return event;
  }

  struct Text {
    std::string_view json;
    std::uint64_t position = 0;
  };
  /// The same, made in place (`events.emplace_back(Event::Text{line, number})`): for sources of
  /// millions, to which the moves of from_text() and at() are half the work.
  explicit Event(Text text) : text_(text.json), position_(text.position), is_text_(true) {}

  /// The event's data becomes {key: data}, as a webhook's body becomes `payload`. The key must
  /// outlive the event.
  Event&& wrap(std::string_view key) && {
    wrap_ = key;
    return std::move(*this);
  }
  /// Adds to the event's `meta` (endpoint, headers, hosts…).
  Event&& with_meta(Object meta) && {
    meta_ = std::move(meta);
    return std::move(*this);
  }
  /// The same, made when it is asked for. The maker must stay where it is for as long as the text
  /// does.
  Event&& with_meta(const MetaMaker& maker) && {
    meta_maker_ = &maker;
    return std::move(*this);
  }
  /// Where in its source the event stood (a line number), for messages about it; 0: unknown.
  Event&& at(std::uint64_t position) && {
    position_ = position;
    return std::move(*this);
  }

  bool is_text() const { return is_text_; }
  std::string_view text() const { return text_; }
  const Value& data() const { return data_; }
  Value&& take_data() { return std::move(data_); }
  std::string_view wrap_key() const { return wrap_; }
  const Object& meta() const {
    if (meta_maker_ != nullptr) meta_ = std::exchange(meta_maker_, nullptr)->make_meta();
    return meta_;
  }
  std::uint64_t position() const { return position_; }

 private:
  Value data_;
  std::string_view text_;
  std::string_view wrap_;
  mutable Object meta_;
  mutable const MetaMaker* meta_maker_ = nullptr;
  std::uint64_t position_ = 0;
  bool is_text_ = false;
};

/// An event of a batch that was refused, and why.
struct Rejection {
  std::size_t index = 0;  ///< into EventBatch::events
  Error error;
};

/// What the source of a batch learns of its fate: `taken`, then `settled`, each once at the most,
/// on the loop thread. When the engine stops before, they are not called: the events will have to
/// come again. As soon as that is certain, at the latest when the rule sets have ended, the
/// functions are destroyed.
struct Delivery {
  /// The rule set has read every event: it is matched, or refused. With a journal: it is written.
  std::function<void(const std::vector<Rejection>&)> taken;
  /// Every action that the batch caused has ended: a broker may be told.
  std::function<void()> settled;
};

/// Events that travel together from a source to a rule set: one wake-up, one settlement.
struct EventBatch {
  std::vector<Event> events;
  std::shared_ptr<const void> memory;  ///< keeps the texts alive
  Delivery delivery;
};

/// Who made an event and when, as `meta` tells it.
struct Origin {
  std::string name;  ///< meta.source.name
  std::string type;  ///< meta.source.type
};

}  // namespace millrace
