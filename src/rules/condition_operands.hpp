// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "condition_parser.hpp"
#include "condition_places.hpp"
#include "millrace/base/diagnostic.hpp"
#include "millrace/rules/condition.hpp"

namespace millrace::rules {

/// Puts faults of one condition into the diagnostics, at their places, and remembers whether there
/// was an error.
class Reporter {
 public:
  Reporter(std::string_view text, const Places& places, Diagnostics& diagnostics)
      : text_(text), places_(places), diagnostics_(diagnostics) {}

  /// Nothing, for `return report.error(…)`.
  std::nullopt_t error(std::string_view code, const Syntax& at, std::string message,
                       std::string hint = {});
  void warning(std::string_view code, const Syntax& at, std::string message, std::string hint = {});
  /// The text does not follow the grammar.
  void syntax_error(const SyntaxFault& fault);

  std::string_view snippet(const Syntax& syntax) const {
    return text_.substr(syntax.offset, syntax.length);
  }
  bool failed() const { return failed_; }

 private:
  std::string_view text_;
  const Places& places_;
  Diagnostics& diagnostics_;
  bool failed_ = false;
};

/// Makes operands of what was written: literals, paths, sums. Nothing where an error was reported.
class Operands {
 public:
  Operands(const ConditionScope& scope, Reporter& report) : scope_(scope), report_(report) {}

  std::optional<Expression> value(const Syntax& syntax);
  /// A literal string, given in quotes or by a variable; `what` names it in the message.
  std::optional<std::string> string(const Syntax& syntax, std::string_view what);

  /// Reports two operands of which neither belongs to the event under test although one of each is
  /// bound elsewhere.
  bool check_owners(const Syntax& whole, const Expression& left, const Expression& right);

 private:
  std::optional<Expression> string_literal(const Syntax& syntax);
  std::optional<Expression> bareword(const Syntax& syntax);
  std::optional<Expression> list(const Syntax& syntax);
  std::optional<Expression> path(const Syntax& syntax);
  std::optional<Expression> variable(const Syntax& syntax);
  std::optional<Expression> sum(const Syntax& chain);
  std::optional<Expression> fold(const Syntax& chain);
  void warn_of_operand(const Syntax& written, const Expression& operand, Operator op);
  std::optional<std::string> render(std::string_view text, const Syntax& at);
  void bind(const Syntax& syntax, Expression& expression);
  void warn_of_unbound(const Syntax& syntax, std::string_view name);

  const ConditionScope& scope_;
  Reporter& report_;
  std::size_t depth_ = 0;  // operators of the sums around
};

/// A node that covers what was written.
Expression node(Expression::Kind kind, const Syntax& syntax);

}  // namespace millrace::rules
