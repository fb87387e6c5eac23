// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "condition_operands.hpp"

namespace millrace::rules {

/// Checks what stands around `is` and `is not`: defined, regular expressions, select, selectattr.
class Tests {
 public:
  Tests(Operands& operands, Reporter& report) : operands_(operands), report_(report) {}

  /// `chain`: a chain of `is` and `is not`. Nothing where an error was reported.
  std::optional<Expression> test(const Syntax& chain);

 private:
  std::optional<Expression> defined(const Syntax& chain);
  std::optional<Expression> no_test(const Syntax& chain);
  std::optional<Expression> regex(const Syntax& chain);
  std::optional<Expression> pattern(const Syntax& written, const Expression& subject,
                                    Regex::Options options);
  std::optional<Regex::Options> options(const Syntax& call);
  bool compiles(const Syntax& at, std::string_view pattern, Regex::Options options);
  std::optional<Expression> select(const Syntax& chain);
  std::optional<Expression::SelectOp> op(const Syntax& call);
  bool check_select_value(const Syntax& call, const Expression& value, Expression::SelectOp op);

  Operands& operands_;
  Reporter& report_;
};

}  // namespace millrace::rules
