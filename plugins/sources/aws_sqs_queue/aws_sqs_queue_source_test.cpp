// SPDX-License-Identifier: Apache-2.0
// Talking with a service is tested in tests/e2e/aws_test.py.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "in_flight.hpp"
#include "message_event.hpp"
#include "millrace/event/json.hpp"
#include "millrace/net/testing/http_test_server.hpp"
#include "millrace/plugin/testing/source_harness.hpp"

void millrace_describe_aws_sqs_queue_source(millrace::PluginBuilder&);

namespace millrace::aws_sqs_queue {
namespace {

using namespace std::chrono_literals;
using net::testing::HttpTestServer;
using testing::SourceHarness;

class Sqs : public SourceHarness {
 public:
  explicit Sqs(const std::string& endpoint)
      : SourceHarness(millrace_describe_aws_sqs_queue_source, "aws_sqs_queue",
                      {{"name", "q"},
                       {"endpoint_url", endpoint},
                       {"region", "eu-west-1"},
                       {"access_key", "AKID"},
                       {"secret_key", "s3cret"}}) {}
};

std::string answer(int status, std::string_view body) {
  return fmt::format("HTTP/1.1 {} Whatever\r\nContent-Length: {}\r\n\r\n{}", status, body.size(),
                     body);
}

TEST(AwsSqsQueue, EndsWhenThereIsNoSuchQueue) {
  const HttpTestServer server(
      {{"/", answer(400, R"({"__type": "com.amazonaws.sqs#QueueDoesNotExist"})")}});
  Sqs source(server.url("/"));
  EXPECT_EQ(source.finish().error(), Error(Errc::not_found, "Queue q does not exist"));
}

TEST(AwsSqsQueue, TriesAFewTimesWhenItsKeysAreRefused) {
  const HttpTestServer server(
      {{"/", answer(403, R"({"__type": "InvalidClientTokenId", "message": "no"})")}});
  Sqs source(server.url("/"));
  for (std::size_t tries = 1; tries < 5; ++tries) {
    ASSERT_TRUE(source.run_until([&] { return server.requests().size() >= tries; }));
    ASSERT_TRUE(source.run_until([&] { return !source.log_lines().empty(); }));
    ASSERT_TRUE(source.run_until([&] {
      source.advance(100ms);
      return server.requests().size() > tries;
    }));
  }
  EXPECT_EQ(source.finish().error().code(), Errc::permission_denied);
  EXPECT_EQ(server.requests().size(), 5U);
  EXPECT_EQ(source.log_lines().size(), 1U);
}

TEST(AwsSqsQueue, TellsOnceThatTheServiceIsNotThere) {
  Sqs source("http://127.0.0.1:1");
  ASSERT_TRUE(source.run_until([&] { return !source.log_lines().empty(); }));
  source.advance(10s);
  EXPECT_EQ(source.log_lines().size(), 1U);
  EXPECT_TRUE(source.log_lines().front().ends_with("; tries again"));
  EXPECT_FALSE(source.outcome());
  source.cancel();
  EXPECT_EQ(source.finish().error().code(), Errc::cancelled);
}

TEST(AwsSqsQueue, MakesEventsOfJsonAndOfText) {
  EXPECT_EQ(to_json(event_of({{"MessageId", "m"}, {"Body", R"({"a": 1})"}})),
            R"({"body":{"a":1},"meta":{"MessageId":"m","event":{"uuid":"m"}}})");
  EXPECT_EQ(
      to_json(event_of({{"MessageId", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}, {"Body", "Hello"}})
                  .at("meta")
                  .at("uuid")),
      R"("6ba7b810-9dad-11d1-80b4-00c04fd430c8")");
}

TEST(AwsSqsQueue, DeletesOnlyWhatIsSettledAndForgetsWhatIsDropped) {
  const auto all = std::make_shared<InFlight>();
  auto first = all->add("1", Instant(5s));
  auto second = all->add("2", Instant(5s));
  EXPECT_FALSE(all->has_settled());
  EXPECT_TRUE(all->take_due(Instant(4s), Instant(9s), 10).empty());
  EXPECT_EQ(all->take_due(Instant(5s), Instant(9s), 10).size(), 2U);
  EXPECT_TRUE(all->take_due(Instant(6s), Instant(9s), 10).empty());

  second.settled();
  EXPECT_EQ(all->take_settled(10), std::vector<std::string>{"2"});
  EXPECT_EQ(all->size(), 2U);
  all->deleted();
  EXPECT_EQ(all->size(), 1U);
  first = {};
  EXPECT_EQ(all->size(), 0U);
  EXPECT_FALSE(all->has_settled());
}

}  // namespace
}  // namespace millrace::aws_sqs_queue
