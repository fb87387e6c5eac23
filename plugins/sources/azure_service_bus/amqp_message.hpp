// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"

namespace millrace::azure_service_bus {

/// A message of AMQP 1.0 as JSON: symbols, UUIDs, times (ISO 8601) and bytes (as UTF-8, invalid
/// ones replaced) are texts, what JSON has no word for is null.
struct AmqpMessage {
  Value id;
  Value correlation_id;
  Object annotations;
  Object properties;  ///< of the application
  /// Data sections joined, a list of sequence sections, or the value; null: none.
  Value body;
};

/// Errors: invalid_event for bytes that are no message.
Result<AmqpMessage> decode_message(std::string_view bytes);

/// The body, or what it says if it is a text of JSON.
Value body_of(AmqpMessage&& message);

/// A time among the annotations.
std::optional<WallTime> find_time(const Object& annotations, std::string_view name);

/// A whole number among the properties, of whichever type.
std::optional<std::int64_t> find_integer(const Object& properties, std::string_view name);

}  // namespace millrace::azure_service_bus
