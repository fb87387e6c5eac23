// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proton/connection_driver.h>

#include <functional>
#include <optional>
#include <string>

#include "byte_stream.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/loop/main_loop.hpp"

namespace millrace::azure_service_bus {

/// One connection of AMQP 1.0: the library's protocol engine, which does no input or output of its
/// own, between a byte stream and whoever handles its events. Loop thread only.
class AmqpConnection {
 public:
  struct Options {
    ByteStream::Options peer;
    /// With a user SASL PLAIN, else ANONYMOUS.
    std::string user = {};
    std::string password = {};
    Duration idle_timeout = std::chrono::seconds(30);  ///< a peer silent for longer has gone
  };
  using OnEvent = std::function<void(pn_event_t&)>;

  AmqpConnection(MainLoop& loop, Options options, OnEvent on_event);
  AmqpConnection(const AmqpConnection&) = delete;
  AmqpConnection& operator=(const AmqpConnection&) = delete;
  /// Without a word to the peer. run() must have ended.
  ~AmqpConnection();

  /// Connects and carries bytes until one side has closed the connection: then success, unless
  /// there was an error. Errors: those of ByteStream; permission_denied when the peer refuses the
  /// user; cancelled.
  Task<Result<>> run();

  /// To be called after something was done to links or deliveries: there is something to send.
  void flush() { changed_.notify_all(); }
  pn_connection_t* handle() { return driver_.connection; }

 private:
  Task<> read();
  Task<> write();
  Task<> keep_alive();
  void handle_events();
  void end(Result<> outcome);
  void prepare();

  MainLoop& loop_;
  const Options options_;
  const OnEvent on_event_;
  ByteStream stream_;
  pn_connection_driver_t driver_{};
  std::optional<Result<>> outcome_;
  Waiters changed_;
  TaskGroup tasks_;
};

/// What a condition of AMQP says, and what can be done about it: permission_denied, not_found or
/// unavailable. `otherwise` where it says nothing.
Error error_of(pn_condition_t* condition, std::string_view otherwise);

}  // namespace millrace::azure_service_bus
