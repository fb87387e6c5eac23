// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "millrace/rules/advice.hpp"

namespace millrace::rules {

/// Warns of paths that look like a slip of the keyboard.
void advise_on_paths(const Rulebook& rulebook, const AdviceOptions& options,
                     Diagnostics& diagnostics);

}  // namespace millrace::rules
