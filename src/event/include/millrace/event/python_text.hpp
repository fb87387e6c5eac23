// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "millrace/event/value.hpp"

namespace millrace {

/// The value as Python's repr() prints it: {'i': 1, 'ok': True, 'n': None, 'f': 1.0, 's': "it's"}.
std::string python_repr(const Value& value);

/// As Python's str(): a string bare, anything else as repr().
std::string python_str(const Value& value);

/// As Python's pprint.pformat(value, width): keys sorted, wrapped to `width` columns, long strings
/// split.
std::string python_pformat(const Value& value, std::size_t width = 80);

/// What ast.literal_eval() makes of the text (numbers, strings, True/False/None, lists, tuples as
/// lists, dicts), or nothing where it would raise. Bounded in depth.
std::optional<Value> python_literal(std::string_view text);

/// Name of the value's Python type: str, int, float, bool, list, dict, NoneType.
std::string_view python_type(const Value& value);

}  // namespace millrace
