// SPDX-License-Identifier: Apache-2.0
// Pages, faults and restarts are tested in tests/e2e/aws_test.py.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "millrace/event/json.hpp"
#include "millrace/net/testing/http_test_server.hpp"
#include "millrace/plugin/testing/source_harness.hpp"
#include "trail_event.hpp"
#include "trail_memory.hpp"

void millrace_describe_aws_cloudtrail_source(millrace::PluginBuilder&);

namespace millrace::aws_cloudtrail {
namespace {

using namespace std::chrono_literals;
using net::testing::HttpTestServer;
using testing::SourceHarness;

class CloudTrail : public SourceHarness {
 public:
  explicit CloudTrail(const std::string& endpoint)
      : SourceHarness(millrace_describe_aws_cloudtrail_source, "aws_cloudtrail",
                      {{"endpoint_url", endpoint},
                       {"region", "eu-west-1"},
                       {"access_key", "AKID"},
                       {"secret_key", "s3cret"},
                       {"event_category", "insight"},
                       {"lookup_attributes",
                        {{{"AttributeKey", "EventName"}, {"AttributeValue", "RunInstances"}}}}}) {}
};

std::string answer(std::string_view body) {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
}

TEST(AwsCloudTrail, TellsOfEachEventOnce) {
  const HttpTestServer server(
      {{"/", answer(R"({"Events": [{"EventId": "b", "EventTime": 1700000002.5},
                        {"EventId": "a", "EventTime": 1700000001}]})")}});
  CloudTrail source(server.url("/"));
  ASSERT_TRUE(source.run_until([&] { return source.events().size() == 2; }));
  EXPECT_TRUE(server.requests().front().ends_with(
      R"({"StartTime":1.7e+09,"LookupAttributes":[{"AttributeKey":"EventName",)"
      R"("AttributeValue":"RunInstances"}],"EventCategory":"insight"})"))
      << server.requests().front();
  ASSERT_TRUE(source.run_until([&] {
    source.advance(100ms);
    return server.requests().size() >= 3;
  }));
  EXPECT_EQ(source.events().size(), 2U);
  EXPECT_TRUE(server.requests()[1].contains(R"({"StartTime":1700000002.5,)"));
}

TEST(AwsCloudTrail, MakesAnEventOfWhatIsListed) {
  EXPECT_EQ(
      to_json(event_of(
          {{"EventId", "e"}, {"EventTime", 1700000000.25}, {"CloudTrailEvent", R"({"a": 1})"}})),
      R"({"EventId":"e","EventTime":"2023-11-14T22:13:20.250000+00:00",)"
      R"("CloudTrailEvent":{"a":1},"meta":{"uuid":"e"}})");
  EXPECT_EQ(to_json(event_of({{"CloudTrailEvent", "{"}, {"EventTime", "now"}})),
            R"({"CloudTrailEvent":"{","EventTime":"now"})");
}

TEST(AwsCloudTrail, ForgetsOnlyWhatCannotComeAgain) {
  TrailMemory memory(100, 5);
  EXPECT_EQ(memory.since(), 95);
  EXPECT_TRUE(memory.add("a", 101));
  EXPECT_TRUE(memory.add("b", 110));
  EXPECT_TRUE(memory.add("c", 105));
  EXPECT_EQ(memory.since(), 95);
  memory.end_poll();
  EXPECT_EQ(memory.since(), 105);
  auto again = TrailMemory::from_value(memory.to_value(), 5);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->since(), 105);
  EXPECT_FALSE(again->add("c", 105));
  EXPECT_TRUE(again->add("a", 105));
  EXPECT_FALSE(TrailMemory::from_value(Value("x"), 5));
}

TEST(AwsCloudTrail, RemembersAPollWhenItAndThoseBeforeAreSettled) {
  SettledPolls polls;
  const auto first = SettledPolls::begin();
  const auto second = SettledPolls::begin();
  const auto slow = SettledPolls::delivery(first);
  const auto fast = SettledPolls::delivery(second);
  polls.end(first, 1);
  polls.end(second, 2);
  fast.settled();
  EXPECT_EQ(polls.take(), std::nullopt);
  slow.settled();
  EXPECT_EQ(polls.take(), Value(2));
  EXPECT_EQ(polls.take(), std::nullopt);
}

}  // namespace
}  // namespace millrace::aws_cloudtrail
