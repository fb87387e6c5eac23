// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/messaging/tls_options.hpp"

namespace millrace::messaging {

struct AmqpOptions {
  std::string host = "localhost";
  std::uint16_t port = 5672;
  std::string username = "guest";
  std::string password = "guest";
  std::string virtual_host = "/";
  std::optional<TlsOptions> tls;
  std::string name;  ///< what the server's tools show of the connection
  /// A peer that is silent for twice as long is gone; the server may ask for less. Zero: never.
  Duration heartbeat = std::chrono::seconds(30);
  Duration connect_timeout = std::chrono::seconds(10);
  std::size_t max_message = std::size_t{16} << 20;  ///< bytes; of a larger one there is no body
};

/// Reads `amqp://user:password@host:port/vhost` (amqps: with TLS) over the given options; what the
/// URL does not say stays. Parts are percent-decoded. Errors: invalid_settings, which does not
/// repeat the URL.
Result<AmqpOptions> read_amqp_url(std::string_view url, AmqpOptions options);

struct AmqpMessage {
  std::uint64_t tag = 0;  ///< to acknowledge it by; they count from 1 in a connection
  std::string_view body;  ///< kTextPadding readable bytes follow
  std::string exchange;
  std::string routing_key;
  bool redelivered = false;
  std::size_t oversized = 0;  ///< bytes of a body beyond max_message, which was left out
  /// Those that the message has, by their AMQP names with `_`: content_type, headers, message_id…
  Object properties = {};
};

struct AmqpBatch {
  std::vector<AmqpMessage> messages;
  std::shared_ptr<const void> memory;  ///< of the bodies
};

struct AmqpQueue {
  std::string name;  ///< empty: the server makes one up
  bool durable = true;
  bool exclusive = false;
  bool auto_delete = false;
  Object arguments = {};  ///< {"x-queue-type": "quorum"}…
};

struct AmqpExchange {
  std::string name;
  std::string type = "topic";
  bool durable = true;
  bool auto_delete = false;
  Object arguments = {};
};

struct AmqpOutgoing {
  std::string exchange;
  std::string routing_key;
  std::string body;
  std::string content_type = {};
  Object headers = {};
  bool persistent = true;
  bool mandatory = true;  ///< an error if no queue is bound to take it
  Duration timeout = std::chrono::seconds(30);
};

/// A connection to an AMQP 0-9-1 server, with one channel. Loop thread only. When it is destroyed,
/// what was given to it still goes out, and what was not acknowledged is delivered again, to
/// somebody.
///
/// Once the connection is lost, every member tells the reason: unavailable; permission_denied,
/// invalid_settings or not_found where the server said so. Then make a new one. No task may wait in
/// a member when it is destroyed.
class AmqpConnection {
 public:
  /// Errors: unavailable, timeout; permission_denied (credentials, certificates),
  /// invalid_settings (files, virtual host); cancelled.
  static Task<Result<std::unique_ptr<AmqpConnection>>> open(MainLoop& loop, AmqpOptions options);
  AmqpConnection(const AmqpConnection&) = delete;
  AmqpConnection& operator=(const AmqpConnection&) = delete;
  ~AmqpConnection();

  /// One of these at a time. A refusal closes the connection. Errors: as above; invalid_settings
  /// when it exists but differs; cancelled.
  Task<Result<std::string>> declare_queue(AmqpQueue queue);  ///< its name
  Task<Result<>> declare_exchange(AmqpExchange exchange);
  Task<Result<>> bind_queue(std::string queue, std::string exchange, std::string routing_key);
  /// Messages that wait in a queue.
  Task<Result<std::uint32_t>> depth(std::string queue);
  /// From now on receive() has messages, at most `prefetch` that are not acknowledged.
  Task<Result<>> consume(std::string queue, std::uint16_t prefetch);

  /// All that has arrived, at least one. Errors: as above; cancelled.
  Task<Result<AmqpBatch>> receive();
  /// Soon, and nobody knows whether it arrived; nothing happens once the connection is lost.
  void acknowledge(std::uint64_t tag);
  void acknowledge_up_to(std::uint64_t tag);
  /// To its dead-letter exchange, if the queue has one.
  void reject(std::uint64_t tag);
  void requeue(std::uint64_t tag);

  /// Until the server has confirmed that it keeps the message; many may be under way, more wait
  /// for their turn. Errors: as above; invalid_settings when no queue takes it, unavailable when
  /// the server could not keep it; timeout: it may have been kept all the same; cancelled.
  Task<Result<>> publish(AmqpOutgoing message);

  /// Nothing while it lives.
  const std::optional<Error>& failure() const;

 private:
  class Session;
  explicit AmqpConnection(std::unique_ptr<Session> session);

  const std::unique_ptr<Session> session_;
};

}  // namespace millrace::messaging
