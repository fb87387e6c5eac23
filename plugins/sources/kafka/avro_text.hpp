// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "avro_schema.hpp"
#include "millrace/event/value.hpp"

namespace millrace::kafka {

/// Avro's values as JSON can say them.
Value avro_integer(std::int64_t value, AvroSchema::Logical logical);
Value avro_number(double value);  ///< null for what is no number, or infinite
Value avro_bytes(std::string_view bytes);
Value avro_decimal(std::string_view big_endian, int scale);
std::string avro_text(std::string_view bytes);  ///< what is not UTF-8 is replaced

}  // namespace millrace::kafka
