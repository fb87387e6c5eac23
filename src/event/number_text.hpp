// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "millrace/event/value.hpp"

namespace millrace {

/// The integer that `digits` of the base say: int64 where it fits, else uint64, else a double. The
/// digits are checked by the caller: at least one, all of the base, no sign.
Value integer_value(bool negative, std::string_view digits, int base);

/// "12", "1.", ".5", "1e3": the nearest double; beyond its range infinity or zero. No sign; nothing
/// if it is no number.
std::optional<double> parse_decimal(std::string_view text);

}  // namespace millrace
