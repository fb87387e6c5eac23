// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "millrace/base/log.hpp"
#include "millrace/messaging/mqtt_connection.hpp"
#include "millrace/messaging/publisher.hpp"

namespace millrace::messaging {

struct MqttPublisherOptions {
  MqttOptions connection;
  bool retain = false;
  Duration timeout = std::chrono::seconds(30);  ///< of a message, all tries together
};

/// With QoS 1. An acknowledgement that is lost with the connection has the message sent again.
std::unique_ptr<Publisher> create_mqtt_publisher(MainLoop& loop, Log& log,
                                                 MqttPublisherOptions options);

}  // namespace millrace::messaging
