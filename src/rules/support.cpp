// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

namespace millrace::rules {

std::vector<std::string_view> unsupported_features(const Rule& rule) {
  std::vector<std::string_view> found;
  if (rule.throttle) found.emplace_back("`throttle`");
  if (rule.combine == Rule::Combine::not_all) found.emplace_back("`not_all`");
  if (rule.combine == Rule::Combine::all && rule.conditions.size() > 1)
    found.emplace_back("`all` with several conditions");
  return found;
}

bool is_existential(const Rule& rule) {
  return rule.conditions.size() == 1 &&
         rule.conditions[0].expression.kind == Expression::Kind::not_defined;
}

}  // namespace millrace::rules
