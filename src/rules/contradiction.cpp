// SPDX-License-Identifier: Apache-2.0
#include "contradiction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "candidates.hpp"
#include "condition_text.hpp"
#include "reasoning.hpp"

namespace millrace::rules {
namespace {

using Kind = Expression::Kind;

// The fewest of the tests that exclude each other, in their order. The last of them is the first
// test that does not go with those before it.
Conjunction culprits_of(const Conjunction& tests) {
  Conjunction guilty;
  for (const auto* test : tests) {
    guilty.push_back(test);
    if (!can_hold(guilty)) break;
  }
  for (std::size_t i = guilty.size(); i-- > 0;) {
    Conjunction fewer = guilty;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    if (!fewer.empty() && !can_hold(fewer)) guilty = std::move(fewer);
  }
  return guilty;
}

std::string_view type_of(const Value& value) {
  if (value.is_string()) return "a text";
  if (value.is_number()) return "a number";
  if (value.is_bool()) return "a boolean";
  return value.is_array() ? "a list" : "nothing";
}

bool is_equality(const Claim& claim) {
  return claim.source->kind == Kind::equal && !claim.negated &&
         literal_of(*claim.source) != nullptr;
}

std::optional<std::string> hint_of_pair(const Claim& first, const Claim& second) {
  const Value* a = literal_of(*first.source);
  const Value* b = literal_of(*second.source);
  if (a == nullptr || b == nullptr) return std::nullopt;
  const auto as_text = [](const Value& value) { return literal_text(value); };
  const auto is_typed = [](const Value& value) { return !value.is_null() && !value.is_array(); };
  if (type_of(*a) != type_of(*b) && is_typed(*a) && is_typed(*b)) {
    return fmt::format("{} is {}, {} is {}: keep the one whose type events carry", as_text(*a),
                       type_of(*a), as_text(*b), type_of(*b));
  }
  if (!is_equality(first) || !is_equality(second)) return std::nullopt;
  const auto& path = first.source->operands[first.source->operands[0].kind == Kind::path ? 0 : 1];
  return fmt::format("write {} in [{}, {}] if either will do", to_text(path), as_text(*a),
                     as_text(*b));
}

std::string hint_of(const Conjunction& culprits) {
  if (culprits.back()->is_constant())
    return "remove the test; a rule is switched off with `enabled: false`";
  if (culprits.size() == 1) return "remove the test, or mend it";
  if (culprits.size() == 2) {
    if (auto hint = hint_of_pair(*culprits[0], *culprits[1])) return std::move(*hint);
  }
  const bool absent = std::ranges::any_of(culprits, [](const Claim* test) {
    return test->source->kind == Kind::not_defined && !test->negated;
  });
  return absent ? "what is not defined meets no other test; join them with `or`"
                : "join them with `or` if either will do, or remove one";
}

// What never matches if its tests exclude each other.
enum class Extent { condition, alternative };

class Checker {
 public:
  Checker(const Condition& condition, std::span<const std::string> bindings,
          Diagnostics& diagnostics)
      : condition_(condition), bindings_(bindings), diagnostics_(diagnostics) {}

  // Whether the claim can hold beside the tests that surround it.
  bool check(const Claim& claim, const Conjunction& around, Extent extent) {
    if (claim.kind == Claim::Kind::any) return check_alternatives(claim, around);
    Conjunction tests = around;
    append_tests(claim, tests);
    if (!can_hold(tests)) {
      report(culprits_of(tests), extent);
      return false;
    }
    return std::ranges::all_of(conjuncts(claim), [&](const Claim& part) {
      return part.kind != Claim::Kind::any || check_alternatives(part, tests);
    });
  }

 private:
  bool check_alternatives(const Claim& claim, const Conjunction& around) {
    std::vector<const Claim*> possible;
    for (const auto& part : claim.parts) {
      if (!check(part, around, Extent::alternative)) continue;
      const auto earlier = std::ranges::find_if(
          possible, [&](const Claim* before) { return covers(*before, part); });
      if (earlier != possible.end()) report_redundant(**earlier, part);
      possible.push_back(&part);
    }
    return !possible.empty();
  }

  void report(const Conjunction& culprits, Extent extent) {
    if (culprits.size() == 1 && is_told_or_meant(*culprits[0])) return;
    std::string texts;
    for (const auto* test : culprits)
      texts += fmt::format("{}`{}`", texts.empty() ? "" : " and ", to_text(*test, bindings_));
    diagnostics_.warning(
        "contradiction", condition_.at(*culprits.back()->source),
        fmt::format("{} never {}: {} never matches", texts,
                    culprits.size() == 1 ? "holds" : "hold together",
                    extent == Extent::condition ? "the condition" : "this alternative"),
        hint_of(culprits));
  }

  // What comes from a variable is a switch; `not x is defined` has a warning of its own.
  bool is_told_or_meant(const Claim& test) const {
    if (test.source->kind == Kind::defined) return test.negated;
    const auto written =
        std::string_view(condition_.text).substr(test.source->offset, test.source->length);
    return test.is_constant() && written.starts_with("vars");
  }

  void report_redundant(const Claim& earlier, const Claim& later) {
    const auto first = to_text(earlier, bindings_);
    const auto second = to_text(later, bindings_);
    diagnostics_.warning(
        "unreachable-alternative", condition_.at(*later.source),
        first == second
            ? fmt::format("`{}` stands twice among the alternatives", second)
            : fmt::format("`{}` holds only where `{}` does, which stands before it", second, first),
        "remove it, or mend the one that was meant otherwise");
  }

  const Condition& condition_;
  std::span<const std::string> bindings_;
  Diagnostics& diagnostics_;
};

}  // namespace

bool check_claim(const Condition& condition, const Claim& claim,
                 std::span<const std::string> bindings, Diagnostics& diagnostics) {
  if (claim.is_constant()) return true;  // a whole condition `false` says what it means
  return Checker(condition, bindings, diagnostics).check(claim, {}, Extent::condition);
}

}  // namespace millrace::rules
