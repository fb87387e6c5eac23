// SPDX-License-Identifier: Apache-2.0
#include "rule_set_choice.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "report.hpp"

namespace millrace::cli {

Result<const rules::RuleSet*> choose_rule_set(const rules::Rulebook& rulebook,
                                              std::string_view name) {
  std::vector<std::string> names;
  for (const auto& rule_set : rulebook.rule_sets) {
    if (rule_set.name == name) return &rule_set;
    names.push_back(rule_set.name);
  }
  if (!name.empty()) {
    return fail(Errc::not_found, "{} has no rule set `{}`{}", rulebook.file, name,
                near_miss(name, names));
  }
  if (names.size() == 1) return &rulebook.rule_sets.front();
  return fail(Errc::not_found, "{} has {} rule sets, say --ruleset with one of: {}", rulebook.file,
              names.size(), fmt::join(names, ", "));
}

}  // namespace millrace::cli
