// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "millrace/event/value.hpp"

namespace millrace {

/// What PyYAML's safe loader makes of a plain scalar (YAML 1.1), but timestamps, `=` and `<<`,
/// which stay strings here. Integers beyond 64 bits become doubles.
Value yaml_plain_value(std::string_view text);

/// The scalar read as the type that a tag asks for; nothing where the text does not say such a
/// value.
std::optional<Value> yaml_bool(std::string_view text);
std::optional<Value> yaml_int(std::string_view text);
std::optional<Value> yaml_float(std::string_view text);

}  // namespace millrace
