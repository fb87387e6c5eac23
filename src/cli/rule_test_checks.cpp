// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "millrace/base/text.hpp"
#include "rule_tests.hpp"

namespace millrace::cli {
namespace {

constexpr std::size_t kMostNames = 8;  // in a hint

bool names(const std::vector<LocatedText>& list, std::string_view rule) {
  return std::ranges::find(list, rule, &LocatedText::text) != list.end();
}

std::string hint_for(std::string_view name, std::string_view what,
                     const std::vector<std::string>& known) {
  auto hint = did_you_mean(name, known);
  if (!hint.empty()) return hint;
  const auto shown = std::span(known).first(std::min(known.size(), kMostNames));
  return fmt::format("{}: {}{}", what, fmt::join(shown, ", "),
                     known.size() > kMostNames ? ", ..." : "");
}

// What is reported at the end of once_after is one event of each group.
bool is_of_a_group(const rules::Rule& rule, std::string_view binding) {
  if (!rule.throttle || rule.throttle->kind != rules::Throttle::Kind::once_after) return false;
  if (binding == "m") return true;
  return binding.starts_with("m_") && binding.size() > 2 &&
         binding.find_first_not_of("0123456789", 2) == std::string_view::npos;
}

class Check {
 public:
  Check(const TestCase& test, Diagnostics& diagnostics) : test_(test), diagnostics_(diagnostics) {}

  void run() {
    for (const auto& expected : test_.expected) check_expected(expected);
    for (const auto& name : test_.never) find_rule(name);
    if (!test_.only) return;
    for (const auto& name : *test_.only) find_rule(name);
  }

 private:
  const rules::Rule* find_rule(const LocatedText& name) {
    const auto& rules = test_.rules->rules;
    const auto found = std::ranges::find(rules, name.text, &rules::Rule::name);
    if (found != rules.end()) return &*found;
    if (name.text.empty()) return nullptr;  // told when it was read
    std::vector<std::string> known;
    known.reserve(rules.size());
    for (const auto& rule : rules) known.push_back(rule.name);
    diagnostics_.error("unknown-rule", name.where,
                       fmt::format("rule set `{}` has no rule `{}`", test_.rules->name, name.text),
                       hint_for(name.text, "its rules", known));
    return nullptr;
  }

  void check_expected(const ExpectedFiring& expected) {
    const auto* rule = find_rule(expected.rule);
    if (rule == nullptr) return;
    const auto& [name, where] = expected.rule;
    if (names(test_.never, name)) {
      diagnostics_.error("contradiction", where,
                         fmt::format("`{}` is expected, and listed under `not`", name));
    } else if (!test_.compares(name)) {
      diagnostics_.error("contradiction", where,
                         fmt::format("`{}` is expected, and not listed under `only`", name));
    } else if (!rule->enabled) {
      diagnostics_.error("disabled-rule", where,
                         fmt::format("`{}` is disabled and never fires", name));
    }
    check_bindings(*rule, expected);
  }

  void check_bindings(const rules::Rule& rule, const ExpectedFiring& expected) {
    std::vector<std::string> known;
    known.reserve(rule.conditions.size());
    for (std::size_t i = 0; i < rule.conditions.size(); ++i) known.push_back(rule.binding(i));
    for (const auto& entry : expected.match) {
      const std::string name(entry.key());
      if (std::ranges::find(known, name) != known.end() || is_of_a_group(rule, name)) continue;
      diagnostics_.error("unknown-binding", expected.match_where,
                         fmt::format("rule `{}` binds no event to `{}`", rule.name, name),
                         hint_for(name, "it binds", known));
    }
  }

  const TestCase& test_;
  Diagnostics& diagnostics_;
};

}  // namespace

bool TestCase::compares(std::string_view rule) const {
  if (names(never, rule)) return true;
  return expects && (!only || names(*only, rule));
}

void check_expectations(const TestCase& test, Diagnostics& diagnostics) {
  Check(test, diagnostics).run();
}

}  // namespace millrace::cli
