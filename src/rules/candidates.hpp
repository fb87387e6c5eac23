// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "millrace/rules/condition.hpp"

namespace millrace::rules {

/// A value that stands for all others that the tests of a path cannot tell from it.
struct Candidate {
  enum class Kind { missing, null, boolean, number, text, list, object };
  Kind kind = Kind::missing;
  const Value* exact = nullptr;  ///< the value, if it is a landmark; else
  const Value* below = nullptr;  ///< the landmark just below it, null at the lower end
};

/// The literals that a path is compared with.
class Landmarks {
 public:
  /// `value` must outlive the candidates; of a list its items count too.
  void add(const Value& value);
  std::size_t size() const { return numbers_.size() + texts_.size() + containers_.size(); }
  std::vector<Candidate> candidates();

 private:
  std::vector<const Value*> numbers_;
  std::vector<const Value*> texts_;
  std::vector<const Value*> containers_;
};

/// What a test says of a candidate. `invalid` does not hold under `not` either; `unknown`: it
/// depends on more than this value.
enum class Verdict { no, yes, invalid, unknown };

/// What the test says of an event in which `subject`, a path, finds `candidate`.
Verdict judge(const Expression& test, const Expression& subject, const Candidate& candidate);

/// Whether the test asks for what `subject` finds, or for something below it.
bool concerns(const Expression& test, const Expression& subject);
/// Whether `operand` is the path that `subject` is, of the same event.
bool is_same_path(const Expression& operand, const Expression& subject);

/// The literal of a test that has one beside a path, else null.
const Value* literal_of(const Expression& test);

}  // namespace millrace::rules
