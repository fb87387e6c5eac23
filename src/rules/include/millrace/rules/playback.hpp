// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/diagnostic.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/event_reader.hpp"
#include "millrace/event/value.hpp"
#include "millrace/rules/rulebook.hpp"
#include "millrace/rules/session.hpp"

namespace millrace::rules {

/// A rule set on virtual time, without sources and actions: commands go in one by one, and what
/// fires comes out. Time begins at zero and stands still between commands.
class Playback {
 public:
  /// `rules` must outlive the playback. nullptr, with errors in `diagnostics`, for a rule set that
  /// does not run.
  static std::unique_ptr<Playback> create(const RuleSet& rules, Diagnostics& diagnostics);
  Playback(const Playback&) = delete;
  Playback& operator=(const Playback&) = delete;
  ~Playback();

  /// One of {"event": {…}}, {"fact": {…}}, {"retract_fact": {…}, "partial": bool (true)} and
  /// {"advance": "5 seconds"}. Errors: invalid_settings, invalid_event; nothing has happened then.
  Result<std::vector<Activation>> play(const Value& command);

  /// Moves time on to `at`, from zero. Errors: invalid_settings, for a time that is over.
  Result<std::vector<Activation>> advance_to(Duration at);

  const RuleSet& rules() const { return rules_; }
  Session& session() { return *session_; }
  Duration now() const { return now_.time_since_epoch(); }

 private:
  Playback(const RuleSet& rules, std::unique_ptr<Session> session);
  Result<> insert_event(const Value& event, std::vector<Activation>& fired);
  Result<> advance(const Value& span, std::vector<Activation>& fired);

  const RuleSet& rules_;
  const std::unique_ptr<Session> session_;
  EventReader reader_;
  Instant now_{};
};

}  // namespace millrace::rules
