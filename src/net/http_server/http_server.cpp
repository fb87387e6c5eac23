// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/http_server.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <list>
#include <utility>

#include "http_session.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/net/listening.hpp"

namespace millrace::net {
namespace {

using boost::system::error_code;
using Tcp = asio::ip::tcp;

constexpr Duration kAcceptAgain = std::chrono::milliseconds(100);

// As Python prints the address tuple of a socket.
std::string python_address(const Tcp::endpoint& endpoint) {
  const auto address = endpoint.address().to_string();
  if (endpoint.address().is_v6()) return fmt::format("('{}', {}, 0, 0)", address, endpoint.port());
  return fmt::format("('{}', {})", address, endpoint.port());
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  return text;
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(Environment environment, HttpHandler& handler, HttpServerOptions options)
      : environment_(std::move(environment)),
        handler_(handler),
        options_(std::move(options)),
        port_(options_.port),
        tasks_(environment_.loop.executor(),
               [this](std::string_view task, const std::exception_ptr& why) { tell(task, why); }) {}

  Task<Result<>> listen() {
    if (options_.tls) {
      auto made = make_server_tls(*options_.tls);
      if (!made) co_return made.error();
      tls_ = std::move(*made);
    }
    const auto addresses = co_await resolve_host(environment_.loop, options_.host);
    if (!addresses) co_return addresses.error();
    for (const auto& address : *addresses) {
      if (auto opened = open(address); !opened) co_return opened.error();
    }
    for (const auto& acceptor : acceptors_) {
      const auto endpoint = acceptor.local_endpoint();
      environment_.log.info(environment_.log_name, "listening on {}{}",
                            to_text(endpoint.address(), endpoint.port()), tls_ ? " (TLS)" : "");
    }
    co_return Result<>();
  }

  Task<Result<>> serve() {
    for (auto& acceptor : acceptors_) tasks_.spawn("listener", accept_from(acceptor));
    auto waited = co_await failed_.wait();
    for (auto& acceptor : acceptors_) {
      error_code ignored;
      acceptor.close(ignored);
    }
    tasks_.request_stop();
    co_await tasks_.join();
    if (failure_) co_return *failure_;
    co_return waited;
  }

  std::uint16_t port() const { return port_; }

  bool beyond_loopback() const {
    return std::ranges::any_of(acceptors_, [](const Tcp::acceptor& acceptor) {
      return !acceptor.local_endpoint().address().is_loopback();
    });
  }

 private:
  Result<> open(const asio::ip::address& address) {
    const Tcp::endpoint endpoint(address, port_);
    error_code error;
    auto acceptor = listen_on(environment_.loop, endpoint, error);
    if (error) {
      return fail(Errc::io, "[Errno {}] error while attempting to bind on address {}: {}",
                  error.value(), python_address(endpoint), lower(error.message()));
    }
    port_ = acceptor.local_endpoint().port();
    acceptors_.push_back(std::move(acceptor));
    return {};
  }

  Task<> accept_from(Tcp::acceptor& acceptor) {
    bool complained = false;
    while (!tasks_.stopping()) {
      if (connections_ >= options_.max_connections) {
        // Clients beyond the limit wait in the system's queue.
        if (!co_await connection_ended_.wait()) co_return;
        continue;
      }
      error_code error;
      auto socket =
          co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (tasks_.stopping()) co_return;
      if (error) {
        if (!std::exchange(complained, true)) {
          environment_.log.warning(environment_.log_name, "cannot accept a connection: {}",
                                   error.message());
        }
        if (!co_await environment_.loop.sleep_for(kAcceptAgain)) co_return;
        continue;
      }
      complained = false;
      ++connections_;
      tasks_.spawn("connection", serve_connection(std::move(socket)), [this] {
        --connections_;
        connection_ended_.notify_all();
      });
    }
  }

  Task<> serve_connection(Tcp::socket socket) {
    const auto session = std::make_unique<HttpSession>(
        std::move(socket), tls_.get(), environment_.loop, handler_, options_.limits);
    if (const auto served = co_await session->run(); !served && !failure_) {
      failure_ = served.error();
      failed_.notify_all();
    }
  }

  void tell(std::string_view task, const std::exception_ptr& why) {
    try {
      std::rethrow_exception(why);
    } catch (const std::exception& error) {
      environment_.log.error(environment_.log_name, "{} failed: {}", task, error.what());
    }
  }

  const Environment environment_;
  HttpHandler& handler_;
  const HttpServerOptions options_;
  std::unique_ptr<asio::ssl::context> tls_;
  std::uint16_t port_;
  std::list<Tcp::acceptor> acceptors_;
  std::size_t connections_ = 0;
  Waiters connection_ended_;
  Waiters failed_;
  std::optional<Error> failure_;
  TaskGroup tasks_;
};

HttpServer::HttpServer(Environment environment, HttpHandler& handler, HttpServerOptions options)
    : impl_(std::make_unique<Impl>(std::move(environment), handler, std::move(options))) {}
HttpServer::~HttpServer() = default;

Task<Result<>> HttpServer::listen() { return impl_->listen(); }
Task<Result<>> HttpServer::serve() { return impl_->serve(); }
std::uint16_t HttpServer::port() const { return impl_->port(); }
bool HttpServer::beyond_loopback() const { return impl_->beyond_loopback(); }

}  // namespace millrace::net
