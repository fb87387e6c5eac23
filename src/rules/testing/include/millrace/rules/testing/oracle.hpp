// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "millrace/event/value.hpp"
#include "millrace/rules/condition.hpp"

namespace millrace::rules::testing {

/// Whether a condition holds for an event, found in the most obvious way: the expression is walked
/// anew for every event, nothing is compiled, shared or indexed. Slow, and meant to be plainly
/// right; the network must agree with it. `bound`: the events of the earlier conditions, if it may
/// name them.
bool oracle_matches(const Expression& condition, const Value& event,
                    std::span<const Value* const> bound = {});

/// Whether it could hold, given the right events for the earlier conditions, as far as is asked
/// before they are there: tests with them are passed by, except that the first of a test's operands
/// that belongs to this event alone must not be missing.
bool oracle_can_match(const Expression& condition, const Value& event);

/// Makes conditions and events at random, of few names and values, so that they meet often.
class RandomRules {
 public:
  explicit RandomRules(std::uint64_t seed) : random_(seed) {}
  std::string condition() { return logic(3); }
  Value event();

 private:
  int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint64_t>(bound)); }
  const std::string& one_of(const std::vector<std::string>& choices) {
    return choices[static_cast<std::size_t>(below(static_cast<int>(choices.size())))];
  }
  std::string logic(int depth);
  std::string test();
  std::string path();
  std::string operand();
  std::string literal();
  Value value(int depth);

  std::mt19937_64 random_;
};

}  // namespace millrace::rules::testing
