// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "claims.hpp"
#include "millrace/base/diagnostic.hpp"

namespace millrace::rules {

/// Warns of tests of one condition that exclude each other, and of alternatives of `or` that add
/// nothing to those before them. `bindings` names the conditions of the rule. Returns whether the
/// condition can hold.
bool check_claim(const Condition& condition, const Claim& claim,
                 std::span<const std::string> bindings, Diagnostics& diagnostics);

}  // namespace millrace::rules
