// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"

namespace millrace {

/// The events of a match by binding: ActionContext::bindings.
using Bindings = std::vector<std::pair<std::string, DocumentPtr>>;

/// Whether actions see `event`, not `events`.
bool is_single_match(const Bindings& bindings);

/// What an action sees of a match whose setting `var_root` is this: of one event the first of the
/// paths that leads to something, otherwise the whole; of several, the events by their names, and
/// what a path leads to under the new name. {} for the empty match. Errors: invalid_settings, for
/// what is no path, and for an ambiguous one.
Result<Value> matched_value(const Bindings& bindings, const Value& var_root);

}  // namespace millrace
