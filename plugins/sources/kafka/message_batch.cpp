// SPDX-License-Identifier: Apache-2.0
#include "message_batch.hpp"

#include <cstring>
#include <utility>

namespace millrace::kafka {
namespace {

std::string_view bytes_of(const rd_kafka_message_t& message) {
  if (message.payload == nullptr) return {};
  return {static_cast<const char*>(message.payload), message.len};
}

MessageMeta meta_of(const RawMessage& raw, const TextDecoder& encoding) {
  const auto& message = *raw.message;
  rd_kafka_timestamp_type_t type{};
  const auto timestamp = rd_kafka_message_timestamp(&message, &type);
  MessageMeta meta({raw.assignment, message.offset, timestamp}, encoding);
  if (message.key != nullptr)
    meta.set_key(std::string(static_cast<const char*>(message.key), message.key_len));
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return meta;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    std::optional<std::string> text;
    if (value != nullptr) text.emplace(static_cast<const char*>(value), size);
    meta.add_header({name, std::move(text)});
  }
  return meta;
}

}  // namespace

MessageBatch::MessageBatch(std::span<const RawMessage> raw, const TextDecoder& encoding)
    : encoding_(encoding) {
  std::size_t size = kTextPadding;
  for (const auto& each : raw) size += each.message->len;
  room_ = std::make_unique_for_overwrite<char[]>(size);
  std::memset(room_.get() + size - kTextPadding, 0, kTextPadding);
  metas_.reserve(raw.size());
}

std::string_view MessageBatch::keep(std::string_view bytes) {
  char* const to = room_.get() + used_;
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  used_ += bytes.size();
  return {to, bytes.size()};
}

Task<Result<EventBatch>> MessageBatch::make(std::vector<RawMessage>& raw, BodyReader& reader,
                                            SourceContext& context) {
  const std::shared_ptr<MessageBatch> batch(new MessageBatch(raw, reader.encoding()));
  EventBatch events;
  events.events.reserve(raw.size());
  for (auto& each : raw) {
    const auto bytes = batch->keep(bytes_of(*each.message));
    const auto position = static_cast<std::uint64_t>(each.message->offset);
    auto body = reader.is_avro() ? co_await reader.read_avro(bytes) : reader.read_text(bytes);
    if (!body && body.error().code() != Errc::invalid_event) co_return body.error();
    if (!body) {
      context.refuse(position, body.error());
    } else if (body->kind != Body::Kind::none) {
      auto& meta = batch->metas_.emplace_back(meta_of(each, batch->encoding_));
      if (body->kind == Body::Kind::json) meta.set_body_text(bytes);
      if (body->value.is_object()) {
        const auto* uuid = body->value.get_object().if_contains("message_uuid");
        if (uuid != nullptr) meta.set_body_uuid(*uuid);
      }
      auto event = body->kind == Body::Kind::json ? Event(Event::Text{bytes, position})
                                                  : Event(std::move(body->value)).at(position);
      events.events.push_back(std::move(event).wrap("body").with_meta(meta));
    }
    each.message.reset();
  }
  events.memory = batch;
  co_return events;
}

}  // namespace millrace::kafka
