// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "millrace/event/event.hpp"

namespace millrace::aws_cloudtrail {

/// How far the trail has been read: the newest time seen, and the events that may be seen again
/// because they are not older than what is asked for. Times are seconds since 1970.
class TrailMemory {
 public:
  TrailMemory(double newest, double lateness)
      : newest_(newest), lateness_(lateness), since_(newest - lateness) {}

  /// The time to ask from; it changes with the end of a poll only.
  double since() const { return since_; }
  /// Whether it is seen for the first time, and not older than what was asked for.
  bool add(const std::string& id, double time);
  /// All events of a poll were added: forgets what cannot come again.
  void end_poll();

  Value to_value() const;
  /// Nothing if the value is none of to_value().
  static std::optional<TrailMemory> from_value(const Value& value, double lateness);

 private:
  double newest_;
  double lateness_;
  double since_;
  std::map<std::string, double> seen_;
};

/// What is to be remembered, and when: not before every event of the poll, and of those before, is
/// settled. Deliveries may outlive it, hence the shared polls.
class SettledPolls {
 public:
  struct Poll {
    std::size_t unsettled = 0;
    bool has_events = false;
  };
  using PollPtr = std::shared_ptr<Poll>;

  static PollPtr begin() { return std::make_shared<Poll>(); }
  /// For a batch of the poll.
  static Delivery delivery(const PollPtr& poll);
  /// The poll is complete, and has events; `memory` is what is to be remembered when it is settled.
  void end(PollPtr poll, Value memory) { polls_.emplace_back(std::move(poll), std::move(memory)); }
  /// What is to be remembered now; nothing if that is what it was.
  std::optional<Value> take();

 private:
  std::deque<std::pair<PollPtr, Value>> polls_;
};

}  // namespace millrace::aws_cloudtrail
