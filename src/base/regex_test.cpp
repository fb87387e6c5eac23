// SPDX-License-Identifier: Apache-2.0
#include "millrace/base/regex.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

using Outcome = Regex::Outcome;

Outcome search(std::string_view pattern, std::string_view text, Regex::Options options = {}) {
  const auto regex = Regex::compile(pattern, options);
  EXPECT_TRUE(regex) << (regex ? "" : regex.error().message());
  return regex ? regex->search(text) : Outcome::limit_exceeded;
}

TEST(Regex, FindsAnywhereUnlessAnchored) {
  EXPECT_EQ(search("b+", "abba"), Outcome::match);
  EXPECT_EQ(search("b+", "abba", {.anchor = Regex::Anchor::start}), Outcome::no_match);
  EXPECT_EQ(search("a|b", "xb", {.anchor = Regex::Anchor::start}), Outcome::no_match);
  EXPECT_EQ(search("", ""), Outcome::match);
}

TEST(Regex, AnchorsAtLinesWhenMultiline) {
  const std::string_view text = "one\ntwo\r\nthree";
  EXPECT_EQ(search("^two$", text), Outcome::no_match);
  EXPECT_EQ(search("^two$", text, {.multiline = true}), Outcome::match);
  EXPECT_EQ(search("three", text, {.anchor = Regex::Anchor::start}), Outcome::no_match);
  EXPECT_EQ(search("three", text, {.multiline = true, .anchor = Regex::Anchor::start}),
            Outcome::match);
  EXPECT_EQ(search("hree", text, {.multiline = true, .anchor = Regex::Anchor::start}),
            Outcome::no_match);
}

TEST(Regex, IgnoresCaseBeyondAscii) {
  EXPECT_EQ(search("STRAẞE|ÉTÉ", "été"), Outcome::no_match);
  EXPECT_EQ(search("STRAẞE|ÉTÉ", "été", {.ignore_case = true}), Outcome::match);
}

TEST(Regex, MatchesCodePointsNotBytes) { EXPECT_EQ(search("^.$", "\U0001F600"), Outcome::match); }

TEST(Regex, GivesUpAPatternThatBacktracksForEver) {
  EXPECT_EQ(search("(a+)+$", std::string(40, 'a') + "b"), Outcome::limit_exceeded);
  EXPECT_EQ(search("(a+)+$", std::string(40, 'a')), Outcome::match);
}

TEST(Regex, SaysWhereAPatternIsWrong) {
  const auto open = Regex::compile("ab(c", {});
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code(), Errc::invalid_rule);
  EXPECT_EQ(open.error().message(),
            "regular expression `ab(c` is wrong at position 4: missing closing parenthesis");
  const auto anchored = Regex::compile("a**", {.anchor = Regex::Anchor::start});
  ASSERT_TRUE(Regex::compile("a*+", {}));
  EXPECT_EQ(anchored.has_value(), Regex::compile("a**", {}).has_value());
  EXPECT_FALSE(Regex::compile("\xff", {}));
}

TEST(Regex, KnowsItsPattern) {
  auto regex = Regex::compile("a.b", {.anchor = Regex::Anchor::start});
  ASSERT_TRUE(regex);
  const Regex moved = *std::move(regex);
  EXPECT_EQ(moved.pattern(), "a.b");
  EXPECT_EQ(moved.search("axb"), Outcome::match);
}

}  // namespace
}  // namespace millrace
