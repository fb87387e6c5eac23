// SPDX-License-Identifier: Apache-2.0
#include "message_event.hpp"

#include <string>
#include <utility>

#include "millrace/base/text.hpp"

namespace millrace::amqp_source {
namespace {

bool is_uuid(std::string_view text) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (text.size() != kForm.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (kForm[i] == '-' ? c != '-' : !hex) return false;
  }
  return true;
}

Object meta_of(messaging::AmqpMessage& message) {
  auto meta = std::move(message.properties);
  if (const auto* id = meta.if_contains("message_id")) {
    if (is_uuid(view(id->as_string()))) meta["uuid"] = *id;
  }
  if (!message.exchange.empty()) meta["exchange"] = valid_utf8(message.exchange);
  meta["routing_key"] = valid_utf8(message.routing_key);
  meta["redelivered"] = message.redelivered;
  return meta;
}

bool says_json(const Object& properties) {
  const auto* type = properties.if_contains("content_type");
  if (type == nullptr || !type->is_string()) return false;
  const auto name = trim(split(view(type->get_string()), ';').front());
  return name == "application/json" || name.ends_with("+json");
}

}  // namespace

Event event_of(messaging::AmqpMessage&& message, BodyFormat format, const JsonLimits& limits) {
  if (format == BodyFormat::automatic && says_json(message.properties)) format = BodyFormat::json;
  auto event = messaging::event_of_body(message.body, format, limits);
  return std::move(event).with_meta(meta_of(message)).at(message.tag);
}

}  // namespace millrace::amqp_source
