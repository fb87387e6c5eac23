// SPDX-License-Identifier: Apache-2.0
#include "webhook_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/event/json.hpp"
#include "millrace/plugin/testing/http_test_client.hpp"

void millrace_describe_webhook_source(millrace::PluginBuilder&);

namespace millrace::webhook {
namespace {

using testing::Client;
using testing::Reply;

using namespace std::chrono_literals;
using testing::SourceHarness;

// The webhook source on a free port of the loopback interface.
class Webhook : public SourceHarness {
 public:
  explicit Webhook(Object settings = {})
      : SourceHarness(millrace_describe_webhook_source, "webhook",
                      with_address(std::move(settings))) {}

  std::uint16_t port() {
    auto* source = static_cast<WebhookSource*>(this->source());
    EXPECT_TRUE(run_until([source] { return source->port() != 0; }));
    return source->port();
  }
  Client connect() { return Client(*this, port()); }
  std::string last_event() const { return events().empty() ? "none" : to_json(events().back()); }
  bool logged(std::string_view line) const {
    return std::ranges::find(log_lines(), line) != log_lines().end();
  }

 private:
  static Object with_address(Object settings) {
    if (!settings.contains("host")) settings["host"] = "127.0.0.1";
    if (!settings.contains("port")) settings["port"] = 0;
    return settings;
  }
};

void expect_reply(const Reply& reply, int status, std::string_view body) {
  EXPECT_EQ(reply.status, status);
  EXPECT_EQ(reply.body, body);
  EXPECT_EQ(reply.header("Content-Type"), "text/plain; charset=utf-8");
}

TEST(Webhook, MakesAnEventOfAPost) {
  Webhook webhook;
  auto client = webhook.connect();

  const auto reply = client.post("/end/point", R"({"a": [1, 2.5]})", "User-Agent: test\r\n");

  expect_reply(reply, 200, "end/point");
  EXPECT_EQ(reply.reason, "OK");
  EXPECT_EQ(reply.header("Date"), "Tue, 14 Nov 2023 22:13:20 GMT");
  EXPECT_EQ(webhook.last_event(),
            R"({"payload":{"a":[1,2.5]},"meta":{"endpoint":"end/point","headers":)"
            R"({"Host":"test","User-Agent":"test","Content-Length":"15"}}})");
}

TEST(Webhook, SaysWhereItListens) {
  Webhook webhook;
  const auto port = webhook.port();
  EXPECT_TRUE(webhook.logged(fmt::format("info listening on 127.0.0.1:{}", port)))
      << webhook.log_lines().front();
}

TEST(Webhook, DecodesThePath) {
  Webhook webhook;
  auto client = webhook.connect();
  expect_reply(client.post("/sp%20ace/%C3%A9/a%2Fb?q=1", "1"), 200, "sp ace/é/a/b");
  expect_reply(client.post("/", "1"), 200, "");
}

TEST(Webhook, TakesAnyJsonAsPayload) {
  Webhook webhook;
  auto client = webhook.connect();
  for (const std::string_view body : {"[1]", "\"text\"", "7", "null", "true", "{}"}) {
    EXPECT_EQ(client.post("/", body).status, 200) << body;
    EXPECT_TRUE(webhook.last_event().starts_with(fmt::format(R"({{"payload":{},)", body)))
        << webhook.last_event();
  }
}

TEST(Webhook, SpellsHeadersAsRulesExpectThem) {
  Webhook webhook;
  auto client = webhook.connect();
  client.send(
      "POST /x HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\nx-github-event: "
      "push\r\nX-GitHub-Delivery: 7\r\n"
      "accept: first\r\nAccept: second\r\nx-bytes: a\xFFz\r\nx-utf8: \xC3\xA9\r\nauthorization: "
      "secret\r\n"
      "content-length: 1\r\n\r\n1");
  EXPECT_EQ(client.reply().status, 200);
  EXPECT_EQ(
      webhook.last_event(),
      R"({"payload":1,"meta":{"endpoint":"x","headers":{"Host":"h","Content-Type":"application/json",)"
      R"("x-github-event":"push","X-GitHub-Delivery":"7","Accept":"first","x-bytes":"a)"
      "\xEF\xBF\xBD"
      R"(z","x-utf8":"é","Content-Length":"1"}}})");
}

TEST(Webhook, AnswersBadRequestToABodyThatIsNotJson) {
  Webhook webhook;
  auto client = webhook.connect();
  for (const std::string_view body : {"", "{", "nope", "{} {}", "\xFF", "\"\xE9\""}) {
    expect_reply(client.post("/", body), 400, "Invalid JSON payload");
  }
  EXPECT_TRUE(webhook.events().empty());
  EXPECT_EQ(client.post("/", "1").status, 200) << "the connection goes on";
}

TEST(Webhook, ReadsTheBodyInItsCharset) {
  Webhook webhook;
  auto client = webhook.connect();
  EXPECT_EQ(client.post("/", "\"\xE9\"", "Content-Type: text/json; charset=iso-8859-1\r\n").status,
            200);
  EXPECT_TRUE(webhook.last_event().starts_with(R"({"payload":"é",)")) << webhook.last_event();
  const auto refused = "Invalid JSON payload";
  expect_reply(client.post("/", "\"\xE9\"", "Content-Type: text/json; charset=ascii\r\n"), 400,
               refused);
  expect_reply(client.post("/", "1", "Content-Type: text/json; charset=klingon\r\n"), 400, refused);
}

TEST(Webhook, AnswersMethodNotAllowedToAllButPost) {
  Webhook webhook;
  auto client = webhook.connect();
  for (const std::string_view method : {"GET", "PUT", "DELETE", "OPTIONS", "BREW"}) {
    client.send(Client::request(method, "/", ""));
    const auto reply = client.reply();
    expect_reply(reply, 405, "405: Method Not Allowed");
    EXPECT_EQ(reply.header("Allow"), "POST") << method;
  }
  client.send(Client::request("HEAD", "/", ""));
  EXPECT_EQ(client.reply(Client::Method::head).status, 405);
  EXPECT_EQ(client.post("/", "1").status, 200) << "the answer to HEAD had no body";
}

TEST(WebhookToken, MustBeTheRightOne) {
  Webhook webhook({{"token", "s3cret"}});
  auto client = webhook.connect();
  const auto post = [&](std::string_view authorization) {
    return client.post("/", "1", fmt::format("Authorization: {}\r\n", authorization));
  };
  EXPECT_EQ(post("Bearer s3cret").status, 200);
  EXPECT_EQ(
      webhook.last_event(),
      R"({"payload":1,"meta":{"endpoint":"","headers":{"Host":"test","Content-Length":"1"}}})");
  expect_reply(post("Bearer wrong"), 401, "Invalid authorization token");
  expect_reply(post("Bearer s3cret!"), 401, "Invalid authorization token");
  expect_reply(post("Bearer  s3cret"), 401, "Invalid authorization token");
  expect_reply(post("s3cret"), 401, "Invalid authorization token");
  expect_reply(post(""), 401, "Invalid authorization token");
  expect_reply(post("bearer s3cret"), 401, "Only Bearer type is accepted");
  expect_reply(post("Basic s3cret"), 401, "Only Bearer type is accepted");
  EXPECT_EQ(post("Basic s3cret").reason, "Unauthorized");
  EXPECT_EQ(webhook.events().size(), 1U);
}

TEST(WebhookToken, IsMissedInTheReasonPhraseToo) {
  Webhook webhook({{"token", "s3cret"}});
  auto client = webhook.connect();
  const auto reply = client.post("/", "1");
  expect_reply(reply, 401, "401: Missing authorization token");
  EXPECT_EQ(reply.reason, "Missing authorization token");
}

TEST(WebhookToken, IsCheckedBeforeTheMethodAndTheSize) {
  Webhook webhook({{"token", "s3cret"}, {"max_body_size", 10}});
  auto client = webhook.connect();
  client.send(Client::request("GET", "/", ""));
  EXPECT_EQ(client.reply().status, 401);
  EXPECT_EQ(client.post("/", "12345678901").status, 401);
}

TEST(WebhookToken, LetsNobodyInWhenEmpty) {
  Webhook webhook({{"token", ""}});
  auto client = webhook.connect();
  EXPECT_EQ(client.post("/", "1", "Authorization: Bearer \r\n").status, 401);
  EXPECT_EQ(client.post("/", "1").status, 401);
}

TEST(WebhookToken, IsAnsweredBeforeTheBodyHasCome) {
  Webhook webhook({{"token", "s3cret"}});
  auto client = webhook.connect();
  client.send("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n");
  const auto reply = client.reply();
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.header("Connection"), "close");
  EXPECT_TRUE(client.closed_by_server());
}

TEST(WebhookToken, IsNotTurnedOffByNull) {
  Webhook webhook({{"token", nullptr}});
  EXPECT_EQ(webhook.source(), nullptr);
  EXPECT_EQ(webhook.settings_problem(), "token must be a string, not null");
}

constexpr std::string_view kSignature =
    "5910e62016ef5034272c926c27071992a465c2335cecf41851bda071577f4f6d";

TEST(WebhookSignature, MustMatchTheBody) {
  Webhook webhook({{"hmac_secret", "s3cret"}});
  auto client = webhook.connect();
  const auto post = [&](std::string_view signature) {
    return client.post("/", R"({"a":1})", fmt::format("X-Hub-Signature-256: {}\r\n", signature));
  };
  EXPECT_EQ(post(kSignature).status, 200);
  EXPECT_EQ(post(fmt::format("sha256={}", kSignature)).status, 200);
  expect_reply(post("sha256=00"), 401, "HMAC verification failed");
  expect_reply(post(""), 401, "HMAC verification failed");
  expect_reply(post("sha256=\xC3\xA9"), 401, "HMAC verification failed");
  expect_reply(client.post("/", R"({"a":1})"), 400, "Signature header not found");
  EXPECT_EQ(webhook.events().size(), 2U);
}

TEST(WebhookSignature, IsReadFromTheHeaderThatIsSet) {
  Webhook webhook({{"hmac_secret", "s3cret"}, {"hmac_header", "X-Sig"}, {"hmac_format", "base64"}});
  auto client = webhook.connect();
  EXPECT_EQ(
      client.post("/", R"({"a":1})", "x-sig: WRDmIBbvUDQnLJJsJwcZkqRlwjNc7PQYUb2gcVd/T20=\r\n")
          .status,
      200);
}

TEST(WebhookSignature, MayBeOfTheBytesOrOfTheTextAsUtf8) {
  Webhook webhook({{"hmac_secret", "s3cret"}});
  auto client = webhook.connect();
  for (const std::string_view signature :
       {"f20be6d148b11e57317d2c17a9c0420ef9192dd1aabf4727e76411d0034f6a33",
        "ccdac8c4d6b9cf327a99d5ee0e7c2cda90a1c5171738a6a00fa4caa5ea459a0e"}) {
    const auto headers =
        fmt::format("X-Hub-Signature-256: {}\r\nContent-Type: a/b; charset=latin1\r\n", signature);
    EXPECT_EQ(client.post("/", "{\"a\":\"\xE9\"}", headers).status, 200) << signature;
  }
}

TEST(WebhookSignature, IsCheckedBeforeTheMethodAndAfterTheToken) {
  Webhook webhook({{"hmac_secret", "s3cret"}, {"token", "t"}});
  auto client = webhook.connect();
  const auto get = [&](std::string_view headers) {
    client.send(Client::request("GET", "/", R"({"a":1})", headers));
    return client.reply();
  };
  EXPECT_EQ(get("").status, 401);
  EXPECT_EQ(get("Authorization: Bearer t\r\n").status, 400);
  EXPECT_EQ(get("Authorization: Bearer t\r\nX-Hub-Signature-256: 00\r\n").status, 401);
  EXPECT_EQ(
      get(fmt::format("Authorization: Bearer t\r\nX-Hub-Signature-256: {}\r\n", kSignature)).status,
      405);
}

TEST(WebhookSettings, NameWhatIsWrong) {
  EXPECT_EQ(Webhook({{"hmac_secret", "s"}, {"hmac_algo", "shake_128"}}).settings_problem(),
            "Unsupported HMAC algorithm: shake_128");
  EXPECT_EQ(Webhook({{"hmac_secret", "s"}, {"hmac_format", "octal"}}).settings_problem(),
            "Unsupported HMAC header format octal");
  EXPECT_EQ(Webhook({{"hmac_secret", ""}}).settings_problem(), "hmac_secret must not be empty");
  EXPECT_EQ(Webhook({{"port", 65536}}).settings_problem(), "port must be at most 65535");
  EXPECT_EQ(Webhook({{"hmac_algo", "klingon"}}).settings_problem(), "")
      << "no secret, no signatures";
}

TEST(WebhookSettings, TakeAPortAsText) {
  Webhook webhook({{"port", "0"}});
  auto client = webhook.connect();
  EXPECT_EQ(client.post("/", "1").status, 200);
}

TEST(WebhookListening, FailsWhenThePortIsInUse) {
  Webhook first;
  Webhook second({{"port", first.port()}});
  const auto outcome = second.finish();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message(),
            fmt::format("[Errno 98] error while attempting to bind on address ('127.0.0.1', {}): "
                        "address already in use",
                        first.port()));
}

TEST(WebhookListening, FailsWhenTheHostIsUnknown) {
  Webhook webhook({{"host", "no such host"}});
  const auto outcome = webhook.finish();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Errc::not_found);
}

TEST(WebhookListening, ResolvesNames) {
  Webhook webhook({{"host", "localhost"}});
  auto client = webhook.connect();
  EXPECT_EQ(client.post("/", "1").status, 200);
}

TEST(WebhookListening, IsOnAllAddressesByDefaultAndWarnsOfIt) {
  for (const Value& host : {Value(nullptr), Value("")}) {
    Webhook webhook({{"host", host}});
    const auto port = webhook.port();
    EXPECT_TRUE(webhook.logged(fmt::format("info listening on 0.0.0.0:{}", port)));
    EXPECT_TRUE(webhook.logged(
        fmt::format("warning anybody who reaches 0.0.0.0:{} can send events: set token, "
                    "hmac_secret or cafile, or host to 127.0.0.1",
                    port)));
  }
}

TEST(WebhookListening, DoesNotWarnWhenSendersMustShowWhoTheyAre) {
  Webhook webhook({{"host", "0.0.0.0"}, {"token", "t"}});
  webhook.port();
  EXPECT_EQ(webhook.log_lines().size(), 1U);
}

TEST(WebhookBackPressure, AnswersOnlyWhenTheEngineHasTakenTheEvent) {
  Webhook webhook;
  auto client = webhook.connect();
  webhook.hold_events();
  client.send(Client::request("POST", "/", "1"));
  webhook.advance(1h);
  EXPECT_FALSE(client.heard());
  webhook.release_events();
  EXPECT_EQ(client.reply().status, 200);
}

TEST(WebhookBackPressure, TurnsAwayWhatIsMoreThanMayWait) {
  Webhook webhook({{"max_pending", 1}});
  auto first = webhook.connect();
  auto second = webhook.connect();
  webhook.hold_events();
  first.send(Client::request("POST", "/first", "1"));
  ASSERT_EQ(first.open(), true);
  // One of the two waits; which one is for the system to say.
  second.send(Client::request("POST", "/second", "2"));
  ASSERT_TRUE(webhook.run_until([&] { return first.heard() || second.heard(); }));
  auto& refused = first.heard() ? first : second;
  auto& waiting = first.heard() ? second : first;
  const auto reply = refused.reply();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.header("Retry-After"), "1");
  webhook.release_events();
  EXPECT_EQ(waiting.reply().status, 200);
  EXPECT_EQ(webhook.events().size(), 1U);
}

TEST(WebhookStopping, ClosesIdleConnectionsAtOnce) {
  Webhook webhook;
  auto used = webhook.connect();
  EXPECT_EQ(used.post("/", "1").status, 200);
  auto fresh = webhook.connect();
  webhook.cancel();
  const auto outcome = webhook.finish();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Errc::cancelled);
  EXPECT_TRUE(used.closed_by_server());
  EXPECT_TRUE(fresh.closed_by_server());
}

TEST(WebhookStopping, AnswersRequestsInHand) {
  Webhook webhook;
  webhook.hold_events();
  auto waiting = webhook.connect();
  auto half = webhook.connect();
  waiting.send(Client::request("POST", "/", "1"));
  half.send("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(half.reply().status, 100);
  ASSERT_TRUE(webhook.run_until([&] { return waiting.open(); }));
  webhook.cancel();
  EXPECT_FALSE(webhook.finish());
  EXPECT_EQ(half.reply().status, 503);
  // Not even accepted, perhaps, when the source stopped; but not taken either.
  const auto reply = waiting.reply();
  EXPECT_TRUE(reply.status == 503 || !waiting.open()) << reply.status;
  EXPECT_TRUE(webhook.events().empty());
}

}  // namespace
}  // namespace millrace::webhook
