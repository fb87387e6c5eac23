// SPDX-License-Identifier: Apache-2.0
// What the tests of conditions share.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "millrace/rules/condition.hpp"

namespace millrace::rules {

/// One condition, parsed as if it began at line 7, column 16 of rules.yml.
struct ParsedCondition {
  std::optional<Condition> condition;
  Diagnostics diagnostics;

  /// "((a or b) and c)", or the first error.
  std::string text() const { return condition ? to_text(condition->expression) : faults(); }
  /// "column severity code", one a line, for every diagnostic.
  std::string faults() const {
    std::string out;
    for (const auto& item : diagnostics.items()) {
      out += fmt::format("{}{} {} {}", out.empty() ? "" : "; ", item.where.column - 15,
                         item.severity == Severity::error ? "error" : "warning", item.code);
    }
    return out;
  }
  const Diagnostic& first() const {
    static const Diagnostic kNone;
    return diagnostics.empty() ? kNone : diagnostics.items()[0];
  }
};

inline ParsedCondition parsed(std::string_view text, const ConditionScope& scope = {}) {
  ParsedCondition result;
  result.condition = parse_condition(text, Location{"rules.yml", 7, 16}, scope, result.diagnostics);
  return result;
}

}  // namespace millrace::rules
