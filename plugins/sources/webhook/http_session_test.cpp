// SPDX-License-Identifier: Apache-2.0
// HTTP as such: framing, limits, timeouts. What a webhook makes of requests is in
// webhook_source_test.cpp.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/event/json.hpp"
#include "millrace/plugin/testing/http_test_client.hpp"
#include "webhook_source.hpp"

void millrace_describe_webhook_source(millrace::PluginBuilder&);

namespace millrace::webhook {
namespace {

using testing::Client;
using testing::Reply;

using namespace std::chrono_literals;

class Http : public ::testing::Test {
 protected:
  explicit Http(Object settings = {{"host", "127.0.0.1"}, {"port", 0}, {"max_body_size", 100}})
      : source_(millrace_describe_webhook_source, "webhook", std::move(settings)) {}

  Client connect() {
    auto* source = static_cast<WebhookSource*>(source_.source());
    EXPECT_TRUE(source_.run_until([source] { return source->port() != 0; }));
    return Client(source_, source->port());
  }
  std::string payloads() const {
    std::string all;
    for (const auto& event : source_.events()) all += to_json(event.at("payload")) + ' ';
    return all;
  }
  // Lets the server see what was sent, as far as that can be known from outside.
  void settle() {
    source_.run_until([turns = 0]() mutable { return ++turns > 5; });
  }

  testing::SourceHarness source_;
};

TEST_F(Http, KeepsTheConnection) {
  auto client = connect();
  EXPECT_EQ(client.post("/1", "1").header("Connection"), "");
  EXPECT_EQ(client.post("/2", "2").body, "2");
}

TEST_F(Http, AnswersPipelinedRequestsInOrder) {
  auto client = connect();
  client.send(Client::request("POST", "/a", "1") + Client::request("GET", "/b", "") +
              Client::request("POST", "/c", "3"));
  EXPECT_EQ(client.reply().body, "a");
  EXPECT_EQ(client.reply().status, 405);
  EXPECT_EQ(client.reply().body, "c");
  EXPECT_EQ(payloads(), "1 3 ");
}

TEST_F(Http, ReadsARequestThatComesByteByByte) {
  auto client = connect();
  for (const char c :
       Client::request("POST", "/slow", "[1]", "X-Long: " + std::string(3000, 'x') + "\r\n")) {
    client.send({&c, 1});
    source_.advance(0s);
  }
  EXPECT_EQ(client.reply().body, "slow");
}

TEST_F(Http, ClosesWhenTheClientWishes) {
  auto client = connect();
  const auto reply = client.post("/", "1", "Connection: close\r\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("Connection"), "close");
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(Http, SpeaksTheOldVersion) {
  auto client = connect();
  client.send("POST /a HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n1");
  EXPECT_EQ(client.reply().header("Connection"), "keep-alive");
  client.send("POST /b HTTP/1.0\r\nContent-Length: 1\r\n\r\n2");
  EXPECT_EQ(client.reply().body, "b");
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(Http, ToleratesEmptyLinesBetweenRequests) {
  auto client = connect();
  client.send(Client::request("POST", "/a", "1") + "\r\n" + Client::request("POST", "/b", "2"));
  EXPECT_EQ(client.reply().body, "a");
  EXPECT_EQ(client.reply().body, "b");
}

TEST_F(Http, ReadsChunkedBodies) {
  auto client = connect();
  client.send(
      "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;x=y\r\n[1,\r\n2\r\n2]\r\n0\r\nX-Trailer: t\r\n\r\n");
  EXPECT_EQ(client.reply().body, "a");
  EXPECT_EQ(
      to_json(source_.events().at(0)),
      R"({"payload":[1,2],"meta":{"endpoint":"a","headers":{"Transfer-Encoding":"chunked"}}})");
  EXPECT_EQ(client.post("/b", "1").body, "b");
}

TEST_F(Http, LetsAClientThatAsksGoOn) {
  auto client = connect();
  client.send("POST /a HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n");
  const auto leave = client.reply();
  EXPECT_EQ(leave.status, 100);
  EXPECT_EQ(leave.reason, "Continue");
  client.send("[1]");
  EXPECT_EQ(client.reply().body, "a");
}

TEST_F(Http, RefusesOtherExpectations) {
  auto client = connect();
  EXPECT_EQ(client.post("/", "1", "Expect: wonders\r\n").status, 417);
}

TEST_F(Http, TakesABodyOfTheLimit) {
  auto client = connect();
  EXPECT_EQ(client.post("/", '"' + std::string(98, 'x') + '"').status, 200);
}

TEST_F(Http, RefusesABodyBeyondTheLimit) {
  auto client = connect();
  const auto reply = client.post("/", '"' + std::string(99, 'x') + '"');
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.reason, "Request Entity Too Large");
  EXPECT_EQ(reply.body, "Maximum request body size 100 exceeded, actual body size 101");
  EXPECT_EQ(client.post("/", "1").status, 200) << "the whole of it had come";
}

TEST_F(Http, RefusesALargeBodyWithoutWaitingForIt) {
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n");
  EXPECT_EQ(client.reply().body,
            "Maximum request body size 100 exceeded, actual body size 99999999999");
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(Http, RefusesAChunkedBodyOnceItIsTooLarge) {
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n" +
              std::string(101, 'x'));
  EXPECT_EQ(client.reply().body, "Maximum request body size 100 exceeded, actual body size 101");
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(Http, HearsOutAClientWhoseBodyIsRefused) {
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nContent-Length: 4000000\r\n\r\n");
  client.send(std::string(4'000'000, 'x'));
  EXPECT_EQ(client.reply().status, 413);
}

TEST_F(Http, AnswersBadRequestToWhatIsNoHttp) {
  for (const std::string_view bytes : {
           std::string_view("hello\r\n\r\n"),
           std::string_view("POST / HTTP/2.0\r\n\r\n"),
           std::string_view("POST /\r\n\r\n"),
           std::string_view("POST / HTTP/1.1\r\nno colon\r\n\r\n"),
           std::string_view("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
           std::string_view("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n1"),
           std::string_view(
               "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1"),
           std::string_view("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"),
           std::string_view("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
           std::string_view("POST /\0 HTTP/1.1\r\n\r\n", 20),
           std::string_view("\x16\x03\x01\x02\x00\x01", 6),
       }) {
    auto client = connect();
    client.send(bytes);
    const auto reply = client.reply();
    EXPECT_EQ(reply.status, 400) << bytes;
    EXPECT_EQ(reply.body, "400: Bad Request") << bytes;
    EXPECT_EQ(reply.header("Connection"), "close") << bytes;
    EXPECT_TRUE(client.closed_by_server()) << bytes;
  }
  EXPECT_TRUE(source_.events().empty());
}

TEST_F(Http, RefusesLongHeaders) {
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nX: " + std::string(9000, 'x'));
  EXPECT_EQ(client.reply().status, 431);
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(Http, RefusesHeadersThatNeverEnd) {
  auto client = connect();
  client.send("POST / HTTP/1.1\r\n");
  const std::string line = "X: " + std::string(500, 'x') + "\r\n";
  for (int i = 0; i < 100 && client.open(); ++i) {
    client.send(line);
    source_.advance(0s);
  }
  EXPECT_EQ(client.reply().status, 431);
}

TEST_F(Http, RefusesManyHeaders) {
  auto client = connect();
  std::string headers;
  for (int i = 0; i < 200; ++i) headers += fmt::format("a{}: b\r\n", i);
  EXPECT_EQ(client.post("/", "1", headers).status, 431);
}

TEST_F(Http, ClosesAConnectionThatIsSilentForTooLong) {
  auto client = connect();
  EXPECT_EQ(client.post("/", "1").status, 200);
  source_.advance(74s);
  EXPECT_TRUE(client.open());
  EXPECT_EQ(client.post("/", "1").status, 200);
  source_.advance(74s);
  EXPECT_TRUE(client.open()) << "each request starts the time anew";
  source_.advance(2s);
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(Http, EndsARequestWhoseHeadersTakeTooLong) {
  auto client = connect();
  EXPECT_EQ(client.post("/", "1").status, 200);
  client.send("POST / HTTP/1.1\r\nHost:");
  settle();
  source_.advance(9s);
  EXPECT_TRUE(client.open());
  client.send(" test");
  settle();
  source_.advance(2s);
  EXPECT_EQ(client.reply().status, 408);
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(Http, EndsARequestWhoseBodyTakesTooLong) {
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.reply().status, 100);
  client.send("[1");
  source_.advance(59s);
  EXPECT_TRUE(client.open());
  source_.advance(2s);
  EXPECT_EQ(client.reply().status, 408);
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(Http, SurvivesClientsThatLeave) {
  for (const std::string_view bytes :
       {"", "POST", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{", "POST / HTTP/1.1\r\n"}) {
    auto client = connect();
    client.send(bytes);
    settle();
  }
  auto client = connect();
  EXPECT_EQ(client.post("/", "1").status, 200);
  EXPECT_EQ(payloads(), "1 ");
}

class HttpWithOneConnection : public Http {
 protected:
  HttpWithOneConnection() : Http({{"host", "127.0.0.1"}, {"port", 0}, {"max_connections", 1}}) {}
};

TEST_F(HttpWithOneConnection, ServesTheNextClientWhenTheFirstHasGone) {
  auto first = std::make_optional(connect());
  EXPECT_EQ(first->post("/1", "1").status, 200);
  auto second = connect();
  second.send(Client::request("POST", "/2", "2"));
  settle();
  EXPECT_FALSE(second.heard());
  first.reset();
  EXPECT_EQ(second.reply().body, "2");
}

}  // namespace
}  // namespace millrace::webhook
