// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "millrace/rules/rulebook.hpp"

namespace millrace::rules {

/// "x is not defined" as the whole condition of a rule speaks of working memory, not of an event.
bool is_existential(const Rule& rule);

/// `not_all` with one condition: there is nothing else to wait for.
bool never_fires(const Rule& rule);

/// `all` and `not_all` with several conditions want several events.
bool wants_several(const Rule& rule);

}  // namespace millrace::rules
