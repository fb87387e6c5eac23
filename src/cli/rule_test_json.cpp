// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <utility>

#include "millrace/event/json.hpp"
#include "report.hpp"
#include "rule_test_report.hpp"

namespace millrace::cli {
namespace {

double milliseconds(Duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

double seconds(TestTime time) { return std::chrono::duration<double>(time).count(); }

std::string_view to_string(DiffLine::Kind kind) {
  switch (kind) {
    case DiffLine::Kind::as_expected:
      return "as_expected";
    case DiffLine::Kind::missing:
      return "missing";
    case DiffLine::Kind::unexpected:
      return "unexpected";
  }
  return "";
}

Object to_json_value(const DiffLine& line) {
  return {{"kind", to_string(line.kind)},
          {"rule", line.rule},
          {"at", line.at ? Value(line.at->count()) : Value()},
          {"match", line.match},
          {"remark", line.remark}};
}

Object to_json_value(const CaseResult& result) {
  Array diff;
  for (const auto& line : result.diff) diff.push_back(to_json_value(line));
  const auto& test = *result.test;
  return {{"name", test.name.text},
          {"line", test.name.where.line},
          {"passed", result.passed},
          {"virtual_seconds", seconds(test.end)},
          {"milliseconds", milliseconds(result.took)},
          {"error", result.error},
          {"diff", std::move(diff)},
          {"notes", Array(result.notes.begin(), result.notes.end())}};
}

Object to_json_value(const FileResult& result) {
  Array diagnostics;
  for (const auto& item : result.file.diagnostics.items())
    diagnostics.push_back(cli::to_json_value(item));
  Array cases;
  for (const auto& one : result.cases) cases.push_back(to_json_value(one));
  return {{"file", result.file.file},
          {"ok", !result.file.diagnostics.has_errors()},
          {"diagnostics", std::move(diagnostics)},
          {"cases", std::move(cases)}};
}

}  // namespace

std::string json_report(std::span<const FileResult> files, const TestTotals& totals) {
  Array all;
  for (const auto& file : files) all.push_back(to_json_value(file));
  return to_pretty_json(Object{{"ok", totals.ok()},
                               {"passed", totals.passed},
                               {"failed", totals.failed},
                               {"bad_files", totals.bad_files},
                               {"virtual_seconds", seconds(totals.virtual_time)},
                               {"milliseconds", milliseconds(totals.took)},
                               {"files", std::move(all)}}) +
         "\n";
}

}  // namespace millrace::cli
