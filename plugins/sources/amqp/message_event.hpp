// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "millrace/event/event.hpp"
#include "millrace/messaging/amqp_connection.hpp"
#include "millrace/messaging/body_event.hpp"

namespace millrace::amqp_source {

using messaging::BodyFormat;

/// {"body": …, "meta": {…}}, as event_of_body(): a message that says that it is JSON has to be.
Event event_of(messaging::AmqpMessage&& message, BodyFormat format, const JsonLimits& limits);

}  // namespace millrace::amqp_source
