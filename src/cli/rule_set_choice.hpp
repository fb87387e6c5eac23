// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "millrace/base/result.hpp"
#include "millrace/rules/rulebook.hpp"

namespace millrace::cli {

/// The rule set of that name, or the only one if no name is given. Errors: not_found, with the
/// names there are.
Result<const rules::RuleSet*> choose_rule_set(const rules::Rulebook& rulebook,
                                              std::string_view name);

}  // namespace millrace::cli
