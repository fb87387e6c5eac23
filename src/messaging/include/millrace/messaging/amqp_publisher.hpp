// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "millrace/base/log.hpp"
#include "millrace/messaging/amqp_connection.hpp"
#include "millrace/messaging/publisher.hpp"

namespace millrace::messaging {

struct AmqpPublisherOptions {
  AmqpOptions connection;
  std::string exchange;  ///< empty: the default one, where the routing key is a queue's name
  bool persistent = true;
  Duration timeout = std::chrono::seconds(30);  ///< of a message, all tries together
};

/// To an exchange, confirmed. A message that no queue takes is an error (invalid_settings). A
/// confirmation that is lost with the connection has the message sent again.
std::unique_ptr<Publisher> create_amqp_publisher(MainLoop& loop, Log& log,
                                                 AmqpPublisherOptions options);

}  // namespace millrace::messaging
