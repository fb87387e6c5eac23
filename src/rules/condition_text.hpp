// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "millrace/rules/condition.hpp"

namespace millrace::rules {

/// As it would be written in a condition: "text", [1, "a"], null.
std::string literal_text(const Value& value);

/// As it is written in select(): "not in".
std::string_view to_string(Expression::SelectOp op);
std::optional<Expression::SelectOp> select_op(std::string_view name);

}  // namespace millrace::rules
