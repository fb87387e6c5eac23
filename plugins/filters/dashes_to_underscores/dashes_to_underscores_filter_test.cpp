// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "millrace/plugin/testing/filter_harness.hpp"

void millrace_describe_dashes_to_underscores_filter(
    millrace::PluginBuilder&);  // the plugin under test

namespace millrace::dashes_to_underscores {
namespace {

using testing::FilterHarness;

std::string renamed(std::string_view event, const Object& settings = {}) {
  FilterHarness filter(millrace_describe_dashes_to_underscores_filter, "dashes_to_underscores",
                       settings);
  EXPECT_EQ(filter.settings_problem(), "");
  return filter.apply(event);
}

TEST(DashesToUnderscores, RenamesKeysAtEveryDepthAlsoInLists) {
  EXPECT_EQ(renamed(R"({"a-b":{"c-d":1},"e":[{"f-g":[[{"h-i":2}]]}]})"),
            R"({"e":[{"f_g":[[{"h_i":2}]]}],"a_b":{"c_d":1}})");
  EXPECT_EQ(renamed(R"([{"a-b":1}])"), R"([{"a_b":1}])");
}

TEST(DashesToUnderscores, RenamesEachDash) {
  EXPECT_EQ(renamed(R"({"a--b":1,"-":2,"c-d-e":3})"), R"({"a__b":1,"_":2,"c_d_e":3})");
}

TEST(DashesToUnderscores, LeavesValuesAndOtherKeysAlone) {
  const auto event = R"({"b":"x-y","a_b":["p-q"]})";

  EXPECT_EQ(renamed(event), event);
}

TEST(DashesToUnderscores, PutsRenamedKeysBehindTheOthers) {
  EXPECT_EQ(renamed(R"({"x-1":1,"a":2,"x-0":3,"b":4})"), R"({"a":2,"b":4,"x_1":1,"x_0":3})");
}

TEST(DashesToUnderscores, TheDashedKeyReplacesItsNamesake) {
  EXPECT_EQ(renamed(R"({"key-name":1,"key_name":2})"), R"({"key_name":1})");
  EXPECT_EQ(renamed(R"({"a_b":1,"c":2,"a-b":{"d-e":3}})"), R"({"a_b":{"d_e":3},"c":2})");
}

TEST(DashesToUnderscores, OrIsDroppedWhenNothingMayBeOverwritten) {
  const Object keep{{"overwrite", false}};

  EXPECT_EQ(renamed(R"({"key-name":1,"key_name":2})", keep), R"({"key_name":2})");
  EXPECT_EQ(renamed(R"({"a-b":1,"c":2})", keep), R"({"c":2,"a_b":1})");
}

TEST(DashesToUnderscores, OfTwoDashedNamesakesTheLaterReplacesTheEarlier) {
  const auto event = R"({"a-b_c":1,"x-y":0,"a_b-c":2})";

  EXPECT_EQ(renamed(event), R"({"a_b_c":2,"x_y":0})");
  EXPECT_EQ(renamed(event, {{"overwrite", false}}), R"({"a_b_c":1,"x_y":0})");
}

TEST(DashesToUnderscores, LogsAReplacement) {
  FilterHarness filter(millrace_describe_dashes_to_underscores_filter, "dashes_to_underscores", {});

  filter.apply(R"({"a-b":1,"a_b":2})");

  EXPECT_EQ(filter.log_lines(), std::vector<std::string>{"info Replacing existing key a_b"});
}

TEST(DashesToUnderscores, AnswersToTheOriginalsWrongName) {
  FilterHarness filter(millrace_describe_dashes_to_underscores_filter,
                       "ansible.builtin.dashes_to_underscores", {});

  EXPECT_EQ(filter.apply(R"({"a-b":1})"), R"({"a_b":1})");
}

TEST(DashesToUnderscores, TakesTimeLinearInTheNumberOfKeys) {
  std::string event = "{";
  for (int i = 0; i < 200'000; ++i) event += fmt::format(R"("k-{}":0,)", i);
  event.back() = '}';

  EXPECT_EQ(renamed(event).find('-'), std::string::npos);
}

}  // namespace
}  // namespace millrace::dashes_to_underscores
