// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "condition_text.hpp"
#include "millrace/event/json.hpp"
#include "millrace/rules/condition.hpp"

namespace millrace::rules {
namespace {

using Kind = Expression::Kind;

std::string quoted(std::string_view text) {
  const char quote = text.contains('"') ? '\'' : '"';
  std::string out(1, quote);
  for (const char c : text) {
    switch (c) {
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        out += c;
    }
  }
  return out + quote;
}

class Writer {
 public:
  explicit Writer(std::span<const std::string> bindings) : bindings_(bindings) {}

  std::string write(const Expression& e) const {
    switch (e.kind) {
      case Kind::literal:
        return literal_text(e.value);
      case Kind::path:
        return path(e);
      case Kind::add:
      case Kind::subtract:
        return fmt::format("({})", infix(e));
      case Kind::defined:
        return operand(e, 0) + " is defined";
      case Kind::not_defined:
        return operand(e, 0) + " is not defined";
      case Kind::matches:
      case Kind::not_matches:
        return regex(e);
      case Kind::select:
      case Kind::not_select:
      case Kind::selectattr:
      case Kind::not_selectattr:
        return select(e);
      case Kind::truth:
        return operand(e, 0);
      case Kind::negate:
        return negation(e);
      case Kind::all:
        return chain(e, " and ");
      case Kind::any:
        return chain(e, " or ");
      default:
        return infix(e);
    }
  }

 private:
  std::string operand(const Expression& e, std::size_t i) const { return write(e.operands[i]); }

  std::string path(const Expression& e) const {
    std::string root = "event";
    if (e.binding) {
      const bool named = *e.binding < bindings_.size();
      root = "events." + (named ? bindings_[*e.binding] : fmt::format("m_{}", *e.binding));
    }
    const auto rest = e.path.to_string();
    return rest.empty() || rest.starts_with('[') ? root + rest : root + "." + rest;
  }

  static std::string_view sign(Kind kind) {
    switch (kind) {
      case Kind::add:
        return "+";
      case Kind::subtract:
        return "-";
      case Kind::equal:
        return "==";
      case Kind::not_equal:
        return "!=";
      case Kind::less:
        return "<";
      case Kind::less_equal:
        return "<=";
      case Kind::greater:
        return ">";
      case Kind::greater_equal:
        return ">=";
      case Kind::contains:
        return "contains";
      default:
        return "not contains";
    }
  }

  std::string infix(const Expression& e) const {
    const bool member = e.kind == Kind::contains || e.kind == Kind::not_contains;
    if (member && e.operands[0].kind == Kind::literal) {  // reads better the other way round
      return fmt::format("{} {}in {}", operand(e, 1), e.kind == Kind::contains ? "" : "not ",
                         operand(e, 0));
    }
    return fmt::format("{} {} {}", operand(e, 0), sign(e.kind), operand(e, 1));
  }

  std::string regex(const Expression& e) const {
    const bool anchored = e.regex_options.anchor == Regex::Anchor::start;
    return fmt::format("{} is {}{}({}{}{})", operand(e, 0),
                       e.kind == Kind::not_matches ? "not " : "", anchored ? "match" : "search",
                       operand(e, 1), e.regex_options.ignore_case ? ", ignorecase=true" : "",
                       e.regex_options.multiline ? ", multiline=true" : "");
  }

  std::string select(const Expression& e) const {
    const bool negated = e.kind == Kind::not_select || e.kind == Kind::not_selectattr;
    const bool of_attribute = e.kind == Kind::selectattr || e.kind == Kind::not_selectattr;
    return fmt::format("{} is {}{}({}{}, {})", operand(e, 0), negated ? "not " : "",
                       of_attribute ? "selectattr" : "select",
                       of_attribute ? quoted(e.key) + ", " : "", quoted(to_string(e.select_op)),
                       operand(e, 1));
  }

  std::string negation(const Expression& e) const {
    const auto inner = operand(e, 0);
    const Kind kind = e.operands[0].kind;
    const bool closed = kind == Kind::truth || kind == Kind::all || kind == Kind::any;
    return closed ? "not " + inner : fmt::format("not ({})", inner);
  }

  std::string chain(const Expression& e, std::string_view between) const {
    std::string out = "(";
    for (const auto& part : e.operands) {
      if (out.size() > 1) out += between;
      out += write(part);
    }
    return out + ")";
  }

  std::span<const std::string> bindings_;
};

struct NamedOp {
  Expression::SelectOp op;
  std::string_view name;
};
constexpr std::array kSelectOps = {
    NamedOp{Expression::SelectOp::equal, "=="},
    NamedOp{Expression::SelectOp::not_equal, "!="},
    NamedOp{Expression::SelectOp::less, "<"},
    NamedOp{Expression::SelectOp::less_equal, "<="},
    NamedOp{Expression::SelectOp::greater, ">"},
    NamedOp{Expression::SelectOp::greater_equal, ">="},
    NamedOp{Expression::SelectOp::match, "match"},
    NamedOp{Expression::SelectOp::search, "search"},
    NamedOp{Expression::SelectOp::search, "regex"},  // the same when read
    NamedOp{Expression::SelectOp::regex, "regex"},
    NamedOp{Expression::SelectOp::in, "in"},
    NamedOp{Expression::SelectOp::not_in, "not in"},
    NamedOp{Expression::SelectOp::contains, "contains"},
    NamedOp{Expression::SelectOp::not_contains, "not contains"},
};

}  // namespace

std::string literal_text(const Value& value) {
  if (value.is_string()) return quoted(view(value.get_string()));
  if (!value.is_array()) return to_json(value);
  std::string out = "[";
  for (const Value& item : value.get_array()) {
    if (out.size() > 1) out += ", ";
    out += literal_text(item);
  }
  return out + "]";
}

std::string_view to_string(Expression::SelectOp op) {
  return std::ranges::find(kSelectOps, op, &NamedOp::op)->name;
}

std::optional<Expression::SelectOp> select_op(std::string_view name) {
  const auto* found = std::ranges::find(kSelectOps, name, &NamedOp::name);
  return found != kSelectOps.end() ? std::optional(found->op) : std::nullopt;
}

std::string to_text(const Expression& expression, std::span<const std::string> bindings) {
  return Writer(bindings).write(expression);
}

const Expression* find_bound_path(const Expression& expression) {
  if (expression.binding) return &expression;
  for (const auto& operand : expression.operands) {
    if (const auto* found = find_bound_path(operand)) return found;
  }
  return nullptr;
}

}  // namespace millrace::rules
