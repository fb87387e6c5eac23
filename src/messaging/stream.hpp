// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/messaging/tls_options.hpp"

namespace millrace::messaging {

struct StreamOptions {
  std::string host;
  std::uint16_t port = 0;
  std::optional<TlsOptions> tls;
};

/// A TCP connection, with or without TLS, that never blocks. Loop thread only.
///
/// Shared, because what the system still has to tell of a closed connection comes later: its owner
/// calls close() and lets go of it; nothing is told to the listener after that.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  class Listener {
   public:
    virtual void on_open() = 0;
    /// Everything that has arrived and was not used up yet; how many bytes of it were. It may close
    /// the stream.
    virtual std::size_t on_bytes(std::string_view bytes) = 0;
    /// The connection could not be had, or is lost: unavailable; permission_denied when a
    /// certificate was refused here. Nothing else is told after it.
    virtual void on_end(Error why) = 0;

   protected:
    Listener() = default;
    Listener(const Listener&) = default;
    Listener& operator=(const Listener&) = default;
    ~Listener() = default;
  };

  /// Errors: invalid_settings, for files of keys and certificates.
  static Result<std::shared_ptr<Stream>> create(MainLoop& loop, StreamOptions options);

  /// `listener` stays until close() or finish().
  void open(Listener& listener);
  void close();
  /// Closes it when what is still to be sent has gone, if that takes no longer than a second.
  void finish();

  /// Sends what is written here, soon and in one go with what is written until then.
  std::string& output();
  /// Bytes that the system has not taken yet.
  std::size_t unsent() const { return waiting_.size() + going_.size(); }

  /// Stops reading: the peer waits once the system's buffers are full.
  void pause();
  void resume();

 private:
  using Tcp = asio::ip::tcp;
  using Secure = asio::ssl::stream<Tcp::socket&>;
  using Failure = boost::system::error_code;

  Stream(MainLoop& loop, StreamOptions options);
  Result<> prepare_tls(const TlsOptions& tls);
  void connect(const Tcp::resolver::results_type& addresses);
  void connected();
  void shake_hands();
  void ready();
  void read();
  void on_read(std::size_t bytes);
  void flush();
  void write();
  void written();
  void end(const Failure& why, std::string_view doing);

  MainLoop& loop_;
  const StreamOptions options_;
  Tcp::resolver resolver_;
  Tcp::socket socket_;
  std::unique_ptr<asio::ssl::context> tls_;
  std::unique_ptr<Secure> secure_;
  Listener* listener_ = nullptr;  // null: closed, or finishing
  bool is_finishing_ = false;

  std::vector<char> input_;
  std::size_t filled_ = 0;
  bool reading_ = false;
  bool paused_ = false;

  std::string waiting_;
  std::string going_;
  bool is_flush_due_ = false;
};

}  // namespace millrace::messaging
