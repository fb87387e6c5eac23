// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/loop/task.hpp"
#include "millrace/net/http_client.hpp"

namespace millrace::net {

struct WebsocketOptions {
  std::string url;  ///< ws or wss
  TlsClientFiles tls = {};
  std::string bearer = {};  ///< token of the handshake's Authorization; empty: none
  Duration open_timeout = std::chrono::seconds(30);
  /// A ping goes out that often; a server that is silent for as long thereafter is lost.
  Duration keep_alive = std::chrono::seconds(20);
  std::size_t max_message = std::size_t{64} << 20;  ///< received
};

/// One connection to a websocket server; text messages both ways. Loop thread only.
///
/// Errors say whether to come again: unavailable for a connection that was not had or is lost, and
/// when the server closed it with a code that means so (1001, 1006, 1011, 1012, 1013);
/// permission_denied when the server refused the token (401, 403); conflict for any other close
/// code; invalid_settings for an address or a certificate that cannot be right; cancelled.
/// Messages never hold the token.
class Websocket {
 public:
  static Task<Result<std::unique_ptr<Websocket>>> connect(MainLoop& loop, WebsocketOptions options);
  Websocket(const Websocket&) = delete;
  Websocket& operator=(const Websocket&) = delete;
  /// Drops the connection. No call may be under way.
  ~Websocket();

  /// One send() or ping() at a time, and one receive() beside it. Success: the system has the
  /// message; whether the server does, a pong tells.
  Task<Result<>> send(std::string_view text);
  /// The server answers once it has read everything that was sent before.
  Task<Result<>> ping(std::string_view payload);
  /// Told of pongs while receive() waits.
  void on_pong(std::function<void(std::string_view payload)> callback);
  /// The next message. Also what keeps the connection going: pings of the server are answered, and
  /// pongs and the end of the connection noticed, only while somebody waits here.
  Task<Result<std::string>> receive();

  /// Says good-bye (1000), and waits for the answer two seconds at most.
  Task<> close();
  /// What waits ends with unavailable.
  void drop();

 private:
  class Link;
  template <class Stream>
  class LinkOver;
  explicit Websocket(std::shared_ptr<Link> link) : link_(std::move(link)) {}

  // Shared with the pings that keep it alive, which may still be on their way when it goes.
  const std::shared_ptr<Link> link_;
};

}  // namespace millrace::net
