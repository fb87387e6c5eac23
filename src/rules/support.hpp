// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "millrace/rules/rulebook.hpp"

namespace millrace::rules {

/// What `rule` uses that this version reads but does not run: "`throttle`".
std::vector<std::string_view> unsupported_features(const Rule& rule);

/// "x is not defined" as the whole condition of a rule speaks of working memory, not of an event.
bool is_existential(const Rule& rule);

}  // namespace millrace::rules
