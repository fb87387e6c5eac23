// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "rule_test_report.hpp"

namespace millrace::cli {
namespace {

constexpr std::size_t kContext = 3;            // firings around a difference
constexpr std::size_t kMostDifferences = 100;  // of a case
constexpr std::size_t kWidestRule = 40;        // of the column of rules
constexpr std::size_t kWidestMatch = 200;      // bytes; JSON has all

constexpr std::string_view kGreen = "\x1b[32m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kYellow = "\x1b[33m";

std::string coloured(std::string_view text, std::string_view colour, Colour wanted) {
  return wanted == Colour::on ? fmt::format("{}{}\x1b[0m", colour, text) : std::string(text);
}

std::string one_line(std::string_view text) {
  auto line = printable(text);
  std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return line;
}

std::string padded(std::string text, std::size_t width) {
  text.append(width - std::min(columns(text), width), ' ');
  return text;
}

// "m_0={...}  m_1={...}"
std::string bindings_text(const Object& match) {
  std::string text;
  for (const auto& entry : match) {
    text += fmt::format("{}{}={}", text.empty() ? "" : "  ", std::string_view(entry.key()),
                        to_json(entry.value()));
  }
  if (text.size() <= kWidestMatch) return one_line(text);
  auto end = kWidestMatch;
  while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return one_line(text.substr(0, end)) + "…";
}

class DiffText {
 public:
  DiffText(const std::vector<DiffLine>& lines, Colour colour) : lines_(lines), colour_(colour) {}

  std::string write() {
    choose_lines();
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      if (!shown_[i]) continue;
      time_width_ = std::max(time_width_, time_of(lines_[i]).size());
      if (lines_[i].match.empty()) continue;
      rule_width_ = std::max(rule_width_, std::min(columns(lines_[i].rule), kWidestRule));
    }
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      if (shown_[i])
        add(lines_[i]);
      else
        left_out(lines_[i]);
    }
    add_left_out();
    return std::move(text_);
  }

 private:
  // Differences, up to a bound, and what surrounds them.
  void choose_lines() {
    shown_.assign(lines_.size(), false);
    std::size_t differences = 0;
    for (std::size_t i = 0; i < lines_.size() && differences < kMostDifferences; ++i) {
      if (lines_[i].kind == DiffLine::Kind::as_expected) continue;
      ++differences;
      const auto first = i - std::min(i, kContext);
      const auto end = std::min(i + kContext + 1, lines_.size());
      for (auto near = first; near < end; ++near)
        shown_[near] =
            shown_[near] || near == i || lines_[near].kind == DiffLine::Kind::as_expected;
    }
  }

  static std::string time_of(const DiffLine& line) { return line.at ? to_text(*line.at) : ""; }

  void add(const DiffLine& line) {
    add_left_out();
    const bool missing = line.kind == DiffLine::Kind::missing;
    const bool common = line.kind == DiffLine::Kind::as_expected;
    auto text = fmt::format("{} {}  {}", common ? ' ' : (missing ? '-' : '+'),
                            padded(time_of(line), time_width_),
                            padded(one_line(line.rule), line.match.empty() ? 0 : rule_width_));
    if (!line.match.empty()) text += "  " + bindings_text(line.match);
    if (!common) text = coloured(text, missing ? kRed : kGreen, colour_);
    text_ += fmt::format("    {}\n", text);
    if (!line.remark.empty())
      text_ += fmt::format("        {}\n", coloured(one_line(line.remark), kYellow, colour_));
  }

  void left_out(const DiffLine& line) {
    ++(line.kind == DiffLine::Kind::as_expected ? common_ : different_);
  }

  void add_left_out() {
    if (different_ > 0)
      text_ += fmt::format("      … {} more differences\n", different_);
    else if (common_ > 0)
      text_ += fmt::format("      … {} as expected\n", common_);
    common_ = different_ = 0;
  }

  const std::vector<DiffLine>& lines_;
  const Colour colour_;
  std::vector<bool> shown_;
  std::size_t time_width_ = 0;
  std::size_t rule_width_ = 0;
  std::size_t common_ = 0;  // left out since the last line
  std::size_t different_ = 0;
  std::string text_;
};

std::string case_text(const CaseResult& result, Colour colour) {
  const auto& name = result.test->name;
  if (result.passed)
    return fmt::format("{} {}\n", coloured("✓", kGreen, colour), one_line(name.text));
  return fmt::format("{} {} ({}:{})\n{}", coloured("✗", kRed, colour), one_line(name.text),
                     name.where.file, name.where.line, failure_text(result, colour));
}

std::string totals_text(const TestTotals& totals) {
  const auto milliseconds = std::chrono::duration<double, std::milli>(totals.took).count();
  const auto bad = totals.bad_files == 0 ? std::string()
                                         : fmt::format(", {} bad file{}", totals.bad_files,
                                                       totals.bad_files == 1 ? "" : "s");
  return fmt::format("{} passed, {} failed{} (virtual time {} in {:.{}f} ms)\n", totals.passed,
                     totals.failed, bad, to_text(totals.virtual_time), milliseconds,
                     milliseconds < 10 ? 1 : 0);
}

}  // namespace

std::string failure_text(const CaseResult& result, Colour colour) {
  std::string text;
  if (!result.error.empty()) text += fmt::format("    {}\n", printable(result.error));
  text += DiffText(result.diff, colour).write();
  for (const auto& note : result.notes) text += fmt::format("    note: {}\n", one_line(note));
  return text;
}

std::string text_report(std::span<const FileResult> files, const TestTotals& totals,
                        Colour colour) {
  std::string text;
  for (const auto& [file, cases] : files) {
    if (cases.empty()) continue;
    if (files.size() > 1) text += fmt::format("{}{}\n", text.empty() ? "" : "\n", file.file);
    for (const auto& result : cases) text += case_text(result, colour);
  }
  return text + (text.empty() ? "" : "\n") + totals_text(totals);
}

}  // namespace millrace::cli
