// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "millrace/event/value.hpp"
#include "rule_tests.hpp"
#include "test_time.hpp"

namespace millrace::cli {

/// A firing that came.
struct Firing {
  std::string rule;
  TestTime at{};
  std::vector<std::pair<std::string, DocumentPtr>> bindings;
};

/// Whether all of `expected` is in `actual`: objects may have more keys, lists are compared element
/// by element, numbers by value.
bool includes(const Value& actual, const Value& expected);

/// Whether the firings are the expected ones, in their order.
bool as_expected(std::span<const ExpectedFiring> expected, std::span<const Firing> came);

/// A line of the comparison of expected firings with those that came.
struct DiffLine {
  enum class Kind { as_expected, missing, unexpected };
  Kind kind = Kind::as_expected;
  std::string rule;
  std::optional<TestTime> at;
  Object match;  ///< binding names and events, without `meta`; of a missing one what it asked for
  std::string remark;  ///< of an unexpected one: how it differs from the missing one of its rule
};

/// The two side by side, with as few differences as possible. Beyond a few million pairs to compare
/// it no longer looks for what both have in common between the first and the last difference.
std::vector<DiffLine> difference(std::span<const ExpectedFiring> expected,
                                 std::span<const Firing> came);

}  // namespace millrace::cli
