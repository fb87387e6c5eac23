// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>

#include "http_session.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/plugin/source.hpp"

namespace millrace::webhook {

struct HttpServerOptions {
  std::string host;        ///< an address, or a name: then all its addresses
  std::uint16_t port = 0;  ///< 0: any free one
  std::size_t max_connections = 1024;
  HttpLimits limits;
};

/// Listens, and serves every connection with one handler. Loop thread only.
class HttpServer {
 public:
  /// `tls` (none: plain) and `handler` outlive the server.
  HttpServer(SourceContext& context, Handler& handler, HttpServerOptions options,
             asio::ssl::context* tls);

  /// Errors: not_found when the host's name has no address; io when an address cannot be had, in
  /// the words of the original; cancelled.
  Task<Result<>> listen();
  /// Serves until the task is asked to stop, or the handler fails; no connection is left when it
  /// returns. Never success.
  Task<Result<>> serve();

  std::uint16_t port() const { return port_; }
  /// Whether other machines can connect.
  bool beyond_loopback() const;

 private:
  using Tcp = asio::ip::tcp;

  Task<Result<std::vector<asio::ip::address>>> resolve();
  Result<> open(const asio::ip::address& address);
  Task<> accept_from(Tcp::acceptor& acceptor);
  Task<> serve_connection(Tcp::socket socket);

  SourceContext& context_;
  Handler& handler_;
  const HttpServerOptions options_;
  asio::ssl::context* const tls_;
  std::uint16_t port_;
  std::list<Tcp::acceptor> acceptors_;
  std::size_t connections_ = 0;
  Waiters connection_ended_;
  Waiters failed_;
  std::optional<Error> failure_;
  TaskGroup tasks_;
};

}  // namespace millrace::webhook
