// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "http_call.hpp"
#include "millrace/event/json.hpp"
#include "millrace/net/testing/http_test_server.hpp"
#include "millrace/plugin/testing/action_harness.hpp"

void millrace_describe_http_action(millrace::PluginBuilder&);  // the plugin under test

namespace millrace::http_action {
namespace {

using namespace std::chrono_literals;
using net::testing::HttpTestServer;
using testing::ActionHarness;

std::string told(std::string_view status, std::string_view body, std::string_view header = "") {
  return fmt::format("HTTP/1.1 {}\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n{}", status,
                     header, body.size(), body);
}

class Http : public ActionHarness {
 public:
  explicit Http(Object settings)
      : ActionHarness(millrace_describe_http_action, "http", std::move(settings)) {}

  std::size_t pauses() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        log_lines(), [](const auto& line) { return line.contains("; again in "); }));
  }
  // Runs the action, and moves time on over all its pauses.
  Result<> run_over_pauses(std::size_t expected, Duration pause = 5s) {
    start();
    for (std::size_t i = 1; i <= expected; ++i) {
      EXPECT_TRUE(run_until([&] { return pauses() == i; }));
      advance(pause);
    }
    return finish();
  }
};

// The request that the settings make.
std::string sent(Object settings) {
  const HttpTestServer server({{"/x", told("200 OK", "")}, {"/x?a=1", told("200 OK", "")}});
  settings["url"] = server.url("/x");
  Http action(std::move(settings));
  if (auto ran = action.run(); !ran) return "error: " + ran.error().message();
  return server.requests().empty() ? "nothing" : server.requests().front();
}

std::string error_of(Object settings) {
  settings.emplace("url", "http://127.0.0.1:1/");
  const auto ran = Http(std::move(settings)).run();
  return ran ? "none" : ran.error().message();
}

TEST(HttpAction, GetsByDefault) {
  const auto request = sent({});
  EXPECT_TRUE(request.starts_with("GET /x HTTP/1.1\r\n")) << request;
  EXPECT_FALSE(request.contains("Idempotency-Key"));
}

TEST(HttpAction, PostsAnObjectAsJson) {
  const auto request = sent({{"body", {{"i", 1}, {"s", "x"}}}});
  EXPECT_TRUE(request.starts_with("POST /x HTTP/1.1\r\n")) << request;
  EXPECT_TRUE(request.contains("Content-Type: application/json\r\n")) << request;
  EXPECT_TRUE(request.ends_with(R"({"i":1,"s":"x"})")) << request;
  EXPECT_TRUE(request.contains("Idempotency-Key: 33333333-3333-4333-8333-333333333333\r\n"));
}

TEST(HttpAction, SendsTextsAndFormsAsTheyAre) {
  EXPECT_TRUE(sent({{"method", "PUT"}, {"body", "plain"}}).ends_with("\r\n\r\nplain"));
  const auto form = sent({{"form", {{"a b", "x&y"}, {"n", {1, 2}}}}});
  EXPECT_TRUE(form.contains("Content-Type: application/x-www-form-urlencoded\r\n")) << form;
  EXPECT_TRUE(form.ends_with("a%20b=x%26y&n=1&n=2")) << form;
}

TEST(HttpAction, SendsHeaders) {
  const auto request =
      sent({{"body", {{"i", 1}}},
            {"headers", {{"content-type", "application/cloudevents+json"}, {"X-N", 7}}},
            {"idempotency_header", "X-Id"}});
  EXPECT_TRUE(request.contains("content-type: application/cloudevents+json\r\n")) << request;
  EXPECT_FALSE(request.contains("Content-Type: application/json")) << request;
  EXPECT_TRUE(request.contains("X-N: 7\r\n")) << request;
  EXPECT_TRUE(request.contains("X-Id: 33333333-")) << request;
  EXPECT_FALSE(sent({{"body", "x"}, {"idempotency_header", ""}}).contains("3333"));
}

TEST(HttpAction, SendsCredentials) {
  EXPECT_TRUE(sent({{"token", "s3cret"}}).contains("Authorization: Bearer s3cret\r\n"));
  EXPECT_TRUE(sent({{"username", "alice"}, {"password", "s3cret"}})
                  .contains("Authorization: Basic YWxpY2U6czNjcmV0\r\n"));
}

TEST(HttpAction, AddsParametersToTheUrl) {
  const auto url = [](std::string_view url, Object query) {
    const auto settings = *Settings::check(schema(), {{"url", url}, {"query", std::move(query)}});
    const auto request = request_of(settings, "id");
    return request ? request->url : request.error().message();
  };
  EXPECT_EQ(url("http://h/x", {{"a b", "c&d"}, {"n", {1, true}}}),
            "http://h/x?a%20b=c%26d&n=1&n=true");
  EXPECT_EQ(url("http://h/x?y=1#z", {{"a", "/"}}), "http://h/x?y=1&a=%2F#z");
  EXPECT_EQ(url("http://h/x", {}), "http://h/x");
  EXPECT_EQ(url("http://h/x", {{"a", nullptr}}),
            "query: only texts, numbers and booleans can be sent");
}

TEST(HttpAction, RefusesWhatContradictsItself) {
  EXPECT_EQ(error_of({{"body", "x"}, {"form", Object()}}), "body and form exclude each other");
  const std::string one = "token, username and a header Authorization exclude each other";
  EXPECT_EQ(error_of({{"token", "x"}, {"username", "y"}}), one);
  EXPECT_EQ(error_of({{"token", "x"}, {"headers", {{"authorization", "y"}}}}), one);
  EXPECT_NE(error_of({{"method", "GRAB"}}), "none");
}

TEST(HttpAction, KeepsEventsOutOfOtherHeaders) {
  EXPECT_TRUE(error_of({{"headers", {{"X", "a\r\nY: b"}}}}).contains("cannot be sent"));
}

TEST(HttpAction, FailsOnAnUnexpectedStatus) {
  const HttpTestServer server({{"/", told("404 Not Found", "no such\nthing\n")}});
  Http action({{"url", server.url("/")}});
  EXPECT_EQ(action.run().error(), Error(Errc::io, "GET: status 404: no such thing"));
  EXPECT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(action.outcome().at("http_status"), Value(404));
}

TEST(HttpAction, TakesTheGivenStatusesForSuccess) {
  const HttpTestServer server({{"/", told("404 Not Found", "")}, {"/busy", told("503 Busy", "")}});
  EXPECT_TRUE(Http({{"url", server.url("/")}, {"expect", {200, 404}}}).run());
  EXPECT_TRUE(Http({{"url", server.url("/")}, {"expect", Array{"4xx"}}}).run());
  EXPECT_TRUE(Http({{"url", server.url("/busy")}, {"expect", {503}}}).run());
}

TEST(HttpAction, KnowsStatusesByNumberTextAndClass) {
  EXPECT_TRUE(names_status({200}, 200));
  EXPECT_TRUE(names_status({"200"}, 200));
  EXPECT_TRUE(names_status({"2XX"}, 204));
  EXPECT_FALSE(names_status({"2xx", 300, true, "20"}, 304));
  EXPECT_FALSE(names_status({}, 200));
}

TEST(HttpAction, TriesAgainWithTheSameKey) {
  const HttpTestServer server({{"/", told("503 Busy", "later")}});
  Http action({{"url", server.url("/")}, {"body", "x"}, {"retries", 2}});
  EXPECT_EQ(action.run_over_pauses(2).error().message(), "POST: status 503: later");
  ASSERT_EQ(server.requests().size(), 3u);
  for (const auto& request : server.requests())
    EXPECT_TRUE(request.contains("Idempotency-Key: 33333333-3333-4333-8333-333333333333\r\n"));
  EXPECT_EQ(action.outcome().at("attempts"), Value(3));
}

TEST(HttpAction, TriesOnlyAgainWhatMayHelp) {
  const HttpTestServer server({{"/", told("500 Oh", "")}});
  EXPECT_FALSE(Http({{"url", server.url("/")}}).run());
  EXPECT_EQ(server.requests().size(), 1u);
  Http told_to({{"url", server.url("/")}, {"retry_on", Array{"5xx"}}, {"retries", 1}});
  EXPECT_FALSE(told_to.run_over_pauses(1));
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST(HttpAction, TriesAgainWhenNobodyListens) {
  Http action({{"url", "http://127.0.0.1:1/"}, {"retries", 1}});
  const auto ran = action.run_over_pauses(1);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code(), Errc::unavailable);
}

TEST(HttpAction, HeedsRetryAfterWithinBounds) {
  const HttpTestServer server({{"/20", told("429 Slowly", "", "Retry-After: 20\r\n")},
                               {"/year", told("429 Slowly", "", "Retry-After: 31536000\r\n")}});
  Http some({{"url", server.url("/20")}, {"retries", 1}});
  EXPECT_FALSE(some.run_over_pauses(1, 20s));
  EXPECT_TRUE(some.log_lines().front().contains("again in 20.0 s"));
  Http year({{"url", server.url("/year")}, {"retries", 1}});
  EXPECT_FALSE(year.run_over_pauses(1, 30s));
  EXPECT_TRUE(year.log_lines().front().contains("again in 30.0 s"));
}

TEST(HttpAction, DoesNotWaitForEver) {
  const HttpTestServer server({});
  Http action({{"url", server.url("/silent")}, {"timeout", 5}, {"retries", 0}});
  action.start();
  ASSERT_TRUE(action.run_until([&] { return !server.requests().empty(); }));
  action.advance(5s);
  EXPECT_EQ(action.finish().error(), Error(Errc::timeout, "GET: no answer within 5 seconds"));
}

TEST(HttpAction, RefusesALargeAnswer) {
  const HttpTestServer server({{"/", told("200 OK", std::string(1000, 'x'))}});
  EXPECT_EQ(Http({{"url", server.url("/")}, {"max_answer", 999}}).run().error().code(),
            Errc::unsupported);
  EXPECT_TRUE(Http({{"url", server.url("/")}, {"max_answer", 1000}}).run());
}

TEST(HttpAction, TellsTheAnswer) {
  const HttpTestServer server({{"/", told("200 OK", R"({"n":1})", "X-Y: z\r\n")}});
  Http action({{"url", server.url("/")},
               {"set_facts", true},
               {"post_events", true},
               {"ruleset", "others"}});
  ASSERT_TRUE(action.run());
  ASSERT_EQ(action.engine.facts_set.size(), 1u);
  ASSERT_EQ(action.engine.events_posted.size(), 1u);
  const auto& fact = action.engine.facts_set[0];
  EXPECT_EQ(fact.rule_set, "others");
  EXPECT_EQ(to_json(fact.entry.at("http").at("body")), R"({"n":1})");
  EXPECT_EQ(fact.entry.at("http").at("status"), Value(200));
  EXPECT_EQ(fact.entry.at("http").at("headers").at("x-y"), Value("z"));
  EXPECT_EQ(fact.entry.at("meta").at("source"), Value({{"name", "http"}, {"type", "internal"}}));
}

TEST(HttpAction, TellsTheAnswerOfAFailureAndTextsToo) {
  const HttpTestServer server({{"/", told("400 No", "plain \xFF")}});
  Http action({{"url", server.url("/")}, {"post_events", true}});
  EXPECT_FALSE(action.run());
  ASSERT_EQ(action.engine.events_posted.size(), 1u);
  EXPECT_EQ(to_json(action.engine.events_posted[0].entry.at("http").at("body")),
            "\"plain \xEF\xBF\xBD\"");
}

TEST(HttpAction, TellsNobodyTheCredentials) {
  Http action({{"url", "http://alice:s3cret@127.0.0.1:1/"}, {"body", "x"}, {"retries", 1}});
  const auto ran = action.run_over_pauses(1);
  ASSERT_FALSE(ran);
  EXPECT_FALSE(ran.error().message().contains("s3cret"));
  EXPECT_TRUE(std::ranges::none_of(action.log_lines(),
                                   [](const auto& line) { return line.contains("s3cret"); }));
}

TEST(HttpAction, StopsWhileItWaits) {
  const HttpTestServer server({{"/", told("503 Busy", "")}});
  Http action({{"url", server.url("/")}});
  action.start();
  ASSERT_TRUE(action.run_until([&] { return action.pauses() == 1; }));
  action.cancel();
  EXPECT_EQ(action.finish().error().code(), Errc::cancelled);
}

}  // namespace
}  // namespace millrace::http_action
