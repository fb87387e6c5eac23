// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "millrace/event/yaml.hpp"

namespace millrace::cli {

/// Time in a test case: since its start.
using TestTime = std::chrono::milliseconds;

/// "5 seconds", "1 minute 30 seconds", or a number of seconds; at most a hundred years. Nothing if
/// it is not that.
std::optional<TestTime> parse_test_time(const YamlNode& node);

/// "1 minute 30 seconds", as parse_test_time() reads it.
std::string to_text(TestTime time);

}  // namespace millrace::cli
