// SPDX-License-Identifier: Apache-2.0
#include "message_event.hpp"

#include <utility>

#include "millrace/event/json.hpp"

namespace millrace::aws_sqs_queue {

Value event_of(const Object& message) {
  Object meta;
  if (const auto* id = message.if_contains("MessageId")) {
    meta = {{"MessageId", *id}, {"event", Object{{"uuid", *id}}}};
    // The service makes UUIDs: the same message is the same event when it comes twice.
    if (id->is_string() && id->get_string().size() == 36) meta["uuid"] = *id;
  }
  Value body;
  if (const auto* text = message.if_contains("Body"); text != nullptr && text->is_string()) {
    auto parsed = parse_json(view(text->get_string()));
    body = parsed ? *parsed : *text;
  }
  return Object{{"body", std::move(body)}, {"meta", std::move(meta)}};
}

}  // namespace millrace::aws_sqs_queue
