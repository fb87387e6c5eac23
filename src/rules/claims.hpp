// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "millrace/rules/rulebook.hpp"

namespace millrace::rules {

/// A condition as it is evaluated: `not` pushed down to the tests, `and` never directly inside
/// `and`, nor `or` inside `or`. Points into the expression it was made from.
struct Claim {
  enum class Kind { test, all, any };
  Kind kind = Kind::test;
  const Expression* source = nullptr;  ///< the test, or what `and`, `or` or `not` was written as
  bool negated = false;                ///< of a test
  std::vector<Claim> parts;
  std::string text;  ///< claims of the same text mean the same

  bool is_constant() const {
    return kind == Kind::test && source->kind == Expression::Kind::literal;
  }
};

Claim claim_of(const Expression& expression);

/// Written out for the reader.
std::string to_text(const Claim& claim, std::span<const std::string> bindings);

/// What must hold for the claim to hold: its parts, or itself.
std::span<const Claim> conjuncts(const Claim& claim);

/// Tests that are to hold of one event together.
using Conjunction = std::vector<const Claim*>;
/// The tests among the conjuncts, alternatives left out.
void append_tests(const Claim& claim, Conjunction& tests);

/// What the events of the rule's conditions are called.
std::vector<std::string> binding_names(const Rule& rule);

/// Calls `visit` with each path in the expression.
template <class Visit>
void each_path(const Expression& expression, const Visit& visit) {
  if (expression.kind == Expression::Kind::path) visit(expression);
  for (const auto& operand : expression.operands) each_path(operand, visit);
}

/// Whether every path of the condition's own is written `fact.…` or `facts.…`. It matches events
/// too, but facts are what it is for: they fire every rule, and are not consumed.
bool is_about_facts(const Condition& condition);

}  // namespace millrace::rules
