// SPDX-License-Identifier: Apache-2.0
#include "millrace/rules/advice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "contradiction.hpp"
#include "join_advice.hpp"
#include "path_advice.hpp"
#include "reasoning.hpp"
#include "support.hpp"

namespace millrace::rules {
namespace {

// Rules with the same key that a later one is compared with; more would take too long.
constexpr std::size_t kMostAlike = 64;

struct Reading {
  const Rule* rule;
  std::vector<Claim> claims;  // of its conditions
  bool possible = true;       // no condition contradicts itself
};

Location place_of(const Condition& condition) { return condition.at(condition.expression); }

// Whether the rule takes every event that meets one of its conditions, at once and alone.
bool is_plain(const Reading& reading) {
  const Rule& rule = *reading.rule;
  const bool single = rule.conditions.size() == 1 && rule.combine != Rule::Combine::not_all;
  return reading.possible && !rule.throttle && !is_existential(rule) &&
         (single || rule.combine == Rule::Combine::any);
}

class RuleSetAdvice {
 public:
  RuleSetAdvice(const RuleSet& rule_set, Diagnostics& diagnostics)
      : rule_set_(rule_set), diagnostics_(diagnostics) {}

  void run() {
    for (const auto& rule : rule_set_.rules) {
      if (!rule.enabled) continue;
      const Reading reading = read(rule);
      check_any(reading);
      advise_on_joins(rule_set_, rule, reading.claims, diagnostics_);
      check_timeout(rule);
      if (!rule_set_.match_multiple_rules && is_plain(reading)) check_reach(reading);
    }
  }

 private:
  Reading read(const Rule& rule) {
    Reading reading{&rule, {}};
    const auto bindings = binding_names(rule);
    for (const auto& condition : rule.conditions) {
      reading.claims.push_back(claim_of(condition.expression));
      reading.possible &= check_claim(condition, reading.claims.back(), bindings, diagnostics_);
    }
    return reading;
  }

  // `any` takes the first of its conditions that holds.
  void check_any(const Reading& reading) {
    if (reading.rule->combine != Rule::Combine::any || !reading.possible) return;
    const auto& claims = reading.claims;
    for (std::size_t i = 1; i < claims.size(); ++i) {
      const auto before = std::span(claims).first(i);
      const auto earlier = std::ranges::find_if(
          before, [&](const Claim& claim) { return covers(claim, claims[i]); });
      if (earlier == before.end()) continue;
      diagnostics_.warning(
          "unreachable-alternative", place_of(reading.rule->conditions[i]),
          fmt::format("this condition of `any` is never the one that counts: whenever it holds, so "
                      "does `{}` before it",
                      earlier->text),
          "remove it, or mend the one that was meant otherwise");
    }
  }

  void check_timeout(const Rule& rule) {
    const auto& kept = rule_set_.default_events_ttl;
    if (!rule.timeout || rule.conditions.size() < 2 || rule.timeout->length <= kept.length) return;
    diagnostics_.warning(
        "timeout-beyond-ttl", rule.timeout->where,
        fmt::format("the timeout of {} is cut short: a waiting event is dropped after {}, the "
                    "rule set's default_events_ttl",
                    rule.timeout->text, kept.text),
        fmt::format("set default_events_ttl: {} or more on the rule set, or shorten the timeout",
                    rule.timeout->text));
  }

  // ---- rules that an earlier one leaves nothing to

  void check_reach(Reading reading) {
    if (std::ranges::all_of(reading.rule->conditions, is_about_facts)) return;
    for (const auto& key : keys_of_later(reading)) {
      const auto found = earlier_.find(key);
      if (found == earlier_.end()) continue;
      const auto taker = std::ranges::find_if(
          found->second, [&](const Reading& before) { return takes_all(before, reading); });
      if (taker == found->second.end()) continue;
      report_unreachable(*taker->rule, *reading.rule);
      return;
    }
    auto& alike = earlier_[key_of_earlier(reading)];
    if (alike.size() < kMostAlike) alike.push_back(std::move(reading));
  }

  static bool takes_all(const Reading& earlier, const Reading& later) {
    return std::ranges::all_of(later.claims, [&](const Claim& claim) {
      return std::ranges::any_of(earlier.claims,
                                 [&](const Claim& before) { return covers(before, claim); });
    });
  }

  // A test without which the earlier rule does not fire: later rules that lack it are not looked
  // at.
  static std::string key_of_earlier(const Reading& reading) {
    if (reading.claims.size() != 1) return {};
    for (const auto& part : conjuncts(reading.claims[0])) {
      const bool equality = part.kind == Claim::Kind::test && !part.negated &&
                            part.source->kind == Expression::Kind::equal;
      if (equality) return part.text;
    }
    return {};
  }
  static std::vector<std::string> keys_of_later(const Reading& reading) {
    std::vector<std::string> keys{""};
    for (const auto& part : conjuncts(reading.claims[0])) keys.push_back(part.text);
    return keys;
  }

  void report_unreachable(const Rule& earlier, const Rule& later) {
    diagnostics_.warning(
        "unreachable-rule", place_of(later.conditions[0]),
        fmt::format("rule `{}` never fires for events: rule `{}`, which comes first, takes every "
                    "event that meets its condition",
                    later.name, earlier.name),
        "put the narrower rule first, or set match_multiple_rules: true; facts still fire both");
  }

  const RuleSet& rule_set_;
  Diagnostics& diagnostics_;
  std::unordered_map<std::string, std::vector<Reading>> earlier_;  // plain rules
};

}  // namespace

void advise(const Rulebook& rulebook, const AdviceOptions& options, Diagnostics& diagnostics) {
  Diagnostics found;
  for (const auto& rule_set : rulebook.rule_sets) RuleSetAdvice(rule_set, found).run();
  advise_on_paths(rulebook, options, found);
  found.sort();
  diagnostics.append(std::move(found));
}

}  // namespace millrace::rules
