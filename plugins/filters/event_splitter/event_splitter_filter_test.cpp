// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "millrace/plugin/testing/filter_harness.hpp"

void millrace_describe_event_splitter_filter(millrace::PluginBuilder&);  // the plugin under test

namespace millrace::event_splitter {
namespace {

using testing::FilterHarness;

std::string split(const Object& settings, std::string_view event) {
  FilterHarness filter(millrace_describe_event_splitter_filter, "event_splitter", settings);
  EXPECT_EQ(filter.settings_problem(), "");
  return filter.apply(event);
}

std::string split_at_l(std::string_view event) { return split({{"splitter_key", "l"}}, event); }

TEST(EventSplitter, MakesOneEventOfEachElement) {
  EXPECT_EQ(split_at_l(R"({"l":[{"a":1},{"b":{"c":2}}],"x":0})"), R"({"a":1} {"b":{"c":2}})");
  EXPECT_EQ(split_at_l(R"({"l":[]})"), "");
}

TEST(EventSplitter, AddsAttributesOfTheEventAndExtras) {
  EXPECT_EQ(split({{"splitter_key", "myevent.bundle"},
                   {"attributes_key_map", {{"town", "myevent.city"}}},
                   {"extras", {{"zip", "07054"}}}},
                  R"({"myevent":{"bundle":[{"name":"Fred"},{"name":"Barney"}],"city":"Bedrock"}})"),
            R"({"name":"Fred","town":"Bedrock","zip":"07054"} )"
            R"({"name":"Barney","town":"Bedrock","zip":"07054"})");
}

TEST(EventSplitter, ExtrasGoBeforeAttributesBeforeTheElement) {
  EXPECT_EQ(split({{"splitter_key", "l"},
                   {"attributes_key_map", {{"a", "p"}, {"b", "p"}}},
                   {"extras", {{"a", "extra"}}}},
                  R"({"l":[{"b":"own","a":"own","c":"own"}],"p":"parent"})"),
            R"({"b":"parent","a":"extra","c":"own"})");
}

TEST(EventSplitter, LeavesMetaBehindUnlessItIsMapped) {
  const auto event = R"({"l":[{"a":1}],"meta":{"uuid":"u"}})";

  EXPECT_EQ(split_at_l(event), R"({"a":1})");
  EXPECT_EQ(split({{"splitter_key", "l"}, {"attributes_key_map", {{"meta", "meta"}}}}, event),
            R"({"a":1,"meta":{"uuid":"u"}})");
}

TEST(EventSplitter, PassesAnEventWithoutTheListOnWithAWarning) {
  FilterHarness filter(millrace_describe_event_splitter_filter, "event_splitter",
                       {{"splitter_key", "a.l"}, {"extras", {{"x", 1}}}});

  EXPECT_EQ(filter.apply(R"({"l":[1]})"), R"({"l":[1]})");
  EXPECT_EQ(filter.log_lines(),
            std::vector<std::string>{"warning the event has no `a.l`: passed on unsplit"});
}

TEST(EventSplitter, FailsOnAnEventWithoutTheListWhenAskedTo) {
  EXPECT_EQ(split({{"splitter_key", "l"}, {"raise_error", true}}, "{}"), "error: nothing at `l`");
}

TEST(EventSplitter, LeavesAttributesOutThatTheEventDoesNotHave) {
  FilterHarness filter(
      millrace_describe_event_splitter_filter, "event_splitter",
      {{"splitter_key", "l"}, {"attributes_key_map", {{"t", "no.where"}, {"n", "n"}}}});

  EXPECT_EQ(filter.apply(R"({"l":[{}],"n":null})"), R"({"n":null})");
  EXPECT_EQ(filter.log_lines(),
            std::vector<std::string>{"warning the event has no `no.where`: t is left out"});
}

TEST(EventSplitter, PassesElementsThatAreNoObjectsOnWhenNothingIsAdded) {
  EXPECT_EQ(split_at_l(R"({"l":[1,"a",null,[2]]})"), R"(1 "a" null [2])");
  EXPECT_EQ(
      split({{"splitter_key", "l"}, {"attributes_key_map", {{"t", "nowhere"}}}}, R"({"l":[1]})"),
      "1");
}

TEST(EventSplitter, FailsOnElementsThatAreNoObjectsOtherwise) {
  const Object settings{{"splitter_key", "l"}, {"extras", {{"x", 1}}}};

  EXPECT_EQ(split(settings, R"({"l":[{},"a"]})"), "error: 'str' object has no attribute 'update'");
  EXPECT_EQ(split(settings, R"({"l":[null]})"),
            "error: 'NoneType' object has no attribute 'update'");
}

TEST(EventSplitter, SplitsObjectsIntoKeysAndStringsIntoCharacters) {
  EXPECT_EQ(split_at_l(R"({"l":{"b":1,"a":2}})"), R"("b" "a")");
  EXPECT_EQ(split_at_l(R"({"l":"aé日"})"), R"("a" "é" "日")");
}

TEST(EventSplitter, FailsOnWhatHasNoElements) {
  EXPECT_EQ(split_at_l(R"({"l":5})"), "error: 'int' object is not iterable");
  EXPECT_EQ(split_at_l(R"({"l":null})"), "error: 'NoneType' object is not iterable");
  EXPECT_EQ(split_at_l(R"({"l":true})"), "error: 'bool' object is not iterable");
}

TEST(EventSplitter, TakesPatternsThatFitOneValue) {
  EXPECT_EQ(split({{"splitter_key", "*.l"}}, R"({"a":{"l":[{"i":1}]}})"), R"({"i":1})");
  EXPECT_EQ(split({{"splitter_key", "*"}}, R"({"a":[],"b":[]})"),
            "error: the path `*` fits more than one value");
  EXPECT_EQ(
      split({{"splitter_key", "l"}, {"attributes_key_map", {{"t", "*"}}}}, R"({"l":[{}],"b":1})"),
      "error: the path `*` fits more than one value");
}

TEST(EventSplitter, RefusesToGrowWithoutBounds) {
  std::string event = R"({"big":")" + std::string(1 << 20, 'x') + R"(","l":[{})";
  for (int i = 0; i < 300; ++i) event += ",{}";
  event += "]}";

  EXPECT_EQ(
      split({{"splitter_key", "l"}, {"attributes_key_map", {{"big", "big"}}}}, event).substr(0, 20),
      "error: 301 elements ");
}

TEST(EventSplitter, RefusesWrongSettings) {
  const auto problem = [](const Object& settings) {
    return FilterHarness(millrace_describe_event_splitter_filter, "event_splitter", settings)
        .settings_problem();
  };

  EXPECT_EQ(problem({}), "splitter_key is required");
  EXPECT_EQ(problem({{"splitter_key", "l"}, {"attribute_key_map", Object()}}),
            "attribute_key_map is not a known setting (did you mean `attributes_key_map`?)");
  EXPECT_EQ(problem({{"splitter_key", "l"}, {"attributes_key_map", {{"a", 1}}}}),
            "attributes_key_map: a must be a path, a string");
  EXPECT_EQ(problem({{"splitter_key", "**.**"}}),
            "splitter_key: the path `**.**` has more than one `**`");
}

}  // namespace
}  // namespace millrace::event_splitter
