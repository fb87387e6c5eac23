// SPDX-License-Identifier: Apache-2.0
#include "http_server.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <string_view>
#include <utility>

namespace millrace::webhook {
namespace {

using boost::system::error_code;

constexpr Duration kAcceptAgain = std::chrono::milliseconds(100);

// As Python prints the address tuple of a socket.
std::string python_address(const asio::ip::tcp::endpoint& endpoint) {
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

std::string to_text(const asio::ip::tcp::endpoint& endpoint) {
  const auto address = endpoint.address().to_string();
  return fmt::format("{}{}{}:{}", endpoint.address().is_v6() ? "[" : "", address,
                     endpoint.address().is_v6() ? "]" : "", endpoint.port());
}

}  // namespace

HttpServer::HttpServer(SourceContext& context, Handler& handler, HttpServerOptions options,
                       asio::ssl::context* tls)
    : context_(context),
      handler_(handler),
      options_(std::move(options)),
      tls_(tls),
      port_(options_.port),
      tasks_(context.loop().executor(),
             [this](std::string_view task, const std::exception_ptr& why) {
               try {
                 std::rethrow_exception(why);
               } catch (const std::exception& error) {
                 context_.log().error(context_.log_name(), "{} failed: {}", task, error.what());
               }
             }) {}

Task<Result<>> HttpServer::listen() {
  const auto addresses = co_await resolve();
  if (!addresses) co_return addresses.error();
  for (const auto& address : *addresses) {
    if (auto opened = open(address); !opened) co_return opened.error();
  }
  for (const auto& acceptor : acceptors_) {
    context_.log().info(context_.log_name(), "listening on {}{}",
                        to_text(acceptor.local_endpoint()), tls_ != nullptr ? " (TLS)" : "");
  }
  co_return Result<>();
}

Task<Result<std::vector<asio::ip::address>>> HttpServer::resolve() {
  using Addresses = std::vector<asio::ip::address>;
  error_code error;
  const auto literal = asio::ip::make_address(options_.host, error);
  if (!error) co_return Addresses{literal};
  Tcp::resolver resolver(context_.loop().executor());
  const auto found = co_await resolver.async_resolve(
      options_.host, "", Tcp::resolver::passive, asio::redirect_error(asio::use_awaitable, error));
  if (co_await stop_requested()) co_return Error(Errc::cancelled, "asked to stop");
  if (error)
    co_return fail(Errc::not_found, "cannot resolve the host {}: {}", options_.host,
                   error.message());
  Addresses addresses;
  for (const auto& entry : found) {
    const auto address = entry.endpoint().address();
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  }
  co_return addresses;
}

Result<> HttpServer::open(const asio::ip::address& address) {
  const Tcp::endpoint endpoint(address, port_);
  Tcp::acceptor acceptor(context_.loop().executor());
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error && address.is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return fail(Errc::io, "[Errno {}] error while attempting to bind on address {}: {}",
                error.value(), python_address(endpoint), lower(error.message()));
  }
  port_ = acceptor.local_endpoint().port();
  acceptors_.push_back(std::move(acceptor));
  return Result<>();
}

bool HttpServer::beyond_loopback() const {
  return std::ranges::any_of(acceptors_, [](const Tcp::acceptor& acceptor) {
    return !acceptor.local_endpoint().address().is_loopback();
  });
}

Task<Result<>> HttpServer::serve() {
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

Task<> HttpServer::accept_from(Tcp::acceptor& acceptor) {
  bool complained = false;
  while (!tasks_.stopping()) {
    if (connections_ >= options_.max_connections) {
      // Clients beyond the limit wait in the system's queue.
      if (!co_await connection_ended_.wait()) co_return;
      continue;
    }
    error_code error;
    auto socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (tasks_.stopping()) co_return;
    if (error) {
      if (!std::exchange(complained, true)) {
        context_.log().warning(context_.log_name(), "cannot accept a connection: {}",
                               error.message());
      }
      if (!co_await context_.sleep_for(kAcceptAgain)) co_return;
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

Task<> HttpServer::serve_connection(Tcp::socket socket) {
  const auto session = std::make_unique<HttpSession>(std::move(socket), tls_, context_.loop(),
                                                     handler_, options_.limits);
  if (const auto served = co_await session->run(); !served && !failure_) {
    failure_ = served.error();
    failed_.notify_all();
  }
}

}  // namespace millrace::webhook
