// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <optional>
#include <string_view>

#include "millrace/loop/main_loop.hpp"

namespace millrace::syslog {

/// The bytes that one sender sends, plain or by TLS, with a time at which it is closed. Loop thread
/// only.
class Connection {
 public:
  using Tcp = asio::ip::tcp;

  /// `tls` (none: plain) outlives the connection.
  Connection(Tcp::socket socket, asio::ssl::context* tls, MainLoop& loop);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { keep_open(); }

  /// The TLS greeting; nothing to do for a plain one. The error is why there is none.
  Task<boost::system::error_code> handshake();
  /// Valid until the next call; nothing once the connection has ended, or the task was asked to
  /// stop.
  Task<std::string_view> read();

  /// Whatever was said before no longer counts.
  void close_after(Duration limit);
  void keep_open();
  bool timed_out() const { return timed_out_; }

 private:
  void on_time();

  MainLoop& loop_;
  Tcp::socket socket_;
  std::optional<asio::ssl::stream<Tcp::socket&>> tls_;
  std::optional<MainLoop::TimerId> timer_;
  bool timed_out_ = false;
  std::array<char, 16384> bytes_;
};

}  // namespace millrace::syslog
