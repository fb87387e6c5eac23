// SPDX-License-Identifier: Apache-2.0
#include "join_advice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "candidates.hpp"

namespace millrace::rules {
namespace {

using Kind = Expression::Kind;

// A join by equality, or by membership: events are found by it.
bool is_join(const Claim& claim) {
  return claim.kind == Claim::Kind::test && !claim.negated &&
         (claim.source->kind == Kind::equal || claim.source->kind == Kind::contains);
}

// `event.host == events.m_0.host`, of which an event is always the equal of itself.
bool joins_like_with_like(const Claim& claim) {
  if (claim.kind != Claim::Kind::test || claim.negated || claim.source->kind != Kind::equal)
    return false;
  const auto& operands = claim.source->operands;
  return operands[0].kind == Kind::path && operands[1].kind == Kind::path &&
         operands[0].path == operands[1].path && operands[0].binding != operands[1].binding;
}

// What the claim asks of an event besides being like another.
std::set<std::string> own_tests(const Claim& claim) {
  std::set<std::string> texts;
  for (const auto& part : conjuncts(claim)) {
    if (!joins_like_with_like(part)) texts.insert(part.text);
  }
  return texts;
}

bool has_join(const Expression& expression) {
  bool found = false;
  each_path(expression, [&](const Expression& path) { found |= path.binding.has_value(); });
  return found;
}

// The paths of a condition's own event; those that it compares with a literal are left out, since
// they do not tell one event from the next.
std::set<Path> joinable_paths(const Condition& condition, const Claim& claim) {
  std::set<Path> paths;
  each_path(condition.expression, [&](const Expression& path) {
    if (!path.binding) paths.insert(path.path);
  });
  for (const auto& part : conjuncts(claim)) {
    if (part.kind != Claim::Kind::test || literal_of(*part.source) == nullptr) continue;
    for (const auto& operand : part.source->operands) paths.erase(operand.path);
  }
  return paths;
}

class JoinAdvice {
 public:
  JoinAdvice(const Rule& rule, std::span<const Claim> claims, Diagnostics& diagnostics)
      : rule_(rule),
        claims_(claims),
        diagnostics_(diagnostics),
        bindings_(binding_names(rule)),
        group_(claims.size()) {
    std::iota(group_.begin(), group_.end(), std::size_t{0});
  }

  // Both conditions are met by the same events, so that each is consumed on arrival.
  bool report_same_conditions() {
    if (claims_.size() != 2 || own_tests(claims_[0]) != own_tests(claims_[1])) return false;
    if (is_about_facts(rule_.conditions[0])) return false;
    diagnostics_.warning(
        "same-condition-twice", place_of(1),
        fmt::format("rule `{}` never fires for events: each event meets both conditions by itself, "
                    "and is consumed",
                    rule_.name),
        fmt::format("to wait for two different events, add `and event.meta.uuid != "
                    "events.{}.meta.uuid`; to count events, use throttle: accumulate_within; facts "
                    "still fire it",
                    bindings_[0]));
    return true;
  }

  void report_missing_joins() {
    connect();
    std::set<std::size_t> reported;
    for (std::size_t i = 0; i < claims_.size(); ++i) {
      if (group_[i] == group_[0] || !reported.insert(group_[i]).second) continue;
      // Facts are few and stay: that each event meets each of them is what they are for.
      if (is_about_facts(rule_.conditions[i]) || is_about_facts(rule_.conditions[0])) continue;
      report_missing_join(i);
    }
  }

 private:
  Location place_of(std::size_t i) const {
    return rule_.conditions[i].at(rule_.conditions[i].expression);
  }

  void connect() {
    for (std::size_t i = 0; i < claims_.size(); ++i) {
      for (const auto& part : conjuncts(claims_[i])) {
        if (!is_join(part)) continue;
        each_path(*part.source, [&](const Expression& path) {
          if (path.binding) std::ranges::replace(group_, group_[i], group_[*path.binding]);
        });
      }
    }
  }

  void report_missing_join(std::size_t i) {
    const bool tried = has_join(rule_.conditions[i].expression);
    diagnostics_.warning(
        "cross-product", place_of(i),
        fmt::format(
            "no equality joins `{}` to `{}`: every waiting event of one {} every event of "
            "the other{}",
            bindings_[i], bindings_[0], tried ? "is compared with" : "pairs with",
            rule_.timeout ? fmt::format(" within the timeout of {}", rule_.timeout->text) : ""),
        hint_of_join(i));
  }

  std::string hint_of_join(std::size_t i) const {
    const auto mine = joinable_paths(rule_.conditions[i], claims_[i]);
    const auto theirs = joinable_paths(rule_.conditions[0], claims_[0]);
    const auto common =
        std::ranges::find_if(mine, [&](const Path& path) { return theirs.contains(path); });
    Expression path;
    path.kind = Kind::path;
    path.path = common != mine.end() ? *common : Path({Path::Key{"host"}});
    Expression other = path;
    other.binding = 0;
    return fmt::format("if they belong together add {}`and {} == {}`",
                       common != mine.end() ? "" : "what they have in common, such as ",
                       to_text(path), to_text(other, bindings_));
  }

  const Rule& rule_;
  std::span<const Claim> claims_;
  Diagnostics& diagnostics_;
  std::vector<std::string> bindings_;
  std::vector<std::size_t> group_;  // of conditions joined to each other
};

}  // namespace

void advise_on_joins(const RuleSet& rule_set, const Rule& rule, std::span<const Claim> claims,
                     Diagnostics& diagnostics) {
  if (rule.combine != Rule::Combine::all || claims.size() < 2) return;
  JoinAdvice advice(rule, claims, diagnostics);
  // Where events stay for other rules, one that meets both conditions can pair with the next.
  if (!rule_set.match_multiple_rules && advice.report_same_conditions()) return;
  advice.report_missing_joins();
}

}  // namespace millrace::rules
