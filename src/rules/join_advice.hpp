// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "claims.hpp"
#include "millrace/base/diagnostic.hpp"
#include "millrace/rules/rulebook.hpp"

namespace millrace::rules {

/// Warns of `all` over several conditions, whose claims these are, that cannot fire because its
/// two conditions ask the same, or whose conditions nothing joins.
void advise_on_joins(const RuleSet& rule_set, const Rule& rule, std::span<const Claim> claims,
                     Diagnostics& diagnostics);

}  // namespace millrace::rules
