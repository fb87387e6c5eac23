// SPDX-License-Identifier: Apache-2.0
#include "body_reader.hpp"

#include <simdjson.h>

#include <utility>

#include "avro_decoder.hpp"
#include "message.hpp"
#include "millrace/event/json.hpp"

namespace millrace::kafka {
namespace {

constexpr std::size_t kRegistryPrefix = 5;
constexpr std::string_view kMark = "\xef\xbb\xbf";

bool is_falsy(const simdjson::dom::element& element) {
  switch (element.type()) {
    case simdjson::dom::element_type::NULL_VALUE:
      return true;
    case simdjson::dom::element_type::BOOL:
      return !element.get_bool().value_unsafe();
    case simdjson::dom::element_type::INT64:
      return element.get_int64().value_unsafe() == 0;
    case simdjson::dom::element_type::UINT64:
      return element.get_uint64().value_unsafe() == 0;
    case simdjson::dom::element_type::DOUBLE:
      return element.get_double().value_unsafe() == 0;
    case simdjson::dom::element_type::STRING:
      return element.get_string_length().value_unsafe() == 0;
    case simdjson::dom::element_type::ARRAY:
      return element.get_array().value_unsafe().size() == 0;
    case simdjson::dom::element_type::OBJECT:
      return element.get_object().value_unsafe().size() == 0;
  }
  return false;
}

}  // namespace

BodyReader::BodyReader(SourceContext& context, const KafkaOptions& options)
    : context_(context),
      options_(options),
      parser_(std::make_unique<simdjson::dom::parser>(context.limits().bytes)) {}

BodyReader::~BodyReader() = default;

Result<Body> BodyReader::read_text(std::string_view bytes) {
  if (bytes.empty()) return Body{};
  if (bytes.size() > context_.limits().bytes) {
    return fail(Errc::invalid_event, "the message has {} bytes, more than the limit of {}",
                bytes.size(), context_.limits().bytes);
  }
  if (options_.encoding.is_utf8()) return read_json(bytes);
  const auto text = options_.encoding.decode(bytes);
  if (!text) return fail(Errc::invalid_event, "the message is not of the encoding it should have");
  if (text->empty()) return Body{};
  auto value = parse_json(*text, context_.limits());
  if (!value) return Body{Body::Kind::value, Value(*text)};
  if (kafka::is_falsy(*value)) return Body{};
  return Body{Body::Kind::value, std::move(*value)};
}

Result<Body> BodyReader::read_json(std::string_view text) {
  simdjson::dom::element element;
  const auto error = text.starts_with(kMark)
                         ? simdjson::TAPE_ERROR
                         : parser_->parse(text.data(), text.size(), false).get(element);
  if (error == simdjson::SUCCESS)
    return Body{is_falsy(element) ? Body::Kind::none : Body::Kind::json, {}};
  if (!simdjson::validate_utf8(text.data(), text.size()))
    return fail(Errc::invalid_event, "the message is not UTF-8");
  // Large integers, which only the slower parser takes.
  const bool is_large_number = error == simdjson::NUMBER_ERROR;
  if (is_large_number && parse_json(text, context_.limits())) return Body{Body::Kind::json, {}};
  if (error == simdjson::DEPTH_ERROR)
    return fail(Errc::invalid_event, "the message is nested too deeply");
  return Body{Body::Kind::value, Value(text)};
}

Task<Result<Body>> BodyReader::read_avro(std::string_view bytes) {
  if (bytes.empty()) co_return Body{};
  if (bytes.size() > kMostAvroBytes)
    co_return fail(Errc::invalid_event, "the message has {} bytes, more than the limit of {}",
                   bytes.size(), kMostAvroBytes);
  auto value = co_await decode_avro(bytes);
  if (!value) co_return value.error();
  if (!value->is_object()) {
    Object wrapped;
    wrapped["value"] = std::move(*value);
    *value = std::move(wrapped);
  }
  if (kafka::is_falsy(*value)) co_return Body{};
  co_return Body{Body::Kind::value, std::move(*value)};
}

// By the schema that the message names, else by the file's, else as a file of Avro's own format.
Task<Result<Value>> BodyReader::decode_avro(std::string_view bytes) {
  const auto* local = options_.avro_schema.get();
  std::string_view payload = bytes;
  std::optional<Error> problem;
  if (options_.registry && bytes.size() >= kRegistryPrefix && bytes.front() == '\0') {
    if (!registry_) {
      auto made = SchemaRegistry::create(context_, *options_.registry);
      if (!made) co_return made.error();
      registry_ = std::move(*made);
    }
    std::uint32_t id = 0;
    for (std::size_t i = 1; i < kRegistryPrefix; ++i)
      id = id << 8 | static_cast<std::uint8_t>(bytes[i]);
    payload = bytes.substr(kRegistryPrefix);
    const auto schema = co_await registry_->get(id);
    if (!schema && schema.error().code() != Errc::not_found &&
        schema.error().code() != Errc::invalid_event)
      co_return schema.error();
    if (!schema) {
      problem = schema.error();
    } else {
      auto value = decode_avro_value(payload, **schema, local);
      if (value) co_return value;
      problem = value.error();
    }
  }
  if (local != nullptr) {
    auto value = decode_avro_value(payload, *local, nullptr);
    if (value) co_return value;
    problem = value.error();
  }
  auto value = decode_avro_file(bytes, local);
  if (value) co_return value;
  co_return problem ? *problem : value.error();
}

}  // namespace millrace::kafka
