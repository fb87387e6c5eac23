// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "millrace/event/event_reader.hpp"
#include "millrace/pipeline/record_sink.hpp"
#include "millrace/rules/session.hpp"

namespace millrace::pipeline {

/// Records the calls of one rule set's session: each after the call, with what has fired by it.
/// Does nothing once the recorder has given up (or whoever takes the lines). Loop thread only.
class RuleSetRecorder {
 public:
  using Fired = std::span<const rules::Activation>;

  enum class Firings { recorded, left_out };
  /// Both outlive it.
  RuleSetRecorder(RecordSink& sink, const rules::RuleSet& rules,
                  Firings firings = Firings::recorded);

  /// `uuid`: EventReader::uuid().
  void event(Instant now, const Event& event, const EventReader::Arrival& arrival,
             std::string_view uuid, Fired fired);
  void fact(Instant now, const Value& fact, Fired fired);
  void retract(Instant now, const Object& pattern, rules::Session::Retract how, Fired fired);
  /// Time passed. Windows end at any later call, too: only when something has fired does this need
  /// to be known, and at the start and end of a run.
  void advance(Instant now, Fired fired);

 private:
  std::string& begin(Instant now);
  void append_event(std::string& out, const Event& event);
  void append_arrival(std::string& out, const EventReader::Arrival& arrival);
  void append_fired(std::string& out, Fired fired);

  RecordSink& sink_;
  const Firings firings_;
  const rules::RuleSet& rules_;
  const std::string rule_set_;  ///< its name as JSON
  EventReader::Arrival arrival_;
  std::string arrival_text_;  ///< of arrival_: that of a whole batch
};

}  // namespace millrace::pipeline
