// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/event/json.hpp"
#include "millrace/net/testing/http_test_server.hpp"
#include "millrace/plugin/testing/source_harness.hpp"

void millrace_describe_url_check_source(millrace::PluginBuilder&);

namespace millrace::url_check {
namespace {

using namespace std::chrono_literals;
using net::testing::HttpTestServer;
using testing::SourceHarness;

constexpr auto* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class UrlCheck : public SourceHarness {
 public:
  explicit UrlCheck(Object settings)
      : SourceHarness(millrace_describe_url_check_source, "url_check", std::move(settings)) {}

  bool wait_for(std::size_t count) {
    return run_until([this, count] { return events().size() >= count; });
  }
  const Object& check(std::size_t index) const {
    return events().at(index).as_object().at("url_check").as_object();
  }
  std::string error(std::size_t index) const {
    const auto* message = check(index).if_contains("error_msg");
    return message == nullptr ? "none" : std::string(view(message->as_string()));
  }
};

Object up(const std::string& url) { return {{"url", url}, {"status", "up"}, {"status_code", 200}}; }
Object down(const std::string& url, int code) {
  return {{"url", url}, {"status", "down"}, {"status_code", code}};
}
std::string redirect(std::string_view to) {
  return fmt::format("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", to);
}

TEST(UrlCheck, TellsWhichUrlsAnswer) {
  const HttpTestServer server(
      {{"/ok", kOk},
       {"/none", "HTTP/1.1 204 No Content\r\n\r\n"},
       {"/busy", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"}});
  UrlCheck source({{"urls", {server.url("/ok"), server.url("/none"), server.url("/busy")}}});
  ASSERT_TRUE(source.wait_for(3));

  EXPECT_EQ(source.check(0), up(server.url("/ok")));
  EXPECT_EQ(source.check(1), down(server.url("/none"), 204));
  EXPECT_EQ(source.check(2), down(server.url("/busy"), 503));
  EXPECT_EQ(to_json(source.events().front()),
            fmt::format(R"({{"url_check":{{"url":"{}","status":"up","status_code":200}}}})",
                        server.url("/ok")));
  EXPECT_TRUE(server.requests().front().starts_with("GET /ok HTTP/1.1\r\n"));
}

TEST(UrlCheck, TellsWhatIsWrongWithAServerThatIsNotThere) {
  UrlCheck source({{"urls", "http://127.0.0.1:1/"}});
  ASSERT_TRUE(source.wait_for(1));

  EXPECT_EQ(source.check(0).size(), 3U);
  EXPECT_EQ(source.check(0).at("status"), Value("down"));
  EXPECT_TRUE(source.error(0).contains("127.0.0.1 port 1")) << source.error(0);
}

TEST(UrlCheck, GoesOnAfterAUrlThatFails) {
  const HttpTestServer server({{"/ok", kOk}});
  UrlCheck source({{"urls", {"http://127.0.0.1:1/", server.url("/ok")}}});
  ASSERT_TRUE(source.wait_for(2));

  EXPECT_EQ(source.check(1), up(server.url("/ok")));
}

TEST(UrlCheck, PausesAfterEachRound) {
  const HttpTestServer server({{"/a", kOk}, {"/b", kOk}});
  UrlCheck source({{"urls", {server.url("/a"), server.url("/b")}}, {"delay", 60}});
  ASSERT_TRUE(source.wait_for(2));
  source.advance(59s);
  EXPECT_EQ(server.requests().size(), 2U);

  source.advance(1s);
  ASSERT_TRUE(source.wait_for(4));
  EXPECT_EQ(source.check(2), up(server.url("/a")));
}

TEST(UrlCheck, EndsAtOnceWithoutUrls) {
  UrlCheck source({{"urls", Array()}});
  EXPECT_TRUE(source.finish());
  EXPECT_TRUE(source.events().empty());
}

TEST(UrlCheck, MustBeToldItsUrls) {
  EXPECT_TRUE(UrlCheck(Object()).settings_problem().contains("urls"));
}

TEST(UrlCheck, FollowsRedirectsWithTheirCookies) {
  const HttpTestServer server(
      {{"/", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"},
       {"/ok", kOk}});
  UrlCheck source({{"urls", server.url("/")}});
  ASSERT_TRUE(source.wait_for(1));

  EXPECT_EQ(source.check(0), up(server.url("/")));
  EXPECT_TRUE(server.requests().at(1).contains("Cookie: a=b\r\n"));
}

TEST(UrlCheck, FollowsTenRedirectsAndNoMore) {
  HttpTestServer::Answers answers{{"/11", kOk}};
  for (int i = 0; i < 11; ++i)
    answers.emplace(fmt::format("/{}", i), redirect(fmt::format("/{}", i + 1)));
  const HttpTestServer server(std::move(answers));
  UrlCheck source({{"urls", {server.url("/1"), server.url("/0")}}});
  ASSERT_TRUE(source.wait_for(2));

  EXPECT_EQ(source.check(0), up(server.url("/1")));
  EXPECT_EQ(source.error(1), "Maximum (10) redirects followed");
}

TEST(UrlCheck, AsksForNothingButHttp) {
  const HttpTestServer server({{"/", redirect("file:///etc/passwd")}});
  UrlCheck source({{"urls",
                    {"ftp://127.0.0.1/", "file:///etc/passwd", "127.0.0.1:1", "", "http://[",
                     server.url("/")}}});
  ASSERT_TRUE(source.wait_for(6));

  EXPECT_EQ(source.error(0), "not a URL of http or https");
  EXPECT_EQ(source.error(1), "not a URL of http or https");
  for (std::size_t i = 2; i < 5; ++i) {
    EXPECT_TRUE(source.error(i).starts_with("not a URL: ")) << source.error(i);
  }
  EXPECT_TRUE(source.error(5).contains("file")) << source.error(5);
}

TEST(UrlCheck, DoesNotWaitForBodies) {
  const HttpTestServer server(
      {{"/", "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"},
       {"/moved", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nabc"}});
  UrlCheck source({{"urls", {server.url("/"), server.url("/moved")}}});
  ASSERT_TRUE(source.wait_for(2));

  EXPECT_EQ(source.check(0), up(server.url("/")));
  EXPECT_EQ(source.check(1), down(server.url("/moved"), 304));
}

TEST(UrlCheck, TakesAnAnswerThatIsNotHttpForNone) {
  const HttpTestServer server({{"/text", "hello\r\n\r\n"}, {"/nothing", ""}});
  UrlCheck source({{"urls", {server.url("/text"), server.url("/nothing")}}});
  ASSERT_TRUE(source.wait_for(2));

  EXPECT_EQ(source.error(0), "Received HTTP/0.9 when not allowed");
  EXPECT_EQ(source.error(1), "Empty reply from server");
}

TEST(UrlCheck, IsDownAfterTheTimeout) {
  const HttpTestServer server({{"/ok", kOk}});
  UrlCheck source({{"urls", {server.url("/silent"), server.url("/ok")}}, {"timeout", 2.5}});
  ASSERT_TRUE(source.run_until([&] { return !server.requests().empty(); }));
  source.advance(3s);
  ASSERT_TRUE(source.wait_for(2));

  EXPECT_EQ(source.error(0), "no answer within 2.5 seconds");
  EXPECT_EQ(source.check(1), up(server.url("/ok")));
}

TEST(UrlCheck, StopsWhileItWaitsForAnAnswer) {
  const HttpTestServer server({});
  UrlCheck source({{"urls", server.url("/silent")}});
  ASSERT_TRUE(source.run_until([&] { return !server.requests().empty(); }));

  const auto begin = std::chrono::steady_clock::now();
  source.cancel();
  const auto outcome = source.finish();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Errc::cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
  EXPECT_TRUE(source.events().empty());
}

TEST(UrlCheck, SendsCredentialsAndTellsNobody) {
  const HttpTestServer server({{"/ok", kOk},
                               {"/odd", "nonsense\r\n\r\n"},
                               {"/elsewhere", redirect("ftp://bob:s3cret@127.0.0.1/")}});
  const auto odd = server.url("/odd", "alice:s3cret@");
  UrlCheck source({{"urls",
                    {server.url("/ok", "alice:s3cret@"), odd, "http://alice:s3cret@127.0.0.1:1/",
                     "ftp://alice:s3cret@127.0.0.1/", "http://alice:s3cret@[/",
                     "http://alice:s3cret@x:99999/", "alice:s3cret@x", server.url("/elsewhere")}},
                   {"delay", 60}});
  ASSERT_TRUE(source.wait_for(8));

  EXPECT_TRUE(server.requests().front().contains("Authorization: Basic YWxpY2U6czNjcmV0\r\n"));
  EXPECT_EQ(source.check(1).at("url"), Value(odd));
  for (std::size_t i = 1; i < 8; ++i) {
    EXPECT_NE(source.error(i), "none");
    EXPECT_FALSE(source.error(i).contains("s3cret")) << source.error(i);
  }
  EXPECT_TRUE(std::ranges::none_of(source.log_lines(),
                                   [](const auto& line) { return line.contains("s3cret"); }));
}

// A server whose certificate nobody knows, made by OpenSSL's own tool.
class UrlCheckTls : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-url-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    const auto command = fmt::format(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 2 -nodes "
        "-subj /CN=localhost -keyout {0}/key.pem -out {0}/cert.pem 2>/dev/null",
        folder_.string());
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
    SSL_CTX_use_certificate_file(tls(), (folder_ / "cert.pem").c_str(), SSL_FILETYPE_PEM);
    ASSERT_EQ(SSL_CTX_use_PrivateKey_file(tls(), (folder_ / "key.pem").c_str(), SSL_FILETYPE_PEM),
              1);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  SSL_CTX* tls() { return tls_.get(); }

 private:
  std::filesystem::path folder_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> tls_{SSL_CTX_new(TLS_server_method()),
                                                         SSL_CTX_free};
};

TEST_F(UrlCheckTls, RefusesACertificateThatNobodyKnows) {
  const HttpTestServer server({{"/", kOk}}, tls());
  UrlCheck source({{"urls", server.url("/")}});
  ASSERT_TRUE(source.wait_for(1));
  EXPECT_TRUE(source.error(0).contains("certificate")) << source.error(0);
}

TEST_F(UrlCheckTls, TakesAnyCertificateWhenToldTo) {
  const HttpTestServer server({{"/", kOk}}, tls());
  UrlCheck source({{"urls", server.url("/")}, {"verify_ssl", false}});
  ASSERT_TRUE(source.wait_for(1));
  EXPECT_EQ(source.check(0), up(server.url("/")));
}

}  // namespace
}  // namespace millrace::url_check
