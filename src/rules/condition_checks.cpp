// SPDX-License-Identifier: Apache-2.0
#include "condition_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace millrace::rules {
namespace {

using Kind = Expression::Kind;

std::size_t changes_of_operator(const Syntax& chain) {
  std::size_t changes = 0;
  for (std::size_t i = 1; i < chain.operators.size(); ++i) {
    if (chain.operators[i] != chain.operators[i - 1]) ++changes;
  }
  return changes;
}

// Adds `next` to a run of the same operator, or begins a new one around what was read so far.
Expression join(Expression before, Kind kind, Expression next) {
  Expression joined;
  joined.kind = kind;
  joined.offset = before.offset;
  joined.length = next.offset + next.length - before.offset;
  if (before.kind == kind) {
    joined.operands = std::move(before.operands);
  } else {
    joined.operands.push_back(std::move(before));
  }
  if (next.kind == kind) {
    std::ranges::move(next.operands, std::back_inserter(joined.operands));
  } else {
    joined.operands.push_back(std::move(next));
  }
  return joined;
}

Kind kind_of(Operator op) {
  switch (op) {
    case Operator::equal:
      return Kind::equal;
    case Operator::not_equal:
      return Kind::not_equal;
    case Operator::less:
      return Kind::less;
    case Operator::greater:
      return Kind::greater;
    case Operator::less_equal:
      return Kind::less_equal;
    case Operator::greater_equal:
      return Kind::greater_equal;
    case Operator::not_in:
    case Operator::not_contains:
      return Kind::not_contains;
    default:
      return Kind::contains;
  }
}

}  // namespace

std::optional<Checker::Checked> Checker::condition(const Syntax& syntax) {
  const bool assigns =
      syntax.kind == Syntax::Kind::chain && syntax.operators[0] == Operator::assign;
  if (!assigns) {
    auto expression = test(syntax);
    if (!expression) return std::nullopt;
    return Checked{"", std::move(*expression)};
  }
  if (syntax.operators.size() > 1) {
    return report_.error("bad-alias", syntax, "a condition has one name at most", "keep one `<<`");
  }
  auto name = alias(syntax.operands[0]);
  auto expression = test(syntax.operands[1]);
  if (!name || !expression) return std::nullopt;
  return Checked{std::move(*name), std::move(*expression)};
}

std::optional<std::string> Checker::alias(const Syntax& target) {
  const auto written = report_.snippet(target);
  if (target.kind == Syntax::Kind::path) {
    if (auto name = assignable(target.root, target.path)) return name;
    if (target.root != Root::events && target.root != Root::facts) {
      return report_.error(
          "bad-alias", target,
          fmt::format("Only events and facts can be used in assignment. {} is invalid.", written),
          fmt::format("write events.{} << ...", target.path.first_key()));
    }
  }
  return report_.error("bad-alias", target,
                       fmt::format("Assignment variable: {} is invalid.Valid values start with "
                                   "events or facts. One name must follow the dot.",
                                   written),
                       "write events.first << ..., with any name in place of first");
}

std::optional<Expression> Checker::test(const Syntax& syntax) {
  switch (syntax.kind) {
    case Syntax::Kind::chain:
      return chain(syntax);
    case Syntax::Kind::negation:
      return negation(syntax);
    case Syntax::Kind::call:
      return report_.error("bare-test", syntax,
                           fmt::format("`{}` needs something to test", report_.snippet(syntax)),
                           fmt::format("write event.x is {}", report_.snippet(syntax)));
    default:
      return value_as_test(syntax);
  }
}

// A path alone stands for "is true"; a boolean for itself; other values say nothing.
std::optional<Expression> Checker::value_as_test(const Syntax& syntax) {
  auto value = operands_.value(syntax);
  if (!value) return std::nullopt;
  if (value->kind == Kind::path) {
    Expression truth = node(Kind::truth, syntax);
    truth.operands.push_back(std::move(*value));
    return truth;
  }
  if (value->kind == Kind::literal && value->value.is_bool()) return value;
  return report_.error(
      "value-as-test", syntax, fmt::format("`{}` is a value, not a test", report_.snippet(syntax)),
      fmt::format("compare it with something: event.x == {}", report_.snippet(syntax)));
}

std::optional<Expression> Checker::chain(const Syntax& syntax) {
  switch (syntax.operators[0]) {
    case Operator::assign:
      return report_.error("bad-alias", syntax, "a name can be given to a whole condition only",
                           "write events.first << at the very start");
    case Operator::both:
    case Operator::either:
      return logic(syntax);
    case Operator::is:
    case Operator::is_not:
      return tests_.test(syntax);
    case Operator::add:
    case Operator::subtract:
    case Operator::multiply:
    case Operator::divide:
      return value_as_test(syntax);
    default:
      return comparison(syntax);
  }
}

std::optional<Expression> Checker::logic(const Syntax& syntax) {
  const std::size_t changes = changes_of_operator(syntax);
  if (depth_ + changes > kDeepest) {
    return report_.error("too-deep", syntax,
                         fmt::format("`and` and `or` change more than {} times", kDeepest),
                         "group the tests with parentheses, or split the condition");
  }
  depth_ += changes;
  std::vector<Expression> parts;
  for (const auto& operand : syntax.operands) {
    if (auto part = test(operand)) parts.push_back(std::move(*part));
  }
  depth_ -= changes;
  if (parts.size() < syntax.operands.size()) return std::nullopt;

  Expression result = std::move(parts[0]);
  for (std::size_t i = 0; i < syntax.operators.size(); ++i) {
    const Kind kind = syntax.operators[i] == Operator::both ? Kind::all : Kind::any;
    result = join(std::move(result), kind, std::move(parts[i + 1]));
  }
  if (changes > 0) {
    report_.warning("mixed-and-or", syntax, "`and` and `or` bind equally tight, from left to right",
                    fmt::format("it is read as {}; say so, or otherwise, with parentheses",
                                to_text(result, scope_.bindings)));
  }
  return result;
}

std::optional<Expression> Checker::negation(const Syntax& syntax) {
  const Syntax& inner = syntax.operands[0];
  if (syntax.times > 1 || inner.kind == Syntax::Kind::negation) {
    report_.warning("double-not", syntax, "several `not` count as one",
                    "drop all of them, or keep one");
  }
  auto negated = test(inner);
  if (!negated) return std::nullopt;
  if (negated->kind == Kind::negate) return negated;
  if (negated->kind == Kind::defined) {
    report_.warning("never-matches", syntax,
                    fmt::format("`{}` never matches", report_.snippet(syntax)),
                    fmt::format("write {} is not defined", report_.snippet(inner.operands[0])));
  }
  Expression result = node(Kind::negate, syntax);
  result.operands.push_back(std::move(*negated));
  return result;
}

std::optional<Expression> Checker::comparison(const Syntax& chain) {
  if (chain.operators.size() > 1) {
    const auto part = [&](std::size_t i) { return report_.snippet(chain.operands[i]); };
    return report_.error(
        "chained-comparison", chain,
        fmt::format("`{}` compares a comparison", report_.snippet(chain)),
        fmt::format("write {0} {1} {2} and {2} {3} {4}", part(0), to_string(chain.operators[0]),
                    part(1), to_string(chain.operators[1]), part(2)));
  }
  auto left = operands_.value(chain.operands[0]);
  auto right = operands_.value(chain.operands[1]);
  if (!left || !right) return std::nullopt;
  if (!operands_.check_owners(chain, *left, *right)) return std::nullopt;
  const Operator op = chain.operators[0];
  if (op == Operator::in || op == Operator::not_in) std::swap(left, right);
  Expression result = node(kind_of(op), chain);
  result.operands.push_back(std::move(*left));
  result.operands.push_back(std::move(*right));
  return result;
}

std::optional<Condition> parse_condition_at(std::string_view text, const Places& places,
                                            const ConditionScope& scope, Diagnostics& diagnostics) {
  Reporter report(text, places, diagnostics);
  const auto syntax = parse_syntax(text);
  if (!syntax) {
    report.syntax_error(syntax.error());
    return std::nullopt;
  }
  auto checked = Checker(scope, report).condition(*syntax);
  if (!checked || report.failed()) return std::nullopt;
  return Condition{std::string(text), places.begin(), std::move(checked->alias),
                   std::move(checked->expression), std::make_shared<const Places>(places)};
}

Location Condition::at(const Expression& part) const {
  return places->at(part.offset, part.length);
}

std::optional<Condition> parse_condition(std::string_view text, const Location& where,
                                         const ConditionScope& scope, Diagnostics& diagnostics) {
  return parse_condition_at(text, Places(text, where), scope, diagnostics);
}

}  // namespace millrace::rules
