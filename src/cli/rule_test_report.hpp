// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/base/diagnostic.hpp"
#include "rule_test_run.hpp"
#include "rule_tests.hpp"

namespace millrace::cli {

/// A test file and what came of its cases.
struct FileResult {
  TestFile file;
  std::vector<CaseResult> cases;  ///< those that ran
};

struct TestTotals {
  std::size_t passed = 0;
  std::size_t failed = 0;
  std::size_t bad_files = 0;
  TestTime virtual_time{};
  Duration took{};

  bool ok() const { return failed == 0 && bad_files == 0; }
};

/// Why a case failed, in lines that begin with four blanks.
std::string failure_text(const CaseResult& result, Colour colour);

/// A line a case, failures with their differences, and the totals.
std::string text_report(std::span<const FileResult> files, const TestTotals& totals, Colour colour);
std::string json_report(std::span<const FileResult> files, const TestTotals& totals);

/// In the form that build servers read: a suite a file; a file that is bad has one case with an
/// error.
std::string junit_report(std::span<const FileResult> files, const TestTotals& totals);

}  // namespace millrace::cli
