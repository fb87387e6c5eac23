// SPDX-License-Identifier: Apache-2.0
#include "claims.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace millrace::rules {
namespace {

Claim made(const Expression& expression, bool negated) {
  using Kind = Expression::Kind;
  Claim claim;
  claim.source = &expression;
  if (expression.kind == Kind::negate) {
    claim = made(expression.operands[0], !negated);
    if (claim.kind != Claim::Kind::test) claim.source = &expression;
    return claim;
  }
  if (expression.kind != Kind::all && expression.kind != Kind::any) {
    claim.negated = negated;
    return claim;
  }
  claim.kind = (expression.kind == Kind::all) != negated ? Claim::Kind::all : Claim::Kind::any;
  for (const auto& operand : expression.operands) {
    auto part = made(operand, negated);
    if (part.kind == claim.kind) {
      std::ranges::move(part.parts, std::back_inserter(claim.parts));
    } else {
      claim.parts.push_back(std::move(part));
    }
  }
  return claim;
}

}  // namespace

Claim claim_of(const Expression& expression) { return made(expression, /*negated=*/false); }

std::string to_text(const Claim& claim, std::span<const std::string> bindings) {
  if (claim.kind == Claim::Kind::test) {
    const auto text = to_text(*claim.source, bindings);
    if (!claim.negated) return text;
    const bool short_enough = claim.source->kind == Expression::Kind::truth || claim.is_constant();
    return short_enough ? "not " + text : fmt::format("not ({})", text);
  }
  std::string out;
  for (const auto& part : claim.parts) {
    if (!out.empty()) out += claim.kind == Claim::Kind::all ? " and " : " or ";
    out += to_text(part, bindings);
  }
  return fmt::format("({})", out);
}

std::span<const Claim> conjuncts(const Claim& claim) {
  return claim.kind == Claim::Kind::all ? std::span(claim.parts) : std::span(&claim, 1);
}

void append_tests(const Claim& claim, Conjunction& tests) {
  for (const auto& part : conjuncts(claim)) {
    if (part.kind == Claim::Kind::test) tests.push_back(&part);
  }
}

}  // namespace millrace::rules
