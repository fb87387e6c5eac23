// SPDX-License-Identifier: Apache-2.0
// What needs no server; the rest is in tests/e2e/amqp_test.py.
#include <gtest/gtest.h>

#include <string>

#include "message_event.hpp"
#include "millrace/plugin/testing/source_harness.hpp"
#include "unsettled.hpp"

void millrace_describe_amqp_source(millrace::PluginBuilder&);

namespace millrace::amqp_source {
namespace {

using messaging::AmqpMessage;
using testing::SourceHarness;

std::string problem(Object settings) {
  return SourceHarness(millrace_describe_amqp_source, "amqp", std::move(settings))
      .settings_problem();
}

TEST(AmqpSource, RefusesSettingsThatContradictEachOther) {
  EXPECT_EQ(problem({}), "queue or exchange is required");
  EXPECT_EQ(problem({{"queue", "q"}, {"exchange_type", "topic"}}), "exchange_type needs exchange");
  EXPECT_NE(problem({{"queue", "q"}, {"ca_file", "x.pem"}}), "");
  EXPECT_NE(problem({{"queue", "q"}, {"prefetch", 0}}), "");
  EXPECT_NE(problem({{"queue", "q"}, {"queue_type", "odd"}}), "");
  const auto wrong_url = problem({{"queue", "q"}, {"url", "http://u:secret@h"}});
  EXPECT_NE(wrong_url, "");
  EXPECT_FALSE(wrong_url.contains("secret"));
}

TEST(AmqpSource, SaysWhichFileItCannotUse) {
  SourceHarness source(millrace_describe_amqp_source, "amqp",
                       {{"queue", "q"}, {"tls", true}, {"ca_file", "/no/such.pem"}});
  const auto outcome = source.finish();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Errc::invalid_settings);
  EXPECT_TRUE(outcome.error().message().contains("/no/such.pem"));
}

TEST(AmqpSource, TriesAgainAndStopsAtOnceWhenNobodyListens) {
  SourceHarness source(millrace_describe_amqp_source, "amqp",
                       {{"queue", "q"}, {"host", "127.0.0.1"}, {"port", 1}});
  ASSERT_TRUE(source.run_until([&] { return !source.log_lines().empty(); }));
  EXPECT_TRUE(source.log_lines().front().starts_with("warning cannot connect to 127.0.0.1:1"));
  source.advance(std::chrono::seconds(1));
  source.cancel();
  EXPECT_EQ(source.finish().error().code(), Errc::cancelled);
  EXPECT_EQ(source.log_lines().size(), 1U);
}

Event event(AmqpMessage message, BodyFormat format = BodyFormat::automatic) {
  return event_of(std::move(message), format, {});
}

TEST(AmqpSource, TellsOnlyWhatIsThere) {
  const auto plain = event({.body = "hello", .routing_key = "q"});
  EXPECT_EQ(plain.meta(), (Object{{"routing_key", "q"}, {"redelivered", false}}));
  EXPECT_EQ(plain.data(), Value("hello"));
}

TEST(AmqpSource, TakesAMessageIdForTheUuidIfItIsOne) {
  const auto* id = "0b6a0d5e-1b2c-4d3e-8f90-a1b2c3d4e5f6";
  EXPECT_EQ(event({.body = "", .properties = {{"message_id", id}}}).meta().at("uuid"), Value(id));
  for (const auto* other :
       {"1", "", "0b6a0d5e-1b2c-4d3e-8f90-a1b2c3d4e5fg", "0b6a0d5e01b2c-4d3e-8f90-a1b2c3d4e5f6"}) {
    EXPECT_FALSE(
        event({.body = "", .properties = {{"message_id", other}}}).meta().contains("uuid"));
  }
}

TEST(AmqpSource, LeavesWhatClaimsToBeJsonToTheEngine) {
  for (const auto* type :
       {"application/json", "application/json; charset=utf-8", "application/cloudevents+json"}) {
    EXPECT_TRUE(event({.body = "{broken", .properties = {{"content_type", type}}}).is_text());
  }
  EXPECT_FALSE(
      event({.body = "{broken", .properties = {{"content_type", "text/json5"}}}).is_text());
  const Object json{{"content_type", "application/json"}};
  EXPECT_FALSE(event({.body = "{}", .properties = json}, BodyFormat::text).is_text());
}

TEST(AmqpSource, AcknowledgesUpToTheEndOfTheOldestBatchOnly) {
  Unsettled unsettled;
  unsettled.add(1, 10);
  unsettled.add(11, 20);
  unsettled.add(21, 30);
  EXPECT_FALSE(unsettled.settle(11, 20));
  EXPECT_TRUE(unsettled.settle(1, 10));
  EXPECT_TRUE(unsettled.settle(21, 30));
}

}  // namespace
}  // namespace millrace::amqp_source
