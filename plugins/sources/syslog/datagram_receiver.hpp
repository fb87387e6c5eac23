// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/ip/udp.hpp>
#include <list>

#include "receiver.hpp"

namespace millrace::syslog {

/// A message a datagram. While the engine is behind nothing is read, and what the system's buffer
/// does not hold is lost: nobody can tell how much.
class DatagramReceiver final : public Receiver {
 public:
  DatagramReceiver(SourceContext& context, ReceiverOptions options);

 private:
  using Udp = asio::ip::udp;

  std::uint16_t open(const asio::ip::address& address, std::uint16_t port,
                     boost::system::error_code& error) override;
  void start() override;
  void close() override;

  Task<> receive(Udp::socket& socket);
  void warn_when_behind();

  std::list<Udp::socket> sockets_;
  Seldom warns_;
};

}  // namespace millrace::syslog
