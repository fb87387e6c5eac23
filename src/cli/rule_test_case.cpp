// SPDX-License-Identifier: Apache-2.0
#include "rule_test_case.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace millrace::cli {
namespace {

constexpr std::array<std::string_view, 3> kCommands = {"event", "fact", "retract_fact"};

class CaseReader {
 public:
  CaseReader(const YamlNode& node, Diagnostics& diagnostics)
      : diagnostics_(diagnostics), fields_(node, "a case", diagnostics), where_(node.where) {}

  TestCase read() {
    if (auto name = fields_.get_text("name", "say what the case shows: name: ..."))
      test_.name = std::move(*name);
    fields_.find("vars");
    const auto* events = fields_.get_list("events", "list what happens; nothing: events: []");
    if (events != nullptr) {
      for (const auto& item : *events) read_step(item);
    }
    read_end();
    read_expectations();
    fields_.finish();
    return std::move(test_);
  }

 private:
  void read_step(const YamlNode& node) {
    if (!node.is_mapping()) {
      return report_wrong_type(diagnostics_, node, "an item of `events`", "a mapping",
                               "write - event: {...}, with at: \"5 seconds\" if it comes later");
    }
    Fields fields(node, "an item of `events`", diagnostics_);
    const auto at = fields.find_time("at");
    if (at && *at < test_.end) {
      diagnostics_.error("time-goes-back", fields.find("at")->where,
                         fmt::format("{} is earlier than the item before, which is at {}",
                                     to_text(*at), to_text(test_.end)),
                         "`at` counts from the start of the case; list events in their order");
    }
    test_.end = std::max(test_.end, at.value_or(test_.end));
    Object command = read_command(fields, node);
    fields.finish();
    test_.steps.push_back({test_.end, std::move(command), node.where});
  }

  Object read_command(Fields& fields, const YamlNode& node) {
    Object command;
    for (const auto key : kCommands) {
      const auto* argument = fields.find(key);
      if (argument == nullptr) continue;
      if (!argument->is_mapping())
        report_wrong_type(diagnostics_, *argument, fmt::format("`{}`", key), "a mapping");
      command[key] = to_value(*argument);
    }
    if (command.size() != 1) {
      diagnostics_.error("one-thing-at-a-time", node.where,
                         fmt::format("an item of `events` has {} of `event`, `fact` and "
                                     "`retract_fact`; it must be one",
                                     command.empty() ? "none" : "several"),
                         "write - event: {...}");
    }
    if (const auto* partial = fields.find("partial")) {
      if (!command.contains("retract_fact"))
        diagnostics_.error("unknown-key", partial->where, "`partial` belongs to `retract_fact`");
      command["partial"] = fields.find_boolean("partial", true);
    }
    return command;
  }

  void read_end() {
    const auto until = fields_.find_time("until");
    if (!until) return;
    has_end_ = true;
    if (*until < test_.end) {
      diagnostics_.error("time-goes-back", fields_.find("until")->where,
                         fmt::format("the case ends at {}, before its last event at {}",
                                     to_text(*until), to_text(test_.end)),
                         "`until` counts from the start of the case");
    }
    test_.end = std::max(test_.end, *until);
  }

  void read_expectations() {
    const auto* expected = fields_.find_list("expect");
    test_.expects = expected != nullptr;
    if (expected != nullptr) {
      for (const auto& item : *expected) read_expected(item);
    }
    test_.only = fields_.find_texts("only");
    if (auto never = fields_.find_texts("not")) test_.never = std::move(*never);
    if (fields_.find("expect") == nullptr && test_.never.empty()) {
      diagnostics_.error("nothing-expected", where_, "a case has neither `expect` nor `not`",
                         "that nothing fires is written expect: []");
    } else if (test_.only && fields_.find("expect") == nullptr) {
      diagnostics_.error("nothing-expected", fields_.find("only")->where,
                         "`only` says which rules `expect` is about, and there is no `expect`",
                         "rules that must not fire are listed under not:");
    }
  }

  void read_expected(const YamlNode& node) {
    ExpectedFiring expected;
    if (node.is_string()) {
      expected.rule = {node.text, node.where};
    } else if (node.is_mapping()) {
      Fields fields(node, "an item of `expect`", diagnostics_);
      if (auto rule = fields.get_text("rule", "name the rule that fires: rule: ..."))
        expected.rule = std::move(*rule);
      expected.at = fields.find_time("at");
      if (expected.at) check_time(*expected.at, fields.find("at")->where);
      if (const auto* match = fields.find("match")) read_match(*match, expected);
      fields.finish();
    } else {
      return report_wrong_type(diagnostics_, node, "an item of `expect`",
                               "the name of a rule or a mapping", "write - rule: ...");
    }
    test_.expected.push_back(std::move(expected));
  }

  // Firings come in order of time; without an `until`, time moves on to the last one.
  void check_time(TestTime at, const Location& where) {
    if (at < last_expected_) {
      diagnostics_.error("time-goes-back", where,
                         fmt::format("{} is earlier than the firing expected before, at {}",
                                     to_text(at), to_text(last_expected_)),
                         "firings come in the order of time: list them so");
    }
    if (has_end_ && at > test_.end) {
      diagnostics_.error("after-the-end", where,
                         fmt::format("{} is after the end of the case, which is at {}", to_text(at),
                                     to_text(test_.end)),
                         "a later `until` moves the end");
    }
    last_expected_ = std::max(at, last_expected_);
    test_.end = std::max(at, test_.end);
  }

  void read_match(const YamlNode& node, ExpectedFiring& expected) {
    const auto hint = "name the binding, then what its event has: match: {m: {...}}";
    if (!node.is_mapping())
      return report_wrong_type(diagnostics_, node, "`match`", "a mapping", hint);
    for (const auto& [binding, event] : node.entries) {
      if (!event.is_mapping()) {
        report_wrong_type(diagnostics_, event, fmt::format("`{}` in `match`", binding.text),
                          "a mapping", hint);
      }
    }
    expected.match = to_value(node).as_object();
    expected.match_where = node.where;
  }

  Diagnostics& diagnostics_;
  Fields fields_;
  const Location where_;
  bool has_end_ = false;
  TestTime last_expected_{};
  TestCase test_;
};

}  // namespace

TestCase read_test_case(const YamlNode& node, Diagnostics& diagnostics) {
  return CaseReader(node, diagnostics).read();
}

}  // namespace millrace::cli
