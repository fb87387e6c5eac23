// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include "millrace/base/log.hpp"
#include "millrace/net/websocket.hpp"

namespace millrace::net {

/// How long to wait before each try to connect again: at random up to 5 s first, then 3.1 s and
/// 1.618 times as long each time, up to 60 s.
class ReconnectPauses {
 public:
  explicit ReconnectPauses(std::uint64_t seed = std::random_device()()) : random_(seed) {}
  Duration next();
  /// There was a connection.
  void reset() { tries_ = 0; }

 private:
  std::minstd_rand random_;
  int tries_ = 0;
};

/// Keeps a conversation with a websocket server going, over any number of connections. A refused
/// token is renewed, once for each connection. Loop thread only.
class WebsocketClient {
 public:
  struct Options {
    WebsocketOptions connection;
    /// Posted to `token_url` as {"refresh": …} for a new access token; both or none.
    std::string refresh_token = {};
    std::string token_url = {};
    std::string log_name = "websocket";
  };
  /// What is said over one connection. Success ends run().
  using Conversation = std::function<Task<Result<>>(Websocket&)>;

  /// `loop` and `log` outlive it.
  WebsocketClient(MainLoop& loop, Log& log, Options options,
                  ReconnectPauses pauses = ReconnectPauses());
  WebsocketClient(const WebsocketClient&) = delete;
  WebsocketClient& operator=(const WebsocketClient&) = delete;
  ~WebsocketClient();

  /// Connects and converses, again and again while the error is unavailable, until a conversation
  /// is a success. Errors: the others of Websocket and of the conversation.
  Task<Result<>> run(Conversation converse);

  /// Of the connection, now.
  bool connected() const { return connected_; }

 private:
  Task<Result<>> converse_once(const Conversation& converse);
  Task<Result<std::unique_ptr<Websocket>>> connect();
  Task<Result<>> renew_token();
  void tell_of_loss(const Error& error);

  MainLoop& loop_;
  Log& log_;
  Options options_;
  ReconnectPauses pauses_;
  std::unique_ptr<HttpClient> http_;  // empty until a token is renewed
  bool connected_ = false;
  bool told_of_loss_ = false;
};

}  // namespace millrace::net
