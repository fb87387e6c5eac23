// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "millrace/event/value.hpp"
#include "millrace/rules/rulebook.hpp"

namespace millrace::rules::testing {

/// A rule as it will be written, in parts that can be left out one by one.
struct RuleDraft {
  /// All tests must hold. "@2" in a test stands for the event of condition 2: "event.a == @2.b".
  struct Condition {
    std::string alias;
    std::vector<std::string> tests;
  };
  struct ThrottleDraft {
    std::string key;  ///< "once_within"; empty: the rule has none
    std::string window;
    int threshold = 0;
    std::vector<std::string> group_by;
  };

  std::string combine;  ///< "all", "any", "not_all"; empty: a single condition
  std::vector<Condition> conditions;
  std::string timeout;  ///< empty: none
  ThrottleDraft throttle;
  bool enabled = true;

  /// Without condition `index`, and without the tests that name it.
  RuleDraft without(std::size_t index) const;
};

struct RuleSetDraft {
  std::vector<RuleDraft> rules;
  bool match_multiple_rules = false;
  std::string default_events_ttl;  ///< empty: as it is without

  /// The rulebook; its rules are called r0, r1, …
  std::string yaml() const;
};

/// What happens, and how much later than what happened before it.
struct Step {
  enum class Kind { event, fact, retract_partial, retract_whole, advance };
  Kind kind = Kind::event;
  Object value;
  std::chrono::milliseconds after{};

  std::string to_text() const;
};

/// Makes rule sets and what happens to them at random, of few names and values, so that events meet
/// conditions and each other.
class RandomRuleSets {
 public:
  explicit RandomRuleSets(std::uint64_t seed) : random_(seed) {}
  RuleSetDraft rule_set();
  /// Times are chosen so that windows of `rule_set` are often met to the millisecond.
  std::vector<Step> steps(const RuleSetDraft& rule_set, std::size_t count);

 private:
  int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint64_t>(bound)); }
  template <class T>
  const T& one_of(const std::vector<T>& choices) {
    return choices[static_cast<std::size_t>(below(static_cast<int>(choices.size())))];
  }

  RuleDraft rule();
  RuleDraft of_several(const std::string& combine);
  RuleDraft throttled();
  RuleDraft::Condition condition(std::size_t position);
  std::string test();
  std::string join(const std::string& other);
  std::string comparison(const std::string& own, const std::string& theirs);
  std::string field();
  std::string literal();
  Value value();
  Object event();
  Object pattern(const std::vector<Step>& before);
  std::chrono::milliseconds pause(const std::vector<std::chrono::milliseconds>& spans);

  std::mt19937_64 random_;
};

}  // namespace millrace::rules::testing
