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
#include "millrace/loop/main_loop.hpp"
#include "millrace/messaging/tls_options.hpp"

namespace millrace::messaging {

struct MqttOptions {
  std::string host = "localhost";
  std::uint16_t port = 1883;
  std::string client_id;  ///< empty: the broker makes one up, which needs clean_session
  bool clean_session = true;
  std::string username;  ///< empty: none is told
  std::string password;
  std::optional<TlsOptions> tls;
  /// A broker that is silent for one and a half times as long is gone.
  Duration keepalive = std::chrono::seconds(30);
  Duration connect_timeout = std::chrono::seconds(10);
  std::size_t max_message = std::size_t{16} << 20;  ///< bytes; of a larger one there is no body
};

struct MqttTopic {
  std::string filter;
  int qos = 1;
};

struct MqttMessage {
  std::uint64_t number = 0;  ///< to acknowledge it by; they count from 1 in a connection
  std::string topic;
  std::string_view body;  ///< kTextPadding readable bytes follow
  int qos = 0;
  bool retain = false;
  bool duplicate = false;     ///< the broker may have sent it before
  std::size_t oversized = 0;  ///< bytes of a body beyond max_message, which was left out
};

struct MqttBatch {
  std::vector<MqttMessage> messages;
  std::shared_ptr<const void> memory;  ///< of the bodies
};

struct MqttOutgoing {
  std::string topic;
  std::string body;
  bool retain = false;
  Duration timeout = std::chrono::seconds(30);
};

/// A connection to an MQTT 3.1.1 broker. Loop thread only. When it is destroyed, what was given to
/// it still goes out, and what was not acknowledged is sent again, if the session outlives the
/// connection.
///
/// Once the connection is lost, every member tells the reason: unavailable, permission_denied or
/// invalid_settings. Then make a new one. No task may wait in a member when it is destroyed.
///
/// The protocol is spoken here rather than by libmosquitto, which acknowledges a message before
/// anybody can say that it is dealt with, has no limit to a message, and looks names up on the
/// thread that calls it.
class MqttConnection {
 public:
  /// Errors: unavailable, timeout; permission_denied (credentials, certificates),
  /// invalid_settings (files, client identifier); cancelled.
  static Task<Result<std::unique_ptr<MqttConnection>>> open(MainLoop& loop, MqttOptions options);
  MqttConnection(const MqttConnection&) = delete;
  MqttConnection& operator=(const MqttConnection&) = delete;
  ~MqttConnection();

  /// Errors: as above; permission_denied when the broker refuses one of them.
  Task<Result<>> subscribe(std::vector<MqttTopic> topics);
  /// All that has arrived, at least one. Nothing more is read from the broker while much waits
  /// here. Errors: as above; cancelled.
  Task<Result<MqttBatch>> receive();
  /// All messages up to this one, in the order in which they came, as the protocol wants it.
  void acknowledge_up_to(std::uint64_t number);

  /// With QoS 1, until the broker has acknowledged it. Errors: as above; timeout: the broker may
  /// have it all the same.
  Task<Result<>> publish(MqttOutgoing message);

  /// Nothing while it lives.
  const std::optional<Error>& failure() const;

 private:
  class Session;
  explicit MqttConnection(std::unique_ptr<Session> session);

  const std::unique_ptr<Session> session_;
};

}  // namespace millrace::messaging
