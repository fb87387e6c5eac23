// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <simdjson.h>

#include <cstddef>

#include "millrace/event/value.hpp"

namespace millrace {

/// The element as a value of its own, all of it in `storage`; nothing points into the parser
/// afterwards. Integers are int64 where they fit, else uint64. Of duplicate keys the last one
/// counts, at the place of the first. Recursive: bound the nesting first, with the parser's
/// max_depth or nested_deeper_than().
Value to_value(const simdjson::dom::element& element, boost::json::storage_ptr storage);

/// Whether containers lie in each other more than `depth` deep. simdjson's own max_depth of n lets
/// n - 1 containers that have elements through, and one empty container within the innermost; this
/// settles the last case.
bool nested_deeper_than(const simdjson::dom::element& element, std::size_t depth);

}  // namespace millrace
