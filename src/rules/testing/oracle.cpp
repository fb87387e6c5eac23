// SPDX-License-Identifier: Apache-2.0
#include "millrace/rules/testing/oracle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "millrace/base/regex.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/path.hpp"

namespace millrace::rules::testing {
namespace {

using Kind = Expression::Kind;
using Op = Expression::SelectOp;
enum class Answer { no, yes, void_ };  // void_: neither the test nor its negation holds

Answer answer(bool yes) { return yes ? Answer::yes : Answer::no; }

bool is_number(const Value& value) { return value.is_number(); }

// Exact for all that the tests make: integers stay small enough for long double.
long double number(const Value& value) {
  if (value.is_int64()) return static_cast<long double>(value.get_int64());
  if (value.is_uint64()) return static_cast<long double>(value.get_uint64());
  return static_cast<long double>(value.get_double());
}

bool same(const Value& a, const Value& b) {
  if (is_number(a) && is_number(b)) return number(a) == number(b);
  return identical(a, b);
}

std::u16string utf16(std::string_view text) {
  std::u16string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const int length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t point = length == 1 ? lead : lead & (0x7FU >> length);
    for (int k = 1; k < length; ++k)
      point =
          point << 6 | (static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]) & 0x3FU);
    i += static_cast<std::size_t>(length);
    if (point < 0x10000) {
      out += static_cast<char16_t>(point);
    } else {
      out += static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10));
      out += static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FF));
    }
  }
  return out;
}

bool same_class(const Value& a, const Value& b) {
  return a.is_null() || b.is_null() || (is_number(a) && is_number(b)) ||
         (!is_number(a) && a.kind() == b.kind());
}

// -1, 0, 1; nothing for what has no order.
std::optional<int> three_way(const Value& a, const Value& b) {
  const auto sign = [](const auto& x, const auto& y) { return x < y ? -1 : (y < x ? 1 : 0); };
  if (is_number(a) && is_number(b)) return sign(number(a), number(b));
  if (a.is_string() && b.is_string())
    return sign(utf16(view(a.get_string())), utf16(view(b.get_string())));
  if (a.is_bool() && b.is_bool()) return sign(a.get_bool(), b.get_bool());
  return std::nullopt;
}

Answer compare(Kind kind, const Value& a, const Value& b) {
  if (!same_class(a, b)) return Answer::void_;
  if (kind == Kind::equal) return answer(same(a, b));
  if (kind == Kind::not_equal) return answer(!same(a, b));
  if (a.is_null()) return Answer::no;
  if (b.is_null()) return Answer::void_;
  const auto order = three_way(a, b);
  if (!order) return Answer::no;
  if (kind == Kind::less) return answer(*order < 0);
  if (kind == Kind::less_equal) return answer(*order <= 0);
  if (kind == Kind::greater) return answer(*order > 0);
  return answer(*order >= 0);
}

std::string subject(const Value& value) {
  if (value.is_string()) return std::string(view(value.get_string()));
  if (value.is_bool()) return value.get_bool() ? "true" : "false";
  if (value.is_int64()) return std::to_string(value.get_int64());
  if (value.is_uint64()) return std::to_string(value.get_uint64());
  if (value.is_double()) {
    auto text = fmt::format("{}", value.get_double());
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
  }
  std::vector<std::string> parts;
  if (value.is_array()) {
    for (const auto& item : value.get_array()) parts.push_back(subject(item));
    return fmt::format("[{}]", fmt::join(parts, ", "));
  }
  if (value.is_object()) {
    for (const auto& item : value.get_object()) {
      parts.push_back(fmt::format("{}={}", std::string_view(item.key()), subject(item.value())));
    }
    return fmt::format("{{{}}}", fmt::join(parts, ", "));
  }
  return "null";
}

Answer regex(const Value& text, const Value& pattern, Regex::Options options) {
  const auto compiled = Regex::compile(subject(pattern), options);
  if (!compiled) return Answer::void_;
  const auto found = compiled->search(subject(text));
  return found == Regex::Outcome::limit_exceeded ? Answer::void_
                                                 : answer(found == Regex::Outcome::match);
}

bool has_item(const Value& list, const Value& item) {
  if (!list.is_array()) return same(list, item);
  return std::ranges::any_of(list.get_array(),
                             [&](const Value& element) { return same(element, item); });
}

bool element_passes(Op op, const Value& element, const Value& right) {
  if (element.is_null()) return right.is_null();
  switch (op) {
    case Op::equal:
      return compare(Kind::equal, element, right) == Answer::yes;
    case Op::not_equal:
      return compare(Kind::not_equal, element, right) == Answer::yes;
    case Op::less:
      return compare(Kind::less, element, right) == Answer::yes;
    case Op::less_equal:
      return compare(Kind::less_equal, element, right) == Answer::yes;
    case Op::greater:
      return compare(Kind::greater, element, right) == Answer::yes;
    case Op::greater_equal:
      return compare(Kind::greater_equal, element, right) == Answer::yes;
    case Op::match:
    case Op::search:
    case Op::regex:
      return regex(element, right, {}) == Answer::yes;
    case Op::in:
      return has_item(right, element);
    case Op::not_in:
      return !has_item(right, element);
    case Op::contains:
      return has_item(element, right);
    case Op::not_contains:
      return !has_item(element, right);
  }
  return false;
}

// An operand: a value, nothing (missing), or impossible.
struct Side {
  std::optional<Value> value;
  bool broken = false;
};

// The event under test, and those bound by earlier conditions.
struct Scene {
  const Value& event;
  std::span<const Value* const> bound;
};

Side evaluate(const Expression& expression, const Scene& scene) {
  if (expression.kind == Kind::literal) return {expression.value};
  if (expression.kind == Kind::path) {
    const Value& event = expression.binding ? *scene.bound[*expression.binding] : scene.event;
    const auto found = find(event, expression.path);
    return found ? Side{*found} : Side{};
  }
  const Side left = evaluate(expression.operands[0], scene);
  const Side right = evaluate(expression.operands[1], scene);
  if (left.broken || right.broken) return {.broken = true};
  if (!left.value || left.value->is_null()) return right;
  if (!right.value || right.value->is_null()) return left;
  const bool add = expression.kind == Kind::add;
  if (is_number(*left.value) && is_number(*right.value)) {
    if (left.value->is_int64() && right.value->is_int64()) {
      return {Value(add ? left.value->get_int64() + right.value->get_int64()
                        : left.value->get_int64() - right.value->get_int64())};
    }
    const auto a = static_cast<double>(number(*left.value));
    const auto b = static_cast<double>(number(*right.value));
    return {Value(add ? a + b : a - b)};
  }
  if (add && left.value->is_string() && right.value->is_string()) {
    return {Value(subject(*left.value) + subject(*right.value))};
  }
  return {.broken = true};
}

Answer select_attribute(const Expression& expression, const Value& list, const Value& right) {
  const bool negated = expression.kind == Kind::not_selectattr;
  Array elements;
  if (list.is_array()) {
    elements = list.get_array();
  } else {
    elements.push_back(list);
  }
  bool some_pass = false;
  bool some_fail = false;
  for (const auto& element : elements) {
    if (element.is_null()) {
      some_fail = true;
      continue;
    }
    const Value* at = &element;
    bool missing = false;
    for (const auto key : split(expression.key, '.')) {
      if (at->is_null()) break;
      if (!at->is_object()) return Answer::void_;
      at = at->get_object().if_contains(key);
      if (at == nullptr) {
        missing = true;
        break;
      }
    }
    (!missing && element_passes(expression.select_op, *at, right) ? some_pass : some_fail) = true;
  }
  return answer(negated ? some_fail : some_pass);
}

Answer test(const Expression& expression, const Scene& scene) {
  const Side left = evaluate(expression.operands[0], scene);
  if (expression.kind == Kind::defined) return left.value ? Answer::yes : Answer::void_;
  if (expression.kind == Kind::not_defined) return answer(!left.value);
  if (left.broken || !left.value) return Answer::void_;
  if (expression.kind == Kind::truth)
    return answer(left.value->is_bool() && left.value->get_bool());
  const Side right = evaluate(expression.operands[1], scene);
  if (right.broken || !right.value) return Answer::void_;
  // Between events 1 and 1.0 differ, and values of different types merely are not equal.
  if (expression.kind == Kind::equal && find_bound_path(expression) != nullptr)
    return answer(identical(*left.value, *right.value));
  switch (expression.kind) {
    case Kind::contains:
      return answer(has_item(*left.value, *right.value));
    case Kind::not_contains:
      return answer(!has_item(*left.value, *right.value));
    case Kind::matches:
    case Kind::not_matches: {
      if (left.value->is_null()) return Answer::no;
      const auto found = regex(*left.value, *right.value, expression.regex_options);
      if (found == Answer::void_) return found;
      return answer((found == Answer::yes) == (expression.kind == Kind::matches));
    }
    case Kind::select:
    case Kind::not_select: {
      Array elements;
      if (left.value->is_array()) {
        elements = left.value->get_array();
      } else {
        elements.push_back(*left.value);
      }
      const bool wanted = expression.kind == Kind::select;
      return answer(std::ranges::any_of(elements, [&](const Value& element) {
        return element_passes(expression.select_op, element, *right.value) == wanted;
      }));
    }
    case Kind::selectattr:
    case Kind::not_selectattr:
      return select_attribute(expression, *left.value, *right.value);
    default:
      return compare(expression.kind, *left.value, *right.value);
  }
}

// `leaf(test, negated)`: whether an elementary test, or its negation, holds.
template <class Leaf>
bool holds(const Expression& expression, bool negated, const Leaf& leaf) {
  const auto child = [&](const Expression& operand) { return holds(operand, negated, leaf); };
  switch (expression.kind) {
    case Kind::negate:
      return holds(expression.operands[0], !negated, leaf);
    case Kind::all:
      return negated ? std::ranges::any_of(expression.operands, child)
                     : std::ranges::all_of(expression.operands, child);
    case Kind::any:
      return negated ? std::ranges::all_of(expression.operands, child)
                     : std::ranges::any_of(expression.operands, child);
    case Kind::literal:
      return (expression.value.is_bool() && expression.value.get_bool()) != negated;
    default:
      return leaf(expression, negated);
  }
}

// The paths of an operand that is made of the event's own paths only; else none.
std::vector<const Expression*> own_paths(const Expression& operand) {
  if (operand.kind == Kind::path && !operand.binding) return {&operand};
  std::vector<const Expression*> all;
  for (const auto& term : operand.operands) {
    const auto paths = own_paths(term);
    if (paths.empty()) return {};
    all.insert(all.end(), paths.begin(), paths.end());
  }
  return all;
}

// A test with another event can hold unless the first operand that is this event's own is missing.
bool can_hold(const Expression& test, const Value& event) {
  if (test.kind == Kind::not_defined) return true;
  for (const auto& operand : test.operands) {
    const auto paths = own_paths(operand);
    if (paths.empty()) continue;
    return std::ranges::any_of(
        paths, [&](const auto* path) { return static_cast<bool>(find(event, path->path)); });
  }
  return true;
}

}  // namespace

bool oracle_matches(const Expression& condition, const Value& event,
                    std::span<const Value* const> bound) {
  return holds(condition, false, [&](const Expression& expression, bool negated) {
    return test(expression, {event, bound}) == (negated ? Answer::no : Answer::yes);
  });
}

bool oracle_can_match(const Expression& condition, const Value& event) {
  return holds(condition, false, [&](const Expression& expression, bool negated) {
    if (find_bound_path(expression) != nullptr) return can_hold(expression, event);
    return test(expression, {event, {}}) == (negated ? Answer::no : Answer::yes);
  });
}

// --- random conditions and events
// ----------------------------------------------------------------------------------------

std::string RandomRules::logic(int depth) {
  if (depth == 0 || below(3) == 0) return test();
  switch (below(4)) {
    case 0:
      return fmt::format("not ({})", logic(depth - 1));
    case 1:
      return fmt::format("({}) or ({})", logic(depth - 1), logic(depth - 1));
    default:
      return fmt::format("({}) and ({})", logic(depth - 1), logic(depth - 1));
  }
}

std::string RandomRules::path() {
  static const std::vector<std::string> kPaths = {
      "a",      "b",   "c",        "a.x",      "a.y",   "b.x.y",  "l",      "l[0]",    "l[-1]",
      "l[1].x", "l.x", "b[\"x\"]", "l[\"x\"]", "d.l.x", "meta.k", "d[2].y", "d.l[0].x"};
  return "event." + one_of(kPaths);
}

std::string RandomRules::literal() {
  static const std::vector<std::string> kLiterals = {
      "0",     "1",      "2",    "3",     "-1",   "1.0",  "1.5", "\"1\"",       "\"a\"",
      "\"b\"", "\"ab\"", "true", "false", "null", "\"\"", "1e3", "\"\xC3\xA9\""};
  return one_of(kLiterals);
}

std::string RandomRules::operand() {
  switch (below(6)) {
    case 0:
      return fmt::format("{} + {}", path(), below(2) == 0 ? literal() : path());
    case 1:
      return fmt::format("{} - {}", path(), below(2) == 0 ? "1" : path());
    case 2:
      return path();
    default:
      return literal();
  }
}

std::string RandomRules::test() {
  static const std::vector<std::string> kComparisons = {
      "==", "==", "==", "!=", "<", "<=", ">", ">="};
  static const std::vector<std::string> kPatterns = {"a",     "^a",    "b$", "\\d",
                                                     "[ab]+", "(?i)A", "x=", ", "};
  static const std::vector<std::string> kRegexes = {"match", "search", "regex"};
  static const std::vector<std::string> kSelects = {"==", "!=",    "<",      "<=",   ">",
                                                    ">=", "match", "search", "regex"};
  static const std::vector<std::string> kAttributes = {"in", "not in", "contains", "not contains",
                                                       "==", "!=",     ">",        "search"};
  const std::string negation = below(4) == 0 ? "not " : "";
  const std::string is = below(3) == 0 ? "is not" : "is";
  switch (below(12)) {
    case 0:
      return negation + path();
    case 1:
      return fmt::format("{}{} {} defined", negation, path(), is);
    case 2:
      return fmt::format("{} {} {}({}\"{}\"{})", path(), is, one_of(kRegexes), "",
                         one_of(kPatterns),
                         below(3) == 0   ? ", ignorecase=true"
                         : below(3) == 0 ? ", multiline=true"
                                         : "");
    case 3:
      return fmt::format("{}{} {} {}", negation, path(),
                         below(2) == 0 ? "contains" : "not contains", literal());
    case 4:
      return fmt::format("{} {} [{}, {}, {}]", path(), below(3) == 0 ? "not in" : "in", literal(),
                         literal(), literal());
    case 5:
      return fmt::format("{} {} {}", literal(), below(3) == 0 ? "not in" : "in", path());
    case 6: {
      const auto& op = one_of(kSelects);
      const bool pattern = op == "match" || op == "search" || op == "regex";
      return fmt::format("{} {} select(\"{}\", {})", path(), is, op,
                         pattern ? fmt::format("\"{}\"", one_of(kPatterns))
                                 : (below(4) == 0 ? path() : literal()));
    }
    case 7: {
      const auto& op = one_of(kAttributes);
      const bool list = op == "in" || op == "not in";
      return fmt::format("{} {} selectattr(\"{}\", \"{}\", {})", path(), is,
                         below(3) == 0 ? "x.y" : "x", op,
                         list             ? fmt::format("[{}, {}]", literal(), literal())
                         : op == "search" ? fmt::format("\"{}\"", one_of(kPatterns))
                                          : literal());
    }
    case 8:
      return fmt::format("{} {} {}", path(), one_of(kComparisons), path());
    case 9:
      return fmt::format("{} {} {}", operand(), one_of(kComparisons), operand());
    default:
      return fmt::format("{} {} {}", path(), one_of(kComparisons), literal());
  }
}

Value RandomRules::value(int depth) {
  static const std::vector<std::string> kTexts = {
      "1", "a", "b", "ab", "", "x\ny", "\xC3\xA9", "\xF0\x9F\x98\x80", "\xEF\xBF\xBD"};
  switch (below(depth > 0 ? 11 : 7)) {
    case 0:
      return nullptr;
    case 1:
      return below(2) == 0;
    case 2:
      return std::int64_t{below(4)} - 1;
    case 3:
      return below(2) == 0 ? 1.0 : 1.5;
    case 4:
    case 5:
      return Value(one_of(kTexts));
    case 6:
      return below(20) == 0 ? Value(std::uint64_t{1} << 63) : Value(std::int64_t{1});
    case 7:
    case 8: {
      Array list;
      for (int i = below(4); i > 0; --i) list.push_back(value(depth - 1));
      return list;
    }
    default: {
      Object object;
      static const std::vector<std::string> kKeys = {"x", "y", "l", "k"};
      for (int i = below(4); i > 0; --i) object[one_of(kKeys)] = value(depth - 1);
      return object;
    }
  }
}

Value RandomRules::event() {
  static const std::vector<std::string> kKeys = {"a", "b", "c", "l", "d"};
  Object event;
  for (int i = below(6); i > 0; --i) event[one_of(kKeys)] = value(3);
  return event;
}

}  // namespace millrace::rules::testing
