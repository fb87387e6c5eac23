// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "event_file.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "millrace/rules/explain.hpp"
#include "report.hpp"

namespace millrace::cli {
namespace {

using rules::RuleExplanation;
using Verdict = RuleExplanation::Verdict;

constexpr std::size_t kWidestTest = 60;  // of the column of tests

// What each verdict looks like: sign and colour.
struct Look {
  std::string_view sign;
  std::string_view colour;
};

Look look_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::matched:
      return {"✓", "\x1b[32m"};
    case Verdict::not_matched:
      return {"✗", "\x1b[31m"};
    default:
      return {"-", "\x1b[33m"};
  }
}

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::matched:
      return "matched";
    case Verdict::not_matched:
      return "not_matched";
    case Verdict::disabled:
      return "disabled";
    case Verdict::waits:
      return "waits";
    case Verdict::absence:
      return "absence";
  }
  return "";
}

class TextReport {
 public:
  explicit TextReport(Colour colour) : colour_(colour) {}

  void add_rule_set(const rules::RuleSet& rule_set, const std::vector<RuleExplanation>& rules) {
    text_ += fmt::format("{}\n", rule_set.name);
    const auto first = std::ranges::find_if(rules, &RuleExplanation::reported);
    for (const auto& rule : rules) {
      const auto& before = first == rules.end() ? rule : *first;
      add_rule(rule_set.rules[rule.rule].name, rule, rule_set.rules[before.rule].name);
    }
  }
  void add_title(std::string_view title) {
    text_ += fmt::format("{}{}:\n", text_.empty() ? "" : "\n", title);
  }
  const std::string& text() const { return text_; }

 private:
  std::string coloured(std::string_view text, std::string_view colour) const {
    return colour_ == Colour::on ? fmt::format("{}{}\x1b[0m", colour, text) : std::string(text);
  }

  void add_rule(const std::string& name, const RuleExplanation& rule, const std::string& first) {
    const auto look = look_of(rule.verdict);
    text_ += fmt::format("{} {}", coloured(look.sign, look.colour), printable(name));
    if (rule.verdict == Verdict::disabled) text_ += ": disabled";
    if (!rule.note.empty()) text_ += ": " + rule.note;
    if (rule.verdict == Verdict::matched && !rule.reported)
      text_ += fmt::format(": does not run, `{}` comes first and this rule set runs one rule",
                           printable(first));
    text_ += '\n';
    add_tests(rule, look.colour);
  }

  void add_tests(const RuleExplanation& rule, std::string_view colour) {
    std::size_t width = 0;
    for (const auto& test : rule.tests)
      width = std::max(width, std::min(columns(test.test), kWidestTest));
    for (const auto& test : rule.tests) {
      const auto padding = width - std::min(columns(test.test), width);
      text_ += fmt::format("    {}{}  {}", printable(test.test), std::string(padding, ' '),
                           coloured(test.holds ? "yes" : "no", colour));
      if (!test.finding.empty()) text_ += ": " + printable(test.finding);
      text_ += '\n';
    }
  }

  const Colour colour_;
  std::string text_;
};

Object to_json_value(const std::string& name, const RuleExplanation& rule) {
  Array tests;
  for (const auto& test : rule.tests)
    tests.push_back(Object{{"test", test.test}, {"holds", test.holds}, {"finding", test.finding}});
  return {{"rule", name},
          {"verdict", to_string(rule.verdict)},
          {"runs", rule.reported},
          {"note", rule.note},
          {"tests", std::move(tests)}};
}

Value to_json_value(const rules::RuleSet& rule_set, const std::vector<RuleExplanation>& rules) {
  Array all;
  for (const auto& rule : rules) all.push_back(to_json_value(rule_set.rules[rule.rule].name, rule));
  return Object{{"rule_set", rule_set.name},
                {"match_multiple_rules", rule_set.match_multiple_rules},
                {"rules", std::move(all)}};
}

Result<Value> parse_event(const EventFile::Entry& entry, const std::string& file) {
  auto value = parse_json(entry.text);
  if (!value)
    return fail(Errc::invalid_event, "{}:{}: {}", file, entry.line, value.error().message());
  if (!value->is_object())
    return fail(Errc::invalid_event, "{}:{}: an event must be a JSON object", file, entry.line);
  return value;
}

}  // namespace

int explain(const ExplainArguments& arguments) {
  const auto loaded = load_or_tell(arguments.rulebook, arguments.variables);
  if (!loaded) return 1;
  const auto events = read_events(arguments.events);
  if (!events) return print_failure(events.error().message());

  TextReport report(::isatty(STDOUT_FILENO) == 1 ? Colour::on : Colour::off);
  Array all;
  for (const auto& entry : events->entries) {
    const auto event = parse_event(entry, arguments.events);
    if (!event) return print_failure(event.error().message());
    if (events->entries.size() > 1)
      report.add_title(fmt::format("{}:{}", arguments.events, entry.line));
    Array rule_sets;
    for (const auto& rule_set : loaded->rulebook.rule_sets) {
      const auto rules = rules::explain(rule_set, *event);
      report.add_rule_set(rule_set, rules);
      rule_sets.push_back(to_json_value(rule_set, rules));
    }
    all.push_back(Object{{"line", entry.line}, {"rule_sets", std::move(rule_sets)}});
  }
  if (arguments.form == OutputForm::text) return print_result(report.text());
  return print_result(to_pretty_json(Object{{"events", std::move(all)}}) + "\n");
}

}  // namespace millrace::cli
