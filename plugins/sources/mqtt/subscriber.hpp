// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "millrace/messaging/body_event.hpp"
#include "millrace/messaging/mqtt_connection.hpp"
#include "millrace/plugin/source.hpp"

namespace millrace::mqtt_source {

struct MqttSettings {
  messaging::MqttOptions connection;
  std::vector<messaging::MqttTopic> topics;
  messaging::BodyFormat format = messaging::BodyFormat::automatic;
};

/// Reads by one connection, until it is lost. What batches still have to tell after that finds
/// nobody.
class Subscriber {
 public:
  Subscriber(SourceContext& context, const MqttSettings& settings)
      : context_(context), settings_(settings) {}

  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;
  ~Subscriber() {
    if (link_) link_->status = nullptr;
  }

  /// Up to the topics being subscribed. Errors: as MqttConnection's.
  Task<Result<>> start();
  /// Success: the connection is lost, why() tells the reason. Errors: those of emit(), cancelled.
  Task<Result<>> run();
  const Error& why() const { return *link_->connection->failure(); }

 private:
  /// Kept by the batches on their way, too: what is acted upon while the engine stops is still
  /// acknowledged.
  struct Link {
    std::unique_ptr<messaging::MqttConnection> connection;
    SourceStatus* status;                   ///< null once the source has gone
    std::map<std::uint64_t, bool> settled;  ///< of each batch in its order, by its last message
  };

  Task<Result<>> emit(std::span<messaging::MqttMessage> messages,
                      std::shared_ptr<const void> memory);
  static void settle(Link& link, std::uint64_t batch, std::size_t messages);

  SourceContext& context_;
  const MqttSettings& settings_;
  std::shared_ptr<Link> link_;
};

}  // namespace millrace::mqtt_source
