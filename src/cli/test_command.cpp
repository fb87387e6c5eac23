// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "millrace/base/clock.hpp"
#include "millrace/base/files.hpp"
#include "report.hpp"
#include "rule_test_report.hpp"
#include "rule_test_run.hpp"
#include "rule_tests.hpp"

namespace millrace::cli {
namespace {

// The cases whose name contains `filter`, of a file that is good.
FileResult run_file(const std::string& name, const std::string& filter, const Clock& clock) {
  FileResult result{read_test_file(name), {}};
  if (result.file.diagnostics.has_errors()) return result;
  for (const auto& test : result.file.cases) {
    if (test.name.text.contains(filter)) result.cases.push_back(run_case(test, clock));
  }
  return result;
}

void count(const FileResult& result, TestTotals& totals) {
  if (result.file.diagnostics.has_errors()) ++totals.bad_files;
  for (const auto& one : result.cases) {
    ++(one.passed ? totals.passed : totals.failed);
    totals.virtual_time += one.test->end;
  }
}

int print(const std::vector<FileResult>& files, const TestTotals& totals, OutputForm form) {
  if (form == OutputForm::json) return print_result(json_report(files, totals));
  for (const auto& [file, cases] : files) print_diagnostics(file.diagnostics, file.texts);
  const auto colour = ::isatty(STDOUT_FILENO) == 1 ? Colour::on : Colour::off;
  return print_result(text_report(files, totals, colour));
}

}  // namespace

int test_rules(const TestArguments& arguments) {
  const SystemClock clock;
  const auto start = clock.now();
  std::vector<FileResult> files;
  TestTotals totals;
  for (const auto& name : arguments.files) {
    files.push_back(run_file(name, arguments.filter, clock));
    count(files.back(), totals);
  }
  totals.took = clock.now() - start;
  if (const int failed = print(files, totals, arguments.form)) return failed;
  if (!arguments.junit_file.empty()) {
    const auto written = write_file_atomically(arguments.junit_file, junit_report(files, totals));
    if (!written) return print_failure(written.error().message());
  }
  // A filter that is mistyped must not look like success.
  if (totals.ok() && totals.passed == 0)
    return print_failure(fmt::format("no case has `{}` in its name", arguments.filter));
  return totals.ok() ? 0 : 1;
}

}  // namespace millrace::cli
