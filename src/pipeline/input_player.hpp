// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/event/event_reader.hpp"
#include "millrace/pipeline/record.hpp"
#include "millrace/rules/session.hpp"

namespace millrace::pipeline {

/// Gives a session once more what it was given, as lines tell it.
class InputPlayer {
 public:
  /// Both outlive it.
  InputPlayer(rules::Session& session, EventReader& reader) : session_(session), reader_(reader) {}

  /// An input, not a firing, at a time that is not before the last. `made_up_uuid`: of an event
  /// that got none when it was recorded; empty: one is made when it is needed. Errors: corrupt for
  /// what is no event, or a time that goes back.
  Result<> play(const RecordLine& line, std::string_view made_up_uuid,
                std::vector<rules::Activation>& fired);
  Instant now() const { return now_; }
  void begin_at(Instant now) { now_ = now; }

 private:
  Result<> play_event(const RecordLine& line, std::string_view made_up_uuid,
                      std::vector<rules::Activation>& fired);

  rules::Session& session_;
  EventReader& reader_;
  Instant now_{};
};

}  // namespace millrace::pipeline
