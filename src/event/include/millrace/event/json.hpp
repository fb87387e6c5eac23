// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"

namespace millrace {

/// One JSON text. Duplicate keys: the last one counts. Integers beyond 64 bits become doubles.
/// Errors: invalid_event, with the position where known, for malformed text, invalid UTF-8, or
/// beyond the limits.
Result<Value> parse_json(std::string_view text, const JsonLimits& limits = {},
                         boost::json::storage_ptr storage = {});

/// Compact, keys in order, doubles with a fraction or an exponent ("1.0"), so that parse_json()
/// gives the same value.
std::string to_json(const Value& value);

/// Indented by two blanks.
std::string to_pretty_json(const Value& value);

}  // namespace millrace
