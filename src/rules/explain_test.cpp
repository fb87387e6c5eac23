// SPDX-License-Identifier: Apache-2.0
#include "millrace/rules/explain.hpp"

#include <gtest/gtest.h>

#include "millrace/event/json.hpp"

namespace millrace::rules {
namespace {

using Verdict = RuleExplanation::Verdict;

Condition condition(const std::string& text) {
  static const Object kVariables = {{"limit", 90}};
  Diagnostics diagnostics;
  ConditionScope scope;
  scope.variables = &kVariables;
  auto parsed = parse_condition(text, {.file = "test", .line = 1, .column = 1}, scope, diagnostics);
  EXPECT_TRUE(parsed) << text;
  return parsed ? std::move(*parsed) : Condition();
}

Rule rule(const std::string& name, const std::vector<std::string>& conditions,
          Rule::Combine combine = Rule::Combine::single) {
  Rule made;
  made.name = name;
  made.combine = combine;
  for (const auto& text : conditions) made.conditions.push_back(condition(text));
  return made;
}

RuleSet rule_set(std::vector<Rule> rules) {
  RuleSet made;
  made.name = "test";
  made.rules = std::move(rules);
  return made;
}

RuleExplanation explained(const std::string& text, const std::string& event) {
  return explain(rule_set({rule("r", {text})}), *parse_json(event)).at(0);
}

// "test: finding" of each test, one a line.
std::string tests(const RuleExplanation& rule) {
  std::string out;
  for (const auto& test : rule.tests) {
    out += fmt::format("{}{} {}{}{}", out.empty() ? "" : "\n", test.holds ? "yes" : "no", test.test,
                       test.finding.empty() ? "" : ": ", test.finding);
  }
  return out;
}

TEST(Explain, TellsTheValueThatFailed) {
  const auto rule = explained("event.disk.used > 90", R"({"disk": {"used": 45}})");
  EXPECT_EQ(rule.verdict, Verdict::not_matched);
  EXPECT_FALSE(rule.reported);
  EXPECT_EQ(tests(rule), "no event.disk.used > 90: event.disk.used is 45");
}

TEST(Explain, LeavesOutWhatAnEqualityThatHoldsSaysItself) {
  const auto rule = explained(R"(event.type == "deploy")", R"({"type": "deploy"})");
  EXPECT_EQ(rule.verdict, Verdict::matched);
  EXPECT_TRUE(rule.reported);
  EXPECT_EQ(tests(rule), R"(yes event.type == "deploy")");
}

TEST(Explain, TellsTheValueThatAComparisonFoundGood) {
  EXPECT_EQ(tests(explained("event.n > 1", R"({"n": 7})")), "yes event.n > 1: event.n is 7");
}

TEST(Explain, TellsWhatVariablesStandFor) {
  EXPECT_EQ(tests(explained("event.n > vars.limit", R"({"n": 7})")),
            "no event.n > vars.limit: event.n is 7; vars.limit is 90");
}

TEST(Explain, TellsOnceWhatIsMissingOften) {
  EXPECT_EQ(tests(explained("event.a.x - event.a.y < 1", R"({"b": 1})")),
            "no event.a.x - event.a.y < 1: event.a is missing, event has b");
}

TEST(Explain, NamesTheFirstPartOfAPathThatIsMissing) {
  const std::string test = "event.disk.used.percent > 90";
  EXPECT_EQ(tests(explained(test, "{}")), "no " + test + ": event.disk is missing: event is empty");
  EXPECT_EQ(tests(explained(test, R"({"host": 1})")),
            "no " + test + ": event.disk is missing, event has host");
  EXPECT_EQ(tests(explained(test, R"({"disk": {"size": 1, "free": 2}})")),
            "no " + test + ": event.disk.used is missing, event.disk has size, free");
  EXPECT_EQ(tests(explained(test, R"({"disk": {"used": 3}})")),
            "no " + test + ": event.disk.used.percent is missing: event.disk.used is 3");
}

TEST(Explain, SuggestsAKeyOfNearlyThatName) {
  EXPECT_EQ(tests(explained("event.status == 1", R"({"staus": 1, "x": 2})")),
            "no event.status == 1: event.status is missing, but event has `staus`");
}

TEST(Explain, SaysThatMetaIsAddedByTheEngine) {
  EXPECT_EQ(tests(explained("event.meta.source.name == 'x'", "{}")),
            "no event.meta.source.name == 'x': event.meta is missing: the engine adds it when a "
            "source brings the event");
}

TEST(Explain, TellsWhichTypesCannotBeCompared) {
  EXPECT_EQ(tests(explained("event.n > 5", R"({"n": "7"})")),
            R"(no event.n > 5: cannot compare str and int; event.n is "7")");
}

TEST(Explain, TellsThatAPatternWasGivenUp) {
  const auto text = std::string(40, 'a') + "!";
  const auto rule =
      explained(R"(event.s is match("(a+)+$"))", fmt::format(R"({{"s": "{}"}})", text));
  EXPECT_EQ(rule.verdict, Verdict::not_matched);
  ASSERT_EQ(rule.tests.size(), 1u);
  EXPECT_NE(rule.tests[0].finding.find("was given up"), std::string::npos) << tests(rule);
}

TEST(Explain, ShowsTheFailingSidesOfAnd) {
  EXPECT_EQ(tests(explained("event.a == 1 and event.b == 2 and event.c == 3",
                            R"({"a": 1, "b": 0, "c": 0})")),
            "no event.b == 2: event.b is 0\nno event.c == 3: event.c is 0");
}

TEST(Explain, ShowsAllSidesOfAFailingOr) {
  EXPECT_EQ(tests(explained("event.a == 1 or event.b == 2", R"({"a": 0, "b": 0})")),
            "no event.a == 1: event.a is 0\nno event.b == 2: event.b is 0");
}

TEST(Explain, ShowsTheSidesOfOrThatHold) {
  EXPECT_EQ(tests(explained("(event.a == 1 or event.b == 2) and event.c == 3",
                            R"({"a": 0, "b": 2, "c": 3})")),
            "yes event.b == 2\nyes event.c == 3");
}

TEST(Explain, ShowsNegatedTestsAsNegated) {
  const auto rule = explained("not (event.a == 1)", R"({"a": 1})");
  ASSERT_EQ(rule.tests.size(), 1u);
  EXPECT_EQ(rule.tests[0].test, "not (event.a == 1)");
  EXPECT_EQ(rule.tests[0].finding, "event.a is 1");
}

TEST(Explain, ShortensLongValues) {
  const auto rule =
      explained("event.s == 'x'", fmt::format(R"({{"s": "{}"}})", std::string(500, 'y')));
  EXPECT_LT(tests(rule).size(), 120u);
  EXPECT_TRUE(tests(rule).ends_with("…"));
}

TEST(Explain, TakesTheFirstConditionOfAnyThatHolds) {
  const auto set =
      rule_set({rule("r", {"event.a == 1", "event.b == 2", "event.c > 2"}, Rule::Combine::any)});
  EXPECT_EQ(tests(explain(set, *parse_json(R"({"b": 2, "c": 3})")).at(0)), "yes event.b == 2");
  EXPECT_EQ(explain(set, *parse_json(R"({"x": 2})")).at(0).tests.size(), 3u);
}

TEST(Explain, ReportsTheFirstMatchOnlyUnlessManyMayRun) {
  auto set = rule_set(
      {rule("a", {"event.x == 0"}), rule("b", {"event.x == 1"}), rule("c", {"event.x > 0"})});
  const auto reported = [&] {
    std::vector<bool> out;
    for (const auto& rule : explain(set, *parse_json(R"({"x": 1})"))) out.push_back(rule.reported);
    return out;
  };
  EXPECT_EQ(reported(), (std::vector{false, true, false}));
  set.match_multiple_rules = true;
  EXPECT_EQ(reported(), (std::vector{false, true, true}));
}

TEST(Explain, SaysWhichRulesAreNotTried) {
  auto disabled = rule("off", {"event.x == 1"});
  disabled.enabled = false;
  const auto set = rule_set({disabled, rule("gone", {"event.z is not defined"})});
  const auto rules = explain(set, *parse_json(R"({"x": 1})"));
  EXPECT_EQ(rules[0].verdict, Verdict::disabled);
  EXPECT_EQ(rules[1].verdict, Verdict::absence);
  EXPECT_NE(rules[1].note.find("event.z"), std::string::npos);
}

TEST(Explain, SaysAsWhichOfSeveralConditionsAnEventWaits) {
  const auto set = rule_set({rule("join", {"event.x == 1", "event.y == 1"}, Rule::Combine::all)});
  const auto waits = explain(set, *parse_json(R"({"x": 1})"))[0];
  EXPECT_EQ(waits.verdict, Verdict::waits);
  EXPECT_EQ(waits.note, "the event waits as m_0, for m_1");
  EXPECT_EQ(explain(set, *parse_json(R"({"x": 2})"))[0].verdict, Verdict::not_matched);
}

TEST(Explain, ExplainsConstants) {
  EXPECT_EQ(tests(explained("true", "{}")), "yes true");
  EXPECT_EQ(tests(explained("false", "{}")), "no false");
}

}  // namespace
}  // namespace millrace::rules
