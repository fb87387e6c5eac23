// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

namespace millrace::rules {

bool is_existential(const Rule& rule) {
  return rule.conditions.size() == 1 &&
         rule.conditions[0].expression.kind == Expression::Kind::not_defined;
}

bool never_fires(const Rule& rule) {
  return rule.combine == Rule::Combine::not_all && rule.conditions.size() == 1;
}

bool wants_several(const Rule& rule) {
  return rule.conditions.size() > 1 &&
         (rule.combine == Rule::Combine::all || rule.combine == Rule::Combine::not_all);
}

}  // namespace millrace::rules
