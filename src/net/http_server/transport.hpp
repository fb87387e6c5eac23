// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "millrace/loop/main_loop.hpp"

namespace millrace::net {

/// Calls back when the last time set has come. Setting it again costs next to nothing as long as
/// the new time is not before the old one, which is what a connection does for each request. Loop
/// thread only.
class Deadline {
 public:
  Deadline(MainLoop& loop, MainLoop::Callback passed) : loop_(loop), passed_(std::move(passed)) {}
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { disarm(); }

  void set(Duration from_now);
  void clear() { due_ = Instant::max(); }

 private:
  void arm();
  void disarm();
  void on_timer();

  MainLoop& loop_;
  const MainLoop::Callback passed_;
  Instant due_ = Instant::max();
  std::optional<MainLoop::TimerId> timer_;  // rings at due_ or before it
};

/// One client's byte stream, plain or TLS, with a deadline for whatever it is waiting for. Loop
/// thread only.
class Transport {
 public:
  using Tcp = asio::ip::tcp;

  /// `tls` (none: plain) outlives the transport.
  Transport(Tcp::socket socket, asio::ssl::context* tls, MainLoop& loop);

  /// The TLS greeting; nothing to do for a plain stream. False: the peer cannot be talked to.
  Task<bool> handshake();
  /// Bytes read; 0 when the peer has gone, the deadline has passed, or the task was asked to stop.
  Task<std::size_t> read_some(std::span<char> into);
  Task<bool> write(std::string_view bytes);

  enum class Goodbye {
    now,     ///< the server stops, or there is nothing left to say
    linger,  ///< the peer may still be sending: hear it out for a moment, or it would lose our last
             ///< answer
  };
  Task<> close(Goodbye how);

  /// Whatever waits now or later ends this much from now.
  void expire_after(Duration limit) { deadline_.set(limit); }
  void never_expire() { deadline_.clear(); }
  /// Whether the deadline has passed since this was asked last.
  bool take_expired() { return std::exchange(expired_, false); }

 private:
  void on_deadline();

  Tcp::socket socket_;
  std::optional<asio::ssl::stream<Tcp::socket&>> tls_;
  Deadline deadline_;
  bool expired_ = false;
};

}  // namespace millrace::net
