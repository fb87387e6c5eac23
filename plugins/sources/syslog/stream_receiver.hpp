// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <list>

#include "framer.hpp"
#include "receiver.hpp"

namespace millrace::syslog {

class Connection;

/// Messages in connections, plain or TLS. While the engine is behind nothing is read, and senders
/// wait.
class StreamReceiver final : public Receiver {
 public:
  /// `tls` (none: plain) outlives the receiver.
  StreamReceiver(SourceContext& context, ReceiverOptions options, asio::ssl::context* tls);

 private:
  using Tcp = asio::ip::tcp;

  std::uint16_t open(const asio::ip::address& address, std::uint16_t port,
                     boost::system::error_code& error) override;
  void start() override;
  void close() override;

  Task<> accept_from(Tcp::acceptor& acceptor);
  Task<bool> wait_for_place();
  Task<> serve_connection(Tcp::socket socket);
  Task<> receive(Connection& connection, std::string_view peer);
  Task<bool> hand_over(Connection& connection, Framer& framer, std::string_view peer);
  Task<> finish(const Connection& connection, Framer& framer, std::string_view peer);

  asio::ssl::context* const tls_;
  std::list<Tcp::acceptor> acceptors_;
  std::size_t connections_ = 0;
  Waiters connection_ended_;
  Seldom warns_of_limit_;
  Seldom warns_of_accept_;
  Seldom warns_of_handshake_;
};

}  // namespace millrace::syslog
