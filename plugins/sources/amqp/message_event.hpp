// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "millrace/base/result.hpp"
#include "millrace/event/event.hpp"
#include "millrace/messaging/amqp_connection.hpp"

namespace millrace::amqp_source {

enum class Format { automatic, json, text };

/// {"body": …, "meta": {…}}. The message's body must outlive the event. What is not JSON though it
/// has to be, and what is no text, becomes an event that the engine refuses. `position` as for
/// Event::at().
Event event_of(messaging::AmqpMessage&& message, Format format, const JsonLimits& limits);

}  // namespace millrace::amqp_source
