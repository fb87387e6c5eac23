// SPDX-License-Identifier: Apache-2.0
// load_rulebook() gives a rulebook or says what is wrong; both never, neither never.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "millrace/rules/rulebook.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (size > std::size_t{1} << 18) return 0;
  const millrace::Object variables{{"limit", 90}, {"hosts", {"db-1", "db-2"}}, {"name", "x"}};
  millrace::Diagnostics diagnostics;
  const auto rulebook =
      millrace::rules::load_rulebook(text, "fuzz.yml", {.variables = &variables}, diagnostics);
  if (rulebook.has_value() == diagnostics.has_errors()) std::abort();
  for (const auto& fault : diagnostics.items()) {
    if (fault.message.empty()) std::abort();
    millrace::render(fault, text, millrace::Colour::off);
  }
  if (!rulebook) return 0;
  for (const auto& rule_set : rulebook->rule_sets) {
    for (const auto& rule : rule_set.rules) {
      for (std::size_t i = 0; i < rule.conditions.size(); ++i) {
        static_cast<void>(rule.binding(i));
      }
    }
  }
  return 0;
}
