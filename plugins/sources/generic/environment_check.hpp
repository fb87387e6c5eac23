// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"

namespace millrace::generic {

/// Whether the environment holds the given variables with the given values. Errors:
/// invalid_settings, for the first that does not.
Result<> check_environment(const Object& wanted);

}  // namespace millrace::generic
