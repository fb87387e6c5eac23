// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/base/log.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/net/websocket_client.hpp"
#include "millrace/plugin/audit.hpp"

namespace millrace::daemon {

/// Sends the audit's messages to a websocket server, in order. A message is kept until the server
/// has answered a ping that was sent behind it: what was under way when a connection broke is sent
/// again over the next, so that a message may come twice and none is lost.
class WebsocketAudit final : public AuditSink {
 public:
  struct Options {
    net::WebsocketClient::Options client;
    std::string id;                  ///< of the activation, in most messages
    std::size_t most_messages = 50;  ///< that may wait before the engine is to stop reading
    std::size_t most_bytes = std::size_t{256} << 20;  ///< the same
  };

  /// `loop` and `log` outlive it.
  WebsocketAudit(MainLoop& loop, Log& log, Options options);

  void send(Object message) override;
  bool full() const override;
  void on_room(std::function<void()> callback) override { on_room_ = std::move(callback); }

  /// `failed` is told why, when the server will have nothing to do with us; messages are dropped
  /// from then on.
  void start(std::function<void(const Error&)> failed);
  /// Ends when everything was delivered, or after `longest`; tells of what was not.
  Task<> finish(Duration longest);

  std::size_t waiting() const { return messages_.size(); }

 private:
  Task<> run();
  Task<Result<>> converse(net::Websocket& socket);
  Task<> listen(net::Websocket& socket, std::optional<Error>& lost);
  Task<Result<>> deliver(net::Websocket& socket, const std::optional<Error>& lost);
  void on_pong(std::string_view payload);
  void give_up(const Error& error);

  MainLoop& loop_;
  Log& log_;
  const Options options_;
  net::WebsocketClient client_;
  std::deque<std::string> messages_;  // the oldest first
  std::size_t bytes_ = 0;
  std::uint64_t first_number_ = 0;  // of messages_.front()
  std::size_t sent_ = 0;            // of messages_, over this connection
  bool asked_ = false;              // a ping is under way
  bool finishing_ = false;
  bool given_up_ = false;
  Waiters changed_;
  std::function<void()> on_room_;
  std::function<void(const Error&)> failed_;
  TaskGroup tasks_;
};

}  // namespace millrace::daemon
