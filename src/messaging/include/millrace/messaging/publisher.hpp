// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/loop/task.hpp"

namespace millrace::messaging {

/// A message on its way to a broker.
struct OutgoingMessage {
  std::string topic;     ///< Kafka, MQTT: the topic; AMQP: the routing key
  std::string body;      ///< bytes
  std::string key = {};  ///< Kafka: what chooses the partition; others: unused
  std::vector<std::pair<std::string, std::string>> headers = {};  ///< MQTT has none
  std::string content_type = {};                                  ///< AMQP; others: unused
};

/// Sends messages to one broker. Connects at the first, and again after a loss. Loop thread only.
class Publisher {
 public:
  Publisher() = default;
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  virtual ~Publisher();

  /// Success: the broker has confirmed that it keeps the message. Any number may be under way.
  /// Errors: unavailable, timeout (it may have been kept all the same), permission_denied,
  /// invalid_settings (mend what is sent, or where to), cancelled.
  virtual Task<Result<>> publish(OutgoingMessage message) = 0;
};

}  // namespace millrace::messaging
