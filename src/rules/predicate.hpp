// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "millrace/base/regex.hpp"
#include "millrace/event/event_reader.hpp"
#include "millrace/rules/condition.hpp"

namespace millrace::rules {

/// What an elementary test says of an event. `invalid` (a missing path, operands that cannot be
/// compared, an effort beyond its bound) is no match and stays none under `not`.
enum class Truth { no, yes, invalid };

/// One side of a test: what a path found, a literal, or a sum.
struct Operand {
  enum class Kind { slot, literal, add, subtract };
  Kind kind = Kind::literal;
  SlotId slot = 0;
  Value literal;
  std::vector<Operand> terms;  ///< two, of add and subtract
};

/// An elementary test, compiled: the leaf of a condition, shared by every rule that makes it.
class Predicate {
 public:
  /// Gives the slot of a path.
  using SlotOf = std::function<SlotId(const Path&)>;

  /// `expression` is a leaf that was checked when it was parsed.
  Predicate(const Expression& expression, const SlotOf& slot_of);

  Truth evaluate(EventReader& reader);

  Expression::Kind kind() const { return kind_; }
  const Operand& left() const { return left_; }
  const Operand& right() const { return right_; }

  /// Set when the last evaluation could not compare its operands: the names of their Python types.
  struct Mismatch {
    std::string_view left;
    std::string_view right;
  };
  const std::optional<Mismatch>& mismatch() const { return mismatch_; }
  /// Whether the last evaluation was given up, or could not be made; what for.
  const std::string& trouble() const { return trouble_; }

 private:
  class Loaded;
  Truth compare(EventReader& reader);
  Truth contains(EventReader& reader);
  Truth matches(EventReader& reader);
  Truth select(EventReader& reader);
  Truth selectattr(EventReader& reader);
  Truth select_element(Expression::SelectOp op, const Slot& element, const Slot& right);
  Truth matches_pattern(const Slot& subject, const Slot& pattern, Regex::Options options);

  Expression::Kind kind_;
  Operand left_;
  Operand right_;
  Expression::SelectOp select_op_;
  std::vector<std::string> attribute_;
  Regex::Options regex_options_;
  std::optional<Regex> regex_;  ///< of a literal pattern; of a pattern from the event the last one
  bool fixed_pattern_ = false;
  std::optional<Mismatch> mismatch_;
  std::string trouble_;
};

/// Numbers by value, exactly, whatever their types; texts by UTF-16 code unit; false before true.
/// Both of one class.
std::partial_ordering order(const Slot& a, const Slot& b);

/// The text that a pattern is matched against: 12, 1.5, true, [a, b], {a=1}.
std::string regex_subject(const Slot& slot);

/// Name of the Python type, as messages have it.
std::string_view type_name(const Slot& slot);

}  // namespace millrace::rules
