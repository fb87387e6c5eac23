// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/event/value.hpp"
#include "millrace/rules/rulebook.hpp"
#include "millrace/rules/session.hpp"

namespace millrace::rules {

/// One elementary test of a condition, and what it found in the event.
struct TestExplanation {
  std::string test;  ///< as the rulebook has it; "not (…)" around one that is negated
  bool holds = false;
  /// "event.disk.used is 45", "event.disk is missing", "cannot compare str and int"; several are
  /// separated by "; ". Empty when the test itself says it all.
  std::string finding;
};

/// What one rule makes of one event.
struct RuleExplanation {
  enum class Verdict {
    matched,
    not_matched,
    disabled,
    waits,    ///< meets one of several conditions; `note` says which
    absence,  ///< asks working memory, not the event, whether something is missing; `note` says
              ///< when
  };
  std::size_t rule = 0;  ///< into RuleSet::rules
  Verdict verdict = Verdict::not_matched;
  /// The event would run the rule's actions. Of the rules that match, only the first one does,
  /// unless the rule set says `match_multiple_rules`.
  bool reported = false;
  /// The tests that decided: of a match those that hold; otherwise those that fail, all sides of a
  /// failing `or` among them.
  std::vector<TestExplanation> tests;
  std::string note;
};

/// Explains what each rule of `rule_set`, in order, makes of `event` (an object, as a source gives
/// it: without what the engine adds under `meta`), with the very tests that a Session runs. Pure;
/// compiles the rules anew at each call.
std::vector<RuleExplanation> explain(const RuleSet& rule_set, const Value& event);

/// What one rule waits for, after the events that a session has been given.
struct WaitingExplanation {
  std::size_t rule = 0;  ///< into RuleSet::rules
  struct Bound {
    std::string binding;
    std::size_t events = 0;  ///< that wait as this condition; none: it is what the rule waits for
    DocumentPtr newest;
    std::string condition;  ///< as the rulebook has it
  };
  std::vector<Bound> bound;            ///< of a rule that wants several events
  std::vector<TestExplanation> tests;  ///< between the newest events of all conditions: those that
                                       ///< fail, with their values
  std::optional<Duration> left;        ///< of the open window of not_all and once_after
  struct Group {
    Array values;  ///< of the throttle's attributes
    std::uint64_t events = 0;
    Duration left;
  };
  std::vector<Group> groups;  ///< of a throttle, some of those with a window open
  std::size_t group_count = 0;
};

/// For each rule of `rule_set` that waits for something. `now` is the session's time.
std::vector<WaitingExplanation> explain_waiting(const RuleSet& rule_set, const Session& session,
                                                Instant now);

}  // namespace millrace::rules
