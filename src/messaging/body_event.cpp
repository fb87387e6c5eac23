// SPDX-License-Identifier: Apache-2.0
#include "millrace/messaging/body_event.hpp"

#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"

namespace millrace::messaging {

Event event_of_body(std::string_view body, BodyFormat format, const JsonLimits& limits) {
  const bool is_json = format == BodyFormat::json ||
                       (format == BodyFormat::automatic && parse_json(body, limits).has_value());
  // Bytes that are no text are left to the engine, which refuses them as JSON.
  const bool is_text = !is_json && valid_utf8(body) == body;
  return (is_text ? Event(Value(body)) : Event::from_text(body)).wrap("body");
}

}  // namespace millrace::messaging
