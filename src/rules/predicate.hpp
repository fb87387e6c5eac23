// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
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

/// Where the operands of a test come from: an event just read, or events that have met.
class Operands {
 public:
  virtual const Slot& slot(SlotId id) = 0;
  /// The list or object of a slot.
  virtual const Value& container(SlotId id) = 0;
  /// As EventReader::each_item().
  virtual void each_item(SlotId id, const std::function<bool(const Slot&)>& visit) = 0;

 protected:
  ~Operands() = default;
};

class EventOperands final : public Operands {
 public:
  explicit EventOperands(EventReader& reader) : reader_(reader) {}
  const Slot& slot(SlotId id) override { return reader_.slot(id); }
  const Value& container(SlotId id) override { return reader_.container(id); }
  void each_item(SlotId id, const std::function<bool(const Slot&)>& visit) override {
    reader_.each_item(id, visit);
  }

 private:
  EventReader& reader_;
};

/// An operand's value. Lists and objects are fetched only when a test looks inside.
class LoadedOperand {
 public:
  /// `trouble` is told why a sum cannot be made.
  LoadedOperand(const Operand& operand, Operands& source, std::string& trouble);
  LoadedOperand(const LoadedOperand&) = delete;
  LoadedOperand& operator=(const LoadedOperand&) = delete;

  /// Without looking inside a container.
  const Slot& shallow() const { return slot_; }
  const Slot& deep();
  bool missing() const { return slot_.missing(); }
  bool failed() const { return failed_; }

 private:
  void load_sum(const Operand& operand, std::string& trouble);
  void adopt(LoadedOperand& other);
  void add_numbers(const Slot& a, const Slot& b, bool add);

  Operands& source_;
  Slot slot_;
  SlotId id_ = 0;
  std::string made_;
  bool failed_ = false;
};

/// An elementary test, compiled: the leaf of a condition, shared by every rule that makes it.
class Predicate {
 public:
  /// Gives the slot of a path, which may belong to an event bound by another condition.
  using SlotOf = std::function<SlotId(const Expression& path)>;

  /// `expression` is a leaf that was checked when it was parsed.
  Predicate(const Expression& expression, const SlotOf& slot_of);

  Truth evaluate(Operands& source);

  Expression::Kind kind() const { return kind_; }
  const Operand& left() const { return left_; }
  const Operand& right() const { return right_; }
  /// Of a test against a pattern: whether it is a literal that compiles, and how it is meant.
  bool fixed_pattern() const { return fixed_pattern_ && regex_; }
  const Regex::Options& regex_options() const { return regex_options_; }

  /// Set when the last evaluation could not compare its operands: the names of their Python types.
  struct Mismatch {
    std::string_view left;
    std::string_view right;
  };
  const std::optional<Mismatch>& mismatch() const { return mismatch_; }
  /// Whether the last evaluation was given up, or could not be made; what for.
  const std::string& trouble() const { return trouble_; }

 private:
  Truth compare(Operands& source);
  static bool identical(LoadedOperand& left, LoadedOperand& right);
  Truth contains(Operands& source);
  Truth matches(Operands& source);
  Truth select(Operands& source);
  Truth selectattr(Operands& source);
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
  bool joins_ = false;  ///< an equality between two events: 1 and 1.0 differ, and so do 1 and "1"
  std::optional<Mismatch> mismatch_;
  std::string trouble_;
};

/// `expression` is no test: a path, a literal, a sum.
Operand operand_of(const Expression& expression, const Predicate::SlotOf& slot_of);

/// <, <=, > and >=.
bool is_order(Expression::Kind kind);
/// Whether operands of that order satisfy one of them.
bool satisfies(Expression::Kind kind, std::partial_ordering ordering);
/// Of a number.
double as_double(const Slot& slot);

/// By UTF-16 code unit.
std::partial_ordering order_texts(std::string_view a, std::string_view b);

/// Numbers by value, exactly, whatever their types; texts by UTF-16 code unit; false before true.
/// Both of one class.
std::partial_ordering order(const Slot& a, const Slot& b);

/// The text that a pattern is matched against: 12, 1.5, true, [a, b], {a=1}.
std::string regex_subject(const Slot& slot);

/// Name of the Python type, as messages have it.
std::string_view type_name(const Slot& slot);

}  // namespace millrace::rules
