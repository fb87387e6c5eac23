// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "event_file.hpp"
#include "millrace/base/clock.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "millrace/event/path.hpp"
#include "millrace/rules/explain.hpp"
#include "millrace/rules/playback.hpp"
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
  void add_waiting(const rules::RuleSet& rule_set, const rules::WaitingExplanation& waiting) {
    const auto look = look_of(Verdict::waits);
    text_ += fmt::format("{} {} waits", coloured(look.sign, look.colour),
                         printable(rule_set.rules[waiting.rule].name));
    if (waiting.left) text_ += fmt::format(", {} left", seconds(*waiting.left));
    text_ += '\n';
    for (const auto& bound : waiting.bound) text_ += as_text(bound);
    for (const auto& test : waiting.tests)
      text_ += fmt::format("    {}  {}: {}\n", printable(test.test), coloured("no", "\x1b[31m"),
                           printable(test.finding));
    for (const auto& group : waiting.groups)
      text_ += fmt::format("    {} {}, {} left\n", to_json(group.values),
                           group.events == 1 ? "1 event" : fmt::format("{} events", group.events),
                           seconds(group.left));
    if (waiting.group_count > waiting.groups.size())
      text_ += fmt::format("    and {} groups more\n", waiting.group_count - waiting.groups.size());
  }
  void add_title(std::string_view title) {
    text_ += fmt::format("{}{}:\n", text_.empty() ? "" : "\n", title);
  }
  const std::string& text() const { return text_; }

 private:
  static std::string seconds(Duration time) {
    return fmt::format("{:.3g} s", std::chrono::duration<double>(time).count());
  }

  static std::string as_text(const rules::WaitingExplanation::Bound& bound) {
    if (bound.events == 0)
      return fmt::format("    {}: none yet with {}\n", bound.binding, printable(bound.condition));
    return fmt::format("    {}: {}, the newest {}\n", bound.binding,
                       bound.events == 1 ? "1 event" : fmt::format("{} events", bound.events),
                       printable(to_json(bound.newest->value())));
  }

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

Object to_json_value(const rules::RuleSet& rule_set, const rules::WaitingExplanation& waiting) {
  const auto seconds = [](Duration time) { return std::chrono::duration<double>(time).count(); };
  Array bound;
  for (const auto& one : waiting.bound) {
    bound.push_back(Object{{"binding", one.binding},
                           {"events", one.events},
                           {"newest", one.newest ? one.newest->value() : Value()},
                           {"condition", one.condition}});
  }
  Array tests;
  for (const auto& test : waiting.tests)
    tests.push_back(Object{{"test", test.test}, {"holds", false}, {"finding", test.finding}});
  Array groups;
  for (const auto& group : waiting.groups)
    groups.push_back(Object{
        {"values", group.values}, {"events", group.events}, {"seconds_left", seconds(group.left)}});
  return {{"rule", rule_set.rules[waiting.rule].name},
          {"bound", std::move(bound)},
          {"tests", std::move(tests)},
          {"seconds_left", waiting.left ? Value(seconds(*waiting.left)) : Value()},
          {"groups", std::move(groups)},
          {"group_count", waiting.group_count}};
}

// What the rule sets know after the events so far.
class Aftermath {
 public:
  // False, told on standard error, if the rules cannot be run.
  bool begin(const rules::Rulebook& rulebook) {
    Diagnostics diagnostics;
    for (const auto& rule_set : rulebook.rule_sets) {
      playbacks_.push_back(rules::Playback::create(rule_set, diagnostics));
      if (playbacks_.back()) continue;
      print_diagnostics(diagnostics, {});
      return false;
    }
    return true;
  }

  // Time goes on with `meta.received_at`, where the events have it.
  Result<> insert(const Value& event) {
    const auto found = find(event, received_at_);
    const auto at =
        found && found->is_string() ? from_iso8601(view(found->get_string())) : std::nullopt;
    if (at && !first_) first_ = at;
    const auto passed = at ? *at - *first_ : std::chrono::microseconds(0);
    for (const auto& playback : playbacks_) {
      // Times that go back, or on for ages, are not believed.
      if (passed < kAges && passed > playback->now())
        static_cast<void>(playback->advance_to(passed));
      if (auto fired = playback->play(Object{{"event", event}}); !fired) return fired.error();
    }
    return {};
  }

  void report(TextReport& text, Array& json) const {
    bool titled = false;
    for (const auto& playback : playbacks_) {
      const Instant now{playback->now()};
      for (const auto& waiting :
           rules::explain_waiting(playback->rules(), playback->session(), now)) {
        if (!std::exchange(titled, true)) text.add_title("after these events");
        text.add_waiting(playback->rules(), waiting);
        auto entry = to_json_value(playback->rules(), waiting);
        entry["rule_set"] = playback->rules().name;
        json.push_back(std::move(entry));
      }
    }
  }

 private:
  static constexpr std::chrono::hours kAges{24 * 365 * 100};
  const Path received_at_ = *Path::parse("meta.received_at");
  std::vector<std::unique_ptr<rules::Playback>> playbacks_;
  std::optional<WallTime> first_;
};

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
  Aftermath aftermath;
  if (!aftermath.begin(loaded->rulebook)) return 1;
  for (const auto& entry : events->entries) {
    const auto event = parse_event(entry, arguments.events);
    if (!event) return print_failure(event.error().message());
    if (auto inserted = aftermath.insert(*event); !inserted)
      return print_failure(inserted.error().message());
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
  Array waiting;
  aftermath.report(report, waiting);
  if (arguments.form == OutputForm::text) return print_result(report.text());
  const Object result{{"events", std::move(all)}, {"waiting", std::move(waiting)}};
  return print_result(to_pretty_json(result) + "\n");
}

}  // namespace millrace::cli
