// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "millrace/base/clock.hpp"
#include "millrace/base/diagnostic.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/event_reader.hpp"
#include "millrace/event/value.hpp"
#include "millrace/rules/rulebook.hpp"
#include "millrace/rules/session.hpp"

namespace millrace::rules {

/// A rulebook of one rule set, and a session to which steps are given one by one.
class Playback {
 public:
  /// nullptr, with errors in `diagnostics`, for a rulebook that does not load or run. `variables`
  /// must outlive the call only.
  static std::unique_ptr<Playback> load(std::string_view rulebook, const Object& variables,
                                        Diagnostics& diagnostics);

  /// One of {"event": {…}}, {"fact": {…}}, {"retract": {…}, "partial": bool (true)} and
  /// {"advance": "5 seconds"}. What fired, in order: [{"rule": name, "match": {binding: event}}…].
  Result<Array> play(const Value& step);

  const Session& session() const { return *session_; }
  /// [event…], oldest first.
  Array memory() const;

 private:
  explicit Playback(Rulebook rulebook) : rulebook_(std::move(rulebook)) {}
  Result<> insert_event(const Value& event, std::vector<Activation>& fired);
  Array written(const std::vector<Activation>& fired) const;

  const Rulebook rulebook_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<EventReader> reader_;
  Instant now_{};
};

}  // namespace millrace::rules
