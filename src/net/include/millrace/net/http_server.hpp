// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/base/clock.hpp"
#include "millrace/base/log.hpp"
#include "millrace/base/result.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"
#include "millrace/net/incoming_request.hpp"
#include "millrace/net/server_tls.hpp"

namespace millrace::net {

/// What a client is told.
struct HttpAnswer {
  unsigned status = 200;
  std::string_view reason = "OK";
  std::string body = {};
  std::string_view header = {};  ///< a header line with its end, or nothing
  std::string_view type = "text/plain; charset=utf-8";
};

/// Answers requests, for all connections of a server. Loop thread only.
class HttpHandler {
 public:
  HttpHandler() = default;
  HttpHandler(const HttpHandler&) = delete;
  HttpHandler& operator=(const HttpHandler&) = delete;
  virtual ~HttpHandler() = default;

  /// The answer to a request that is refused for its headers alone: then its body is not waited
  /// for.
  virtual std::optional<HttpAnswer> refuse(const IncomingRequest& request) = 0;
  /// The answer to a whole request that was not refused. Errors: cancelled, which the client sees
  /// as 503; any other ends the server.
  virtual Task<Result<HttpAnswer>> answer(IncomingRequest& request) = 0;
};

struct HttpLimits {
  std::size_t max_body_size = std::size_t{1} << 20;
  Duration idle = std::chrono::seconds(75);  ///< between requests
  Duration header =
      std::chrono::seconds(10);  ///< from a request's first byte to the end of its headers
  Duration body = std::chrono::seconds(60);  ///< from there to the end of its body
};

struct HttpServerOptions {
  std::string host;        ///< an address, or a name: then all its addresses
  std::uint16_t port = 0;  ///< 0: any free one
  std::size_t max_connections = 1024;
  HttpLimits limits = {};
  std::optional<TlsServerFiles> tls = {};  ///< none: plain
};

/// Listens, and serves every connection with one handler. Loop thread only.
class HttpServer {
 public:
  struct Environment {
    MainLoop& loop;
    Log& log;
    std::string log_name;
  };

  /// `handler` outlives the server.
  HttpServer(Environment environment, HttpHandler& handler, HttpServerOptions options);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  /// Errors: invalid_settings when a file of TLS cannot be used; not_found when the host's name has
  /// no address; io when an address cannot be had, in the words of the original; cancelled.
  Task<Result<>> listen();
  /// Serves until the task is asked to stop, or the handler fails; no connection is left when it
  /// returns. Never success.
  Task<Result<>> serve();

  std::uint16_t port() const;
  /// Whether other machines can connect.
  bool beyond_loopback() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::net
