// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/diagnostic.hpp"
#include "millrace/event/value.hpp"
#include "millrace/rules/rulebook.hpp"
#include "report.hpp"
#include "test_time.hpp"
#include "yaml_fields.hpp"

namespace millrace::cli {

/// What happens at a time of a case.
struct TestStep {
  TestTime at{};
  Value command;  ///< as rules::Playback takes it
  Location where;
};

/// A firing that must come. What is left out may be anything.
struct ExpectedFiring {
  LocatedText rule;
  std::optional<TestTime> at;
  Object match;  ///< for each binding what its event must have
  Location match_where;
};

/// One case of a test file. The firings of the rules that are compared must be the expected ones,
/// in their order, and no others.
struct TestCase {
  LocatedText name;
  const rules::RuleSet* rules = nullptr;  ///< owned by the file
  std::vector<TestStep> steps;            ///< in order of time
  std::vector<ExpectedFiring> expected;
  bool expects = false;  ///< whether it says what must come; else anything may, but `never`
  std::optional<std::vector<LocatedText>> only;  ///< compare these rules; without it, all
  std::vector<LocatedText> never;                ///< rules that must not fire
  TestTime end{};                                ///< time moves on to here

  bool compares(std::string_view rule) const;
};

/// A file of cases with the rulebook that they test.
struct TestFile {
  std::string file;
  std::vector<TestCase> cases;
  Diagnostics diagnostics;                                 ///< with an error, nothing can be run
  std::map<std::string, std::string> texts;                ///< by file, to show offending lines
  std::vector<std::unique_ptr<LoadedRulebook>> rulebooks;  ///< one for each set of variables
};

/// Reads a test file and the rulebook that it names, and checks both: all faults at once.
TestFile read_test_file(const std::string& file);

/// Reports names of rules and bindings that `test.rules` does not have, and other expectations that
/// no events could meet.
void check_expectations(const TestCase& test, Diagnostics& diagnostics);

}  // namespace millrace::cli
