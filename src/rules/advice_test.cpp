// SPDX-License-Identifier: Apache-2.0
#include "millrace/rules/advice.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "claims.hpp"
#include "condition_test_case.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "millrace/rules/session.hpp"
#include "reasoning.hpp"

namespace millrace::rules {
namespace {

using Texts = std::vector<std::string>;

// "line:column+length code: message (hint)" of what the advice, and only the advice, finds.
Texts advice_on(std::string_view text, const SampleEvents* samples = nullptr) {
  Diagnostics loading;
  const auto rulebook = load_rulebook(text, "rules.yml", {}, loading);
  if (!rulebook) {
    for (const auto& item : loading.items()) ADD_FAILURE() << item.message;
    return {};
  }
  Diagnostics found;
  advise(*rulebook, {.samples = samples}, found);
  Texts out;
  for (const auto& item : found.items()) {
    EXPECT_EQ(item.severity, Severity::warning);
    EXPECT_EQ(item.where.file, "rules.yml");
    EXPECT_FALSE(item.hint.empty());
    out.push_back(fmt::format("{}:{}+{} {}: {} ({})", item.where.line, item.where.column,
                              item.where.length, item.code, item.message, item.hint));
  }
  return out;
}

// A rule set of rules whose `condition` and other keys are given, each without its indentation.
std::string rule_set(const Texts& rules, std::string_view settings = "") {
  std::string text = fmt::format("- name: s\n  hosts: all\n  sources: []\n{}  rules:\n", settings);
  char name = 'A';
  for (const auto& rule : rules) {
    text += fmt::format("    - name: {}\n      action: {{none: }}\n", name++);
    for (const auto line : split(rule, '\n')) text += fmt::format("      {}\n", line);
  }
  return text;
}

constexpr std::string_view kSeveral = "  match_multiple_rules: true\n";

// What is found in one condition of line 7, column 18: "column+length code: message (hint)".
std::string advice_on_condition(std::string_view condition) {
  std::string out;
  for (const auto& item : advice_on(rule_set({fmt::format("condition: {}", condition)}))) {
    if (!out.empty()) out += '\n';
    EXPECT_TRUE(item.starts_with("7:")) << item;
    out += item.substr(2);
  }
  return out;
}

std::string message_on(std::string_view condition) {
  const auto found = advice_on_condition(condition);
  const auto start = found.find(": ");
  return start == std::string::npos ? found : found.substr(start + 2, found.find(" (") - start - 2);
}

// ---- contradictions

TEST(Advice, TellsOfTwoValuesOfOnePath) {
  EXPECT_EQ(advice_on_condition("event.x == 1 and event.x == 2"),
            "35+12 contradiction: `event.x == 1` and `event.x == 2` never hold together: the "
            "condition never matches (write event.x in [1, 2] if either will do)");
}

TEST(Advice, TellsOfTwoTypesOfOnePath) {
  EXPECT_EQ(advice_on_condition("event.x == 1 and event.x == '1'"),
            "35+14 contradiction: `event.x == 1` and `event.x == \"1\"` never hold together: the "
            "condition never matches (1 is a number, \"1\" is a text: keep the one whose type "
            "events carry)");
}

TEST(Advice, TellsOfWhatIsDefinedAndIsNot) {
  EXPECT_EQ(advice_on_condition("event.x is defined and event.x is not defined"),
            "41+22 contradiction: `event.x is defined` and `event.x is not defined` never hold "
            "together: the condition never matches (what is not defined meets no other test; join "
            "them with `or`)");
}

TEST(Advice, TellsOfFalseAmongTests) {
  EXPECT_EQ(
      advice_on_condition("event.x == 1 and false"),
      "35+5 contradiction: `false` never holds: the condition never matches (remove the test; "
      "a rule is switched off with `enabled: false`)");
}

TEST(Advice, TellsOfConditionsThatNothingCanMeet) {
  for (const std::string_view condition : {
           "event.x > 5 and event.x < 3",
           "event.x > 5 and 3 > event.x",
           "event.x > 5 and event.x <= 5",
           "event.x >= 5 and event.x <= 5 and event.x != 5",
           "event.x == 1 and event.x is not defined",
           "event.x.y == 1 and event.x is not defined",
           "event.x != 1 and event.x is not defined",
           "event.x == event.y and event.y is not defined",
           "event.x == 'a' and event.x in ['b', 'c']",
           "event.x in ['a', 'b'] and event.x in ['c', 'd']",
           "event.x in ['a', 'b'] and event.x != 'a' and event.x not in ['b']",
           "event.x == 1 and not event.x == 1",
           "event.x == event.y and event.x != event.y",
           "event.x is search('a') and event.x is not search('a')",
           "event.x is search('a') and not (event.x is search('a'))",
           "event.x is select('>', 1) and not (event.x is select('>', 1))",
           "event.x and not event.x",
           "event.x and event.x == 'true'",
           "event.x == null and event.x > 1",
           "event.x > null",
           "event.x == 'abc' and event.x is match('x')",
           "event.x contains 1 and event.x not contains 1",
           "event.x contains 'a' and event.x == ['b', 'c']",
           "event.x == [1, 2] and event.x == [2, 1]",
           "event.x < 'a' and event.x > 'b'",
           "event.x < 'b' and event.x > 1",
           "not (event.x == 1 or event.x != 1)",
           "event.x == 1 and event.x == 2 and event.y == 3",
           "(event.x == 1 or event.x == 2) and (event.x == 3)",
           "event.a.b == 1 and event.a['c'] == 2 and event.a.b == 2",
       }) {
    const auto found = advice_on_condition(condition);
    EXPECT_TRUE(found.contains(" contradiction: ")) << condition << "\n" << found;
  }
}

TEST(Advice, IsSilentOnWhatCanMatch) {
  for (const std::string_view condition : {
           "event.x == 1",
           "event.x == 1 and event.y == 2",
           "event.x >= 5 and event.x <= 5",
           "event.x > 1 and event.x < 2",
           "event.x > 'a' and event.x < 'ab'",
           "event.x == 1 and event.x == 1.0",
           "event.x == null and event.x is defined",
           "event.x == null and event.x.y == null",
           "event.x != 1 and event.x == null",
           "not (event.x > 1) and event.x == null",
           "not event.x and event.x == 0",
           "event.x contains 1 and event.x contains 2",
           "event.x contains 'a' and event.x contains 'b' and event.x not contains 'c'",
           "event.x contains 'a' and event.x == 'a'",
           "event.x contains 'a' and event.x in ['a', 'b']",
           "event.x in [1, 2] and event.x in [2, 3]",
           "event.x is not defined and event.y is not defined",
           "event.x.y is not defined and event.x is defined",
           "event.x is select('==', 1) and event.x is not select('==', 1)",
           "event.x is select('==', 1) and event.x is select('==', 2)",
           "event.x is selectattr('a', '==', 1) and event.x is selectattr('a', '==', 2)",
           "event.x is search('a') and event.x is not search('b')",
           "not (event.x is search('a')) and not (event.x is not search('a'))",
           "event.x == 12 and event.x is match('1')",
           "event.x + 1 == 1 and event.x is not defined",
           "event.x - event.y == 1 and event.x is not defined",
           "event.x == true and event.x",
           "not (event.x == 1 and event.x == 2)",
           "event.x.y == 1 and event.x['y'] == 2",
           "event.x[0] == 1 and event.x[1] == 2",
           "event.x < event.y and event.x > 5 and event.y < 3",
           "event.x == 9007199254740993 and event.x > 9007199254740992",
           "event.x != 1 and event.x != '1' and event.x == null",
           "true",
           "false",
           "event.x == 1 and true",
       }) {
    EXPECT_EQ(advice_on_condition(condition), "") << condition;
  }
}

TEST(Advice, NamesOnlyTheTestsThatExcludeEachOther) {
  EXPECT_EQ(message_on("event.y == 1 and event.x > 5 and event.z == 1 and event.x < 3"),
            "`event.x > 5` and `event.x < 3` never hold together: the condition never matches");
  EXPECT_EQ(message_on("event.x in [1, 2] and event.x != 1 and event.x != 2"),
            "`event.x in [1, 2]` and `event.x != 1` and `event.x != 2` never hold together: the "
            "condition never matches");
}

TEST(Advice, TellsWhichAlternativeNeverMatches) {
  EXPECT_EQ(advice_on_condition("(event.x == 1 or event.y == 1) and event.x == 2"),
            "19+12 contradiction: `event.x == 2` and `event.x == 1` never hold together: this "
            "alternative never matches (write event.x in [2, 1] if either will do)");
}

TEST(Advice, TakesMixedAndOrAsTheyAreRead) {
  // (x == 1 or x == 2) and x == 2
  EXPECT_EQ(
      message_on("event.x == 1 or event.x == 2 and event.x == 2"),
      "`event.x == 2` and `event.x == 1` never hold together: this alternative never matches");
}

TEST(Advice, SaysNothingTwice) {
  // These have warnings of their own when the rulebook is read.
  EXPECT_EQ(advice_on_condition("not event.x is defined"), "");
  EXPECT_EQ(advice_on_condition("event.y == 1 and not event.x is defined"), "");
}

TEST(Advice, LeavesSwitchesFromVariablesAlone) {
  const auto off = parse_json(R"({"on": false})");
  Diagnostics found;
  const auto rulebook =
      load_rulebook(rule_set({"condition: event.x == 1 and vars.on"}), "rules.yml",
                    {.variables = &off->get_object(), .render = {}}, found);
  ASSERT_TRUE(rulebook);
  advise(*rulebook, {}, found);
  EXPECT_TRUE(found.empty());
}

TEST(Advice, FindsItsPlaceInFoldedAndQuotedConditions) {
  const auto found = advice_on(rule_set({"condition: >\n  event.x == 1\n  and event.x == 2",
                                         "condition: \"event.x == \\\"a\\\" and event.x == 2\""}));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_TRUE(found[0].starts_with("9:13+12 ")) << found[0];
  EXPECT_TRUE(found[1].starts_with("12:40+12 ")) << found[1];
}

// ---- alternatives

TEST(Advice, TellsOfAnAlternativeThatStandsTwice) {
  EXPECT_EQ(advice_on_condition("event.x == 1 or event.y == 2 or event.x == 1"),
            "50+12 unreachable-alternative: `event.x == 1` stands twice among the alternatives "
            "(remove it, or mend the one that was meant otherwise)");
  EXPECT_EQ(message_on("event.x > 5 or event.x > 10"),
            "`event.x > 10` holds only where `event.x > 5` does, which stands before it");
  EXPECT_EQ(message_on("event.x == 1 or event.x == 1.5"), "");
  EXPECT_EQ(message_on("event.x > 10 or event.x > 5"), "");
}

TEST(Advice, TellsOfAConditionOfAnyThatNeverCounts) {
  const auto found = advice_on(
      rule_set({"condition:\n  any:\n    - event.x is defined\n    - event.x == 1 and event.y"}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0],
            "10:13+24 unreachable-alternative: this condition of `any` is never the one that "
            "counts: whenever it holds, so does `event.x is defined` before it (remove it, or mend "
            "the one that was meant otherwise)");
}

// ---- rules

TEST(Advice, TellsOfARuleThatAnEarlierOneStarves) {
  const auto found = advice_on(rule_set(
      {"condition: event.type == 'a'", "condition: event.type == 'a' and event.level > 3"}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(
      found[0],
      "10:18+37 unreachable-rule: rule `B` never fires for events: rule `A`, which comes "
      "first, takes every event that meets its condition (put the narrower rule first, or set "
      "match_multiple_rules: true; facts still fire both)");
}

TEST(Advice, KnowsWhichRulesTakeAll) {
  const auto starved = [](const Texts& rules, std::string_view settings = "") {
    return advice_on(rule_set(rules, settings)).size();
  };
  const std::string wide = "condition: event.x > 3";
  const std::string narrow = "condition: event.x == 5";
  EXPECT_EQ(starved({wide, narrow}), 1U);
  EXPECT_EQ(starved({"condition: true", narrow}), 1U);
  EXPECT_EQ(starved({"condition: {any: [event.y == 1, event.x is defined]}", narrow}), 1U);
  EXPECT_EQ(starved({"condition: event.x in [5, 6]", "condition: event.x == 5 or event.x == 6"}),
            1U);
  EXPECT_EQ(starved({"condition: {all: [event.x == 5]}", narrow}), 1U);
  EXPECT_EQ(starved({"condition: event.a == 1 or event.b == 1",
                     "condition: (event.a == 1 or event.b == 1) and event.c"}),
            1U);

  EXPECT_EQ(starved({narrow, wide}), 0U);
  EXPECT_EQ(starved({wide, "condition: fact.x == 5"}), 0U);
  EXPECT_EQ(starved({wide, narrow}, kSeveral), 0U);
  EXPECT_EQ(starved({wide + "\nenabled: false", narrow}), 0U);
  EXPECT_EQ(starved({wide, narrow + "\nenabled: false"}), 0U);
  const std::string throttle =
      "\nthrottle: {once_within: 1 minute, group_by_attributes: [event.h]}";
  EXPECT_EQ(starved({wide + throttle, narrow}), 0U);
  EXPECT_EQ(starved({wide, narrow + throttle}), 0U);
  EXPECT_EQ(starved({"condition: event.x is not defined", "condition: event.x is not defined"}),
            0U);
  EXPECT_EQ(starved({"condition: event.x != 1", "condition: event.x != 2"}), 0U);
  EXPECT_EQ(starved({"condition: event.x == 1 or event.y == 1", "condition: event.z == 1"}), 0U);
}

TEST(Advice, DoesNotBlameAnEarlierRuleForAContradiction) {
  const auto found = advice_on(
      rule_set({"condition: event.x is defined", "condition: event.x == 1 and event.x == 2"}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].contains(" contradiction: "));
}

// ---- several events

std::string all_of(std::string_view first, std::string_view second, std::string_view more = "") {
  return fmt::format("condition:\n  all:\n    - {}\n    - {}\n{}", first, second, more);
}

TEST(Advice, TellsOfAllOverOneTest) {
  const auto found = advice_on(rule_set({all_of("event.i == 1", "event.i == 1")}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0],
            "10:13+12 same-condition-twice: rule `A` never fires for events: each event meets both "
            "conditions by itself, and is consumed (to wait for two different events, add `and "
            "event.meta.uuid != events.m_0.meta.uuid`; to count events, use throttle: "
            "accumulate_within; facts still fire it)");
  EXPECT_EQ(advice_on(rule_set({all_of(
                          "events.one << event.i == 1 and event.h is defined",
                          "event.h is defined and event.i == 1 and event.h == events.one.h")}))
                .size(),
            1U);
}

TEST(Advice, IsSilentOnAllThatTwoEventsCanMeet) {
  const std::string joined = "event.i == 1 and event.h == events.m_0.h";
  EXPECT_EQ(advice_on(rule_set({all_of("event.i == 2", joined)})).size(), 0U);
  EXPECT_EQ(
      advice_on(rule_set({all_of("event.i == 1", joined + " and event.n != events.m_0.n")})).size(),
      0U);
  EXPECT_EQ(advice_on(rule_set({all_of("event.i == 1", joined)}, kSeveral)).size(), 0U);
}

TEST(Advice, TellsOfConditionsThatNothingJoins) {
  const auto found = advice_on(rule_set({all_of("event.type == 'down' and event.host is defined",
                                                "event.type == 'up' and event.host is defined")}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0],
            "10:13+44 cross-product: no equality joins `m_1` to `m_0`: every waiting event of one "
            "pairs with every event of the other (if they belong together add `and event.host == "
            "events.m_0.host`)");
}

TEST(Advice, SaysThatATimeoutBoundsTheProduct) {
  const auto found =
      advice_on(rule_set({all_of("events.a << event.i == 1",
                                 "event.j == 2 and event.n > events.a.n", "  timeout: 1 minute")}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].ends_with(
      "no equality joins `m_1` to `a`: every waiting event of one is compared with every event of "
      "the other within the timeout of 1 minute (if they belong together add what they have in "
      "common, such as `and event.host == events.a.host`)"))
      << found[0];
}

TEST(Advice, FollowsJoinsThroughOtherConditions) {
  const std::string chain =
      "condition:\n  all:\n    - event.a == 1\n    - event.b == events.m_0.b\n    - event.c == "
      "events.m_1.c";
  EXPECT_EQ(advice_on(rule_set({chain})), Texts{});
  EXPECT_EQ(advice_on(rule_set({chain + "\n    - event.d == 4"})).size(), 1U);
  EXPECT_EQ(advice_on(rule_set({all_of("event.a == 1", "event.b in events.m_0.list")})), Texts{});
}

TEST(Advice, LetsEventsMeetFacts) {
  EXPECT_EQ(advice_on(rule_set({all_of("event.a == 1", "facts.mode == 'night'")})), Texts{});
}

TEST(Advice, TellsOfATimeoutThatOutlastsTheEvents) {
  const auto rule =
      all_of("event.a == 1", "event.a == 2 and event.h == events.m_0.h", "  timeout: 3 hours");
  const auto found = advice_on(rule_set({rule}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0],
            "11:18+7 timeout-beyond-ttl: the timeout of 3 hours is cut short: a waiting event is "
            "dropped after 2 hours, the rule set's default_events_ttl (set default_events_ttl: 3 "
            "hours or more on the rule set, or shorten the timeout)");
  EXPECT_EQ(advice_on(rule_set({rule}, "  default_events_ttl: 3 hours\n")), Texts{});
}

// ---- paths

TEST(Advice, ComparesPathsWithThoseOfOtherRules) {
  const Texts rules = {"condition: event.alert.severity == 'high' and event.a",
                       "condition: event.alert.severity == 'low' and event.b",
                       "condition: event.alert.severty == 'none'"};
  const auto found = advice_on(rule_set(rules));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0],
            "13:18+19 misspelt-path: `event.alert.severty` is used only here, "
            "`event.alert.severity` by 2 rules (did you mean `event.alert.severity`?)");
  EXPECT_EQ(advice_on(rule_set({rules[0], rules[2]})), Texts{});
}

TEST(Advice, HoldsShortNamesAndNumberedNamesToBeMeant) {
  for (const std::string_view other : {"event.cpu > 1", "event.disk2 > 1", "event.portal > 1"}) {
    EXPECT_EQ(advice_on(rule_set({"condition: event.gpu > 1 and event.disk1 > 1 and event.post",
                                  "condition: event.gpu > 2 and event.disk1 > 2 and event.post",
                                  fmt::format("condition: {}", other)},
                                 kSeveral)),
              Texts{})
        << other;
  }
}

TEST(Advice, LooksAtThePathsThatGroupEvents) {
  const auto found = advice_on(
      rule_set({"condition: event.alert.host is defined\n"
                "throttle:\n  once_within: 1 minute\n  group_by_attributes: [event.alert.hots]"}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0],
            "10:31+16 misspelt-path: `event.alert.hots` is used only here, `event.alert.host` by 1 "
            "rule (did you mean `event.alert.host`?)");
}

SampleEvents samples_of(std::initializer_list<std::string_view> events) {
  SampleEvents samples;
  for (const auto event : events) samples.add(*parse_json(event));
  return samples;
}

TEST(Advice, ComparesPathsWithSampleEvents) {
  const auto samples = samples_of({R"({"alert": {"severity": "high", "labels": [{"name": "x"}]}})",
                                   R"({"alert": null, "host": "a"})"});
  const auto found = advice_on(
      rule_set({"condition: event.alert.severity == 'low' and event.alert.labels[0].name == 'x'",
                "condition: event.alert['sevrty'] == 'low'", "condition: event.nothing.like.it",
                "condition: event.meta.source.nam == 'x'",
                "condition: event.alert.labels.nmae contains 'x'"}),
      &samples);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0],
            "10:18+21 misspelt-path: `event.alert[\"sevrty\"]` occurs in no sample event (2 "
            "read) (did you mean `event.alert[\"severity\"]`?)");
  EXPECT_TRUE(found[1].contains("did you mean `event.alert.labels.name`?")) << found[1];
}

TEST(Advice, KnowsTheNamesThatRulesPutIntoFacts) {
  const auto samples = samples_of({R"({"status": "ok"})"});
  const auto rule = [](std::string_view fact) {
    return fmt::format(
        "- name: s\n  hosts: all\n  sources: []\n  rules:\n    - name: A\n      condition: "
        "event.statuses == 1\n      action: {{set_fact: {{fact: {{{}: 1}}}}}}\n",
        fact);
  };
  EXPECT_EQ(advice_on(rule("statuses"), &samples), Texts{});
  EXPECT_EQ(advice_on(rule("other"), &samples).size(), 1U);
}

// ---- the reasoning, against the engine itself

// Random conditions over few paths and values, so that many exclude each other.
class RandomTests {
 public:
  explicit RandomTests(std::uint64_t seed) : state_(seed) {}

  std::string condition(int depth) {
    if (depth == 0 || next(4) == 0) return test();
    const auto kind = next(5);
    if (kind == 0) return fmt::format("not ({})", condition(depth - 1));
    std::string out;
    for (std::uint64_t i = 0, n = 2 + next(3); i < n; ++i) {
      if (i > 0) out += kind == 1 ? " or " : " and ";
      out += fmt::format("({})", condition(depth - 1));
    }
    return out;
  }
  Value event() {
    Object object;
    for (const std::string_view key : {"x", "y"}) {
      if (next(5) > 0) object[key] = *parse_json(pick(kValues));
    }
    return object;
  }

 private:
  static constexpr std::array<std::string_view, 4> kPaths = {"event.x", "event.y", "event.x.z",
                                                             "event.x['z']"};
  static constexpr std::array<std::string_view, 12> kLiterals = {
      "1", "2", "1.5", "'a'", "'b'", "null", "true", "false", "[1, 2]", "['a']", "0", "'ab'"};
  static constexpr std::array<std::string_view, 18> kValues = {
      "1",    "2",      "1.0", "1.5",  "0",     "3",       "\"a\"",        "\"b\"", "\"ab\"",
      "null", "[1, 2]", "[]",  "true", "false", "[\"a\"]", "[{\"z\": 1}]", "{}",    "{\"z\": 2}"};
  static constexpr std::array<std::string_view, 8> kSigns = {
      "==", "!=", "<", "<=", ">", ">=", "contains", "not contains"};
  static constexpr std::array<std::string_view, 9> kUnary = {
      "is defined",         "is not defined",     "is match('a')",
      "is not search('b')", "is search('1')",     "in [1, 'a', null]",
      "not in [1, 2]",      "is select('>=', 1)", "is not select('==', 'a')"};

  std::uint64_t next(std::uint64_t below) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return (state_ >> 33U) % below;
  }
  template <std::size_t N>
  std::string_view pick(const std::array<std::string_view, N>& from) {
    return from[next(N)];
  }
  std::string test() {
    switch (next(8)) {
      case 0:
        return std::string(pick(kPaths));
      case 1:
      case 2:
      case 3:
        return fmt::format("{} {}", pick(kPaths), pick(kUnary));
      case 4:
        return fmt::format("{} {} {}", pick(kPaths), pick(kSigns), pick(kPaths));
      case 5:
        return fmt::format("{} {} {}", pick(kLiterals), pick(kSigns), pick(kPaths));
      default:
        return fmt::format("{} {} {}", pick(kPaths), pick(kSigns), pick(kLiterals));
    }
  }

  std::uint64_t state_;
};

// Whether the rule fires for the event.
bool fires(const RuleSet& rules, const Value& event) {
  Diagnostics diagnostics;
  const auto session = Session::create(rules, diagnostics);
  std::vector<Activation> fired;
  session->insert_fact(Document::copy_of(event), Instant{}, fired);
  return !fired.empty();
}

TEST(Reasoning, NeverCallsImpossibleWhatTheEngineMatches) {
  RandomTests random(7);
  int impossible = 0;
  int covered = 0;
  for (int i = 0; i < 4000; ++i) {
    const auto text = random.condition(2);
    const auto parsed_now = parsed(fmt::format("true and ({})", text));
    ASSERT_TRUE(parsed_now.condition) << text << " " << parsed_now.faults();
    const auto claim = claim_of(parsed_now.condition->expression);
    Conjunction tests;
    append_tests(claim, tests);
    const bool possible = can_hold(tests);
    const auto other = parsed(fmt::format("true and ({})", random.condition(1)));
    ASSERT_TRUE(other.condition);
    const bool is_covered = possible && covers(claim_of(other.condition->expression), claim);
    impossible += possible ? 0 : 1;
    covered += is_covered ? 1 : 0;
    if (possible && !is_covered) continue;
    RuleSet mine;
    mine.rules.resize(1);
    mine.rules[0].conditions = {*parsed_now.condition};
    RuleSet theirs;
    theirs.rules.resize(1);
    theirs.rules[0].conditions = {*other.condition};
    for (int k = 0; k < 40; ++k) {
      const auto event = random.event();
      if (!fires(mine, event)) continue;
      EXPECT_TRUE(possible) << text << "\n" << to_json(event);
      EXPECT_TRUE(!is_covered || fires(theirs, event)) << other.condition->text << "\n"
                                                       << text << "\n"
                                                       << to_json(event);
    }
  }
  EXPECT_GT(impossible, 200);
  EXPECT_GT(covered, 50);
}

}  // namespace
}  // namespace millrace::rules
