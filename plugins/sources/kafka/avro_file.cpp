// SPDX-License-Identifier: Apache-2.0
// Avro's object container files: a mark, a map with the schema, sixteen bytes of choice, blocks.

#include <zlib.h>

#include <memory>
#include <string>
#include <utility>

#include "avro_decoder.hpp"
#include "millrace/event/json.hpp"

namespace millrace::kafka {
namespace {

constexpr std::string_view kMark("Obj\x01", 4);
constexpr std::size_t kMostInflated = std::size_t{8} << 20;

Error broken(std::string_view why) { return fail(Errc::invalid_event, "not Avro: {}", why); }

// The bytes are a map of bytes, and then a block: read as any other value, whose schema this is.
const AvroSchema& header_schema() {
  static const AvroSchema schema = *AvroSchema::parse(boost::json::parse(
      R"({"type":"record","name":"header","fields":[
        {"name":"meta","type":{"type":"map","values":"bytes"}},
        {"name":"sync","type":{"type":"fixed","name":"sync","size":16}},
        {"name":"count","type":"long"},{"name":"size","type":"long"}]})"));
  return schema;
}

Result<std::string> inflate_raw(std::string_view bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return broken("it cannot be inflated");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> ending(&stream, inflateEnd);
  std::string text(kMostInflated, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  // What does not fit is cut: the first record is all that is wanted.
  const int outcome = inflate(&stream, Z_SYNC_FLUSH);
  if (outcome != Z_STREAM_END && outcome != Z_OK && outcome != Z_BUF_ERROR)
    return broken("it cannot be inflated");
  text.resize(text.size() - stream.avail_out);
  return text;
}

std::string text_of(const Object& meta, std::string_view name) {
  const auto* value = meta.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(view(value->get_string())) : "";
}

}  // namespace

Result<Value> decode_avro_file(std::string_view bytes, const AvroSchema* reader) {
  if (!bytes.starts_with(kMark)) return broken("neither the schema nor the form of a file fits");
  std::string_view rest = bytes.substr(kMark.size());
  const auto header = decode_avro_prefix(rest, header_schema());
  if (!header) return header;
  const auto& meta = header->at("meta").get_object();
  auto json = parse_json(text_of(meta, "avro.schema"));
  if (!json) return broken("its schema is not JSON");
  auto schema = AvroSchema::parse(*json);
  if (!schema) return broken(schema.error().message());
  if (header->at("count").get_int64() < 1) return broken("the file is empty");
  const auto codec = text_of(meta, "avro.codec");
  if (codec.empty() || codec == "null") return decode_avro_value(rest, *schema, reader);
  if (codec != "deflate") return broken(fmt::format("the codec {} is not supported", codec));
  const auto size = header->at("size").get_int64();
  if (size < 0 || static_cast<std::uint64_t>(size) > rest.size())
    return broken("it ends too early");
  const auto block = inflate_raw(rest.substr(0, static_cast<std::size_t>(size)));
  if (!block) return block.error();
  return decode_avro_value(*block, *schema, reader);
}

}  // namespace millrace::kafka
