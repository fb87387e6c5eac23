// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/log.hpp"
#include "millrace/base/result.hpp"
#include "millrace/loop/main_loop.hpp"
#include "millrace/messaging/kafka_client.hpp"
#include "millrace/messaging/publisher.hpp"

namespace millrace::messaging {

struct KafkaPublisherOptions {
  std::vector<std::string> brokers;  ///< host:port
  KafkaSecurity security;
  std::string client_id;
  Duration timeout = std::chrono::seconds(30);  ///< of one message, all tries included
};

/// Sends messages to Kafka; each is confirmed by all replicas that are in sync, and written once,
/// in the order of the calls for each partition. Messages that wait are bounded: publish() waits
/// while there are too many. Brokers that are away are tried again until a message's time is over.
class KafkaPublisher : public Publisher {
 public:
  /// Does not connect yet. Errors: invalid_settings; io.
  static Result<std::unique_ptr<KafkaPublisher>> create(MainLoop& loop, Log& log,
                                                        KafkaPublisherOptions options);
};

}  // namespace millrace::messaging
