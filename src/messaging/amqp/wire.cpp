// SPDX-License-Identifier: Apache-2.0
#include "amqp/wire.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "millrace/base/text.hpp"

namespace millrace::messaging::amqp {
namespace {

constexpr std::size_t kHead = 7;  // type, channel, size
constexpr std::size_t kFrameOverhead = kHead + 1;
constexpr std::size_t kContentHead = 12;  // class, weight, body size
constexpr char kFrameEnd = '\xCE';
constexpr int kDeepest = 32;  // tables within tables

template <class Number>
Number read_number(const char* from) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    number = static_cast<Number>(number << 8 | static_cast<unsigned char>(from[i]));
  return number;
}

template <class Number>
void put_number(char* to, Number number) {
  for (std::size_t i = sizeof(Number); i-- > 0; number = static_cast<Number>(number >> 8))
    to[i] = static_cast<char>(number & 0xFF);
}

Value text_value(amqp_bytes_t bytes) { return Value(valid_utf8(view(bytes))); }

Object object_of(const amqp_table_t& table, int depth);

Value array_of(const amqp_array_t& array, int depth);

Value number_value(double number) { return std::isfinite(number) ? Value(number) : Value(); }

Value value_of(const amqp_field_value_t& field, int depth) {
  switch (field.kind) {
    case AMQP_FIELD_KIND_BOOLEAN:
      return field.value.boolean != 0;
    case AMQP_FIELD_KIND_I8:
      return field.value.i8;
    case AMQP_FIELD_KIND_U8:
      return field.value.u8;
    case AMQP_FIELD_KIND_I16:
      return field.value.i16;
    case AMQP_FIELD_KIND_U16:
      return field.value.u16;
    case AMQP_FIELD_KIND_I32:
      return field.value.i32;
    case AMQP_FIELD_KIND_U32:
      return std::int64_t{field.value.u32};
    case AMQP_FIELD_KIND_I64:
      return field.value.i64;
    case AMQP_FIELD_KIND_U64:
    case AMQP_FIELD_KIND_TIMESTAMP:
      return field.value.u64;
    case AMQP_FIELD_KIND_F32:
      return number_value(field.value.f32);
    case AMQP_FIELD_KIND_F64:
      return number_value(field.value.f64);
    case AMQP_FIELD_KIND_DECIMAL:
      return number_value(static_cast<double>(field.value.decimal.value) /
                          std::pow(10.0, field.value.decimal.decimals));
    case AMQP_FIELD_KIND_UTF8:
    case AMQP_FIELD_KIND_BYTES:
      return text_value(field.value.bytes);
    case AMQP_FIELD_KIND_ARRAY:
      return array_of(field.value.array, depth);
    case AMQP_FIELD_KIND_TABLE:
      return object_of(field.value.table, depth);
    default:
      return {};
  }
}

Object object_of(const amqp_table_t& table, int depth) {
  Object object;
  if (depth == kDeepest) return object;
  for (int i = 0; i < table.num_entries; ++i)
    object[valid_utf8(view(table.entries[i].key))] = value_of(table.entries[i].value, depth + 1);
  return object;
}

Value array_of(const amqp_array_t& array, int depth) {
  Array values;
  if (depth == kDeepest) return values;
  for (int i = 0; i < array.num_entries; ++i)
    values.push_back(value_of(array.entries[i], depth + 1));
  return values;
}

Object read_properties(const amqp_basic_properties_t& from) {
  Object found;
  if ((from._flags & AMQP_BASIC_HEADERS_FLAG) != 0) found["headers"] = object_of(from.headers, 0);
  using Field = amqp_bytes_t amqp_basic_properties_t::*;
  struct Text {
    std::string_view name;
    unsigned flag;
    Field field;
  };
  static constexpr std::array kTexts{
      Text{"content_type", AMQP_BASIC_CONTENT_TYPE_FLAG, &amqp_basic_properties_t::content_type},
      Text{"content_encoding", AMQP_BASIC_CONTENT_ENCODING_FLAG,
           &amqp_basic_properties_t::content_encoding},
      Text{"correlation_id", AMQP_BASIC_CORRELATION_ID_FLAG,
           &amqp_basic_properties_t::correlation_id},
      Text{"reply_to", AMQP_BASIC_REPLY_TO_FLAG, &amqp_basic_properties_t::reply_to},
      Text{"expiration", AMQP_BASIC_EXPIRATION_FLAG, &amqp_basic_properties_t::expiration},
      Text{"message_id", AMQP_BASIC_MESSAGE_ID_FLAG, &amqp_basic_properties_t::message_id},
      Text{"type", AMQP_BASIC_TYPE_FLAG, &amqp_basic_properties_t::type},
      Text{"user_id", AMQP_BASIC_USER_ID_FLAG, &amqp_basic_properties_t::user_id},
      Text{"app_id", AMQP_BASIC_APP_ID_FLAG, &amqp_basic_properties_t::app_id},
  };
  for (const auto& text : kTexts) {
    if ((from._flags & text.flag) != 0) found[text.name] = text_value(from.*text.field);
  }
  if ((from._flags & AMQP_BASIC_PRIORITY_FLAG) != 0) found["priority"] = from.priority;
  if ((from._flags & AMQP_BASIC_TIMESTAMP_FLAG) != 0) found["timestamp"] = from.timestamp;
  return found;
}

// Room for a frame of `payload` bytes at the end of `out`; its payload's place.
char* begin_frame(std::string& out, std::uint8_t type, std::uint16_t channel, std::size_t payload) {
  const auto begin = out.size();
  out.resize(begin + kFrameOverhead + payload);
  char* const frame = out.data() + begin;
  frame[0] = static_cast<char>(type);
  put_number(frame + 1, channel);
  put_number(frame + 3, static_cast<std::uint32_t>(payload));
  frame[kHead + payload] = kFrameEnd;
  return frame + kHead;
}

// rabbitmq-c tells how much it has written only afterwards.
template <class Encode>
Result<> put_encoded(std::string& out, std::uint8_t type, std::uint16_t channel,
                     std::string_view head, const Encode& encode) {
  std::array<char, kFrameMax - kFrameOverhead> buffer;
  std::ranges::copy(head, buffer.data());
  const int size = encode(amqp_bytes_t{buffer.size() - head.size(), buffer.data() + head.size()});
  if (size < 0)
    return fail(Errc::invalid_settings, "headers, arguments or names are too long to be sent");
  const auto payload = head.size() + static_cast<std::size_t>(size);
  std::copy_n(buffer.data(), payload, begin_frame(out, type, channel, payload));
  return {};
}

}  // namespace

Result<std::optional<Frame>> take_frame(std::string_view& bytes) {
  if (bytes.size() < kFrameOverhead) return std::optional<Frame>();
  if (bytes.starts_with("AMQP")) return fail(Errc::corrupt, "the peer does not speak AMQP 0-9-1");
  const auto size = read_number<std::uint32_t>(bytes.data() + 3);
  if (size > kFrameMax - kFrameOverhead)
    return fail(Errc::corrupt, "the peer sent a frame of {} bytes, or what is no AMQP", size);
  if (bytes.size() < kFrameOverhead + size) return std::optional<Frame>();
  if (bytes[kHead + size] != kFrameEnd) return fail(Errc::corrupt, "the peer sent what is no AMQP");
  const Frame frame{.type = static_cast<std::uint8_t>(bytes[0]),
                    .channel = read_number<std::uint16_t>(bytes.data() + 1),
                    .payload = bytes.substr(kHead, size)};
  bytes.remove_prefix(kFrameOverhead + size);
  return std::optional(frame);
}

Result<amqp_method_t> read_method(std::string_view payload, Pool& pool) {
  amqp_method_t method{};
  if (payload.size() < sizeof method.id) return fail(Errc::corrupt, "a method frame is cut short");
  method.id = read_number<std::uint32_t>(payload.data());
  payload.remove_prefix(sizeof method.id);
  const int decoded = amqp_decode_method(method.id, pool.get(), bytes_of(payload), &method.decoded);
  if (decoded < 0) {
    return fail(Errc::corrupt, "the peer sent method {:#x}: {}", method.id,
                amqp_error_string2(decoded));
  }
  return method;
}

Result<ContentHeader> read_header(std::string_view payload, Pool& pool) {
  if (payload.size() < kContentHead) return fail(Errc::corrupt, "a content header is cut short");
  const auto body_size = read_number<std::uint64_t>(payload.data() + 4);
  void* decoded = nullptr;
  const int code = amqp_decode_properties(read_number<std::uint16_t>(payload.data()), pool.get(),
                                          bytes_of(payload.substr(kContentHead)), &decoded);
  if (code < 0 || read_number<std::uint16_t>(payload.data()) != AMQP_BASIC_CLASS)
    return fail(Errc::corrupt, "a content header is malformed");
  return ContentHeader{
      .body_size = body_size,
      .properties = read_properties(*static_cast<const amqp_basic_properties_t*>(decoded))};
}

amqp_table_t Table::add(const Object& entries) {
  auto& made = tables_.emplace_back();
  made.reserve(entries.size());
  for (const auto& entry : entries)
    made.push_back({bytes_of(texts_.emplace_back(entry.key())), add(entry.value())});
  return {static_cast<int>(made.size()), made.data()};
}

amqp_array_t Table::add(const Array& entries) {
  auto& made = arrays_.emplace_back();
  made.reserve(entries.size());
  for (const auto& entry : entries) made.push_back(add(entry));
  return {static_cast<int>(made.size()), made.data()};
}

amqp_field_value_t Table::add(const Value& value) {
  amqp_field_value_t field{};
  field.kind = AMQP_FIELD_KIND_VOID;
  if (const auto* text = value.if_string()) {
    field.kind = AMQP_FIELD_KIND_UTF8;
    field.value.bytes = bytes_of(texts_.emplace_back(millrace::view(*text)));
  } else if (const auto* number = value.if_int64()) {
    field.kind = AMQP_FIELD_KIND_I64;
    field.value.i64 = *number;
  } else if (const auto* real = value.if_double()) {
    field.kind = AMQP_FIELD_KIND_F64;
    field.value.f64 = *real;
  } else if (value.is_uint64()) {
    field.kind = AMQP_FIELD_KIND_F64;  // the server knows no such integers
    field.value.f64 = static_cast<double>(value.get_uint64());
  } else if (const auto* truth = value.if_bool()) {
    field.kind = AMQP_FIELD_KIND_BOOLEAN;
    field.value.boolean = *truth ? 1 : 0;
  } else if (const auto* object = value.if_object()) {
    field.kind = AMQP_FIELD_KIND_TABLE;
    field.value.table = add(*object);
  } else if (const auto* array = value.if_array()) {
    field.kind = AMQP_FIELD_KIND_ARRAY;
    field.value.array = add(*array);
  }
  return field;
}

Result<> put_method(std::string& out, std::uint16_t channel, amqp_method_number_t id,
                    void* method) {
  std::array<char, sizeof id> head;
  put_number(head.data(), id);
  return put_encoded(out, AMQP_FRAME_METHOD, channel, {head.data(), head.size()},
                     [&](amqp_bytes_t to) { return amqp_encode_method(id, method, to); });
}

Result<> put_content(std::string& out, std::uint16_t channel,
                     const amqp_basic_properties_t& properties, std::string_view body) {
  std::array<char, kContentHead> head{};
  put_number(head.data(), std::uint16_t{AMQP_BASIC_CLASS});
  put_number(head.data() + 4, std::uint64_t{body.size()});
  auto copy = properties;  // the library takes what it only reads as if it would write
  auto put = put_encoded(
      out, AMQP_FRAME_HEADER, channel, {head.data(), head.size()},
      [&](amqp_bytes_t to) { return amqp_encode_properties(AMQP_BASIC_CLASS, &copy, to); });
  if (!put) return put;
  for (; !body.empty(); body.remove_prefix(std::min(body.size(), kFrameMax - kFrameOverhead))) {
    const auto part = body.substr(0, kFrameMax - kFrameOverhead);
    std::ranges::copy(part, begin_frame(out, AMQP_FRAME_BODY, channel, part.size()));
  }
  return {};
}

void put_heartbeat(std::string& out) { begin_frame(out, AMQP_FRAME_HEARTBEAT, 0, 0); }

}  // namespace millrace::messaging::amqp
