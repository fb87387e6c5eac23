// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "firing_diff.hpp"
#include "millrace/base/clock.hpp"
#include "rule_tests.hpp"

namespace millrace::cli {

/// What came of a case.
struct CaseResult {
  const TestCase* test = nullptr;
  bool passed = false;
  std::vector<DiffLine> diff;      ///< of one that failed
  std::string error;               ///< why it could not be played to its end
  std::vector<std::string> notes;  ///< what the rules noticed: operands of different types
  Duration took{};                 ///< by `clock`
};

/// Plays the case on virtual time, with a memory of its own. `test.rules` must be there.
CaseResult run_case(const TestCase& test, const Clock& clock);

}  // namespace millrace::cli
