// SPDX-License-Identifier: Apache-2.0
#include "millrace/rules/testing/random_rule_sets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "millrace/event/json.hpp"

namespace millrace::rules::testing {
namespace {

using std::chrono::milliseconds;

std::string name_of(const RuleDraft& rule, std::size_t condition) {
  const auto& alias = rule.conditions[condition].alias;
  return alias.empty() ? fmt::format("m_{}", condition) : alias;
}

std::string text_of(const RuleDraft& rule, std::size_t index) {
  const auto& condition = rule.conditions[index];
  std::string text = condition.alias.empty() ? "" : fmt::format("events.{} << ", condition.alias);
  const bool several = condition.tests.size() > 1;
  for (std::size_t i = 0; i < condition.tests.size(); ++i) {
    if (i > 0) text += " and ";
    if (several) text += '(';
    const auto& test = condition.tests[i];
    for (std::size_t at = 0; at < test.size(); ++at) {
      if (test[at] != '@') {
        text += test[at];
      } else {
        text += "events." + name_of(rule, static_cast<std::size_t>(test[++at] - '0'));
      }
    }
    if (several) text += ')';
  }
  return text;
}

std::string yaml_of(const RuleDraft& rule, std::size_t index) {
  std::string text = fmt::format("    - name: r{}\n      condition:", index);
  if (rule.combine.empty()) {
    text += fmt::format(" '{}'\n", text_of(rule, 0));
  } else {
    text += fmt::format("\n        {}:\n", rule.combine);
    for (std::size_t i = 0; i < rule.conditions.size(); ++i)
      text += fmt::format("          - '{}'\n", text_of(rule, i));
    if (!rule.timeout.empty()) text += fmt::format("        timeout: {}\n", rule.timeout);
  }
  if (const auto& throttle = rule.throttle; !throttle.key.empty()) {
    text += fmt::format("      throttle:\n        {}: {}\n", throttle.key, throttle.window);
    if (throttle.threshold > 0) text += fmt::format("        threshold: {}\n", throttle.threshold);
    text += fmt::format("        group_by_attributes: [{}]\n", fmt::join(throttle.group_by, ", "));
  }
  if (!rule.enabled) text += "      enabled: false\n";
  return text + "      action:\n        debug:\n";
}

}  // namespace

RuleDraft RuleDraft::without(std::size_t index) const {
  RuleDraft rest = *this;
  rest.conditions.erase(rest.conditions.begin() + static_cast<std::ptrdiff_t>(index));
  for (auto& condition : rest.conditions) {
    std::erase_if(condition.tests, [&](const std::string& test) {
      return test.find(fmt::format("@{}", index)) != std::string::npos;
    });
    if (condition.tests.empty()) condition.tests.emplace_back("true");
    for (auto& test : condition.tests) {
      for (std::size_t at = test.find('@'); at != std::string::npos; at = test.find('@', at + 1)) {
        if (static_cast<std::size_t>(test[at + 1] - '0') > index) --test[at + 1];
      }
    }
  }
  return rest;
}

std::string RuleSetDraft::yaml() const {
  std::string text = "- name: random\n  hosts: all\n";
  if (match_multiple_rules) text += "  match_multiple_rules: true\n";
  if (!default_events_ttl.empty())
    text += fmt::format("  default_events_ttl: {}\n", default_events_ttl);
  text += "  sources: []\n  rules:\n";
  for (std::size_t i = 0; i < rules.size(); ++i) text += yaml_of(rules[i], i);
  return text;
}

std::string Step::to_text() const {
  const auto json = to_json(value);
  const auto later = after.count() == 0 ? "" : fmt::format(", {} ms later", after.count());
  switch (kind) {
    case Kind::event:
      return fmt::format("{{\"event\": {}}}{}", json, later);
    case Kind::fact:
      return fmt::format("{{\"fact\": {}}}{}", json, later);
    case Kind::retract_partial:
      return fmt::format("{{\"retract\": {}}}{}", json, later);
    case Kind::retract_whole:
      return fmt::format("{{\"retract\": {}, \"partial\": false}}{}", json, later);
    case Kind::advance:
      break;
  }
  return fmt::format("{{\"advance\": \"{} milliseconds\"}}", after.count());
}

// --- rules

RuleSetDraft RandomRuleSets::rule_set() {
  RuleSetDraft rules;
  rules.match_multiple_rules = below(3) == 0;
  if (below(2) == 0)
    rules.default_events_ttl = one_of<std::string>({"1 second", "2 seconds", "5 seconds"});
  for (int i = 1 + below(6); i > 0; --i) {
    rules.rules.push_back(rule());
    rules.rules.back().enabled = below(25) > 0;
  }
  return rules;
}

RuleDraft RandomRuleSets::rule() {
  switch (below(16)) {
    case 0:
    case 1:
      return {.combine = "", .conditions = {condition(0)}, .timeout = "", .throttle = {}};
    case 2:
      return of_several("any");
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
      return of_several("all");
    case 8:
    case 9:
    case 10:
      return of_several("not_all");
    case 11:
    case 12:
    case 13:
    case 14:
      return throttled();
    default:
      return {.combine = "",
              .conditions = {{"", {field() + " is not defined"}}},
              .timeout = "",
              .throttle = {}};
  }
}

RuleDraft RandomRuleSets::of_several(const std::string& combine) {
  static const std::vector<std::string> kTimeouts = {"500 milliseconds", "1 second", "2 seconds",
                                                     "3 seconds", "5 seconds"};
  RuleDraft rule;
  rule.combine = combine;
  static const std::vector<std::size_t> kSizes = {2, 2, 2, 2, 2, 3, 3, 4, 1};
  const std::size_t size = one_of(kSizes);
  for (std::size_t i = 0; i < size; ++i)
    rule.conditions.push_back(condition(combine == "any" ? 0 : i));
  // The same condition twice.
  if (size > 1 && below(8) == 0) rule.conditions[1].tests = rule.conditions[0].tests;
  if (combine == "not_all" || (combine == "all" && below(3) == 0)) rule.timeout = one_of(kTimeouts);
  for (std::size_t i = 0; i < size; ++i) {
    if (below(8) == 0) rule.conditions[i].alias = fmt::format("name{}", i);
  }
  return rule;
}

RuleDraft RandomRuleSets::throttled() {
  static const std::vector<std::string> kWindows = {"500 milliseconds", "1 second", "2 seconds",
                                                    "5 seconds"};
  static const std::vector<std::string> kGroups = {"event.a",   "event.b", "event.k",
                                                   "event.o.x", "event.l", "event.o"};
  static const std::vector<std::string> kKeys = {"once_within", "once_after", "accumulate_within"};
  RuleDraft rule;
  rule.conditions.push_back({"", {below(2) == 0 ? "event.n is defined" : test()}});
  rule.throttle.key = one_of(kKeys);
  rule.throttle.window = one_of(kWindows);
  if (rule.throttle.key == "accumulate_within") rule.throttle.threshold = 1 + below(3);
  rule.throttle.group_by.push_back(one_of(kGroups));
  if (below(4) == 0) rule.throttle.group_by.push_back(one_of(kGroups));
  if (below(4) == 0) {
    rule.combine = "all";
    if (rule.throttle.key != "once_after" && below(2) == 0) rule.conditions[0].alias = "it";
  }
  return rule;
}

RuleDraft::Condition RandomRuleSets::condition(std::size_t position) {
  RuleDraft::Condition condition;
  const bool joins = position > 0 && below(3) > 0;
  if (!joins || below(3) == 0) condition.tests.push_back(test());
  if (joins) {
    for (int i = below(4) == 0 ? 2 : 1; i > 0; --i)
      condition.tests.push_back(join(fmt::format("@{}", below(static_cast<int>(position)))));
  } else if (below(4) == 0) {
    condition.tests.push_back(test());
  }
  return condition;
}

std::string RandomRuleSets::field() {
  static const std::vector<std::string> kFields = {"event.a", "event.b", "event.a",
                                                   "event.b", "event.k", "event.o.x"};
  return one_of(kFields);
}

std::string RandomRuleSets::literal() {
  static const std::vector<std::string> kLiterals = {"0", "1", "1", "2", "1.0", "\"x\"", "null"};
  return one_of(kLiterals);
}

std::string RandomRuleSets::test() {
  switch (below(12)) {
    case 0:
    case 1:
    case 2:
      return field() + " is defined";
    case 3:
      return fmt::format("{} > {}", field(), one_of<std::string>({"0", "1"}));
    case 4:
      return field() + " != " + literal();
    case 5:
      return fmt::format("event.l contains {}", literal());
    case 6:
      return fmt::format("not ({})", test());
    case 7:
      return fmt::format("({}) or ({})", test(), test());
    case 8:
      return field() + " is not defined";
    default:
      return field() + " == " + literal();
  }
}

std::string RandomRuleSets::join(const std::string& other) {
  const auto own = field();
  const auto theirs = other + field().substr(5);
  switch (below(22)) {
    case 0:
      return fmt::format("not ({})", join(other));
    case 1:
      return fmt::format("({}) or ({})", join(other), test());
    case 2:
      return fmt::format("({}) and ({})", join(other), join(other));
    case 3:
      return fmt::format("{} {} {}.l", own, below(2) == 0 ? "in" : "not in", other);
    case 4:
      return fmt::format("event.l {} {}", below(2) == 0 ? "contains" : "not contains", theirs);
    case 5:
      return fmt::format("{}.l contains {}", other, own);
    case 6:
      return comparison(fmt::format("{} {} {}", own, one_of<std::string>({"+", "-"}), theirs),
                        literal());
    case 7:
      return comparison(own, fmt::format("{} + {}", theirs, below(2) == 0 ? "1" : field()));
    case 8:
      return comparison(fmt::format("{} + {}", own, below(2) == 0 ? "1" : field()), theirs);
    case 9: {
      static const std::vector<std::string> kOps = {"==", "!=", "<", ">=", "search"};
      return fmt::format("event.l {} select(\"{}\", {})", below(3) == 0 ? "is not" : "is",
                         one_of(kOps), theirs);
    }
    case 10:
      return comparison(theirs, literal());
    case 11:
      return fmt::format("{} {} defined", theirs, below(2) == 0 ? "is" : "is not");
    case 12:
    case 13:
      return comparison(own, theirs);
    case 14:
      return comparison(theirs, own);
    case 15:
      return fmt::format("event.l == {}.l", other);
    default:
      return fmt::format("{} == {}", own, theirs);
  }
}

std::string RandomRuleSets::comparison(const std::string& own, const std::string& theirs) {
  static const std::vector<std::string> kOps = {"==", "!=", "<", "<=", ">", ">="};
  return fmt::format("{} {} {}", own, one_of(kOps), theirs);
}

// --- what happens

Value RandomRuleSets::value() {
  switch (below(14)) {
    case 0:
      return 1.0;
    case 1:
      return below(2) == 0 ? "x" : "y";
    case 2:
      return nullptr;
    case 3:
      return below(3) == 0 ? Value(true) : Value(1.5);
    default:
      return std::int64_t{below(3)};
  }
}

Object RandomRuleSets::event() {
  Object event;
  for (const auto* key : {"a", "b", "k"}) {
    if (below(2) == 0) event[key] = value();
  }
  if (below(3) == 0) {
    Array list;
    for (int i = below(4); i > 0; --i) list.push_back(value());
    event["l"] = list;
  }
  if (below(4) == 0) {
    Object object;
    for (const auto* key : {"x", "y"}) {
      if (below(3) > 0) object[below(2) == 0 ? key : "x"] = value();
    }
    event["o"] = object;
  }
  if (below(12) == 0) event["meta"] = Object{{"s", below(2)}};
  return event;
}

// What was put in before, or a part of it, or something else.
Object RandomRuleSets::pattern(const std::vector<Step>& before) {
  if (before.empty() || below(6) == 0) return event();
  Object pattern =
      before[before.size() - 1 -
             static_cast<std::size_t>(below(std::min(8, static_cast<int>(before.size()))))]
          .value;
  if (below(3) == 0) pattern.erase("n");
  if (below(3) == 0) pattern.erase("a");
  if (below(3) == 0) pattern.erase("l");
  return pattern;
}

milliseconds RandomRuleSets::pause(const std::vector<milliseconds>& spans) {
  static const std::vector<milliseconds> kPauses = {
      milliseconds(1),    milliseconds(100),  milliseconds(500),   milliseconds(1000),
      milliseconds(1000), milliseconds(2000), milliseconds(10'000)};
  if (below(40) == 0) return std::chrono::minutes(1 + below(150));
  if (spans.empty() || below(2) == 0) return one_of(kPauses);
  const auto span = one_of(spans);
  return below(3) == 0 ? span - milliseconds(1) : span;
}

std::vector<Step> RandomRuleSets::steps(const RuleSetDraft& rule_set, std::size_t count) {
  std::vector<milliseconds> spans;
  const auto add = [&](const std::string& text) {
    if (const auto span = parse_span(text, Units::with_milliseconds)) spans.push_back(span->length);
  };
  add(rule_set.default_events_ttl);
  for (const auto& rule : rule_set.rules) {
    add(rule.timeout);
    add(rule.throttle.window);
  }
  std::vector<Step> steps;
  while (steps.size() < count) {
    Step step;
    const int kind = below(20);
    step.kind = kind < 14   ? Step::Kind::event
                : kind < 16 ? Step::Kind::fact
                : kind < 17
                    ? (below(2) == 0 ? Step::Kind::retract_partial : Step::Kind::retract_whole)
                    : Step::Kind::advance;
    if (step.kind == Step::Kind::event || step.kind == Step::Kind::fact) {
      step.value = event();
      if (below(8) > 0) step.value["n"] = static_cast<std::int64_t>(steps.size());
    } else if (step.kind != Step::Kind::advance) {
      step.value = pattern(steps);
    }
    if (step.kind == Step::Kind::advance ? below(10) > 0 : below(8) == 0) step.after = pause(spans);
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace millrace::rules::testing
