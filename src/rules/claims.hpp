// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "millrace/rules/condition.hpp"

namespace millrace::rules {

/// A condition as it is evaluated: `not` pushed down to the tests, `and` never directly inside
/// `and`, nor `or` inside `or`. Points into the expression it was made from.
struct Claim {
  enum class Kind { test, all, any };
  Kind kind = Kind::test;
  const Expression* source = nullptr;  ///< the test, or what `and`, `or` or `not` was written as
  bool negated = false;                ///< of a test
  std::vector<Claim> parts;

  bool is_constant() const {
    return kind == Kind::test && source->kind == Expression::Kind::literal;
  }
};

Claim claim_of(const Expression& expression);

/// Written out; claims of the same text mean the same.
std::string to_text(const Claim& claim, std::span<const std::string> bindings = {});

/// What must hold for the claim to hold: its parts, or itself.
std::span<const Claim> conjuncts(const Claim& claim);

/// Tests that are to hold of one event together.
using Conjunction = std::vector<const Claim*>;
/// The tests among the conjuncts, alternatives left out.
void append_tests(const Claim& claim, Conjunction& tests);

}  // namespace millrace::rules
