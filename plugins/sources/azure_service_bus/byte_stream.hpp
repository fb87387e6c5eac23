// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "millrace/loop/main_loop.hpp"

namespace millrace::azure_service_bus {

/// A connection to a server, by TCP or TLS. One reader and one writer at a time. Loop thread only.
class ByteStream {
 public:
  struct Options {
    std::string host;
    std::uint16_t port = 0;
    bool tls = true;               ///< 1.2 and later; the certificate must be valid, and the host's
    std::string authorities = {};  ///< PEM file; empty: the system's
    Duration patience = std::chrono::seconds(20);  ///< until it is connected
  };

  ByteStream(MainLoop& loop, Options options);

  /// Errors: unavailable when the server cannot be reached or trusted, timeout; invalid_settings
  /// for a file of authorities that cannot be read; cancelled.
  Task<Result<>> connect();
  /// Bytes read, at least one. Errors: unavailable when the server has gone; cancelled.
  Task<Result<std::size_t>> read_some(std::span<char> into);
  Task<Result<>> write(std::string_view bytes);
  /// Whoever reads or writes is told that the server has gone.
  void close();

 private:
  using Tcp = asio::ip::tcp;

  Task<Result<Tcp::resolver::results_type>> resolve();
  Task<Result<>> reach(const Tcp::resolver::results_type& addresses);
  Task<Result<>> greet();
  Result<> set_up_tls();
  Error why(const boost::system::error_code& error) const;

  MainLoop& loop_;
  const Options options_;
  bool timed_out_ = false;
  Tcp::socket socket_;
  asio::ssl::context tls_context_;
  std::optional<asio::ssl::stream<Tcp::socket&>> tls_;
};

}  // namespace millrace::azure_service_bus
