// SPDX-License-Identifier: Apache-2.0
// A bare Beast server that answers 200 to every POST and does nothing else: what the webhook source
// is measured against. Usage: http_baseline [port]
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string_view>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using boost::system::error_code;

http::response<http::string_body> answer(const http::request<http::string_body>& request) {
  const bool post = request.method() == http::verb::post;
  http::response<http::string_body> response(
      post ? http::status::ok : http::status::method_not_allowed, request.version());
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  response.keep_alive(request.keep_alive());
  const auto target = request.target();
  response.body() = target.substr(target.empty() ? 0 : 1);
  response.prepare_payload();
  return response;
}

asio::awaitable<void> serve(Tcp::socket socket) {
  error_code error;
  socket.set_option(Tcp::no_delay(true), error);
  boost::beast::flat_buffer buffer;
  bool keep = true;
  while (keep) {
    http::request<http::string_body> request;
    co_await http::async_read(socket, buffer, request,
                              asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    const auto response = answer(request);
    co_await http::async_write(socket, response, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    keep = response.keep_alive();
  }
}

void on_connection_end(const std::exception_ptr& why) {
  if (why) std::fputs("a connection failed\n", stderr);
}

asio::awaitable<void> listen(Tcp::acceptor acceptor) {
  const auto executor = co_await asio::this_coro::executor;
  while (true) {
    auto socket = co_await acceptor.async_accept(asio::use_awaitable);
    asio::co_spawn(executor, serve(std::move(socket)), on_connection_end);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  if (argc > 1) {
    const std::string_view text(argv[1]);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size()) {
      std::fputs("usage: http_baseline [port]\n", stderr);
      return 2;
    }
  }
  try {
    asio::io_context context(1);
    Tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), port});
    std::printf("listening on %u\n", acceptor.local_endpoint().port());
    std::fflush(stdout);
    asio::co_spawn(context, listen(std::move(acceptor)), on_connection_end);
    context.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "http_baseline: %s\n", error.what());
    return 1;
  }
}
