// SPDX-License-Identifier: Apache-2.0
// Talking with a peer is tested in tests/e2e/azure_service_bus_test.py.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "event_of.hpp"
#include "lock_token.hpp"
#include "millrace/event/json.hpp"
#include "millrace/plugin/testing/source_harness.hpp"

void millrace_describe_azure_service_bus_source(millrace::PluginBuilder&);

namespace millrace::azure_service_bus {
namespace {

using testing::SourceHarness;

constexpr auto* kNobody =
    "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=n;SharedAccessKey=s3cret;"
    "UseDevelopmentEmulator=true";

class ServiceBus : public SourceHarness {
 public:
  explicit ServiceBus(Object settings)
      : SourceHarness(millrace_describe_azure_service_bus_source, "azure_service_bus",
                      std::move(settings)) {}
};

std::string problem(Object settings) { return ServiceBus(std::move(settings)).settings_problem(); }

TEST(AzureServiceBus, TellsOnceThatThePeerIsNotThereAndTriesAgain) {
  ServiceBus source({{"conn_str", kNobody}, {"queue_name", "q"}});
  ASSERT_TRUE(source.run_until([&] { return !source.log_lines().empty() || source.outcome(); }));
  ASSERT_FALSE(source.outcome()) << source.outcome()->error().message();
  EXPECT_EQ(source.log_lines().front(), "warning 127.0.0.1:1: Connection refused; tries again");
  for (int i = 0; i < 20; ++i) source.advance(std::chrono::seconds(10));

  EXPECT_EQ(source.log_lines().size(), 1U);
  EXPECT_FALSE(source.outcome());
  source.cancel();
  EXPECT_EQ(source.finish().error().code(), Errc::cancelled);
}

TEST(AzureServiceBus, RefusesSettingsThatContradictEachOther) {
  const std::string for_orders = std::string(kNobody) + ";EntityPath=orders";
  EXPECT_EQ(problem({{"conn_str", kNobody}}), "queue_name is required, or topic_name");
  EXPECT_EQ(problem({{"conn_str", kNobody}, {"topic_name", "t"}}),
            "topic_name and subscription_name go together");
  EXPECT_EQ(problem({{"conn_str", kNobody},
                     {"queue_name", "q"},
                     {"topic_name", "t"},
                     {"subscription_name", "s"}}),
            "queue_name and topic_name exclude each other");
  EXPECT_EQ(problem({{"conn_str", for_orders}, {"queue_name", "q"}}),
            "conn_str is for orders, not for q");
  EXPECT_EQ(problem({{"conn_str", for_orders}, {"queue_name", "orders/$DeadLetterQueue"}}), "");
  EXPECT_EQ(problem({{"conn_str", for_orders}}), "");
  EXPECT_EQ(problem({{"conn_str", "s3cret"}, {"queue_name", "q"}}),
            "conn_str: each part must be KEY=VALUE, separated by ';'");
  EXPECT_TRUE(problem({{"queue_name", "q"}}).contains("conn_str"));
}

TEST(AzureServiceBus, NamesTheEventAfterTheMessage) {
  AmqpMessage message{.id = "6BA7B810-9dad-11d1-80b4-00c04fd430c8",
                      .annotations = {{"x-opt-enqueued-time", "2026-11-21T10:00:00.5Z"}},
                      .body = R"({"a":1})"};
  EXPECT_EQ(to_json(event_of(std::move(message))),
            R"({"body":{"a":1},"meta":{"message_id":"6BA7B810-9dad-11d1-80b4-00c04fd430c8",)"
            R"("uuid":"6ba7b810-9dad-11d1-80b4-00c04fd430c8",)"
            R"("event":{"uuid":"6BA7B810-9dad-11d1-80b4-00c04fd430c8",)"
            R"("produced_at":"2026-11-21T10:00:00.5+00:00"}}})");
  EXPECT_EQ(to_json(event_of({.id = "m1", .body = "Hello"})),
            R"({"body":"Hello","meta":{"message_id":"m1","event":{"uuid":"m1"}}})");
  EXPECT_EQ(to_json(event_of({})), R"({"body":null,"meta":{"message_id":null}})");
}

TEST(AzureServiceBus, KnowsTheLockOfADelivery) {
  const auto uuid =
      uuid_of_lock("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10");
  EXPECT_EQ(std::string(uuid.bytes, 16),
            "\x04\x03\x02\x01\x06\x05\x08\x07\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10");
}

}  // namespace
}  // namespace millrace::azure_service_bus
