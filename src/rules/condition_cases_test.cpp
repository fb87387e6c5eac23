// SPDX-License-Identifier: Apache-2.0
// Many conditions at once: those of the reference cases where they are at hand, what is written out
// and read again, and texts that are damaged at random.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "condition_test_case.hpp"
#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "millrace/rules/rulebook.hpp"
#include "millrace/rules/testing/grammar_comparison.hpp"

namespace millrace::rules {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kConditions = {
    "event.a == 1",
    "event.a == 1 and event.b != 'x' or not event.c",
    "not (event.a.b[0]['k'] >= -1.5e3)",
    "event.a + event.b - 1 == 2",
    "event.x not in [1, \"a\", null, true]",
    "event.l contains 5",
    "event.s is match(\"a.*[b-c]\\d\", ignorecase=true, multiline=false)",
    "event.s is not search('x')",
    "\"text\" is regex(event.p)",
    "event.a is defined and fact.b is not defined",
    "event.l is select('>=', event.x)",
    "event.l is not selectattr('a.b', 'not in', [1, 2])",
    "events.first << events.m_0.x == event.y and (event.u or event.v)",
    "event.größe == \"\\n\\t\"",
    "false",
};

// The folder of reference cases, which is not part of the source tree; "" where it is missing.
std::string cases_folder() {
  if (const char* shared = std::getenv("MILLRACE_SHARED"))
    return fmt::format("{}/specs/cases", shared);
  for (fs::path at = MILLRACE_SOURCE_DIR; at != at.root_path(); at = at.parent_path()) {
    const auto folder = at.parent_path() / "shared" / "specs" / "cases";
    std::error_code ignored;
    if (fs::exists(folder, ignored)) return folder.string();
  }
  return {};
}

std::vector<Value> read_cases(const std::string& name) {
  std::vector<Value> cases;
  const auto text = read_file(cases_folder() + "/" + name);
  EXPECT_TRUE(text);
  for (const auto line : split(text ? *text : "", '\n')) {
    if (trim(line).empty()) continue;
    auto value = parse_json(line);
    EXPECT_TRUE(value);
    if (value) cases.push_back(std::move(*value));
  }
  return cases;
}

TEST(ConditionCases, ParseAsInTheReferenceMeasurements) {
  if (cases_folder().empty()) GTEST_SKIP() << "no reference cases; set MILLRACE_SHARED";
  const testing::GrammarComparison grammar;
  std::size_t count = 0;
  for (const Value& entry : read_cases("conditions.jsonl")) {
    ConditionScope scope;
    scope.variables = entry.at("vars").if_object();
    const auto text = view(entry.at("condition").get_string());
    EXPECT_EQ(grammar.difference(text), "");
    const auto result = parsed(text, scope);
    EXPECT_TRUE(result.condition) << entry.at("condition") << ": " << result.faults();
    ++count;
  }
  EXPECT_GE(count, 50u);
}

// One rule set with the rules of the case; JSON is YAML.
std::string rulebook_of(const Value& rules) {
  Object rule_set = {{"name", "s"}, {"hosts", "all"}, {"sources", Array()}, {"rules", rules}};
  return to_json(Array{rule_set});
}

TEST(ConditionCases, LoadWhereTheOriginalLoads) {
  if (cases_folder().empty()) GTEST_SKIP() << "no reference cases; set MILLRACE_SHARED";
  std::size_t count = 0;
  for (const Value& entry : read_cases("rule-sets.jsonl")) {
    const auto id = view(entry.at("id").get_string());
    LoadOptions options;
    options.variables = entry.at("vars").if_object();
    Diagnostics diagnostics;
    const auto text = rulebook_of(entry.at("rules"));
    const bool loads = load_rulebook(text, "rules.yml", options, diagnostics).has_value();
    const Value* fault = entry.get_object().if_contains("load_error");
    const bool expected = fault == nullptr || fault->is_null();
    EXPECT_EQ(loads, expected) << id << ": "
                               << (diagnostics.empty() ? "" : diagnostics.items()[0].message);
    ++count;
  }
  EXPECT_GE(count, 40u);
}

TEST(ConditionCases, SurviveBeingWrittenOutAndReadAgain) {
  const std::vector<std::string> names = {"m_0", "m_1"};
  ConditionScope scope;
  scope.bindings = names;
  scope.position = 1;
  for (const auto& text : kConditions) {
    const auto first = parsed(text, scope);
    ASSERT_TRUE(first.condition) << text << ": " << first.faults();
    const auto written = to_text(first.condition->expression);
    const auto second = parsed(written, scope);
    ASSERT_TRUE(second.condition) << written << ": " << second.faults();
    EXPECT_EQ(to_text(second.condition->expression), written);
  }
}

// Damages a text in one place.
std::string damaged(std::string text, std::mt19937& random) {
  static const std::vector<std::string> kPieces = {
      "(",      ")",  "[",       "]",       "'",    "\"",          ".",
      ",",      "<<", "==",      " not ",   " is ", " in ",        "and",
      "event.", "-",  "*",       "{{ x }}", "\n",   "\xC3",        "\xF0\x9F\x98\x80",
      "null",   "1e", "select(", "vars.a",  "\\",   "events.m_0.", std::string(1, '\0')};
  const auto pick = [&](std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
  };
  const std::size_t at = pick(text.size() + 1);
  switch (pick(4)) {
    case 0:
      return text.insert(at, kPieces[pick(kPieces.size())]);
    case 1:
      return text.erase(at, 1 + pick(4));
    case 2: {
      const auto& other = kConditions[pick(kConditions.size())];
      return text.substr(0, at) + other.substr(pick(other.size()));
    }
    default:
      if (at < text.size()) text[at] = static_cast<char>(pick(256));
      return text;
  }
}

TEST(RulebookCases, NeverCrashOnDamagedTexts) {
  std::string whole = "- name: s\n  hosts: [all]\n  sources:\n    - range: {limit: 5}\n  rules:\n";
  for (const auto& condition : kConditions) {
    whole += fmt::format(
        "    - name: r{}\n      condition: >-\n        {}\n      action:\n"
        "        debug:\n",
        whole.size(), condition);
  }
  whole +=
      "    - name: all\n      condition: {not_all: [event.a, 'event.b'], timeout: 5 days}\n"
      "      actions: [{none: }]\n      throttle: {once_within: 1 day}\n";
  std::mt19937 random(7);
  for (int i = 0; i < 1'000; ++i) {
    std::string text = whole;
    for (int times = i % 3; times >= 0; --times) text = damaged(std::move(text), random);
    Diagnostics diagnostics;
    const bool loads = load_rulebook(text, "rules.yml", {}, diagnostics).has_value();
    ASSERT_NE(loads, diagnostics.has_errors()) << text;
  }
}

TEST(ConditionCases, NeverCrashOnDamagedTexts) {
  std::mt19937 random(20240521);
  const Object variables = {{"a", 1}, {"b", {{"c", "x"}}}};
  const std::vector<std::string> names = {"m_0", "m_1", "m_2"};
  ConditionScope scope;
  scope.variables = &variables;
  scope.bindings = names;
  scope.position = 1;
  scope.render = [](std::string_view text) -> Result<std::string> { return std::string(text); };
  std::size_t accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = kConditions[static_cast<std::size_t>(i) % kConditions.size()];
    for (int times = i % 4; times >= 0; --times) text = damaged(std::move(text), random);
    const auto result = parsed(text, scope);
    ASSERT_NE(result.condition.has_value(), result.diagnostics.has_errors()) << text;
    if (!result.condition) continue;
    ++accepted;
    const auto again = parsed(to_text(result.condition->expression, names), scope);
    EXPECT_TRUE(again.condition) << text << " => " << to_text(result.condition->expression, names)
                                 << ": " << again.faults();
  }
  EXPECT_GT(accepted, 500u);
}

}  // namespace
}  // namespace millrace::rules
