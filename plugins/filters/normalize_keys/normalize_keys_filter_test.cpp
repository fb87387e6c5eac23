// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "millrace/plugin/testing/filter_harness.hpp"

void millrace_describe_normalize_keys_filter(millrace::PluginBuilder&);  // the plugin under test

namespace millrace::normalize_keys {
namespace {

using testing::FilterHarness;

std::string normalized(std::string_view event, const Object& settings = {}) {
  FilterHarness filter(millrace_describe_normalize_keys_filter, "normalize_keys", settings);
  EXPECT_EQ(filter.settings_problem(), "");
  return filter.apply(event);
}

TEST(NormalizeKeys, MakesOneUnderscoreOfEachRunOfOtherCharacters) {
  EXPECT_EQ(normalized(R"({"key?/+12-*":1})"), R"({"key_12_":1})");
  EXPECT_EQ(normalized(R"({"server.com/&abc":1})"), R"({"server_com_abc":1})");
  EXPECT_EQ(normalized(R"({" a ":1,"":2,"\u0000":3})"), R"({"_a_":1,"":2,"_":3})");
}

TEST(NormalizeKeys, LooksIntoObjectsAndLists) {
  EXPECT_EQ(normalized(R"({"key1":[{"key/2":"abc"},5]})"), R"({"key1":[{"key_2":"abc"},5]})");
  EXPECT_EQ(normalized(R"([{"a.b":{"c.d":[[{"e.f":1}]]}}])"), R"([{"a_b":{"c_d":[[{"e_f":1}]]}}])");
}

TEST(NormalizeKeys, KeepsUnderscoresAsTheyAre) {
  EXPECT_EQ(normalized(R"({"a__b":1,"_?_":2})"), R"({"a__b":1,"___":2})");
}

TEST(NormalizeKeys, KeepsLettersAndNumbersOfAllScripts) {
  EXPECT_EQ(normalized(R"({"é-x":1})"), R"({"é_x":1})");
  EXPECT_EQ(normalized(R"({"日本-語":1,"имя.хост":2})"), R"({"日本_語":1,"имя_хост":2})");
  EXPECT_EQ(normalized(R"({"x²½٣Ⅷ":1})"), R"({"x²½٣Ⅷ":1})");
}

TEST(NormalizeKeys, TakesMarksAndSymbolsForOtherCharacters) {
  EXPECT_EQ(normalized(R"({"e\u0301a":1,"a\u200Db":2,"€5":3,"a‿b":4,"😀":5})"),
            R"({"e_a":1,"a_b":4,"_5":3,"_":5})");
}

TEST(NormalizeKeys, KeepsTheOrderOfKeys) {
  EXPECT_EQ(normalized(R"({"z.1":1,"a":2,"y.1":3})"), R"({"z_1":1,"a":2,"y_1":3})");
}

TEST(NormalizeKeys, OfARenamedKeyAndItsNamesakeTheLaterCounts) {
  EXPECT_EQ(normalized(R"({"a.b":1,"c":0,"a_b":2})"), R"({"a_b":2,"c":0})");
  EXPECT_EQ(normalized(R"({"a_b":2,"c":0,"a.b":1})"), R"({"a_b":1,"c":0})");
}

TEST(NormalizeKeys, OrTheNamesakeWhenNothingMayBeOverwritten) {
  const Object keep{{"overwrite", false}};

  EXPECT_EQ(normalized(R"({"a.b":1,"c":0,"a_b":2})", keep), R"({"c":0,"a_b":2})");
  EXPECT_EQ(normalized(R"({"a_b":2,"c":0,"a.b":1})", keep), R"({"a_b":2,"c":0})");
}

TEST(NormalizeKeys, OfTwoRenamedKeysTheLaterAlwaysCounts) {
  EXPECT_EQ(normalized(R"({"a?b":1,"a!b":2})"), R"({"a_b":2})");
  EXPECT_EQ(normalized(R"({"a?b":1,"a!b":2})", {{"overwrite", false}}), R"({"a_b":2})");
}

TEST(NormalizeKeys, WarnsWhenAnExistingKeyIsReplaced) {
  FilterHarness filter(millrace_describe_normalize_keys_filter, "normalize_keys", {});

  filter.apply(R"({"a_b":1,"a.b":2,"c.d":3,"c:d":4})");

  EXPECT_EQ(filter.log_lines(), std::vector<std::string>{"warning Replacing existing key a_b"});
}

}  // namespace
}  // namespace millrace::normalize_keys
