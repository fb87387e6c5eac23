// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "condition_lexer.hpp"
#include "millrace/event/path.hpp"
#include "millrace/event/value.hpp"

namespace millrace::rules {

enum class Operator {
  assign,
  both,
  either,  // `and`, `or`
  in,
  not_in,
  contains,
  not_contains,
  is,
  is_not,
  equal,
  not_equal,
  less,
  greater,
  less_equal,
  greater_equal,
  add,
  subtract,
  multiply,
  divide,
};

/// As it is written: "not in".
std::string_view to_string(Operator op);

/// What was written, before its meaning is checked. A chain of operators that bind equally tight is
/// one node.
struct Syntax {
  enum class Kind {
    string,
    bareword,
    number,
    boolean,
    null,      ///< `value`
    list,      ///< `operands`
    path,      ///< `root`, `path`
    call,      ///< `name`, `operands`, `options`
    negation,  ///< operand 0, `times` negated
    chain,     ///< `operands`, and between them `operators`
  };
  struct Option {
    std::string_view name;
    std::size_t offset = 0;
    bool value = false;
  };

  Kind kind = Kind::null;
  std::size_t offset = 0;
  std::size_t length = 0;
  Value value;
  Root root = Root::event;
  Path path;
  std::string_view name;
  std::size_t times = 1;
  std::vector<Syntax> operands;
  std::vector<Operator> operators;
  std::vector<Option> options;

  std::size_t end() const { return offset + length; }
};

/// The first place where a text leaves the grammar.
struct SyntaxFault {
  std::size_t offset = 0;
  std::size_t length = 1;
  std::string expected;  ///< "a list item"
  std::string found;     ///< as written; empty at the end of the text
  std::string hint;
};

/// Parentheses inside each other, and likewise changes between `and` and `or` in one chain, beyond
/// which a condition is refused: a bound on the stack of everything that walks a condition.
inline constexpr std::size_t kDeepest = 64;

/// Bytes beyond which a condition is refused.
inline constexpr std::size_t kLongest = std::size_t{256} << 10;

/// `condition` must outlive the answer.
std::expected<Syntax, SyntaxFault> parse_syntax(std::string_view condition);

/// NAME of a condition that begins with `events.NAME <<` or `facts.NAME <<`; "" for any other text.
std::string alias_of(std::string_view condition);

/// NAME of `path` if it is one that an assignment can declare.
std::optional<std::string> assignable(Root root, const Path& path);

}  // namespace millrace::rules
