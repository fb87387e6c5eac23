// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "avro_schema.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"

namespace millrace::kafka {

inline constexpr std::size_t kMostAvroBytes = std::size_t{1} << 20;

/// One value, written by `writer`. With a `reader`, as that one would have it: fields that it does
/// not know are left out, those that were not written have their defaults. Bytes become text, or
/// base64 where they are none; dates and times ISO 8601; decimals their digits as text. What
/// stands behind the value is left alone. Errors: invalid_event.
Result<Value> decode_avro_value(std::string_view bytes, const AvroSchema& writer,
                                const AvroSchema* reader);

/// The same, and leaves in `bytes` what stands behind the value.
Result<Value> decode_avro_prefix(std::string_view& bytes, const AvroSchema& writer);

/// The first value of a file of Avro's own format, which carries its schema; plain or deflated.
/// Errors: invalid_event.
Result<Value> decode_avro_file(std::string_view bytes, const AvroSchema* reader);

}  // namespace millrace::kafka
