// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "avro_schema.hpp"
#include "kafka_options.hpp"
#include "millrace/event/value.hpp"
#include "millrace/loop/task.hpp"
#include "millrace/plugin/source.hpp"
#include "schema_registry.hpp"

namespace simdjson::dom {
class parser;  // NOLINT(readability-identifier-naming)
}

namespace millrace::kafka {

/// What a message's bytes are.
struct Body {
  enum class Kind : std::uint8_t {
    json,   ///< the bytes are JSON, to be handed on as they are
    value,  ///< something else, which has been read
    none,   ///< nothing that would be an event
  };
  Kind kind = Kind::none;
  Value value;
};

/// Reads bodies in the format that the rulebook says. Loop thread only.
class BodyReader {
 public:
  BodyReader(SourceContext& context, const KafkaOptions& options);
  BodyReader(const BodyReader&) = delete;
  BodyReader& operator=(const BodyReader&) = delete;
  ~BodyReader();

  const TextDecoder& encoding() const { return options_.encoding; }

  bool is_avro() const { return options_.is_avro; }
  /// Not for Avro. `bytes` have kTextPadding readable bytes behind them. Errors: invalid_event.
  Result<Body> read_text(std::string_view bytes);
  /// Errors: invalid_event for this message; any other: the source cannot go on.
  Task<Result<Body>> read_avro(std::string_view bytes);

 private:
  Result<Body> read_json(std::string_view text);
  Task<Result<Value>> decode_avro(std::string_view bytes);

  SourceContext& context_;
  const KafkaOptions& options_;
  const std::unique_ptr<simdjson::dom::parser> parser_;
  std::unique_ptr<SchemaRegistry> registry_;
};

}  // namespace millrace::kafka
