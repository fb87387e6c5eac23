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

void set_texts(Claim& claim) {
  for (auto& part : claim.parts) set_texts(part);
  claim.text = to_text(claim, {});
}

}  // namespace

Claim claim_of(const Expression& expression) {
  auto claim = made(expression, /*negated=*/false);
  set_texts(claim);
  return claim;
}

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

std::vector<std::string> binding_names(const Rule& rule) {
  std::vector<std::string> names(rule.conditions.size());
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = rule.binding(i);
  return names;
}

bool is_about_facts(const Condition& condition) {
  bool some = false;
  bool all = true;
  each_path(condition.expression, [&](const Expression& path) {
    if (path.binding) return;
    some = true;
    all &= condition.text.substr(path.offset).starts_with("fact");
  });
  return some && all;
}

}  // namespace millrace::rules
