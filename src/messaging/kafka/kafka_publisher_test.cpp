// SPDX-License-Identifier: Apache-2.0
#include "millrace/messaging/kafka_publisher.hpp"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <algorithm>
#include <array>
#include <optional>

namespace millrace::messaging {
namespace {

std::optional<std::string> setting(const KafkaSettings& settings, std::string_view name) {
  const auto found =
      std::ranges::find(settings, name, [](const auto& entry) { return entry.first; });
  return found == settings.end() ? std::nullopt : std::optional(found->second);
}

TEST(KafkaClient, SaysHowToProtectConnections) {
  const auto settings = kafka_client_settings({"a:1", "b:2"}, "me",
                                              {.protocol = "SASL_SSL",
                                               .certificate_file = "/c.pem",
                                               .sasl_mechanism = "SCRAM-SHA-256",
                                               .username = "u",
                                               .password = "p"});
  ASSERT_TRUE(settings);
  EXPECT_EQ(setting(*settings, "bootstrap.servers"), "a:1,b:2");
  EXPECT_EQ(setting(*settings, "ssl.key.location"), "/c.pem");
  EXPECT_EQ(setting(*settings, "ssl.endpoint.identification.algorithm"), "https");
  EXPECT_EQ(setting(*settings, "sasl.mechanism"), "SCRAM-SHA-256");
  EXPECT_EQ(setting(*settings, "ssl.ca.location"), std::nullopt);
}

TEST(KafkaClient, RefusesWhatCannotWork) {
  EXPECT_FALSE(kafka_client_settings({"a:1"}, "", {.protocol = "SASL_PLAINTEXT"}));
  EXPECT_FALSE(kafka_client_settings(
      {"a:1"}, "", {.protocol = "SASL_PLAINTEXT", .sasl_mechanism = "OAUTHBEARER"}));
  EXPECT_TRUE(kafka_client_settings({"a:1"}, "",
                                    {.protocol = "SASL_PLAINTEXT", .sasl_mechanism = "GSSAPI"}));
}

class Publishing : public ::testing::Test {
 protected:
  void SetUp() override {
    std::array<char, 256> why{};
    auto* const configuration = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(configuration, nullptr);
    client_ = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, why.data(), why.size());
    cluster_ = rd_kafka_mock_cluster_new(client_, 1);
    rd_kafka_mock_topic_create(cluster_, "t", 1, 1);
  }
  void TearDown() override {
    publisher_.reset();
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(client_);
  }

  void open(std::vector<std::string> brokers, Duration timeout = std::chrono::seconds(10)) {
    auto made = KafkaPublisher::create(
        loop_, log_,
        {.brokers = std::move(brokers), .security = {}, .client_id = "me", .timeout = timeout});
    ASSERT_TRUE(made) << made.error().message();
    publisher_ = std::move(*made);
  }
  std::string broker() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }

  Result<> publish(OutgoingMessage message) {
    Result<> outcome = fail(Errc::cancelled, "not ended");
    loop_.run_until_done(publish_into(std::move(message), outcome));
    return outcome;
  }
  Task<> publish_into(OutgoingMessage message, Result<>& outcome) {
    outcome = co_await publisher_->publish(std::move(message));
  }

  SystemClock clock_;
  MainLoop loop_{clock_};
  std::vector<std::string> lines_;
  Log log_{
      [this](LogLevel, std::string_view, std::string_view text) { lines_.emplace_back(text); }};
  rd_kafka_t* client_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
  std::unique_ptr<KafkaPublisher> publisher_;
};

TEST_F(Publishing, IsConfirmedByTheBroker) {
  open({broker()});
  EXPECT_TRUE(publish({.topic = "t", .body = "one", .key = "k", .headers = {{"a", "b"}}}));
  EXPECT_TRUE(publish({.topic = "t", .body = ""}));
}

TEST_F(Publishing, TellsWhenNobodyIsThere) {
  open({"127.0.0.1:1"}, std::chrono::milliseconds(300));
  const auto outcome = publish({.topic = "t", .body = "one"});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Errc::timeout);
  // And why, if the library has told by then.
  EXPECT_TRUE(outcome.error().message().starts_with("not confirmed by Kafka: "))
      << outcome.error().message();
}

TEST_F(Publishing, NeedsABroker) { EXPECT_FALSE(KafkaPublisher::create(loop_, log_, {})); }

TEST_F(Publishing, MayBeLeftWhileItWaits) {
  open({"127.0.0.1:1"});
  TaskGroup tasks(loop_.executor(), [](std::string_view, const std::exception_ptr&) { FAIL(); });
  Result<> outcome;
  tasks.spawn("publish", publish_into({.topic = "t", .body = "one"}, outcome));
  loop_.run_ready();
  tasks.request_stop();
  loop_.run_until_done(tasks.join());
  EXPECT_EQ(outcome.error().code(), Errc::cancelled);
}

}  // namespace
}  // namespace millrace::messaging
