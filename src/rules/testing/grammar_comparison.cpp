// SPDX-License-Identifier: Apache-2.0
#include "millrace/rules/testing/grammar_comparison.hpp"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "condition_parser.hpp"
#include "millrace/rules/condition.hpp"

namespace millrace::rules::testing {
namespace {

std::string shape_of(const Syntax& syntax, std::string_view text);

std::vector<std::string> shapes(const std::vector<Syntax>& all, std::string_view text) {
  std::vector<std::string> out;
  out.reserve(all.size());
  for (const auto& syntax : all) out.push_back(shape_of(syntax, text));
  return out;
}

std::string call_shape(const Syntax& call, std::string_view text) {
  auto arguments = shapes(call.operands, text);
  for (const auto& option : call.options) {
    arguments.push_back(fmt::format("{}={}", option.name, option.value));
  }
  return fmt::format("{}({})", call.name, fmt::join(arguments, ","));
}

std::string chain_shape(const Syntax& chain, std::string_view text) {
  std::string out = shape_of(chain.operands[0], text);
  for (std::size_t i = 0; i < chain.operators.size(); ++i) {
    out = fmt::format("({} {} {})", out, to_string(chain.operators[i]),
                      shape_of(chain.operands[i + 1], text));
  }
  return out;
}

std::string shape_of(const Syntax& syntax, std::string_view text) {
  const auto written = text.substr(syntax.offset, syntax.length);
  switch (syntax.kind) {
    case Syntax::Kind::string:
      return fmt::format("string:{}", written);
    case Syntax::Kind::bareword:
      return fmt::format("word:{}", written);
    case Syntax::Kind::number:
      return fmt::format("number:{}", written);
    case Syntax::Kind::boolean:
      return fmt::format("boolean:{}", written);
    case Syntax::Kind::null:
      return fmt::format("null:{}", written);
    case Syntax::Kind::path:
      return fmt::format("path:{}", written);
    case Syntax::Kind::list:
      return fmt::format("[{}]", fmt::join(shapes(syntax.operands, text), ","));
    case Syntax::Kind::call:
      return call_shape(syntax, text);
    case Syntax::Kind::negation: {
      std::string out = shape_of(syntax.operands[0], text);
      for (std::size_t i = 0; i < syntax.times; ++i) out = fmt::format("(not {})", out);
      return out;
    }
    case Syntax::Kind::chain:
      return chain_shape(syntax, text);
  }
  return {};
}

bool becomes_condition(std::string_view text) {
  Diagnostics diagnostics;
  return parse_condition(text, {.file = "oracle", .line = 1, .column = 1}, {}, diagnostics)
      .has_value();
}

}  // namespace

std::string GrammarComparison::difference(std::string_view text) const {
  if (text.size() > OracleGrammar::kLongest) return {};
  const auto syntax = parse_syntax(text);
  const auto parser = syntax ? shape_of(*syntax, text) : "refused";
  const auto oracle = millrace_.shape(text).value_or("refused");
  if (parser != oracle) {
    return fmt::format("`{}`\n  parser: {}\n  oracle: {}\n", text, parser, oracle);
  }
  if (syntax && becomes_condition(text) && !specification_.shape(text)) {
    return fmt::format("`{}`\n  is a condition, but not in the specification\n", text);
  }
  return {};
}

std::string GrammarComparison::shrunk(std::string text) const {
  for (std::size_t length = text.size() / 2; length > 0;) {
    bool shorter = false;
    for (std::size_t at = 0; at + length <= text.size() && !shorter; ++at) {
      auto without = text;
      without.erase(at, length);
      shorter = !difference(without).empty();
      if (shorter) text = std::move(without);
    }
    if (!shorter) --length;
  }
  return text;
}

}  // namespace millrace::rules::testing
