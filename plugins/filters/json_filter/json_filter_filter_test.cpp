// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "millrace/plugin/testing/filter_harness.hpp"

void millrace_describe_json_filter_filter(millrace::PluginBuilder&);  // the plugin under test

namespace millrace::json_filter {
namespace {

using testing::FilterHarness;

// What is left of the event.
std::string left(const Object& settings, std::string_view event) {
  FilterHarness filter(millrace_describe_json_filter_filter, "json_filter", settings);
  EXPECT_EQ(filter.settings_problem(), "");
  return filter.apply(event);
}

TEST(JsonFilter, ChangesNothingWithoutPatterns) {
  const auto event = R"({"b":{"a":[1]},"a":null,"meta":{}})";

  EXPECT_EQ(left({}, event), event);
  EXPECT_EQ(left({{"exclude_keys", nullptr}, {"include_keys", nullptr}}, event), event);
  EXPECT_EQ(left({{"include_keys", {"a"}}}, event), event);
}

TEST(JsonFilter, RemovesExcludedKeysAtEveryDepth) {
  EXPECT_EQ(left({{"exclude_keys", {"b"}}}, R"({"a":{"b":1,"c":2},"b":{}})"), R"({"a":{"c":2}})");
}

TEST(JsonFilter, KeepsTheOrderOfWhatIsLeft) {
  EXPECT_EQ(left({{"exclude_keys", {"x"}}}, R"({"z":1,"x":2,"a":3,"m":{"x":1,"y":2,"b":3}})"),
            R"({"z":1,"a":3,"m":{"y":2,"b":3}})");
}

TEST(JsonFilter, ProtectsIncludedKeys) {
  EXPECT_EQ(left({{"exclude_keys", {"*"}}, {"include_keys", {"a", "c"}}},
                 R"({"a":{"b":1,"c":2},"b":{}})"),
            R"({"a":{"c":2}})");
}

TEST(JsonFilter, LosesAProtectedKeyInsideAnExcludedOne) {
  EXPECT_EQ(left({{"exclude_keys", {"b"}}, {"include_keys", {"c"}}}, R"({"b":{"c":1},"c":2})"),
            R"({"c":2})");
}

TEST(JsonFilter, TakesShellPatterns) {
  EXPECT_EQ(left({{"exclude_keys", {"key?"}}}, R"({"key1":1,"key2":2,"key10":3})"),
            R"({"key10":3})");
  EXPECT_EQ(left({{"exclude_keys", {"*_config*"}}, {"include_keys", {"app_config_prod"}}},
                 R"({"app_config_prod":1,"app_config_dev":2,"db_config":3,"app_settings":4})"),
            R"({"app_config_prod":1,"app_settings":4})");
  EXPECT_EQ(left({{"exclude_keys", {"[!a]"}}}, R"({"a":1,"b":2,"cc":3})"), R"({"a":1,"cc":3})");
}

TEST(JsonFilter, TellsUpperFromLowerCase) {
  EXPECT_EQ(left({{"exclude_keys", {"KEY*"}}}, R"({"key1":1,"KEY1":2})"), R"({"key1":1})");
}

TEST(JsonFilter, APatternAlsoNamesItself) {
  EXPECT_EQ(left({{"exclude_keys", {"key[1]"}}}, R"({"key[1]":1,"key1":2,"key2":3})"),
            R"({"key2":3})");
}

TEST(JsonFilter, MatchesNamesNotPaths) {
  EXPECT_EQ(left({{"exclude_keys", {"a.b"}}}, R"({"a":{"b":1},"a.b":2})"), R"({"a":{"b":1}})");
}

TEST(JsonFilter, DoesNotLookIntoLists) {
  const auto event = R"({"list":[{"b":1},[{"b":2}]]})";

  EXPECT_EQ(left({{"exclude_keys", {"b"}}}, event), event);
  EXPECT_EQ(left({{"exclude_keys", {"b"}}}, R"([{"b":1}])"), R"([{"b":1}])");
}

TEST(JsonFilter, AStarAlsoRemovesMeta) {
  EXPECT_EQ(left({{"exclude_keys", {"*"}}}, R"({"a":1,"meta":{"uuid":"u"}})"), "{}");
}

TEST(JsonFilter, TakesOneStringAsAListOfOne) {
  EXPECT_EQ(left({{"exclude_keys", "ab"}}, R"({"a":1,"ab":2})"), R"({"a":1})");
}

TEST(JsonFilter, AnswersToTheNamesOfTheOriginal) {
  FilterHarness filter(millrace_describe_json_filter_filter, "ansible.eda.json_filter", {});

  EXPECT_EQ(filter.apply("{}"), "{}");
}

}  // namespace
}  // namespace millrace::json_filter
