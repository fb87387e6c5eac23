// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "millrace/base/diagnostic.hpp"
#include "millrace/event/yaml.hpp"
#include "rule_tests.hpp"

namespace millrace::cli {

/// Reads a mapping of `cases`, all but its `vars`; the rules are not known yet.
TestCase read_test_case(const YamlNode& node, Diagnostics& diagnostics);

}  // namespace millrace::cli
