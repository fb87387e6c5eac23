// SPDX-License-Identifier: Apache-2.0
#include "message.hpp"

#include <fmt/format.h>

#include "millrace/base/clock.hpp"
#include "millrace/base/uuid.hpp"
#include "millrace/event/json.hpp"

namespace millrace::kafka {
namespace {

constexpr std::string_view kUuid = "message_uuid";

Value uuid_in(std::string_view json) {
  // Seldom there, so the text is searched first; a backslash may hide it.
  if (!json.contains(kUuid) && !json.contains('\\')) return nullptr;
  const auto body = parse_json(json);
  if (!body || !body->is_object()) return nullptr;
  const auto* uuid = body->get_object().if_contains(kUuid);
  return uuid == nullptr ? Value() : *uuid;
}

}  // namespace

bool is_falsy(const Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return true;
    case boost::json::kind::bool_:
      return !value.get_bool();
    case boost::json::kind::int64:
      return value.get_int64() == 0;
    case boost::json::kind::uint64:
      return value.get_uint64() == 0;
    case boost::json::kind::double_:
      return value.get_double() == 0;
    case boost::json::kind::string:
      return value.get_string().empty();
    case boost::json::kind::array:
      return value.get_array().empty();
    case boost::json::kind::object:
      return value.get_object().empty();
  }
  return false;
}

// Nothing when one of them cannot be read: then the original has none.
std::optional<Object> MessageMeta::decoded_headers() const {
  Object decoded;
  for (const auto& [name, bytes] : headers_) {
    const auto value = bytes ? encoding_->decode(*bytes) : std::nullopt;
    if (!value) return std::nullopt;
    decoded[name] = *value;
  }
  return decoded;
}

Value MessageMeta::claimed_uuid(const std::optional<Object>& headers) const {
  if (headers) {
    const auto* uuid = headers->if_contains(kUuid);
    if (uuid != nullptr && !is_falsy(*uuid)) return *uuid;
  }
  return body_text_.empty() ? body_uuid_ : uuid_in(body_text_);
}

Object MessageMeta::make_meta() const {
  const auto name = fmt::format("{}:{}:{}", place_.assignment->topic, place_.assignment->partition,
                                place_.offset);
  Object meta;
  meta["source_offset"] = name;
  if (place_.timestamp >= 0)
    meta["produced_at"] = to_iso8601(WallTime(std::chrono::milliseconds(place_.timestamp)));
  const auto headers = decoded_headers();
  if (headers) meta["headers"] = *headers;
  if (const auto key = key_ ? encoding_->decode(*key_) : std::nullopt) meta["key"] = *key;
  const Value claimed = claimed_uuid(headers);
  if (claimed.is_string() && is_uuid(view(claimed.get_string()))) {
    meta["uuid"] = claimed;
    return meta;
  }
  if (!is_falsy(claimed)) meta["message_id"] = claimed;
  meta["uuid"] = uuid_of_name(kUuidNamespaceOid, name);
  return meta;
}

}  // namespace millrace::kafka
