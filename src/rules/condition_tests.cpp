// SPDX-License-Identifier: Apache-2.0
#include "condition_tests.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "condition_text.hpp"
#include "millrace/base/text.hpp"

namespace millrace::rules {
namespace {

using Kind = Expression::Kind;
using SelectOp = Expression::SelectOp;

bool is_negated(const Syntax& chain) { return chain.operators.front() == Operator::is_not; }

bool is_pattern_op(SelectOp op) { return op == SelectOp::match || op == SelectOp::search; }

bool is_membership_op(SelectOp op) { return op >= SelectOp::in; }

}  // namespace

std::optional<Expression> Tests::test(const Syntax& chain) {
  if (chain.operators.size() > 1) {
    return report_.error("chained-test", chain,
                         fmt::format("`{}` tests a test", report_.snippet(chain)),
                         "one `is` takes one value; combine tests with `and` or `or`");
  }
  const Syntax& right = chain.operands[1];
  if (right.kind == Syntax::Kind::call) {
    return right.name.starts_with("select") ? select(chain) : regex(chain);
  }
  const bool is_defined =
      right.kind == Syntax::Kind::bareword && report_.snippet(right) == "defined";
  return is_defined ? defined(chain) : no_test(chain);
}

std::optional<Expression> Tests::defined(const Syntax& chain) {
  auto path = operands_.value(chain.operands[0]);
  if (!path) return std::nullopt;
  if (path->kind != Kind::path) {
    return report_.error(
        "bad-operand", chain.operands[0],
        fmt::format("`is {}defined` takes a path of the event, not `{}`",
                    is_negated(chain) ? "not " : "", report_.snippet(chain.operands[0])));
  }
  Expression result = node(is_negated(chain) ? Kind::not_defined : Kind::defined, chain);
  result.operands.push_back(std::move(*path));
  return result;
}

// Says how what was meant is written.
std::optional<Expression> Tests::no_test(const Syntax& chain) {
  const Syntax& right = chain.operands[1];
  const auto subject = report_.snippet(chain.operands[0]);
  const auto word = report_.snippet(right);
  const auto small = lower(word);
  std::string hint = "the tests are defined, match, search, regex, select and selectattr";
  if (small == "undefined") {
    hint = fmt::format("write {} is {}defined", subject, is_negated(chain) ? "" : "not ");
  } else if (right.kind != Syntax::Kind::chain && right.kind != Syntax::Kind::bareword) {
    hint = fmt::format("write {} {} {}", subject, is_negated(chain) ? "!=" : "==", word);
  } else if (small == "none" || small == "true" || small == "false") {
    hint = fmt::format("write {} {} {}", subject,
                       is_negated(chain) ? "!=" : "==", small == "none" ? "null" : small);
  } else if (right.kind == Syntax::Kind::bareword) {
    const std::vector<std::string> names = {"defined", "match",  "search",
                                            "regex",   "select", "selectattr"};
    if (auto like = did_you_mean(word, names); !like.empty()) hint = std::move(like);
  }
  return report_.error("unknown-test", right,
                       fmt::format("`{} {}` is no test", to_string(chain.operators[0]), word),
                       std::move(hint));
}

std::optional<Expression> Tests::regex(const Syntax& chain) {
  const Syntax& call = chain.operands[1];
  auto subject = operands_.value(chain.operands[0]);
  const auto chosen = options(call);
  if (!subject || !chosen) return std::nullopt;
  auto wanted = pattern(call.operands[0], *subject, *chosen);
  if (!wanted) return std::nullopt;
  Expression result = node(is_negated(chain) ? Kind::not_matches : Kind::matches, chain);
  result.regex_options = *chosen;
  result.operands.push_back(std::move(*subject));
  result.operands.push_back(std::move(*wanted));
  return result;
}

std::optional<Expression> Tests::pattern(const Syntax& written, const Expression& subject,
                                         Regex::Options options) {
  if (written.kind != Syntax::Kind::path || written.root == Root::vars) {
    auto text = operands_.string(written, "the pattern");
    if (!text || !compiles(written, *text, options)) return std::nullopt;
    Expression literal = node(Kind::literal, written);
    literal.value = *text;
    return literal;
  }
  auto path = operands_.value(written);
  if (!path) return std::nullopt;
  if (path->binding) {
    return report_.error("bad-pattern", written,
                         "a pattern cannot come from the event of another condition",
                         "write the pattern in quotes, or as vars.name");
  }
  if (subject.kind != Kind::literal || !subject.value.is_string()) {
    return report_.error(
        "bad-pattern", written,
        "a pattern can come from the event only where the searched text is a literal",
        "write the pattern in quotes, or as vars.name");
  }
  return path;
}

std::optional<Regex::Options> Tests::options(const Syntax& call) {
  Regex::Options options;
  if (call.name == "match") options.anchor = Regex::Anchor::start;
  bool known = true;
  for (const auto& option : call.options) {
    if (option.name == "ignorecase") {
      options.ignore_case = option.value;
    } else if (option.name == "multiline") {
      options.multiline = option.value;
    } else {
      Syntax place;
      place.offset = option.offset;
      place.length = option.name.size();
      const std::vector<std::string> names = {"ignorecase", "multiline"};
      const auto like = did_you_mean(option.name, names);
      report_.error("unknown-option", place,
                    fmt::format("unknown option `{}` of {}", option.name, call.name),
                    like.empty() ? "the options are ignorecase and multiline" : like);
      known = false;
    }
  }
  return known ? std::optional(options) : std::nullopt;
}

bool Tests::compiles(const Syntax& at, std::string_view pattern, Regex::Options options) {
  const auto compiled = Regex::compile(pattern, options);
  if (!compiled) report_.error("bad-regex", at, compiled.error().message());
  return compiled.has_value();
}

std::optional<Expression::SelectOp> Tests::op(const Syntax& call) {
  const bool of_attribute = call.name == "selectattr";
  const Syntax& written = call.operands[of_attribute ? 1 : 0];
  const auto name = operands_.string(written, "the operator");
  if (!name) return std::nullopt;
  auto found = select_op(*name);
  if (found && is_membership_op(*found) && !of_attribute) found.reset();
  if (!found) {
    return report_.error(
        "unknown-select-operator", written, fmt::format("Operator {} is not supported", *name),
        fmt::format("the operators of {} are ==, !=, <, <=, >, >=, match, search, regex{}",
                    call.name, of_attribute ? ", in, not in, contains, not contains" : ""));
  }
  if (of_attribute && found == SelectOp::match) return SelectOp::search;
  return found;
}

std::optional<Expression> Tests::select(const Syntax& chain) {
  const Syntax& call = chain.operands[1];
  const bool of_attribute = call.name == "selectattr";
  auto subject = operands_.value(chain.operands[0]);
  auto key = of_attribute ? operands_.string(call.operands[0], "the key") : std::string();
  const auto chosen = op(call);
  auto value = operands_.value(call.operands.back());
  if (!subject || !key || !chosen || !value) return std::nullopt;
  if (!check_select_value(call, *value, *chosen)) return std::nullopt;
  if (!operands_.check_owners(chain, *subject, *value)) return std::nullopt;
  const Kind positive = of_attribute ? Kind::selectattr : Kind::select;
  const Kind negative = of_attribute ? Kind::not_selectattr : Kind::not_select;
  Expression result = node(is_negated(chain) ? negative : positive, chain);
  result.select_op = *chosen;
  result.key = std::move(*key);
  result.operands.push_back(std::move(*subject));
  result.operands.push_back(std::move(*value));
  return result;
}

bool Tests::check_select_value(const Syntax& call, const Expression& value, SelectOp op) {
  const Syntax& written = call.operands.back();
  if (value.kind == Kind::path && call.name == "selectattr") {
    report_.error("bad-operand", written,
                  fmt::format("the value of selectattr cannot come from an event: `{}`",
                              report_.snippet(written)),
                  "write a literal or vars.name");
    return false;
  }
  if (value.kind == Kind::path || !is_pattern_op(op)) return true;
  if (!value.value.is_string()) {
    report_.error(
        "not-a-string", written,
        fmt::format("the pattern must be a string in quotes, not `{}`", report_.snippet(written)));
    return false;
  }
  Regex::Options options;
  if (op == SelectOp::match) options.anchor = Regex::Anchor::start;
  return compiles(written, view(value.value.get_string()), options);
}

}  // namespace millrace::rules
