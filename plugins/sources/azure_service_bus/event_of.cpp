// SPDX-License-Identifier: Apache-2.0
#include "event_of.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace millrace::azure_service_bus {
namespace {

// "9f0c…-…", with hyphens, in lower case; nothing if it is no UUID.
std::optional<std::string> uuid_of(const Value& id) {
  if (!id.is_string() || id.get_string().size() != 36) return std::nullopt;
  std::string uuid(view(id.get_string()));
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    char& c = uuid[i];
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    const bool is_hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    const bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (is_hyphen ? c != '-' : !is_digit) return std::nullopt;
  }
  return uuid;
}

// As Python's isoformat() writes it.
std::string with_offset(std::string time) {
  if (time.ends_with('Z')) time.replace(time.size() - 1, 1, "+00:00");
  return time;
}

}  // namespace

Value event_of(AmqpMessage&& message) {
  Object about;
  if (!message.id.is_null()) about["uuid"] = message.id;
  if (const auto* time = message.annotations.if_contains("x-opt-enqueued-time");
      time != nullptr && time->is_string())
    about["produced_at"] = with_offset(std::string(view(time->get_string())));
  Object meta{{"message_id", message.id}};
  if (const auto uuid = uuid_of(message.id)) meta["uuid"] = *uuid;
  if (!about.empty()) meta["event"] = std::move(about);
  return Object{{"body", body_of(std::move(message))}, {"meta", std::move(meta)}};
}

}  // namespace millrace::azure_service_bus
