// SPDX-License-Identifier: Apache-2.0
#include "firing_diff.hpp"

#include <gtest/gtest.h>

#include "millrace/event/json.hpp"

namespace millrace::cli {
namespace {

bool json_includes(const char* actual, const char* expected) {
  return includes(*parse_json(actual), *parse_json(expected));
}

TEST(FiringDiff, FindsWhatIsGivenInAnEvent) {
  EXPECT_TRUE(json_includes(R"({"a": 1, "b": {"c": [1, {"d": 2, "e": 3}]}})",
                            R"({"b": {"c": [1.0, {"d": 2}]}})"));
  EXPECT_TRUE(json_includes("{}", "{}"));
  EXPECT_FALSE(json_includes(R"({"a": [1, 2]})", R"({"a": [1]})"));
  EXPECT_FALSE(json_includes(R"({"a": 1})", R"({"a": "1"})"));
  EXPECT_FALSE(json_includes(R"({"a": null})", R"({"a": false})"));
  EXPECT_FALSE(json_includes("{}", R"({"a": null})"));
  EXPECT_FALSE(json_includes(R"({"a": {}})", R"({"a": []})"));
}

std::vector<ExpectedFiring> expected_of(std::string_view rules) {
  std::vector<ExpectedFiring> out(rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) out[i].rule.text = rules[i];
  return out;
}

std::vector<Firing> came_of(std::string_view rules) {
  std::vector<Firing> out(rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) out[i].rule = rules[i];
  return out;
}

// " a-b+c" for each line.
std::string signs(std::string_view expected, std::string_view came) {
  std::string out;
  for (const auto& line : difference(expected_of(expected), came_of(came))) {
    out += line.kind == DiffLine::Kind::as_expected ? ' '
           : line.kind == DiffLine::Kind::missing   ? '-'
                                                    : '+';
    out += line.rule;
  }
  return out;
}

TEST(FiringDiff, KeepsWhatBothHaveInCommon) {
  EXPECT_EQ(signs("abc", "abc"), " a b c");
  EXPECT_EQ(signs("", ""), "");
  EXPECT_EQ(signs("abc", ""), "-a-b-c");
  EXPECT_EQ(signs("", "abc"), "+a+b+c");
  EXPECT_EQ(signs("abc", "axc"), " a-b+x c");
  EXPECT_EQ(signs("abcd", "bd"), "-a b-c d");
  EXPECT_EQ(signs("bd", "abcd"), "+a b+c d");
  EXPECT_EQ(signs("xabcy", "zabcw"), "-x+z a b c-y+w");
  EXPECT_EQ(signs("aa", "a"), " a-a");
  EXPECT_EQ(signs("ab", "ba"), "-a b+a");
}

TEST(FiringDiff, GivesUpOnWhatIsCommonWhenThereIsTooMuch) {
  const auto lines = signs("x" + std::string(3000, 'a') + "y", "z" + std::string(3000, 'a') + "w");
  EXPECT_EQ(lines.size(), 4u * 3002u);
  EXPECT_TRUE(lines.starts_with("-x-a-a"));
  EXPECT_TRUE(lines.ends_with("+a+a+w"));
}

TEST(FiringDiff, ComparesTimesAndEvents) {
  auto expected = expected_of("a");
  auto came = came_of("a");
  came[0].at = TestTime(1000);
  came[0].bindings.emplace_back("m", Document::copy_of(*parse_json(R"({"x": {"y": [1, 2]}})")));
  EXPECT_TRUE(as_expected(expected, came));
  expected[0].at = TestTime(2000);
  expected[0].match = parse_json(R"({"m": {"x": {"y": [1, 3]}}})")->as_object();
  EXPECT_FALSE(as_expected(expected, came));
  EXPECT_EQ(difference(expected, came).back().remark,
            "at 1 second, not at 2 seconds; m.x.y[1] is 2, not 3");
  expected[0].match = parse_json(R"({"n": {}})")->as_object();
  expected[0].at.reset();
  EXPECT_EQ(difference(expected, came).back().remark, "n is missing");
}

}  // namespace
}  // namespace millrace::cli
