// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "millrace/plugin/testing/filter_harness.hpp"

void millrace_describe_insert_hosts_to_meta_filter(
    millrace::PluginBuilder&);  // the plugin under test

namespace millrace::insert_hosts_to_meta {
namespace {

using testing::FilterHarness;

std::string inserted(const Object& settings, std::string_view event) {
  FilterHarness filter(millrace_describe_insert_hosts_to_meta_filter, "insert_hosts_to_meta",
                       settings);
  EXPECT_EQ(filter.settings_problem(), "");
  return filter.apply(event);
}

std::string at_h(std::string_view event) { return inserted({{"host_path", "h"}}, event); }

TEST(InsertHostsToMeta, ChangesNothingWithoutAPath) {
  EXPECT_EQ(inserted({}, R"({"h":"web"})"), R"({"h":"web"})");
  EXPECT_EQ(inserted({{"host_path", nullptr}}, "{}"), "{}");
  EXPECT_EQ(inserted({{"host_path", ""}}, R"({"":1})"), R"({"":1})");
}

TEST(InsertHostsToMeta, SplitsAStringAtTheHostSeparator) {
  EXPECT_EQ(
      inserted({{"host_path", "app/target"}, {"path_separator", "/"}, {"host_separator", ";"}},
               R"({"app":{"target":"webserver;postgres"}})"),
      R"({"app":{"target":"webserver;postgres"},"meta":{"hosts":["webserver","postgres"]}})");
}

TEST(InsertHostsToMeta, NeitherTrimsNorDropsParts) {
  const Object settings{{"host_path", "h"}, {"host_separator", ","}};

  EXPECT_EQ(inserted(settings, R"({"h":"a, b,"})"),
            R"({"h":"a, b,","meta":{"hosts":["a"," b",""]}})");
  EXPECT_EQ(inserted({{"host_path", "h"}, {"host_separator", "::"}}, R"({"h":"a::b:c"})"),
            R"({"h":"a::b:c","meta":{"hosts":["a","b:c"]}})");
}

TEST(InsertHostsToMeta, TakesAStringForOneNameWithoutASeparator) {
  EXPECT_EQ(at_h(R"({"h":"a,b"})"), R"({"h":"a,b","meta":{"hosts":["a,b"]}})");
  EXPECT_EQ(at_h(R"({"h":""})"), R"({"h":"","meta":{"hosts":[""]}})");
  EXPECT_EQ(inserted({{"host_path", "h"}, {"host_separator", ""}}, R"({"h":"ab"})"),
            R"({"h":"ab","meta":{"hosts":["ab"]}})");
}

TEST(InsertHostsToMeta, TakesListsOfStringsAsTheyAre) {
  EXPECT_EQ(at_h(R"({"h":["a","b,c"]})"), R"({"h":["a","b,c"],"meta":{"hosts":["a","b,c"]}})");
  EXPECT_EQ(at_h(R"({"h":[]})"), R"({"h":[],"meta":{"hosts":[]}})");
}

TEST(InsertHostsToMeta, FailsOnWhatIsNoHostName) {
  EXPECT_EQ(at_h(R"({"h":["a",5]})"), "error: 5 is not a valid hostname");
  EXPECT_EQ(at_h(R"({"h":["a",null]})"), "error: None is not a valid hostname");
  EXPECT_EQ(at_h(R"({"h":[["a"]]})"), "error: ['a'] is not a valid hostname");
  EXPECT_EQ(at_h(R"({"h":1.0})"), "error: 1.0 is not a valid hostname");
  EXPECT_EQ(at_h(R"({"h":{"a":true}})"), "error: {'a': True} is not a valid hostname");
  EXPECT_EQ(at_h(R"({"h":null})"), "error: None is not a valid hostname");
}

TEST(InsertHostsToMeta, KeepsTheRestOfMeta) {
  EXPECT_EQ(at_h(R"({"meta":{"hosts":["old"],"uuid":"u"},"h":"new"})"),
            R"({"meta":{"hosts":["new"],"uuid":"u"},"h":"new"})");
}

TEST(InsertHostsToMeta, FailsOnAMetaThatIsNoObject) {
  EXPECT_EQ(at_h(R"({"h":"a","meta":null})"),
            "error: meta of the event is of type NoneType, not an object");
  EXPECT_EQ(at_h(R"({"h":"a","meta":[]})"),
            "error: meta of the event is of type list, not an object");
}

TEST(InsertHostsToMeta, FailsOnAnEventThatIsNoObject) {
  EXPECT_EQ(inserted({{"host_path", "0"}}, R"(["a"])"), "error: the event is not an object");
}

TEST(InsertHostsToMeta, LogsAMissingPathAndPassesTheEventOn) {
  FilterHarness filter(millrace_describe_insert_hosts_to_meta_filter, "insert_hosts_to_meta",
                       {{"host_path", "app.target"}});

  EXPECT_EQ(filter.apply(R"({"app":{"n":null,"s":"x"}})"), R"({"app":{"n":null,"s":"x"}})");
  EXPECT_EQ(filter.log_lines(),
            std::vector<std::string>{
                "error Event {'app': {'n': None, 's': 'x'}} does not contain app.target"});
}

TEST(InsertHostsToMeta, LogsNothingWhenAskedNotTo) {
  FilterHarness filter(millrace_describe_insert_hosts_to_meta_filter, "insert_hosts_to_meta",
                       {{"host_path", "h"}, {"log_error", false}});

  EXPECT_EQ(filter.apply("{}"), "{}");
  EXPECT_TRUE(filter.log_lines().empty());
}

TEST(InsertHostsToMeta, FailsOnAMissingPathWhenAskedTo) {
  FilterHarness filter(millrace_describe_insert_hosts_to_meta_filter, "insert_hosts_to_meta",
                       {{"host_path", "h"}, {"raise_error", true}});

  EXPECT_EQ(filter.apply(R"({"a":1})"), "error: Event {'a': 1} does not contain h");
  EXPECT_EQ(filter.log_lines().size(), 1U);
}

TEST(InsertHostsToMeta, TakesPatternsThatFitOneValue) {
  EXPECT_EQ(inserted({{"host_path", "a*.h.0"}}, R"({"alert":{"h":["x"]}})"),
            R"({"alert":{"h":["x"]},"meta":{"hosts":["x"]}})");
  EXPECT_EQ(inserted({{"host_path", "*"}}, R"({"a":"x","b":"y"})"),
            "error: the path `*` fits more than one value");
}

TEST(InsertHostsToMeta, FailsOnAnEmptyKeyAnywhere) {
  EXPECT_EQ(at_h(R"({"h":"a","x":[{"":1}]})"),
            "error: the event has an empty key, with which `h` cannot be looked up");
}

TEST(InsertHostsToMeta, RefusesAPathItCannotRead) {
  const auto problem = [](const Object& settings) {
    return FilterHarness(millrace_describe_insert_hosts_to_meta_filter, "insert_hosts_to_meta",
                         settings)
        .settings_problem();
  };

  EXPECT_EQ(problem({{"host_path", "h"}, {"path_separator", ""}}),
            "the separator of a path must not be empty");
  EXPECT_EQ(problem({{"host_path", "**.**"}}), "the path `**.**` has more than one `**`");
  EXPECT_EQ(problem({{"hostpath", "h"}}),
            "hostpath is not a known setting (did you mean `host_path`?)");
}

}  // namespace
}  // namespace millrace::insert_hosts_to_meta
