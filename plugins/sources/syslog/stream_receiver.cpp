// SPDX-License-Identifier: Apache-2.0
#include "stream_receiver.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

#include "connection.hpp"
#include "millrace/net/listening.hpp"

namespace millrace::syslog {
namespace {

using boost::system::error_code;

constexpr Duration kAcceptAgain = std::chrono::milliseconds(100);

}  // namespace

StreamReceiver::StreamReceiver(SourceContext& context, ReceiverOptions options,
                               asio::ssl::context* tls)
    : Receiver(context, std::move(options), tls != nullptr ? "tls" : "tcp"),
      tls_(tls),
      warns_of_limit_(context.clock()),
      warns_of_accept_(context.clock()),
      warns_of_handshake_(context.clock()) {}

std::uint16_t StreamReceiver::open(const asio::ip::address& address, std::uint16_t port,
                                   error_code& error) {
  auto acceptor = net::listen_on(context().loop(), Tcp::endpoint(address, port), error);
  if (error) return 0;
  acceptors_.push_back(std::move(acceptor));
  return acceptors_.back().local_endpoint().port();
}

void StreamReceiver::start() {
  for (auto& acceptor : acceptors_) tasks().spawn("listener", accept_from(acceptor));
}

void StreamReceiver::close() {
  error_code ignored;
  for (auto& acceptor : acceptors_) acceptor.close(ignored);
}

Task<> StreamReceiver::accept_from(Tcp::acceptor& acceptor) {
  while (co_await wait_for_place()) {
    error_code error;
    auto socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (tasks().stopping()) co_return;
    if (error) {
      if (warns_of_accept_.now()) {
        log().warning(log_name(), "cannot accept a connection: {}", error.message());
      }
      if (!co_await context().sleep_for(kAcceptAgain)) co_return;
      continue;
    }
    ++connections_;
    tasks().spawn("connection", serve_connection(std::move(socket)), [this] {
      --connections_;
      connection_ended_.notify_all();
    });
  }
}

// False: the source stops. Senders beyond the limit wait in the system's queue.
Task<bool> StreamReceiver::wait_for_place() {
  while (!tasks().stopping() && connections_ >= options().max_connections) {
    if (warns_of_limit_.now()) {
      log().warning(log_name(),
                    "{} connections are open, as many as max_connections allows: others wait",
                    connections_);
    }
    if (!co_await connection_ended_.wait()) co_return false;
  }
  co_return !tasks().stopping();
}

Task<> StreamReceiver::serve_connection(Tcp::socket socket) {
  error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) co_return;  // it has gone again
  const auto peer = net::to_text(endpoint.address(), endpoint.port());
  const auto connection = std::make_unique<Connection>(std::move(socket), tls_, context().loop());
  if (const auto failed = co_await connection->handshake()) {
    if (!tasks().stopping() && warns_of_handshake_.now()) {
      log().warning(log_name(), "no TLS with {}: {}", peer, failed.message());
    }
    co_return;
  }
  co_await receive(*connection, peer);
}

Task<> StreamReceiver::receive(Connection& connection, std::string_view peer) {
  Framer framer(options().max_message);
  connection.close_after(options().idle_timeout);
  while (true) {
    const auto bytes = co_await connection.read();
    if (tasks().stopping()) co_return;
    if (bytes.empty()) break;
    framer.feed(bytes);
    if (!co_await hand_over(connection, framer, peer)) co_return;
  }
  connection.keep_open();
  co_await finish(connection, framer, peer);
}

// The messages that are whole; each gives the connection more time.
Task<bool> StreamReceiver::hand_over(Connection& connection, Framer& framer,
                                     std::string_view peer) {
  std::vector<Event> events;
  bool any = false;
  while (const auto frame = framer.next()) {
    any = true;
    if (frame->kind == Framer::Frame::Kind::message) {
      events.push_back(event_of(frame->text, peer));
    } else {
      refuse_too_long(peer);
    }
  }
  if (!any) co_return true;
  connection.keep_open();
  const bool sent = co_await emit(std::move(events));
  connection.close_after(options().idle_timeout);
  co_return sent;
}

Task<> StreamReceiver::finish(const Connection& connection, Framer& framer, std::string_view peer) {
  if (connection.timed_out()) {
    log().debug(log_name(), "{} has sent no message for too long", peer);
  }
  const auto rest = framer.end();
  if (!rest) co_return;
  if (connection.timed_out() || rest->kind != Framer::Frame::Kind::message) {
    context().refuse(0, fail(Errc::invalid_event, "a message of {} is not whole", peer));
    co_return;
  }
  std::vector<Event> events;
  events.push_back(event_of(rest->text, peer));
  co_await emit(std::move(events));
}

}  // namespace millrace::syslog
