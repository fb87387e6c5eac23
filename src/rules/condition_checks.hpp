// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "condition_operands.hpp"
#include "condition_tests.hpp"

namespace millrace::rules {

/// Turns what was written into what it means, and reports everything that means nothing.
class Checker {
 public:
  Checker(const ConditionScope& scope, Reporter& report)
      : scope_(scope), report_(report), operands_(scope, report), tests_(operands_, report) {}

  struct Checked {
    std::string alias;
    Expression expression;
  };
  /// A whole condition. Nothing where an error was reported.
  std::optional<Checked> condition(const Syntax& syntax);

 private:
  std::optional<std::string> alias(const Syntax& assignment);
  std::optional<Expression> test(const Syntax& syntax);
  std::optional<Expression> chain(const Syntax& syntax);
  std::optional<Expression> logic(const Syntax& chain);
  std::optional<Expression> negation(const Syntax& syntax);
  std::optional<Expression> comparison(const Syntax& chain);
  std::optional<Expression> value_as_test(const Syntax& syntax);

  const ConditionScope& scope_;
  Reporter& report_;
  Operands operands_;
  Tests tests_;
  std::size_t depth_ = 0;
};

/// parse_condition() for a text whose every byte has a known place.
std::optional<Condition> parse_condition_at(std::string_view text, const Places& places,
                                            const ConditionScope& scope, Diagnostics& diagnostics);

}  // namespace millrace::rules
