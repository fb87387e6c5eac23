// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "amqp_message.hpp"

namespace millrace::azure_service_bus {

/// {"body": …, "meta": {"message_id": …, "event": {…}}}; where the message's identifier is a UUID,
/// it is the event's, too.
Value event_of(AmqpMessage&& message);

}  // namespace millrace::azure_service_bus
