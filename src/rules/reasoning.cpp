// SPDX-License-Identifier: Apache-2.0
#include "reasoning.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "candidates.hpp"

namespace millrace::rules {
namespace {

using Kind = Expression::Kind;

// Beyond these nothing is concluded: the effort grows with their product.
constexpr std::size_t kMostTests = 100;
constexpr std::size_t kMostLandmarks = 1'000;

bool holds(const Claim& test, Verdict said) {
  return said == (test.negated ? Verdict::no : Verdict::yes);
}
bool may_hold(const Claim& test, Verdict said) {
  return said == Verdict::unknown || holds(test, said);
}

std::vector<const Expression*> subjects_of(const Conjunction& tests) {
  std::vector<const Expression*> subjects;
  for (const auto* test : tests) {
    for (const auto& operand : test->source->operands) {
      if (operand.kind != Kind::path) continue;
      const bool known = std::ranges::any_of(
          subjects, [&](const Expression* subject) { return is_same_path(operand, *subject); });
      if (!known) subjects.push_back(&operand);
    }
  }
  return subjects;
}

// The values of `subject` that may meet the tests, told apart as far as `other` does it too;
// nothing: there are too many to try.
std::optional<std::vector<Candidate>> possible_values(const Expression& subject,
                                                      const Conjunction& tests,
                                                      const Claim* other = nullptr) {
  Landmarks landmarks;
  Conjunction concerned;
  for (const auto* test : tests) {
    if (concerns(*test->source, subject)) concerned.push_back(test);
  }
  for (const auto* test : concerned) {
    if (const auto* literal = literal_of(*test->source)) landmarks.add(*literal);
  }
  if (const auto* literal = other != nullptr ? literal_of(*other->source) : nullptr)
    landmarks.add(*literal);
  if (landmarks.size() > kMostLandmarks) return std::nullopt;
  auto values = landmarks.candidates();
  std::erase_if(values, [&](const Candidate& value) {
    return !std::ranges::all_of(concerned, [&](const Claim* test) {
      return may_hold(*test, judge(*test->source, subject, value));
    });
  });
  return values;
}

bool is_false(const Claim& test) {
  return test.is_constant() && test.source->value.is_bool() &&
         test.source->value.get_bool() == test.negated;
}

std::optional<Kind> opposite(Kind kind) {
  constexpr std::array kPairs = {
      std::pair{Kind::equal, Kind::not_equal}, std::pair{Kind::contains, Kind::not_contains},
      std::pair{Kind::matches, Kind::not_matches}, std::pair{Kind::less, Kind::greater_equal},
      std::pair{Kind::greater, Kind::less_equal}};
  for (const auto& [a, b] : kPairs) {
    if (kind == a) return b;
    if (kind == b) return a;
  }
  return std::nullopt;
}

// Whether some test stands beside its own negation, or its opposite.
bool has_opposites(const Conjunction& tests) {
  std::set<std::string> excluded;
  for (const auto* test : tests) {
    if (test->negated) {
      excluded.insert(to_text(*test->source));
    } else if (const auto kind = opposite(test->source->kind)) {
      Expression other = *test->source;
      other.kind = *kind;
      excluded.insert(to_text(other));
    }
  }
  return std::ranges::any_of(tests, [&](const Claim* test) {
    return !test->negated && excluded.contains(to_text(*test->source));
  });
}

}  // namespace

bool can_hold(const Conjunction& tests) {
  if (tests.size() > kMostTests) return true;
  if (std::ranges::any_of(tests, [](const Claim* test) { return is_false(*test); })) return false;
  if (has_opposites(tests)) return false;
  return std::ranges::none_of(subjects_of(tests), [&](const Expression* subject) {
    const auto values = possible_values(*subject, tests);
    return values && values->empty();
  });
}

bool follows(const Claim& wanted, const Conjunction& tests) {
  if (wanted.is_constant()) return !is_false(wanted);
  if (std::ranges::any_of(tests, [&](const Claim* test) { return test->text == wanted.text; }))
    return true;
  if (tests.size() > kMostTests) return false;
  const auto subjects = subjects_of({&wanted});
  if (subjects.size() != 1) return false;
  const auto is_about = [&](const Claim* test) { return concerns(*test->source, *subjects[0]); };
  if (std::ranges::none_of(tests, is_about)) return false;
  const auto values = possible_values(*subjects[0], tests, &wanted);
  return values && !values->empty() && std::ranges::all_of(*values, [&](const Candidate& value) {
           return holds(wanted, judge(*wanted.source, *subjects[0], value));
         });
}

bool covers(const Claim& earlier, const Claim& later) {
  const auto is_same = [&](const Claim& part) { return part.text == earlier.text; };
  if (is_same(later) || std::ranges::any_of(conjuncts(later), is_same)) return true;
  if (later.kind == Claim::Kind::any)
    return std::ranges::all_of(later.parts,
                               [&](const auto& part) { return covers(earlier, part); });
  const auto covers_later = [&](const Claim& part) { return covers(part, later); };
  if (earlier.kind == Claim::Kind::all) return std::ranges::all_of(earlier.parts, covers_later);
  if (earlier.kind == Claim::Kind::any) return std::ranges::any_of(earlier.parts, covers_later);
  Conjunction tests;
  append_tests(later, tests);
  return follows(earlier, tests);
}

}  // namespace millrace::rules
