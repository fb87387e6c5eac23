// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chrono>

#include "millrace/base/text.hpp"
#include "report.hpp"
#include "rule_test_report.hpp"

namespace millrace::cli {
namespace {

// For content and for attributes, where a bare line end would be read as a blank. XML has no way to
// write most control characters, nor the last two of the basic plane.
std::string xml_text(std::string_view text) {
  constexpr std::string_view kNoCharacters = "\xEF\xBF";
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      case '\t':
        out += "&#9;";
        break;
      default:
        const bool forbidden = (c == '\xBE' || c == '\xBF') && out.ends_with(kNoCharacters);
        out += forbidden ? '\xBD' : c;
    }
  }
  return out;
}

std::string seconds(Duration time) {
  return fmt::format("{:.6f}", std::chrono::duration<double>(time).count());
}

std::string case_head(const TestFile& file, std::string_view name, std::size_t line,
                      Duration took) {
  return fmt::format(
      "    <testcase classname=\"{0}\" name=\"{1}\" file=\"{0}\" line=\"{2}\" time=\"{3}\"",
      xml_text(file.file), xml_text(name), line, seconds(took));
}

std::string case_element(const TestFile& file, const CaseResult& result) {
  const auto& name = result.test->name;
  const auto head = case_head(file, name.text, name.where.line, result.took);
  if (result.passed) return head + "/>\n";
  return fmt::format("{}>\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n", head,
                     xml_text(result.error.empty() ? "other firings than expected" : result.error),
                     xml_text(failure_text(result, Colour::off)));
}

std::string bad_file_element(const TestFile& file) {
  return fmt::format("{}>\n      <error message=\"the file is bad\">{}</error>\n    </testcase>\n",
                     case_head(file, "(reading the file)", 1, {}),
                     xml_text(render(file.diagnostics, file.texts, Colour::off)));
}

std::string suite(const FileResult& result) {
  const bool bad = result.file.diagnostics.has_errors();
  std::string content = bad ? bad_file_element(result.file) : "";
  std::size_t failed = 0;
  Duration took{};
  for (const auto& one : result.cases) {
    content += case_element(result.file, one);
    if (!one.passed) ++failed;
    took += one.took;
  }
  return fmt::format(
      "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{}\">\n"
      "{}  </testsuite>\n",
      xml_text(result.file.file), result.cases.size() + (bad ? 1 : 0), failed, bad ? 1 : 0,
      seconds(took), content);
}

}  // namespace

std::string junit_report(std::span<const FileResult> files, const TestTotals& totals) {
  std::string suites;
  for (const auto& file : files) suites += suite(file);
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites name=\"millrace test\" tests=\"{}\" failures=\"{}\" errors=\"{}\" "
      "time=\"{}\">\n{}</testsuites>\n",
      totals.passed + totals.failed + totals.bad_files, totals.failed, totals.bad_files,
      seconds(totals.took), suites);
}

}  // namespace millrace::cli
