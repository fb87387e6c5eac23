// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "millrace/base/clock.hpp"
#include "millrace/base/result.hpp"
#include "millrace/base/uuid.hpp"
#include "millrace/event/value.hpp"

namespace millrace {

/// What an action puts into a rule set, with the `meta` that tells where it comes from: source
/// {name: `action`, type: internal}, received_at, uuid. Entries of `meta` that are there already
/// stay. Errors: invalid_event when `meta` is there and is no object.
Result<Object> with_internal_meta(Object entry, std::string_view action, const Clock& clock,
                                  UuidGenerator& uuids);

}  // namespace millrace
