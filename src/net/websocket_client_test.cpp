// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/websocket_client.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "millrace/net/testing/http_test_server.hpp"

namespace millrace::net {
namespace {

using namespace std::chrono_literals;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using Tcp = asio::ip::tcp;
using Stream = websocket::stream<Tcp::socket>;
using Request = http::request<http::string_body>;

// Serves one connection after the other on a thread of its own, each as the next session says; what
// comes after the last is not answered.
class TestServer {
 public:
  using Session = std::function<void(TestServer&, Tcp::socket&, const Request&)>;

  explicit TestServer(std::vector<Session> sessions)
      : sessions_(std::move(sessions)),
        acceptor_(context_, {asio::ip::address_v4::loopback(), 0}),
        url_(fmt::format("ws://127.0.0.1:{}/api/ws?a=1", acceptor_.local_endpoint().port())),
        thread_([this] { serve(); }) {}
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  ~TestServer() {
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    thread_.join();
  }

  const std::string& url() const { return url_; }
  void note(std::string text) {
    const std::scoped_lock lock(mutex_);
    notes_.push_back(std::move(text));
  }
  std::vector<std::string> notes() const {
    const std::scoped_lock lock(mutex_);
    return notes_;
  }

 private:
  void serve() {
    for (const auto& session : sessions_) {
      boost::system::error_code error;
      auto socket = acceptor_.accept(error);
      if (error) return;
      beast::flat_buffer buffer;
      Request request;
      http::read(socket, buffer, request, error);
      if (!error) session(*this, socket, request);
    }
  }

  const std::vector<Session> sessions_;
  asio::io_context context_;
  Tcp::acceptor acceptor_;
  const std::string url_;
  mutable std::mutex mutex_;
  std::vector<std::string> notes_;
  std::thread thread_;
};

TestServer::Session refuse(unsigned status) {
  return [status](TestServer& server, Tcp::socket& socket, const Request& request) {
    server.note("refused " + std::string(request[http::field::authorization]));
    http::response<http::string_body> response(static_cast<http::status>(status), 11, "no");
    response.prepare_payload();
    boost::system::error_code ignored;
    http::write(socket, response, ignored);
  };
}

// Reads so many messages, and lets go; with a close frame if there is a code.
TestServer::Session take(int count, std::uint16_t code = 0) {
  return [=](TestServer& server, Tcp::socket& socket, const Request& request) {
    Stream stream(std::move(socket));
    stream.accept(request);
    server.note("accepted " + std::string(request.target()));
    boost::system::error_code error;
    for (int i = 0; i < count && !error; ++i) {
      beast::flat_buffer buffer;
      stream.read(buffer, error);
      if (!error) server.note(beast::buffers_to_string(buffer.data()));
    }
    if (code != 0)
      stream.close(websocket::close_reason(static_cast<websocket::close_code>(code), "why"), error);
  };
}

// Says something, and stays until the client goes.
TestServer::Session tell(std::string text) {
  return [text = std::move(text)](TestServer& server, Tcp::socket& socket, const Request& request) {
    Stream stream(std::move(socket));
    stream.accept(request);
    boost::system::error_code error;
    stream.write(asio::buffer(text), error);
    beast::flat_buffer buffer;
    stream.read(buffer, error);
    server.note(error == websocket::error::closed ? fmt::format("closed {}", stream.reason().code)
                                                  : "lost");
  };
}

// Takes the connection, and reads nothing.
void stay_silent(TestServer&, Tcp::socket& socket, const Request& request) {
  Stream stream(std::move(socket));
  stream.accept(request);
  boost::system::error_code error;
  std::array<char, 64> bytes{};
  while (!error) stream.next_layer().read_some(asio::buffer(bytes), error);
}

class AWebsocketClient : public ::testing::Test {
 protected:
  ~AWebsocketClient() override {
    tasks_.request_stop();
    EXPECT_TRUE(loop_.run_until([this] { return tasks_.size() == 0; }));
  }
  void start(WebsocketClient::Options options, WebsocketClient::Conversation converse) {
    client_.emplace(loop_, log_, std::move(options), ReconnectPauses(1));
    tasks_.spawn("client", keep(std::move(converse)));
  }
  Result<> finish() {
    EXPECT_TRUE(loop_.run_until([this] { return outcome_.has_value(); }));
    return outcome_.value_or(fail(Errc::io, "no outcome"));
  }
  bool wait_for_line(std::string_view text) {
    return loop_.run_until([&] {
      return std::ranges::any_of(lines_, [&](const auto& line) { return line.contains(text); });
    });
  }
  static Task<Result<>> say_hello(Websocket& socket) {
    if (auto sent = co_await socket.send("hello"); !sent) co_return sent;
    auto answer = co_await socket.receive();
    if (!answer) co_return answer.error();
    co_return Result<>();
  }
  Task<Result<>> listen(Websocket& socket) {
    auto heard = co_await socket.receive();
    if (!heard) co_return heard.error();
    heard_ = *heard;
    co_return Result<>();
  }

  ManualClock clock_;
  MainLoop loop_{clock_};
  std::vector<std::string> lines_;
  Log log_{[this](LogLevel level, std::string_view, std::string_view text) {
    lines_.push_back(fmt::format("{} {}", to_string(level), text));
  }};
  std::string heard_;
  std::optional<WebsocketClient> client_;
  std::optional<Result<>> outcome_;
  TaskGroup tasks_{loop_.executor(), [](std::string_view, const std::exception_ptr& why) {
                     std::rethrow_exception(why);
                   }};

 private:
  Task<> keep(WebsocketClient::Conversation converse) {
    outcome_ = co_await client_->run(std::move(converse));
  }
};

TEST(Pauses, BeginAtRandomAndGrowToAMinute) {
  ReconnectPauses pauses(3);
  for (int i = 0; i < 100; ++i) {
    pauses.reset();
    const auto first = pauses.next();
    EXPECT_GE(first, 0s);
    EXPECT_LE(first, 5s);
  }
  EXPECT_NEAR(std::chrono::duration<double>(pauses.next()).count(), 3.107, 0.001);
  EXPECT_NEAR(std::chrono::duration<double>(pauses.next()).count(), 5.026, 0.001);
  for (int i = 0; i < 10; ++i) std::ignore = pauses.next();
  EXPECT_EQ(pauses.next(), 60s);
  for (int i = 0; i < 10'000; ++i) EXPECT_EQ(pauses.next(), 60s);
}

TEST_F(AWebsocketClient, SaysAndHears) {
  TestServer server({tell("good morning")});
  start({.connection = {.url = server.url()}},
        [this](Websocket& socket) { return listen(socket); });
  ASSERT_TRUE(finish());
  EXPECT_EQ(heard_, "good morning");
  EXPECT_TRUE(loop_.run_until([&] { return !server.notes().empty(); }));  // it has its own thread
  EXPECT_EQ(server.notes(), std::vector<std::string>{"closed 1000"});
}

TEST_F(AWebsocketClient, ComesBackWhenTheConnectionIsLost) {
  TestServer server(
      {take(1), take(1, 1001), take(1, 1011), take(1, 1012), take(1, 1013), tell("at last")});
  start({.connection = {.url = server.url()}}, say_hello);
  for (int i = 1; i <= 5; ++i) {
    ASSERT_TRUE(loop_.run_until([&] {
      return std::ranges::count_if(
                 lines_, [](const auto& line) { return line.contains("trying again"); }) == i;
    })) << i;
    loop_.advance(5s);
  }
  ASSERT_TRUE(finish());
  EXPECT_TRUE(wait_for_line("info connected again"));
  EXPECT_EQ(std::ranges::count(server.notes(), "hello"), 5);
  EXPECT_EQ(server.notes().front(), "accepted /api/ws?a=1");
}

TEST_F(AWebsocketClient, GivesUpAtAnyOtherCloseCode) {
  TestServer server({take(1, 4003)});
  start({.connection = {.url = server.url()}}, say_hello);
  const auto ended = finish();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error(), Error(Errc::conflict, "the server closed the connection: 4003 why"));
}

TEST_F(AWebsocketClient, TriesForEverWhileNobodyIsThere) {
  std::string url;
  {
    const TestServer gone({});
    url = gone.url();
  }
  start({.connection = {.url = url}}, say_hello);
  ASSERT_TRUE(wait_for_line("trying again"));
  for (int i = 0; i < 20; ++i) {
    const auto tries = lines_.size();
    loop_.advance(60s);
    ASSERT_TRUE(loop_.run_until([&] { return lines_.size() >= tries + 2; })) << i;
  }
  EXPECT_EQ(
      std::ranges::count_if(lines_, [](const auto& line) { return line.starts_with("warning"); }),
      1);
  EXPECT_FALSE(outcome_);
}

TEST_F(AWebsocketClient, RenewsATokenThatIsRefused) {
  const testing::HttpTestServer tokens(
      {{"/token", "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"access\":\"new\"}"}});
  TestServer server({refuse(403), [](TestServer& at, Tcp::socket& socket, const Request& request) {
                       at.note(std::string(request[http::field::authorization]));
                       tell("hi")(at, socket, request);
                     }});
  start({.connection = {.url = server.url(), .bearer = "old-one"},
         .refresh_token = "r",
         .token_url = tokens.url("/token")},
        say_hello);
  ASSERT_TRUE(finish());
  EXPECT_EQ(server.notes().at(0), "refused Bearer old-one");
  EXPECT_EQ(server.notes().at(1), "Bearer new");
  EXPECT_TRUE(tokens.requests().at(0).ends_with("{\"refresh\":\"r\"}"));
  for (const auto& line : lines_) EXPECT_FALSE(line.contains("old-one")) << line;
}

TEST_F(AWebsocketClient, GivesUpWhenTheNewTokenIsRefusedToo) {
  const testing::HttpTestServer tokens(
      {{"/token", "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"access\":\"new\"}"}});
  TestServer server({refuse(403), refuse(403)});
  start({.connection = {.url = server.url(), .bearer = "old-one"},
         .refresh_token = "r",
         .token_url = tokens.url("/token")},
        say_hello);
  const auto ended = finish();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), Errc::permission_denied);
}

TEST_F(AWebsocketClient, TellsAnAddressThatCannotBeRight) {
  start({.connection = {.url = "http://127.0.0.1:1/"}}, say_hello);
  const auto ended = finish();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), Errc::invalid_settings);
}

TEST_F(AWebsocketClient, LosesAServerThatIsSilent) {
  TestServer server({stay_silent});
  start({.connection = {.url = server.url()}}, say_hello);
  ASSERT_TRUE(wait_for_line("connected"));
  loop_.advance(20s);
  loop_.advance(20s);
  EXPECT_TRUE(wait_for_line("warning the server is silent"));
}

TEST_F(AWebsocketClient, CanBeStoppedWhereverItIs) {
  TestServer server({stay_silent});
  start({.connection = {.url = server.url()}}, say_hello);
  ASSERT_TRUE(wait_for_line("connected"));
  loop_.run_ready();
  tasks_.request_stop();
  ASSERT_TRUE(loop_.run_until([this] { return tasks_.size() == 0; }, 1s));
  ASSERT_TRUE(outcome_);
  ASSERT_FALSE(*outcome_);
  EXPECT_EQ(outcome_->error().code(), Errc::cancelled);
}

}  // namespace
}  // namespace millrace::net
