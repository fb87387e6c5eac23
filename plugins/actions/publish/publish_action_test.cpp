// SPDX-License-Identifier: Apache-2.0
// What needs no broker; the rest is in tests/e2e/amqp_test.py and mqtt_test.py.
#include <gtest/gtest.h>

#include <string>

#include "millrace/plugin/testing/action_harness.hpp"

void millrace_describe_publish_action(millrace::PluginBuilder&);

namespace millrace::publish_action {
namespace {

using testing::ActionHarness;

Error error_of(Object settings) {
  ActionHarness action(millrace_describe_publish_action, "publish", std::move(settings));
  action.bind("m", R"({"i": 1})");
  const auto ended = action.run();
  EXPECT_FALSE(ended);
  return ended ? Error(Errc::cancelled, "") : ended.error();
}

TEST(PublishAction, NeedsOneBroker) {
  EXPECT_EQ(error_of({{"topic", "t"}}),
            Error(Errc::invalid_settings, "exactly one of amqp, kafka, mqtt is required"));
  EXPECT_EQ(error_of({{"amqp", Object()}, {"mqtt", Object()}}),
            Error(Errc::invalid_settings, "exactly one of amqp, kafka, mqtt is required"));
}

TEST(PublishAction, ChecksTheBroker) {
  EXPECT_TRUE(error_of({{"amqp", {{"hostname", "h"}}}}).message().starts_with("amqp: "));
  const auto error = error_of({{"amqp", {{"port", 0}, {"password", "secret"}}}});
  EXPECT_FALSE(error.message().contains("secret"));
  EXPECT_EQ(error_of({{"mqtt", Object()}}).message(), "topic is required");
  EXPECT_EQ(error_of({{"amqp", Object()}, {"topic", "a"}, {"routing_key", "b"}}).code(),
            Errc::invalid_settings);
  EXPECT_EQ(error_of({{"amqp", Object()}, {"headers", {{"a", Array()}}}}).code(),
            Errc::invalid_settings);
}

TEST(PublishAction, TriesAgainUntilItsTimeIsOver) {
  ActionHarness action(
      millrace_describe_publish_action, "publish",
      {{"mqtt", {{"host", "127.0.0.1"}, {"port", 1}}}, {"topic", "t"}, {"timeout", 5}});
  action.start();
  std::optional<Result<>> outcome;
  for (int i = 0; i < 200; ++i) {
    action.run_until([turns = 0]() mutable { return ++turns > 5; });
    action.advance(std::chrono::milliseconds(100));
  }
  const auto ended = action.finish();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), Errc::unavailable);
}

}  // namespace
}  // namespace millrace::publish_action
