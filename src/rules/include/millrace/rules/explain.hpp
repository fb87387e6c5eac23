// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "millrace/event/value.hpp"
#include "millrace/rules/rulebook.hpp"

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

}  // namespace millrace::rules
