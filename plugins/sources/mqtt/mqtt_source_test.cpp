// SPDX-License-Identifier: Apache-2.0
// What needs no broker; the rest is in tests/e2e/mqtt_test.py.
#include <gtest/gtest.h>

#include <string>

#include "millrace/plugin/testing/source_harness.hpp"

void millrace_describe_mqtt_source(millrace::PluginBuilder&);

namespace millrace::mqtt_source {
namespace {

using testing::SourceHarness;

std::string problem(Object settings) {
  return SourceHarness(millrace_describe_mqtt_source, "mqtt", std::move(settings))
      .settings_problem();
}

TEST(MqttSource, RefusesSettingsThatContradictEachOther) {
  EXPECT_EQ(problem({}), "topic or topics is required");
  EXPECT_EQ(problem({{"topic", "t"}, {"clean_session", false}}),
            "clean_session: false needs a client_id");
  EXPECT_EQ(problem({{"topic", "t"}, {"ca_file", "x.pem"}}),
            "ca_file and cert_file need tls: true");
  EXPECT_NE(problem({{"topic", "t"}, {"qos", 3}}), "");
}

TEST(MqttSource, TakesTopicsAsTextsOrWithTheirQos) {
  EXPECT_EQ(problem({{"topics", {"a", Object{{"topic", "b"}, {"qos", 2}}}}}), "");
  for (const auto& wrong :
       {Value(7), Value(""), Value(Object{{"qos", 1}}), Value(Object{{"topic", "b"}, {"qos", 3}}),
        Value(Object{{"topic", "b"}, {"quality", 1}})}) {
    EXPECT_NE(problem({{"topics", Array{wrong}}}), "") << boost::json::serialize(wrong);
  }
}

TEST(MqttSource, TriesAgainAndStopsAtOnceWhenNobodyListens) {
  SourceHarness source(millrace_describe_mqtt_source, "mqtt",
                       {{"topic", "t"}, {"host", "127.0.0.1"}, {"port", 1}});
  ASSERT_TRUE(source.run_until([&] { return !source.log_lines().empty(); }));
  source.advance(std::chrono::seconds(1));
  source.cancel();
  EXPECT_EQ(source.finish().error().code(), Errc::cancelled);
  EXPECT_EQ(source.log_lines().size(), 1U);
}

}  // namespace
}  // namespace millrace::mqtt_source
