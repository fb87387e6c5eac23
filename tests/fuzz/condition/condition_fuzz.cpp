// SPDX-License-Identifier: Apache-2.0
// parse_condition() gives a condition or says what is wrong, inside the text; every condition can
// be written out. The parser reads what is short enough as the written grammar does.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "millrace/rules/condition.hpp"
#include "millrace/rules/testing/grammar_comparison.hpp"

namespace {

void check(std::string_view text, const millrace::rules::ConditionScope& scope) {
  millrace::Diagnostics diagnostics;
  const auto condition = millrace::rules::parse_condition(
      text, {.file = "fuzz.yml", .line = 1, .column = 1}, scope, diagnostics);
  if (condition.has_value() == diagnostics.has_errors()) std::abort();
  for (const auto& fault : diagnostics.items()) {
    if (fault.message.empty()) std::abort();
    millrace::render(fault, text, millrace::Colour::off);
  }
  if (condition) millrace::rules::to_text(condition->expression);
}

void compare_with_grammar(std::string_view text) {
  static const millrace::rules::testing::GrammarComparison kComparison;
  const auto difference = kComparison.difference(text);
  if (difference.empty()) return;
  std::fputs(difference.c_str(), stderr);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const millrace::Object variables{{"limit", 90}, {"hosts", {"db-1", "db-2"}}, {"name", "x"}};
  const std::array<std::string, 3> bindings{"m_0", "first", "m_2"};
  check(text, {.variables = &variables});
  check(text, {.variables = &variables, .bindings = bindings, .position = 2});
  compare_with_grammar(text);
  return 0;
}
