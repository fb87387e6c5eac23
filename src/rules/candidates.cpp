// SPDX-License-Identifier: Apache-2.0
// Tests that compare a path with literals cannot tell all values apart: between two neighbouring
// literals every number meets the same tests. So a handful of values stands for all: none, null,
// true, false, each literal, one between each two neighbours and one at both ends, a list and an
// object that no test names. If none of them can meet the tests, nothing can. A value between two
// literals is taken to exist even where there is none, and a test that depends on more than this
// path's value is taken to hold: that errs on the side of what can happen.

#include "candidates.hpp"

#include <algorithm>
#include <compare>

#include "predicate.hpp"

namespace millrace::rules {
namespace {

using Kind = Expression::Kind;
using Class = Candidate::Kind;

Class class_of(const Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return Class::null;
    case boost::json::kind::bool_:
      return Class::boolean;
    case boost::json::kind::string:
      return Class::text;
    case boost::json::kind::array:
      return Class::list;
    case boost::json::kind::object:
      return Class::object;
    default:
      return Class::number;
  }
}

std::partial_ordering three_way(const Value& a, const Value& b) {
  return order(Slot::of(a), Slot::of(b));
}

void append(std::vector<const Value*>& values, Class kind, std::vector<Candidate>& all) {
  const auto before = [](const Value* a, const Value* b) { return three_way(*a, *b) < 0; };
  std::ranges::sort(values, before);
  all.push_back({.kind = kind});
  for (const auto* value : values) {
    all.push_back({.kind = kind, .exact = value});
    all.push_back({.kind = kind, .below = value});
  }
}

std::partial_ordering three_way(const Candidate& candidate, const Value& literal) {
  if (candidate.exact != nullptr) return three_way(*candidate.exact, literal);
  const bool above = candidate.below != nullptr && three_way(literal, *candidate.below) <= 0;
  return above ? std::partial_ordering::greater : std::partial_ordering::less;
}

bool equal(const Candidate& candidate, const Value& literal) {
  if (candidate.kind != class_of(literal)) return false;
  if (candidate.kind == Class::null) return true;
  if (candidate.kind >= Class::list)
    return candidate.exact != nullptr && identical(*candidate.exact, literal);
  return three_way(candidate, literal) == 0;
}

Verdict verdict(bool yes) { return yes ? Verdict::yes : Verdict::no; }

enum class Side { left, right };  // on which the path stands

Verdict compare(Kind kind, const Candidate& candidate, const Value& literal, Side side) {
  const bool null = candidate.kind == Class::null;
  if (!null && !literal.is_null() && candidate.kind != class_of(literal)) return Verdict::invalid;
  if (kind == Kind::equal || kind == Kind::not_equal)
    return verdict(equal(candidate, literal) == (kind == Kind::equal));
  if (null || literal.is_null()) {
    const bool left_null = side == Side::left ? null : literal.is_null();
    return left_null ? Verdict::no : Verdict::invalid;
  }
  if (candidate.kind >= Class::list) return Verdict::no;
  const auto ordering = three_way(candidate, literal);
  return verdict(satisfies(kind, side == Side::left ? ordering : 0 <=> ordering));
}

Verdict contains(Kind kind, const Candidate& candidate, const Value& literal, Side side) {
  bool found = false;
  if (side == Side::left && candidate.kind == Class::list) {
    if (candidate.exact == nullptr) return Verdict::unknown;
    const auto& items = candidate.exact->get_array();
    found = std::ranges::any_of(
        items, [&](const Value& item) { return equal(Candidate{class_of(item), &item}, literal); });
  } else if (side == Side::right && literal.is_array()) {
    found = std::ranges::any_of(literal.get_array(),
                                [&](const Value& item) { return equal(candidate, item); });
  } else {
    found = equal(candidate, literal);
  }
  return verdict(found == (kind == Kind::contains));
}

Verdict matches(const Expression& test, const Candidate& candidate, const Value& pattern) {
  if (candidate.kind == Class::null) return Verdict::no;
  if (candidate.kind != Class::text || candidate.exact == nullptr || !pattern.is_string())
    return Verdict::unknown;
  const auto compiled = Regex::compile(view(pattern.get_string()), test.regex_options);
  if (!compiled) return Verdict::unknown;
  const auto outcome = compiled->search(view(candidate.exact->get_string()));
  if (outcome == Regex::Outcome::limit_exceeded) return Verdict::unknown;
  return verdict((outcome == Regex::Outcome::match) == (test.kind == Kind::matches));
}

bool same_owner(const Expression& a, const Expression& b) { return a.binding == b.binding; }

// Whether `path` leads through `start`, so that it finds nothing where that finds nothing.
bool leads_through(const Expression& path, const Expression& start) {
  if (path.kind != Kind::path || !same_owner(path, start)) return false;
  const auto& whole = path.path.segments();
  const auto& first = start.path.segments();
  return whole.size() >= first.size() && std::equal(first.begin(), first.end(), whole.begin());
}

}  // namespace

void Landmarks::add(const Value& value) {
  if (value.is_array()) {
    for (const auto& item : value.get_array()) add(item);
  }
  if (value.is_array() || value.is_object()) {
    containers_.push_back(&value);
  } else if (value.is_number()) {
    numbers_.push_back(&value);
  } else if (value.is_string()) {
    texts_.push_back(&value);
  }
}

std::vector<Candidate> Landmarks::candidates() {
  static const Value kTrue = true;
  static const Value kFalse = false;
  std::vector<Candidate> all{{.kind = Class::missing},
                             {.kind = Class::null},
                             {.kind = Class::boolean, .exact = &kTrue},
                             {.kind = Class::boolean, .exact = &kFalse},
                             {.kind = Class::list},
                             {.kind = Class::object}};
  for (const auto* value : containers_) all.push_back({class_of(*value), value});
  append(numbers_, Class::number, all);
  append(texts_, Class::text, all);
  return all;
}

bool is_same_path(const Expression& a, const Expression& b) {
  return a.kind == Kind::path && same_owner(a, b) && a.path == b.path;
}

bool concerns(const Expression& test, const Expression& subject) {
  return std::ranges::any_of(
      test.operands, [&](const Expression& operand) { return leads_through(operand, subject); });
}

// What the test says of an event in which `subject`, a path, finds `candidate`.
Verdict judge(const Expression& test, const Expression& subject, const Candidate& candidate) {
  if (!concerns(test, subject)) return Verdict::unknown;
  if (candidate.kind == Class::missing)
    return test.kind == Kind::not_defined ? Verdict::yes : Verdict::invalid;
  const bool left = is_same_path(test.operands[0], subject);
  if (!left && !(test.operands.size() > 1 && is_same_path(test.operands[1], subject)))
    return Verdict::unknown;
  if (test.kind == Kind::defined || test.kind == Kind::not_defined)
    return verdict(test.kind == Kind::defined);
  if (test.kind == Kind::truth)
    return verdict(candidate.kind == Class::boolean && candidate.exact->get_bool());
  const Value* literal = literal_of(test);
  if (literal == nullptr) return Verdict::unknown;
  const Side side = left ? Side::left : Side::right;
  if (test.kind >= Kind::equal && test.kind <= Kind::greater_equal)
    return compare(test.kind, candidate, *literal, side);
  if (test.kind == Kind::contains || test.kind == Kind::not_contains)
    return contains(test.kind, candidate, *literal, side);
  const bool by_pattern = test.kind == Kind::matches || test.kind == Kind::not_matches;
  return by_pattern && left ? matches(test, candidate, *literal) : Verdict::unknown;
}

const Value* literal_of(const Expression& test) {
  if (test.operands.size() != 2) return nullptr;
  const Expression& left = test.operands[0];
  const Expression& right = test.operands[1];
  if (right.kind == Kind::literal && left.kind == Kind::path) return &right.value;
  return left.kind == Kind::literal && right.kind == Kind::path ? &left.value : nullptr;
}

}  // namespace millrace::rules
