// SPDX-License-Identifier: Apache-2.0
// The first byte chooses a schema, the rest is a value of it; or all of it is a file.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "avro_decoder.hpp"
#include "millrace/event/json.hpp"

namespace {

using millrace::kafka::AvroSchema;

constexpr auto kSchemas = std::to_array<std::string_view>({
    R"("string")",
    R"({"type":"array","items":["null","long","bytes"]})",
    R"({"type":"map","values":{"type":"array","items":"double"}})",
    R"({"type":"record","name":"l","fields":[{"name":"n","type":["null","l"]},{"name":"v","type":"int"}]})",
    R"({"type":"record","name":"r","fields":[
      {"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},
      {"name":"e","type":{"type":"enum","name":"e","symbols":["A","B"]}},
      {"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":3}}]})",
});

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(millrace::kafka::decode_avro_file(bytes, nullptr));
  if (bytes.empty()) return 0;
  const auto text = kSchemas.at(static_cast<std::uint8_t>(bytes.front()) % kSchemas.size());
  const auto schema = AvroSchema::parse(*millrace::parse_json(text));
  static_cast<void>(millrace::kafka::decode_avro_value(bytes.substr(1), *schema, nullptr));
  static_cast<void>(millrace::kafka::decode_avro_value(bytes.substr(1), *schema, &*schema));
  return 0;
}
