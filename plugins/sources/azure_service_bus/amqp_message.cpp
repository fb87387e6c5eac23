// SPDX-License-Identifier: Apache-2.0
// Reads the sections one by one: the library's own pn_message_t keeps only the last of several data
// sections.
#include "amqp_message.hpp"

#include <proton/codec.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"

namespace millrace::azure_service_bus {
namespace {

constexpr int kDeepest = 100;

enum Section : std::uint64_t {
  message_annotations = 0x72,
  properties = 0x73,
  application_properties = 0x74,
  data = 0x75,
  sequence = 0x76,
  value = 0x77,
};

using Data = std::unique_ptr<pn_data_t, decltype(&pn_data_free)>;

std::string_view view_of(pn_bytes_t bytes) { return {bytes.start, bytes.size}; }

std::string text_of(const pn_uuid_t& uuid) {
  std::string text;
  for (std::size_t i = 0; i < sizeof uuid.bytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", static_cast<unsigned char>(uuid.bytes[i]));
  }
  return text;
}

Value number_of(double number) { return std::isfinite(number) ? Value(number) : Value(); }

Value read(pn_data_t* from, int depth);

Value read_children(pn_data_t* from, int depth) {
  Array items;
  pn_data_enter(from);
  while (pn_data_next(from)) items.push_back(read(from, depth + 1));
  pn_data_exit(from);
  return items;
}

Value read_map(pn_data_t* from, int depth) {
  Object items;
  pn_data_enter(from);
  while (pn_data_next(from)) {
    auto key = read(from, depth + 1);
    const auto name = key.is_string() ? std::string(view(key.get_string())) : to_json(key);
    if (pn_data_next(from)) items[name] = read(from, depth + 1);
  }
  pn_data_exit(from);
  return items;
}

// The value alone, without what describes it.
Value read_described(pn_data_t* from, int depth) {
  Value described;
  pn_data_enter(from);
  const bool has_descriptor = pn_data_next(from);
  if (has_descriptor && pn_data_next(from)) described = read(from, depth + 1);
  pn_data_exit(from);
  return described;
}

Value read_time(pn_timestamp_t milliseconds) {
  constexpr std::int64_t kMost = 253'402'300'799'999;  // the end of the year 9999
  if (milliseconds < 0 || milliseconds > kMost) return Value(milliseconds);
  return Value(to_iso8601(WallTime(std::chrono::milliseconds(milliseconds))));
}

Value read(pn_data_t* from, int depth) {
  if (depth > kDeepest) return {};
  switch (pn_data_type(from)) {
    case PN_BOOL:
      return Value(pn_data_get_bool(from));
    case PN_UBYTE:
      return Value(pn_data_get_ubyte(from));
    case PN_BYTE:
      return Value(pn_data_get_byte(from));
    case PN_USHORT:
      return Value(pn_data_get_ushort(from));
    case PN_SHORT:
      return Value(pn_data_get_short(from));
    case PN_UINT:
      return Value(std::int64_t{pn_data_get_uint(from)});
    case PN_INT:
      return Value(pn_data_get_int(from));
    case PN_CHAR:
      return Value(std::int64_t{pn_data_get_char(from)});
    case PN_ULONG: {
      const std::uint64_t number = pn_data_get_ulong(from);
      return std::in_range<std::int64_t>(number) ? Value(static_cast<std::int64_t>(number))
                                                 : Value(number);
    }
    case PN_LONG:
      return Value(pn_data_get_long(from));
    case PN_TIMESTAMP:
      return read_time(pn_data_get_timestamp(from));
    case PN_FLOAT:
      return number_of(pn_data_get_float(from));
    case PN_DOUBLE:
      return number_of(pn_data_get_double(from));
    case PN_UUID:
      return Value(text_of(pn_data_get_uuid(from)));
    case PN_BINARY:
    case PN_STRING:
    case PN_SYMBOL:
      return Value(valid_utf8(view_of(pn_data_get_bytes(from))));
    case PN_DESCRIBED:
      return read_described(from, depth);
    case PN_ARRAY:
    case PN_LIST:
      return read_children(from, depth);
    case PN_MAP:
      return read_map(from, depth);
    default:  // null, and decimal numbers
      return {};
  }
}

void take_properties(Value section, AmqpMessage& into) {
  if (!section.is_array()) return;
  auto& fields = section.get_array();  // message-id, user-id, to, subject, reply-to, correlation-id
  if (!fields.empty()) into.id = std::move(fields[0]);
  if (fields.size() > 5) into.correlation_id = std::move(fields[5]);
}

// Bytes that are joined before they are read as text: a character may go from one to the next.
struct Body {
  std::string text;
  bool has_text = false;
};

void take_section(pn_data_t* from, AmqpMessage& into, Body& body) {
  pn_data_enter(from);
  const bool has_code = pn_data_next(from) && pn_data_type(from) == PN_ULONG;
  const auto code = has_code ? pn_data_get_ulong(from) : 0;
  if (!has_code || !pn_data_next(from)) return;
  if (code == Section::data) {
    body.text += view_of(pn_data_get_bytes(from));
    body.has_text = true;
    return;
  }
  auto section = read(from, 0);
  if (code == Section::properties) {
    take_properties(std::move(section), into);
  } else if (code == Section::value) {
    into.body = std::move(section);
  } else if (code == Section::message_annotations && section.is_object()) {
    into.annotations = std::move(section.get_object());
  } else if (code == Section::application_properties && section.is_object()) {
    into.properties = std::move(section.get_object());
  } else if (code == Section::sequence && section.is_array()) {
    if (!into.body.is_array()) into.body = Array();
    for (auto& item : section.get_array()) into.body.get_array().push_back(std::move(item));
  }
}

}  // namespace

Result<AmqpMessage> decode_message(std::string_view bytes) {
  AmqpMessage message;
  Body body;
  const Data section(pn_data(0), pn_data_free);
  while (!bytes.empty()) {
    pn_data_clear(section.get());
    const auto size = pn_data_decode(section.get(), bytes.data(), bytes.size());
    if (size <= 0) return fail(Errc::invalid_event, "not a message of AMQP");
    bytes.remove_prefix(static_cast<std::size_t>(size));
    pn_data_rewind(section.get());
    if (!pn_data_next(section.get()) || pn_data_type(section.get()) != PN_DESCRIBED)
      return fail(Errc::invalid_event, "not a message of AMQP");
    take_section(section.get(), message, body);
  }
  if (body.has_text) message.body = valid_utf8(body.text);
  return message;
}

Value body_of(AmqpMessage&& message) {
  if (!message.body.is_string()) return std::move(message.body);
  auto parsed = parse_json(view(message.body.get_string()));
  return parsed ? std::move(*parsed) : std::move(message.body);
}

std::optional<WallTime> find_time(const Object& annotations, std::string_view name) {
  const auto* found = annotations.if_contains(name);
  if (found == nullptr || !found->is_string()) return std::nullopt;
  return from_iso8601(view(found->get_string()));
}

std::optional<std::int64_t> find_integer(const Object& properties, std::string_view name) {
  const auto* found = properties.if_contains(name);
  if (found == nullptr || !found->is_int64()) return std::nullopt;
  return found->get_int64();
}

}  // namespace millrace::azure_service_bus
