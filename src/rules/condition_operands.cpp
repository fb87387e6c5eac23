// SPDX-License-Identifier: Apache-2.0
#include "condition_operands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "condition_text.hpp"
#include "millrace/base/text.hpp"

namespace millrace::rules {
namespace {

using Kind = Expression::Kind;

constexpr std::array<std::string_view, 4> kLooksLikeLiteral = {"none", "null", "true", "false"};

// m_0, m_1, …: what the n-th condition's event is called unless it has an alias.
bool is_positional(std::string_view name) {
  return name.starts_with("m_") && name.size() > 2 &&
         name.find_first_not_of("0123456789", 2) == std::string_view::npos;
}

bool holds_template(std::string_view text) {
  const auto open = text.find("{{");
  return open != std::string_view::npos && text.find("}}", open + 2) != std::string_view::npos;
}

// The name by which the path may refer to another condition's event.
std::string_view bindable_name(const Path& path) {
  const auto* key = std::get_if<Path::Key>(&path.segments().front());
  return key != nullptr && key->dotted ? std::string_view(key->name) : std::string_view();
}

struct Owners {
  bool own = false;
  bool other = false;
};

void add_owners(const Expression& expression, Owners& owners) {
  if (expression.kind == Kind::path) (expression.binding ? owners.other : owners.own) = true;
  for (const auto& operand : expression.operands) add_owners(operand, owners);
}

struct Lookup {
  const Value* found = nullptr;
  std::vector<std::string> siblings;  // keys of the object in which the search ended
};

Lookup look_up(const Object* variables, const Path& path) {
  Lookup result;
  const Object* object = variables;
  for (const auto& segment : path.segments()) {
    const auto* key = std::get_if<Path::Key>(&segment);
    result = {};
    if (object == nullptr || key == nullptr || !key->dotted) return result;
    for (const auto& [name, value] : *object) result.siblings.emplace_back(name);
    result.found = object->if_contains(key->name);
    object = result.found != nullptr ? result.found->if_object() : nullptr;
    if (result.found == nullptr) return result;
  }
  return result;
}

}  // namespace

std::nullopt_t Reporter::error(std::string_view code, const Syntax& at, std::string message,
                               std::string hint) {
  failed_ = true;
  diagnostics_.error(std::string(code), places_.at(at.offset, at.length), std::move(message),
                     std::move(hint));
  return std::nullopt;
}

void Reporter::warning(std::string_view code, const Syntax& at, std::string message,
                       std::string hint) {
  diagnostics_.warning(std::string(code), places_.at(at.offset, at.length), std::move(message),
                       std::move(hint));
}

void Reporter::syntax_error(const SyntaxFault& fault) {
  failed_ = true;
  const auto found = fault.found.empty() ? "the end" : fmt::format("`{}`", printable(fault.found));
  diagnostics_.error(
      "condition-syntax", places_.at(fault.offset, fault.length),
      fmt::format("Error parsing: {}. Expected {}, found {}", text_, fault.expected, found),
      fault.hint);
}

Expression node(Expression::Kind kind, const Syntax& syntax) {
  Expression expression;
  expression.kind = kind;
  expression.offset = syntax.offset;
  expression.length = syntax.length;
  return expression;
}

std::optional<Expression> Operands::value(const Syntax& syntax) {
  switch (syntax.kind) {
    case Syntax::Kind::string:
      return string_literal(syntax);
    case Syntax::Kind::bareword:
      return bareword(syntax);
    case Syntax::Kind::number:
    case Syntax::Kind::boolean:
    case Syntax::Kind::null: {
      Expression literal = node(Kind::literal, syntax);
      literal.value = syntax.value;
      return literal;
    }
    case Syntax::Kind::list:
      return list(syntax);
    case Syntax::Kind::path:
      return path(syntax);
    case Syntax::Kind::chain:
      if (syntax.operators.front() >= Operator::add) return sum(syntax);
      break;
    case Syntax::Kind::call:
    case Syntax::Kind::negation:
      break;
  }
  return report_.error("test-as-operand", syntax,
                       fmt::format("`{}` is a test, not a value", report_.snippet(syntax)),
                       "an operator takes values on both sides; combine tests with `and` or `or`");
}

std::optional<std::string> Operands::string(const Syntax& syntax, std::string_view what) {
  const bool may_be = syntax.kind == Syntax::Kind::string ||
                      (syntax.kind == Syntax::Kind::path && syntax.root == Root::vars);
  if (may_be) {
    auto literal = value(syntax);
    if (!literal) return std::nullopt;
    if (literal->value.is_string()) return std::string(view(literal->value.get_string()));
  }
  return report_.error(
      "not-a-string", syntax,
      fmt::format("{} must be a string in quotes, not `{}`", what, report_.snippet(syntax)));
}

bool Operands::check_owners(const Syntax& whole, const Expression& left, const Expression& right) {
  Owners left_owners;
  Owners right_owners;
  add_owners(left, left_owners);
  add_owners(right, right_owners);
  const bool foreign =
      left_owners.other && !left_owners.own && right_owners.other && !right_owners.own;
  if (!foreign) return true;
  report_.error(
      "other-bindings", whole,
      fmt::format("Both operands {} and {} belong to a fact different than the matched one",
                  to_text(left, scope_.bindings), to_text(right, scope_.bindings)),
      "compare each with the event of this condition, or move the test to the condition "
      "that declares the later of the two");
  return false;
}

std::optional<std::string> Operands::render(std::string_view text, const Syntax& at) {
  if (!holds_template(text)) return std::string(text);
  if (!scope_.render) {
    return report_.error("template", at, fmt::format("`{}` cannot be rendered here", text),
                         "no variables are known; write the value itself");
  }
  auto rendered = scope_.render(text);
  if (rendered) return std::move(*rendered);
  return report_.error(
      "template", at, fmt::format("`{}` cannot be rendered: {}", text, rendered.error().message()));
}

std::optional<Expression> Operands::string_literal(const Syntax& syntax) {
  auto text = render(view(syntax.value.get_string()), syntax);
  if (!text) return std::nullopt;
  Expression literal = node(Kind::literal, syntax);
  literal.value = *text;
  return literal;
}

std::optional<Expression> Operands::bareword(const Syntax& syntax) {
  const auto text = report_.snippet(syntax);
  const auto* like = std::ranges::find(kLooksLikeLiteral, lower(text));
  if (like != kLooksLikeLiteral.end()) {
    const auto literal = *like == "none" ? "null" : *like;
    report_.warning("bare-string", syntax, fmt::format("`{0}` is the string \"{0}\" here", text),
                    fmt::format("write {}, or \"{}\" in quotes", literal, text));
  }
  Expression literal = node(Kind::literal, syntax);
  literal.value = syntax.value;
  return literal;
}

std::optional<Expression> Operands::list(const Syntax& syntax) {
  Expression literal = node(Kind::literal, syntax);
  Array items;
  bool complete = true;
  for (const auto& written : syntax.operands) {
    if (written.kind == Syntax::Kind::path && written.root != Root::vars) {
      report_.error("bad-list-item", written,
                    fmt::format("Unknown list item: {}", report_.snippet(written)),
                    "lists hold literals and `vars`; compare with `or` instead");
      complete = false;
    } else if (auto item = value(written)) {
      items.push_back(std::move(item->value));
    } else {
      complete = false;
    }
  }
  if (!complete) return std::nullopt;
  literal.value = std::move(items);
  return literal;
}

std::optional<Expression> Operands::path(const Syntax& syntax) {
  if (syntax.root == Root::vars) return variable(syntax);
  Expression expression = node(Kind::path, syntax);
  expression.path = syntax.path;
  bind(syntax, expression);
  return expression;
}

std::optional<Expression> Operands::variable(const Syntax& syntax) {
  const auto key = syntax.path.to_string();
  const auto result = look_up(scope_.variables, syntax.path);
  if (result.found == nullptr) {
    const auto parts = split(key, '.');
    return report_.error("unknown-variable", syntax,
                         fmt::format("vars does not contain key: {}", key),
                         did_you_mean(parts.back(), result.siblings));
  }
  if (result.found->is_object()) {
    return report_.error("bad-variable", syntax, fmt::format("Invalid type for {}: object", key),
                         "name one of its keys with another dot");
  }
  Expression literal = node(Kind::literal, syntax);
  literal.value = Value(*result.found, {});
  if (result.found->is_string()) {
    auto text = render(view(result.found->get_string()), syntax);
    if (!text) return std::nullopt;
    literal.value = *text;
  }
  return literal;
}

// Sets the path, or finds the earlier condition that it belongs to.
void Operands::bind(const Syntax& syntax, Expression& expression) {
  const auto name = bindable_name(syntax.path);
  const auto names = scope_.bindings;
  const std::size_t earlier = std::min(scope_.position, names.size());
  for (std::size_t i = earlier; i-- > 0;) {
    if (names[i] != name) continue;
    expression.binding = i;
    expression.path = syntax.path.rest();
    return;
  }
  // `event.host` stays a field of the event although a later condition is called host.
  const bool is_field = syntax.root == Root::event || syntax.root == Root::fact;
  const auto later =
      std::ranges::find(names.subspan(std::min(scope_.position + 1, names.size())), name);
  const bool is_later = later != names.end();
  if (is_later && (!is_field || is_positional(name))) {
    report_.warning("later-binding", syntax,
                    fmt::format("`{}` refers to a later condition, which never matches",
                                report_.snippet(syntax)),
                    fmt::format("put the condition that declares {} before this one", name));
  }
  if (!is_field && !is_later) warn_of_unbound(syntax, name);
}

void Operands::warn_of_unbound(const Syntax& syntax, std::string_view name) {
  const auto names = scope_.bindings;
  if (scope_.position < names.size() && names[scope_.position] == name) {
    const auto rest = syntax.path.rest().to_string();
    report_.warning("own-binding", syntax,
                    fmt::format("`{}` is a field of the event, not the event of this condition",
                                report_.snippet(syntax)),
                    rest.empty() ? "" : fmt::format("write event.{}", rest));
  } else if (!names.empty() && is_positional(name)) {
    report_.warning(
        "unknown-binding", syntax,
        fmt::format("no condition of this rule is called {}; this is a field of the event", name),
        fmt::format("the conditions are called {}", fmt::join(names, ", ")));
  }
}

std::optional<Expression> Operands::sum(const Syntax& chain) {
  const auto bad = std::ranges::find_if(chain.operators, [](Operator op) {
    return op == Operator::multiply || op == Operator::divide;
  });
  if (bad != chain.operators.end()) {
    return report_.error("refused-operator", chain,
                         fmt::format("Unhandled token OperatorExpression: `{}` in `{}`",
                                     to_string(*bad), report_.snippet(chain)),
                         "conditions can add and subtract, not multiply or divide");
  }
  if (depth_ + chain.operators.size() > kDeepest) {
    return report_.error("too-deep", chain,
                         fmt::format("more than {} operators in one sum", kDeepest));
  }
  depth_ += chain.operators.size();
  auto result = fold(chain);
  depth_ -= chain.operators.size();
  return result;
}

std::optional<Expression> Operands::fold(const Syntax& chain) {
  std::optional<Expression> result = value(chain.operands.front());
  for (std::size_t i = 0; i < chain.operators.size(); ++i) {
    auto next = value(chain.operands[i + 1]);
    if (!result || !next) {
      result.reset();
      continue;
    }
    if (i == 0) warn_of_operand(chain.operands[0], *result, chain.operators[0]);
    warn_of_operand(chain.operands[i + 1], *next, chain.operators[i]);
    Expression sum = node(chain.operators[i] == Operator::add ? Kind::add : Kind::subtract, chain);
    sum.length = chain.operands[i + 1].end() - sum.offset;
    sum.operands.push_back(std::move(*result));
    sum.operands.push_back(std::move(*next));
    result = std::move(sum);
  }
  return result;
}

void Operands::warn_of_operand(const Syntax& written, const Expression& operand, Operator op) {
  if (operand.kind != Kind::literal || operand.value.is_number() || operand.value.is_null()) return;
  if (operand.value.is_string() && op == Operator::add) return;
  report_.warning(
      "never-matches", written,
      fmt::format("`{}` takes no {}: this never matches", to_string(op),
                  literal_text(operand.value)),
      written.kind == Syntax::Kind::bareword ? "a key with a dash is written event[\"a-b\"]" : "");
}

}  // namespace millrace::rules
