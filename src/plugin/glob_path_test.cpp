// SPDX-License-Identifier: Apache-2.0
#include "millrace/plugin/glob_path.hpp"

#include <gtest/gtest.h>

#include "millrace/event/json.hpp"

namespace millrace {
namespace {

// Which of some characters a pattern of one character fits.
std::string fitting(std::string_view pattern) {
  std::string all;
  for (const char c : std::string_view("!&-X[\\]^`abcde|_")) {
    if (glob_match(pattern, {&c, 1})) all += c;
  }
  return all;
}

TEST(GlobMatch, FitsWholeTexts) {
  EXPECT_TRUE(glob_match("", ""));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("a*b*c", "a-b-b-c"));
  EXPECT_TRUE(glob_match("*_config*", "app_config_prod"));
  EXPECT_TRUE(glob_match("a\n*", "a\nb"));
  EXPECT_FALSE(glob_match("", "a"));
  EXPECT_FALSE(glob_match("a", "ab"));
  EXPECT_FALSE(glob_match("key?", "key10"));
  EXPECT_FALSE(glob_match("a*b", "a-b-c"));
  EXPECT_FALSE(glob_match("A", "a"));
}

TEST(GlobMatch, CountsCodePoints) {
  EXPECT_TRUE(glob_match("?", "é"));
  EXPECT_TRUE(glob_match("日?", "日本"));
  EXPECT_TRUE(glob_match("[à-ü]", "é"));
  EXPECT_FALSE(glob_match("[!é]", "é"));
  EXPECT_TRUE(glob_match("??",
                         "\xC3"
                         "a"));
}

TEST(GlobMatch, ReadsClassesAsPythonDoes) {
  EXPECT_EQ(fitting("[a-c]"), "abc");
  EXPECT_EQ(fitting("[!a-c]"), "!&-X[\\]^`de|_");
  EXPECT_EQ(fitting("[c-a]"), "");
  EXPECT_EQ(fitting("[!c-a]"), "!&-X[\\]^`abcde|_");
  EXPECT_EQ(fitting("[b-aX]"), "X");
  EXPECT_EQ(fitting("[a-]"), "-a");
  EXPECT_EQ(fitting("[-a]"), "-a");
  EXPECT_EQ(fitting("[a-c-e]"), "-abce");
  EXPECT_EQ(fitting("[--a]"), "-X[\\]^`a_");
  EXPECT_EQ(fitting("[]a]"), "]a");
  EXPECT_EQ(fitting("[]-a]"), "]^`a_");
  EXPECT_EQ(fitting("[!]a]"), "!&-X[\\^`bcde|_");
  EXPECT_EQ(fitting("[^a]"), "^a");
  EXPECT_EQ(fitting("[a!]"), "!a");
  EXPECT_EQ(fitting("[\\]"), "\\");
}

TEST(GlobMatch, TakesAnOpenBracketForItself) {
  EXPECT_TRUE(glob_match("[", "["));
  EXPECT_TRUE(glob_match("[]", "[]"));
  EXPECT_TRUE(glob_match("[!]", "[!]"));
  EXPECT_TRUE(glob_match("[a*", "[abc"));
  EXPECT_FALSE(glob_match("a[1]", "a[1]"));
}

TEST(GlobMatch, DoesNotBacktrackForEver) {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "*a";
  EXPECT_FALSE(glob_match(pattern + "b", std::string(5000, 'a')));
}

constexpr std::string_view kEvent = R"({"a":{"b":1,"c":[10,20,30]},"x.y":5,"0":"zero","n":null})";

std::string got(std::string_view event, std::string_view path, std::string_view separator = ".") {
  const auto value = parse_json(event).value();
  const auto parsed = GlobPath::parse(path, separator);
  if (!parsed) return parsed.error().message();
  const auto found = parsed->get(value);
  if (found) return to_json(**found);
  return std::string(found.error().code() == Errc::not_found ? "missing" : found.error().message());
}

TEST(GlobPath, FollowsKeys) {
  EXPECT_EQ(got(kEvent, "a.b"), "1");
  EXPECT_EQ(got(kEvent, "a.c"), "[10,20,30]");
  EXPECT_EQ(got(kEvent, "n"), "null");
  EXPECT_EQ(got(kEvent, "0"), R"("zero")");
  EXPECT_EQ(got(kEvent, "A"), "missing");
  EXPECT_EQ(got(kEvent, "n.x"), "missing");
  EXPECT_EQ(got(kEvent, "a.b.x"), "missing");
  EXPECT_EQ(got("{}", "a"), "missing");
  EXPECT_EQ(got("5", "a"), "missing");
  EXPECT_EQ(got(R"("text")", "0"), "missing");
}

TEST(GlobPath, SplitsAtTheSeparator) {
  EXPECT_EQ(got(kEvent, "a/b", "/"), "1");
  EXPECT_EQ(got(kEvent, "a::b", "::"), "1");
  EXPECT_EQ(got(kEvent, "x.y"), "missing");
  EXPECT_EQ(got(kEvent, "x.y", "/"), "5");
  EXPECT_EQ(got(kEvent, "a.b", ""), "the separator of a path must not be empty");
}

TEST(GlobPath, IgnoresSeparatorsAtTheStartOnly) {
  EXPECT_EQ(got(kEvent, ".a.b"), "1");
  EXPECT_EQ(got(kEvent, "..a.b"), "1");
  EXPECT_EQ(got(kEvent, ":a::b", "::"), "1");
  EXPECT_EQ(got(kEvent, "a.b."), "missing");
  EXPECT_EQ(got(kEvent, "a..b"), "missing");
  EXPECT_EQ(got(kEvent, "."), "missing");
}

TEST(GlobPath, IsTheEventItselfWhenEmpty) {
  EXPECT_EQ(got(kEvent, ""), kEvent);
  EXPECT_EQ(got(kEvent, "/", "/"), kEvent);
  EXPECT_EQ(got(R"({"":1})", ""), R"({"":1})");
}

TEST(GlobPath, CountsPlacesOfLists) {
  EXPECT_EQ(got(kEvent, "a.c.0"), "10");
  EXPECT_EQ(got(kEvent, "a.c.00"), "10");
  EXPECT_EQ(got(kEvent, "a.c.+1"), "20");
  EXPECT_EQ(got(kEvent, "a.c.-1"), "30");
  EXPECT_EQ(got(kEvent, "a.c.-3"), "10");
  EXPECT_EQ(got(kEvent, "a.c.-4"), "missing");
  EXPECT_EQ(got(kEvent, "a.c.3"), "missing");
  EXPECT_EQ(got(R"({"a":[[1,2],[3]]})", "a.-1.0"), "3");
  EXPECT_EQ(got(R"([{"a":1}])", "0.a"), "1");
  EXPECT_EQ(got(R"({"a":{"00":7}})", "a.0"), "missing");
  EXPECT_EQ(got(R"({"a":{"-1":7}})", "a.-1"), "7");
}

TEST(GlobPath, TakesPatternsForSteps) {
  EXPECT_EQ(got(kEvent, "*.b"), "1");
  EXPECT_EQ(got(kEvent, "a.?"), "the path `a.?` fits more than one value");
  EXPECT_EQ(got(kEvent, "a.c.[0]"), "10");
  EXPECT_EQ(got(kEvent, "a.c.[02]"), "the path `a.c.[02]` fits more than one value");
  EXPECT_EQ(got(R"({"a":[0,1,2,3,4,5,6,7,8,9,10]})", "a.1?"), "10");
  EXPECT_EQ(got(R"({"a":[1]})", "a.*"), "1");
  EXPECT_EQ(got(R"({"a":{}})", "a.*"), "missing");
}

TEST(GlobPath, TakesTwoStarsForAnyNumberOfSteps) {
  EXPECT_EQ(got(kEvent, "**.b"), "1");
  EXPECT_EQ(got(kEvent, "**.1"), "20");
  EXPECT_EQ(got(kEvent, "a.**.b"), "1");
  EXPECT_EQ(got(R"({"a":{"b":1}})", "a.b.**"), "1");
  EXPECT_EQ(got(R"({"a":[1,2]})", "a.**.0"), "1");
  EXPECT_EQ(got(R"({"a":{"a":1}})", "**.a"), "the path `**.a` fits more than one value");
  EXPECT_EQ(got(kEvent, "**"), "the path `**` fits more than one value");
  EXPECT_EQ(got(kEvent, "**.**"), "the path `**.**` has more than one `**`");
}

TEST(GlobPath, FailsOnAnEmptyKeyAnywhereUntilTwoValuesFit) {
  const std::string_view empty_key =
      "the event has an empty key, with which `a` cannot be looked up";
  const std::string_view several = "the path `[ab]` fits more than one value";

  EXPECT_EQ(got(R"({"a":1,"":2})", "a"), empty_key);
  EXPECT_EQ(got(R"({"a":1,"b":{"":2}})", "a"), empty_key);
  EXPECT_EQ(got(R"({"b":1,"c":[{"":2}]})", "a"), empty_key);
  EXPECT_EQ(got(R"({"a":1,"b":1,"":2})", "[ab]"), several);
  EXPECT_EQ(got(R"({"a":1,"c":{"":2},"b":1})", "[ab]"), several);
}

}  // namespace
}  // namespace millrace
