// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/http_client.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "millrace/net/testing/http_test_server.hpp"

namespace millrace::net {
namespace {

using testing::HttpTestServer;

constexpr auto* kOk = "HTTP/1.1 201 Created\r\nX-Thing: one\r\nContent-Length: 2\r\n\r\nok";

class Client : public ::testing::Test {
 protected:
  ~Client() override {
    tasks_.request_stop();
    loop_.run_until([this] { return tasks_.size() == 0; });
  }
  void start(HttpRequest request) {
    auto& outcome = outcomes_.emplace_back(std::make_unique<std::optional<Result<HttpResponse>>>());
    tasks_.spawn("request", keep(std::move(request), *outcome));
  }
  Result<HttpResponse> send(HttpRequest request) {
    start(std::move(request));
    auto& outcome = *outcomes_.back();
    EXPECT_TRUE(loop_.run_until([&] { return outcome.has_value(); }));
    return outcome.value_or(fail(Errc::io, "no outcome"));
  }

  ManualClock clock_;
  MainLoop loop_{clock_};
  const std::unique_ptr<HttpClient> client_ = HttpClient::create(loop_).value();
  std::vector<std::unique_ptr<std::optional<Result<HttpResponse>>>> outcomes_;
  TaskGroup tasks_{loop_.executor(), [](std::string_view, const std::exception_ptr& why) {
                     std::rethrow_exception(why);
                   }};

 private:
  Task<> keep(HttpRequest request, std::optional<Result<HttpResponse>>& outcome) {
    outcome = co_await client_->send(std::move(request));
  }
};

TEST_F(Client, SendsWhatItIsGivenAndTellsTheAnswer) {
  const HttpTestServer server({{"/things", kOk}});
  const auto answer = send({.method = "POST",
                            .url = server.url("/things"),
                            .headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}},
                            .body = "{\"a\":1}"});
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "ok");
  EXPECT_EQ(answer->header("x-thing"), "one");
  EXPECT_FALSE(answer->header("x-other"));
  const auto request = server.requests().at(0);
  EXPECT_TRUE(request.starts_with("POST /things HTTP/1.1\r\n")) << request;
  EXPECT_TRUE(request.contains("Content-Type: application/json\r\n")) << request;
  EXPECT_TRUE(request.contains("X-Empty:\r\n")) << request;
  EXPECT_TRUE(request.ends_with("\r\n\r\n{\"a\":1}")) << request;
}

TEST_F(Client, KnowsEveryMethod) {
  const HttpTestServer server({{"/", kOk}});
  for (const auto* method : {"GET", "PUT", "PATCH", "DELETE", "HEAD"}) {
    const auto answer = send({.method = method, .url = server.url("/")});
    ASSERT_TRUE(answer) << method << answer.error().message();
    EXPECT_TRUE(server.requests().back().starts_with(method)) << method;
  }
}

TEST_F(Client, SignsIn) {
  const HttpTestServer server({{"/", kOk}});
  ASSERT_TRUE(send({.url = server.url("/"), .user_and_password = {{"ann", "s:t"}}}));
  EXPECT_TRUE(server.requests().back().contains("Authorization: Basic YW5uOnM6dA==\r\n"));
  ASSERT_TRUE(send({.method = "POST",
                    .url = server.url("/"),
                    .body = "{}",
                    .aws = AwsSignature{"eu-west-1", "sqs", "AKID", "secret", "session"}}));
  const auto request = server.requests().back();
  EXPECT_TRUE(request.contains("Authorization: AWS4-HMAC-SHA256 Credential=AKID/")) << request;
  EXPECT_TRUE(request.contains("/eu-west-1/sqs/aws4_request")) << request;
  EXPECT_TRUE(request.contains("X-Amz-Security-Token: session\r\n")) << request;
}

TEST_F(Client, FollowsOnlyWhenAskedTo) {
  const HttpTestServer server(
      {{"/", "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"},
       {"/there", kOk}});
  EXPECT_EQ(send({.url = server.url("/")})->status, 302);
  const auto followed = send({.url = server.url("/"), .follow_redirects = true});
  EXPECT_EQ(followed->status, 201);
  EXPECT_FALSE(followed->header("location"));
}

TEST_F(Client, TellsOfNoAnswerWithoutSecrets) {
  const auto gone = HttpTestServer({}).url("/", "ann:secret@");
  const auto refused = send({.url = gone});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::unavailable);
  EXPECT_FALSE(refused.error().message().contains("secret")) << refused.error().message();
  for (const auto* url : {"", "ftp://127.0.0.1/", "http://[", "file:///etc/passwd"})
    EXPECT_EQ(send({.url = url}).error().code(), Errc::invalid_settings) << url;
  for (const auto* name : {"", "A:B", "A\r\nB"}) {
    EXPECT_EQ(send({.url = "http://127.0.0.1:1/", .headers = {{name, "x"}}}).error().code(),
              Errc::invalid_settings);
  }
}

TEST_F(Client, RefusesAnAnswerThatIsTooLarge) {
  const HttpTestServer server({{"/", "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n0123456789a"}});
  EXPECT_EQ(send({.url = server.url("/"), .max_body = 10}).error().code(), Errc::unsupported);
  EXPECT_TRUE(send({.url = server.url("/"), .max_body = 11}));
}

TEST_F(Client, GivesUpWhenTheTimeIsOver) {
  const HttpTestServer server({{"/", kOk}});
  start({.url = server.url("/silent"), .timeout = std::chrono::seconds(5)});
  ASSERT_TRUE(loop_.run_until([&] { return !server.requests().empty(); }));
  loop_.advance(std::chrono::seconds(5));
  ASSERT_TRUE(loop_.run_until([&] { return outcomes_.back()->has_value(); }));
  EXPECT_EQ((*outcomes_.back())->error().code(), Errc::timeout);
  EXPECT_EQ((*outcomes_.back())->error().message(), "no answer within 5 seconds");
}

TEST_F(Client, EndsAtOnceWhenCancelled) {
  const HttpTestServer server({});
  start({.url = server.url("/silent")});
  ASSERT_TRUE(loop_.run_until([&] { return !server.requests().empty(); }));
  tasks_.request_stop();
  ASSERT_TRUE(loop_.run_until([&] { return outcomes_.back()->has_value(); }));
  EXPECT_EQ((*outcomes_.back())->error().code(), Errc::cancelled);
}

TEST_F(Client, SendsManyAtATime) {
  std::vector<std::unique_ptr<HttpTestServer>> servers;
  for (int i = 0; i < 8; ++i) {
    servers.push_back(std::make_unique<HttpTestServer>(HttpTestServer::Answers{{"/", kOk}}));
    start({.url = servers.back()->url("/silent")});
    start({.url = servers.back()->url("/")});
  }
  // All of the silent ones are asked, though none of them answers.
  EXPECT_TRUE(loop_.run_until([&] {
    return std::ranges::all_of(servers, [](const auto& s) { return !s->requests().empty(); });
  }));
  tasks_.request_stop();  // or the servers would wait for their clients to go
  EXPECT_TRUE(loop_.run_until([&] { return tasks_.size() == 0; }));
}

TEST(PercentEncode, LeavesOnlyWhatNeedsNoEncoding) {
  EXPECT_EQ(percent_encode("a-b_c.d~1 /&\xc3\xa9"), "a-b_c.d~1%20%2F%26%C3%A9");
}

}  // namespace
}  // namespace millrace::net
