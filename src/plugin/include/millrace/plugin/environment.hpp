// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "millrace/base/result.hpp"
#include "millrace/plugin/settings.hpp"

namespace millrace {

/// Variables for a program from a setting of type object: its values as texts. Errors:
/// invalid_settings for null, lists and objects.
Result<std::map<std::string, std::string>> read_environment(const Settings& settings,
                                                            std::string_view name);

}  // namespace millrace
