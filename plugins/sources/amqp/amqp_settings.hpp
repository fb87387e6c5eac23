// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "message_event.hpp"
#include "millrace/messaging/amqp_connection.hpp"
#include "millrace/plugin/settings.hpp"

namespace millrace::amqp_source {

/// What to read, and how it is made where it is not there.
struct AmqpSettings {
  messaging::AmqpOptions connection;
  messaging::AmqpQueue queue;
  bool declares_queue = false;
  std::optional<messaging::AmqpExchange> declared_exchange;
  std::string exchange;  ///< to bind the queue to; empty: it is not bound
  std::vector<std::string> routing_keys;
  std::uint16_t prefetch = 0;
  BodyFormat format = BodyFormat::automatic;
};

SettingsSchema schema();
/// Errors: invalid_settings.
Result<AmqpSettings> read_settings(const Settings& settings);

}  // namespace millrace::amqp_source
