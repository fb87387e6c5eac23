// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/base/diagnostic.hpp"
#include "millrace/base/regex.hpp"
#include "millrace/base/result.hpp"
#include "millrace/event/path.hpp"
#include "millrace/event/value.hpp"

namespace millrace::rules {

/// A node of a parsed condition. Operators that differ only in the order of their operands are one
/// here: `a in b` is contains(b, a), `a not in b` is not_contains(b, a).
struct Expression {
  enum class Kind {
    literal,  ///< `value`; also a resolved `vars.` path, and a list of literals
    path,  ///< `path`, of the event under test or, with `binding`, of an event bound by an earlier
           ///< condition
    add,
    subtract,  ///< operands 0 and 1
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    contains,
    not_contains,  ///< operand 0: the list; operand 1: the item
    defined,
    not_defined,  ///< operand 0: a path
    matches,
    not_matches,  ///< operand 0: the subject; operand 1: the pattern, a string or a path;
                  ///< `regex_options`
    select,
    not_select,  ///< operand 0: the list; `op`, operand 1: the right side
    selectattr,
    not_selectattr,  ///< as select, with `key`; its pattern operators are all `search`
    truth,           ///< operand 0: a path alone, true when it is boolean true
    negate,          ///< `not` operand 0; `not not x` has become one negate
    all,
    any,  ///< `and`, `or`: two operands or more, left to right
  };
  enum class SelectOp {
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    match,
    search,
    regex,
    in,
    not_in,
    contains,
    not_contains
  };

  Kind kind = Kind::literal;
  std::size_t offset = 0;  ///< bytes into the condition's text
  std::size_t length = 0;
  Value value;
  Path path;
  std::optional<std::size_t>
      binding;  ///< position of the earlier condition that the path belongs to
  std::vector<Expression> operands;
  Regex::Options regex_options;
  SelectOp select_op = SelectOp::equal;
  std::string key;  ///< of selectattr: dotted path of the attribute
};

/// The first path in it that belongs to an event bound by another condition; null: there is none.
const Expression* find_bound_path(const Expression& expression);

class Places;

/// One condition of a rule, checked: every pattern compiles, every operand is of a kind that its
/// operator takes.
struct Condition {
  std::string text;   ///< as written
  Location where;     ///< of the text's first character in the rulebook
  std::string alias;  ///< of `events.alias << …`, else empty
  Expression expression;
  std::shared_ptr<const Places> places;  ///< of every byte of the text; shared by copies

  /// Where a part of the text stands in the rulebook.
  Location at(const Expression& part) const;
};

/// What a condition may refer to besides the event.
struct ConditionScope {
  const Object* variables = nullptr;  ///< `vars.…`; null: none
  /// Renders a string literal that holds `{{ … }}`; empty: such a literal is an error.
  std::function<Result<std::string>(std::string_view)> render;
  /// Names of the bindings of the rule's conditions in order (m_0, alias, …); empty for a rule with
  /// one plain condition.
  std::span<const std::string> bindings;
  std::size_t position = 0;  ///< of this condition among them
};

/// Parses and checks one condition: all that can be known before an event comes. Faults go to
/// `diagnostics`, located in the rulebook; nothing is returned if there was an error.
std::optional<Condition> parse_condition(std::string_view text, const Location& where,
                                         const ConditionScope& scope, Diagnostics& diagnostics);

/// The expression written out with every parenthesis that the reading implies: "((a or b) and c)".
/// Paths of other bindings are named after `bindings`, where given, else m_0, m_1…
std::string to_text(const Expression& expression, std::span<const std::string> bindings = {});

}  // namespace millrace::rules
