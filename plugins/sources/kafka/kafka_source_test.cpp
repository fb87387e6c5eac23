// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/event/json.hpp"
#include "millrace/net/testing/http_test_server.hpp"
#include "millrace/plugin/testing/source_harness.hpp"

void millrace_describe_kafka_source(millrace::PluginBuilder&);

namespace millrace::kafka {
namespace {

using net::testing::HttpTestServer;
using testing::SourceHarness;

// A broker in this process, played by the library, and somebody who writes.
class MockBroker {
 public:
  MockBroker() {
    std::array<char, 256> why{};
    auto* const configuration = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(configuration, nullptr);
    client_ = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, why.data(), why.size());
    cluster_ = rd_kafka_mock_cluster_new(client_, 1);
    rd_kafka_brokers_add(client_, rd_kafka_mock_cluster_bootstraps(cluster_));
    rd_kafka_mock_topic_create(cluster_, "t", 1, 1);
  }
  MockBroker(const MockBroker&) = delete;
  MockBroker& operator=(const MockBroker&) = delete;
  ~MockBroker() {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(client_);
  }

  int port() const {
    const std::string address = rd_kafka_mock_cluster_bootstraps(cluster_);
    return std::stoi(address.substr(address.rfind(':') + 1));
  }
  void produce(std::string_view body) {
    auto* const topic = rd_kafka_topic_new(client_, "t", nullptr);
    rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, const_cast<char*>(body.data()), body.size(),
                     nullptr, 0, nullptr);
    rd_kafka_topic_destroy(topic);
    rd_kafka_flush(client_, 5000);
  }

 private:
  rd_kafka_t* client_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

class Kafka : public SourceHarness {
 public:
  explicit Kafka(Object settings)
      : SourceHarness(millrace_describe_kafka_source, "kafka", std::move(settings)) {}

  bool wait_for(std::size_t count) {
    return run_until([this, count] { return events().size() >= count; });
  }
  bool has_logged(std::string_view text) const {
    return std::ranges::any_of(log_lines(), [&](const auto& line) { return line.contains(text); });
  }
};

Object with(Object more, int port = 1) {
  Object all{{"host", "127.0.0.1"},
             {"port", port},
             {"offset", "earliest"},
             {"group_id", "g"},
             {"session_timeout", 4}};
  if (!more.contains("topics") && !more.contains("topic_pattern")) all["topic"] = "t";
  for (const auto& [name, value] : more) all[name] = value;
  return all;
}

std::string problem(Object more) { return Kafka(with(std::move(more))).settings_problem(); }

TEST(KafkaSource, MustBeToldOneWayWhatToRead) {
  constexpr auto* kOneOf = "Exactly one of topic, topics, or topic_pattern must be provided.";
  EXPECT_TRUE(problem({{"topic", nullptr}}).contains(kOneOf));
  EXPECT_TRUE(problem({{"topic", "a"}, {"topics", {"b"}}}).contains(kOneOf));
  EXPECT_TRUE(problem({{"topic", ""}}).contains("must not be empty"));
  EXPECT_TRUE(problem({{"topics", Array()}}).contains("must not be empty"));
  EXPECT_TRUE(problem({{"topic_pattern", "("}}).contains("regular expression"));
}

TEST(KafkaSource, ChecksItsSettings) {
  EXPECT_TRUE(problem({{"encoding", "klingon"}}).contains("unknown encoding: klingon"));
  EXPECT_TRUE(problem({{"verify_mode", "MAYBE"}}).contains("Invalid verify_mode option: MAYBE"));
  EXPECT_TRUE(problem({{"cafile", "/x"}, {"verify_mode", "CERT_NONE"}}).contains("check_hostname"));
  EXPECT_TRUE(problem({{"security_protocol", "SASL_PLAINTEXT"}}).contains("user name"));
  EXPECT_TRUE(problem({{"security_protocol", "SASL_SSL"}, {"sasl_mechanism", "OAUTHBEARER"}})
                  .contains("token endpoint"));
  EXPECT_TRUE(problem({{"avro_schema_file", "/no/such"}}).contains("/no/such"));
  EXPECT_TRUE(problem({{"schema_registry_url", "ftp://x"}}).contains("schema_registry_url"));
  EXPECT_TRUE(
      problem({{"schema_registry_basic_auth", "a:b"}, {"schema_registry_bearer_token", "c"}})
          .contains("exclude"));
  EXPECT_TRUE(problem({{"schema_registry_oauth_client_id", "a"}}).contains("needs"));
}

TEST(KafkaSource, MakesEventsOfMessages) {
  MockBroker broker;
  for (const auto* body :
       {R"({"n":1})", "0", "not JSON", "{}", "\xff", R"({"n":12345678901234567890123})"})
    broker.produce(body);
  Kafka source(with({}, broker.port()));
  ASSERT_TRUE(source.wait_for(3));

  EXPECT_EQ(source.events()[0].at("body"), Value(Object{{"n", 1}}));
  EXPECT_EQ(source.events()[0].at("meta").at("source_offset"), Value("t:0:0"));
  EXPECT_EQ(source.events()[1].at("body"), Value("not JSON"));
  EXPECT_TRUE(source.events()[2].at("body").at("n").is_double());
}

TEST(KafkaSource, CommitsWhatIsSettledAndNothingElse) {
  MockBroker broker;
  broker.produce("1");
  {
    Kafka source(with({}, broker.port()));
    ASSERT_TRUE(source.wait_for(1));
    source.settle();
    broker.produce("2");
    ASSERT_TRUE(source.wait_for(2));
  }
  Kafka again(with({}, broker.port()));
  ASSERT_TRUE(again.wait_for(1));
  EXPECT_EQ(again.events()[0].at("body"), Value(2));
}

TEST(KafkaSource, ReadsWithoutAGroup) {
  MockBroker broker;
  broker.produce("1");
  Kafka source(with({{"group_id", nullptr}}, broker.port()));
  ASSERT_TRUE(source.wait_for(1));
  EXPECT_EQ(source.events()[0].at("body"), Value(1));
}

TEST(KafkaSource, TakesNoMoreThanMayBeInFlight) {
  MockBroker broker;
  for (int i = 1; i < 10; ++i) broker.produce(std::to_string(i));
  Kafka source(with({{"max_in_flight", 4}}, broker.port()));
  ASSERT_TRUE(source.wait_for(4));
  EXPECT_EQ(source.events().size(), 4U);
  source.settle();
  ASSERT_TRUE(source.wait_for(8));
  EXPECT_EQ(source.events().size(), 8U);
}

TEST(KafkaSource, GoesOnTryingWhenNobodyIsThere) {
  Kafka source(with({}));
  ASSERT_TRUE(source.run_until([&] { return source.has_logged("cannot reach Kafka"); }));
  source.cancel();
  EXPECT_EQ(source.finish().error().code(), Errc::cancelled);
}

TEST(KafkaSource, ReadsAvroWithSchemasOfARegistry) {
  const HttpTestServer server(
      {{"/schemas/ids/7",
        "HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n{\"schema\":\"\\\"string\\\"\"}"}});
  MockBroker broker;
  broker.produce(std::string_view("\0\0\0\0\7\4hi", 8));
  broker.produce("nonsense");
  broker.produce(std::string_view("\0\0\0\0\7\4yo", 8));
  Kafka source(with({{"message_format", "avro"},
                     {"schema_registry_url", server.url("/")},
                     {"schema_registry_basic_auth", "alice:s3cret"}},
                    broker.port()));
  ASSERT_TRUE(source.wait_for(2));
  EXPECT_EQ(source.events()[0].at("body"), Value(Object{{"value", "hi"}}));
  EXPECT_EQ(source.events()[1].at("body"), Value(Object{{"value", "yo"}}));
  ASSERT_EQ(server.requests().size(), 1U) << "a schema is asked for once";
  EXPECT_TRUE(server.requests()[0].contains("Accept: application/vnd.schemaregistry.v1+json\r\n"));
  EXPECT_TRUE(server.requests()[0].contains("Authorization: Basic YWxpY2U6czNjcmV0\r\n"));
}

TEST(KafkaSource, EndsWhenTheRegistryRefusesIt) {
  const HttpTestServer server(
      {{"/schemas/ids/7", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"}});
  MockBroker broker;
  broker.produce(std::string_view("\0\0\0\0\7\4hi", 8));
  Kafka source(
      with({{"message_format", "avro"}, {"schema_registry_url", server.url("")}}, broker.port()));
  const auto outcome = source.finish();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Errc::permission_denied);
}

}  // namespace
}  // namespace millrace::kafka
