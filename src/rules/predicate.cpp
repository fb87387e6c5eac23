// SPDX-License-Identifier: Apache-2.0
#include "predicate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <compare>
#include <limits>
#include <utility>

#include "millrace/base/text.hpp"
#include "millrace/event/python_text.hpp"

namespace millrace::rules {
namespace {

using Kind = Expression::Kind;
using SelectOp = Expression::SelectOp;

std::partial_ordering order_mixed(std::int64_t integer, double number) {
  // 2^63: beyond, every double is larger (or smaller) than every integer; below, truncating is
  // exact.
  constexpr double kBeyond = 9223372036854775808.0;
  if (std::isnan(number)) return std::partial_ordering::unordered;
  if (number >= kBeyond) return std::partial_ordering::less;
  if (number < -kBeyond) return std::partial_ordering::greater;
  const auto whole = static_cast<std::int64_t>(number);
  if (integer != whole) return integer <=> whole;
  return 0.0 <=> (number - static_cast<double>(whole));
}

std::partial_ordering order_numbers(const Slot& a, const Slot& b) {
  using enum Slot::Kind;
  if (a.kind == number && b.kind == number) return a.number <=> b.number;
  if (a.kind == number) return 0 <=> order_numbers(b, a);
  if (b.kind == number) {
    if (a.kind == integer) return order_mixed(a.integer, b.number);
    return static_cast<double>(a.unsigned_integer) <=> b.number;
  }
  if (a.kind == b.kind)
    return a.kind == integer ? a.integer <=> b.integer : a.unsigned_integer <=> b.unsigned_integer;
  return a.kind == integer ? std::partial_ordering::less
                           : std::partial_ordering::greater;  // unsigned: beyond int64
}

bool comparable(const Slot& a, const Slot& b) {
  return a.is_null() || b.is_null() || (a.is_number() && b.is_number()) || a.kind == b.kind;
}

bool equal(const Slot& a, const Slot& b) {
  if (a.is_number() && b.is_number()) return order_numbers(a, b) == 0;
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Slot::Kind::null:
      return true;
    case Slot::Kind::boolean:
      return a.boolean == b.boolean;
    case Slot::Kind::string:
      return a.string() == b.string();
    default:
      return identical(*a.container, *b.container);
  }
}

Truth truth(bool value) { return value ? Truth::yes : Truth::no; }

Kind comparison_of(SelectOp op) {
  switch (op) {
    case SelectOp::not_equal:
      return Kind::not_equal;
    case SelectOp::less:
      return Kind::less;
    case SelectOp::less_equal:
      return Kind::less_equal;
    case SelectOp::greater:
      return Kind::greater;
    case SelectOp::greater_equal:
      return Kind::greater_equal;
    default:
      return Kind::equal;
  }
}

// `list contains item`; what is no list contains what equals it.
bool holds_item(const Slot& list, const Slot& item) {
  if (list.kind != Slot::Kind::list) return equal(list, item);
  return std::ranges::any_of(list.container->get_array(),
                             [&](const Value& element) { return equal(Slot::of(element), item); });
}

// What a key path finds in an element of selectattr.
struct Attribute {
  enum class State { found, missing, broken };  // broken: a step into a scalar
  State state = State::missing;
  Slot slot;
};

Attribute attribute_of(const Value& element, const std::vector<std::string>& keys) {
  const Value* at = &element;
  for (const auto& key : keys) {
    if (at->is_null()) break;
    if (!at->is_object()) return {Attribute::State::broken, {}};
    at = at->get_object().if_contains(key);
    if (at == nullptr) return {Attribute::State::missing, {}};
  }
  return {Attribute::State::found, Slot::of(*at)};
}

bool is_negated(Kind kind) {
  return kind == Kind::not_select || kind == Kind::not_selectattr || kind == Kind::not_matches ||
         kind == Kind::not_contains;
}

}  // namespace

bool is_order(Kind kind) {
  return kind == Kind::less || kind == Kind::less_equal || kind == Kind::greater ||
         kind == Kind::greater_equal;
}

bool satisfies(Kind kind, std::partial_ordering ordering) {
  switch (kind) {
    case Kind::less:
      return ordering < 0;
    case Kind::less_equal:
      return ordering <= 0;
    case Kind::greater:
      return ordering > 0;
    default:
      return ordering >= 0;
  }
}

double as_double(const Slot& slot) {
  if (slot.kind == Slot::Kind::number) return slot.number;
  return slot.kind == Slot::Kind::integer ? static_cast<double>(slot.integer)
                                          : static_cast<double>(slot.unsigned_integer);
}

Operand operand_of(const Expression& expression, const Predicate::SlotOf& slot_of) {
  Operand operand;
  switch (expression.kind) {
    case Kind::path:
      operand.kind = Operand::Kind::slot;
      operand.slot = slot_of(expression);
      break;
    case Kind::add:
    case Kind::subtract:
      operand.kind = expression.kind == Kind::add ? Operand::Kind::add : Operand::Kind::subtract;
      for (const auto& term : expression.operands)
        operand.terms.push_back(operand_of(term, slot_of));
      break;
    default:
      operand.literal = expression.value;
      break;
  }
  return operand;
}

// By UTF-16 code unit, without making UTF-16: it differs from the order of bytes only where one
// side's character lies beyond the basic plane (a lead byte of 0xF0 and up, surrogates in UTF-16)
// and the other's in U+E000 to U+FFFF.
std::partial_ordering order_texts(std::string_view a, std::string_view b) {
  const auto [at, bt] = std::ranges::mismatch(a, b);
  if (at == a.end() || bt == b.end()) return a.size() <=> b.size();
  const auto left = static_cast<unsigned char>(*at);
  const auto right = static_cast<unsigned char>(*bt);
  constexpr unsigned char kPrivateLead = 0xEE;
  constexpr unsigned char kAstralLead = 0xF0;
  if (left >= kAstralLead && right >= kPrivateLead && right < kAstralLead)
    return std::partial_ordering::less;
  if (right >= kAstralLead && left >= kPrivateLead && left < kAstralLead)
    return std::partial_ordering::greater;
  return left <=> right;
}

std::partial_ordering order(const Slot& a, const Slot& b) {
  if (a.is_number() && b.is_number()) return order_numbers(a, b);
  if (a.kind != b.kind) return std::partial_ordering::unordered;
  if (a.is_string()) return order_texts(a.string(), b.string());
  if (a.kind == Slot::Kind::boolean)
    return static_cast<int>(a.boolean) <=> static_cast<int>(b.boolean);
  return std::partial_ordering::unordered;
}

std::string_view type_name(const Slot& slot) {
  switch (slot.kind) {
    case Slot::Kind::boolean:
      return "bool";
    case Slot::Kind::integer:
    case Slot::Kind::unsigned_integer:
      return "int";
    case Slot::Kind::number:
      return "float";
    case Slot::Kind::string:
      return "str";
    case Slot::Kind::list:
      return "list";
    case Slot::Kind::object:
      return "dict";
    default:
      return "NoneType";
  }
}

std::string regex_subject(const Slot& slot) {
  switch (slot.kind) {
    case Slot::Kind::boolean:
      return slot.boolean ? "true" : "false";
    case Slot::Kind::integer:
      return std::to_string(slot.integer);
    case Slot::Kind::unsigned_integer:
      return std::to_string(slot.unsigned_integer);
    case Slot::Kind::number: {
      auto text = fmt::format("{}", slot.number);
      if (text.find_first_of(".en") == std::string::npos) text += ".0";
      return text;
    }
    case Slot::Kind::string:
      return std::string(slot.string());
    case Slot::Kind::list: {
      std::vector<std::string> parts;
      for (const auto& element : slot.container->get_array()) {
        parts.push_back(regex_subject(Slot::of(element)));
      }
      return fmt::format("[{}]", fmt::join(parts, ", "));
    }
    case Slot::Kind::object: {
      std::vector<std::string> parts;
      for (const auto& entry : slot.container->get_object()) {
        parts.push_back(fmt::format("{}={}", std::string_view(entry.key()),
                                    regex_subject(Slot::of(entry.value()))));
      }
      return fmt::format("{{{}}}", fmt::join(parts, ", "));
    }
    default:
      return "null";
  }
}

LoadedOperand::LoadedOperand(const Operand& operand, Operands& source, std::string& trouble)
    : source_(source) {
  switch (operand.kind) {
    case Operand::Kind::slot:
      id_ = operand.slot;
      slot_ = source.slot(operand.slot);
      break;
    case Operand::Kind::literal:
      slot_ = Slot::of(operand.literal);
      break;
    default:
      load_sum(operand, trouble);
      break;
  }
}

const Slot& LoadedOperand::deep() {
  if (slot_.is_container() && slot_.container == nullptr) slot_.container = &source_.container(id_);
  return slot_;
}

// A missing or null term is left out: the sum is the other one.
void LoadedOperand::load_sum(const Operand& operand, std::string& trouble) {
  LoadedOperand left(operand.terms[0], source_, trouble);
  LoadedOperand right(operand.terms[1], source_, trouble);
  failed_ = left.failed_ || right.failed_;
  if (failed_) return;
  const bool no_left = left.missing() || left.slot_.is_null();
  const bool no_right = right.missing() || right.slot_.is_null();
  if (no_left || no_right) {
    adopt(no_left ? right : left);
  } else if (left.slot_.is_number() && right.slot_.is_number()) {
    add_numbers(left.slot_, right.slot_, operand.kind == Operand::Kind::add);
  } else if (left.slot_.is_string() && right.slot_.is_string() &&
             operand.kind == Operand::Kind::add) {
    made_ = fmt::format("{}{}", left.slot_.string(), right.slot_.string());
    slot_.kind = Slot::Kind::string;
    slot_.characters = made_.data();
    slot_.length = static_cast<std::uint32_t>(made_.size());
  } else {
    failed_ = true;
    trouble =
        fmt::format("cannot {} {} and {}", operand.kind == Operand::Kind::add ? "add" : "subtract",
                    type_name(left.slot_), type_name(right.slot_));
  }
}

void LoadedOperand::adopt(LoadedOperand& other) {
  slot_ = other.slot_;
  id_ = other.id_;
  if (slot_.is_string() && slot_.characters == other.made_.data()) {
    made_ = other.made_;
    slot_.characters = made_.data();
  }
}

void LoadedOperand::add_numbers(const Slot& a, const Slot& b, bool add) {
  std::int64_t sum = 0;
  if (a.kind == Slot::Kind::integer && b.kind == Slot::Kind::integer &&
      !(add ? __builtin_add_overflow(a.integer, b.integer, &sum)
            : __builtin_sub_overflow(a.integer, b.integer, &sum))) {
    slot_.kind = Slot::Kind::integer;
    slot_.integer = sum;
    return;
  }
  slot_.kind = Slot::Kind::number;
  slot_.number = add ? as_double(a) + as_double(b) : as_double(a) - as_double(b);
}

Predicate::Predicate(const Expression& expression, const SlotOf& slot_of)
    : kind_(expression.kind),
      left_(operand_of(expression.operands[0], slot_of)),
      select_op_(expression.select_op),
      regex_options_(expression.regex_options) {
  if (expression.operands.size() > 1) right_ = operand_of(expression.operands[1], slot_of);
  joins_ = kind_ == Kind::equal && find_bound_path(expression) != nullptr;
  if (!expression.key.empty()) {
    for (const auto part : split(expression.key, '.')) attribute_.emplace_back(part);
  }
  const bool selects_by_pattern = select_op_ == SelectOp::match || select_op_ == SelectOp::search ||
                                  select_op_ == SelectOp::regex;
  const bool has_pattern =
      kind_ == Kind::matches || kind_ == Kind::not_matches || selects_by_pattern;
  fixed_pattern_ =
      has_pattern && right_.kind == Operand::Kind::literal && right_.literal.is_string();
  if (fixed_pattern_) {
    auto compiled = Regex::compile(view(right_.literal.get_string()), regex_options_);
    if (compiled) regex_.emplace(std::move(*compiled));
  }
}

Truth Predicate::evaluate(Operands& source) {
  mismatch_.reset();
  trouble_.clear();
  switch (kind_) {
    // Of a missing path nothing can be said, not even under `not`: `not x is defined` never
    // matches.
    case Kind::defined:
      return source.slot(left_.slot).missing() ? Truth::invalid : Truth::yes;
    case Kind::not_defined:
      return source.slot(left_.slot).missing() ? Truth::yes : Truth::no;
    case Kind::truth: {
      const Slot& slot = source.slot(left_.slot);
      if (slot.missing()) return Truth::invalid;
      return truth(slot.kind == Slot::Kind::boolean && slot.boolean);
    }
    case Kind::contains:
    case Kind::not_contains:
      return contains(source);
    case Kind::matches:
    case Kind::not_matches:
      return matches(source);
    case Kind::select:
    case Kind::not_select:
      return select(source);
    case Kind::selectattr:
    case Kind::not_selectattr:
      return selectattr(source);
    default:
      return compare(source);
  }
}

// Events join on values of one type only.
bool Predicate::identical(LoadedOperand& left, LoadedOperand& right) {
  return left.shallow().kind == right.shallow().kind && equal(left.deep(), right.deep());
}

Truth Predicate::compare(Operands& source) {
  LoadedOperand left(left_, source, trouble_);
  LoadedOperand right(right_, source, trouble_);
  if (left.failed() || right.failed() || left.missing() || right.missing()) return Truth::invalid;
  if (joins_) return truth(identical(left, right));
  if (!comparable(left.shallow(), right.shallow())) {
    mismatch_ = Mismatch{type_name(left.shallow()), type_name(right.shallow())};
    return Truth::invalid;
  }
  if (is_order(kind_)) {
    if (left.shallow().is_null()) return Truth::no;
    if (right.shallow().is_null()) return Truth::invalid;
    return truth(satisfies(kind_, order(left.shallow(), right.shallow())));
  }
  const bool same_kind = left.shallow().kind == right.shallow().kind || left.shallow().is_number();
  const bool same = same_kind && equal(left.deep(), right.deep());
  return truth(same == (kind_ == Kind::equal));
}

Truth Predicate::contains(Operands& source) {
  LoadedOperand list(left_, source, trouble_);
  LoadedOperand item(right_, source, trouble_);
  if (list.failed() || item.failed() || list.missing() || item.missing()) return Truth::invalid;
  bool found = false;
  if (left_.kind == Operand::Kind::slot && list.shallow().kind == Slot::Kind::list &&
      !item.shallow().is_container()) {
    source.each_item(left_.slot, [&](const Slot& element) {
      found = !element.is_container() && equal(element, item.shallow());
      return !found;
    });
  } else {
    found = holds_item(list.deep(), item.deep());
  }
  return truth(found != is_negated(kind_));
}

Truth Predicate::matches_pattern(const Slot& subject, const Slot& pattern, Regex::Options options) {
  if (!fixed_pattern_ &&
      (!regex_ || !pattern.is_string() || regex_->pattern() != pattern.string())) {
    regex_.reset();
    const auto text = pattern.is_string() ? std::string(pattern.string()) : regex_subject(pattern);
    auto compiled = Regex::compile(text, options);
    if (compiled) regex_.emplace(std::move(*compiled));
    if (!compiled) trouble_ = compiled.error().message();
  }
  if (!regex_) return Truth::invalid;
  const auto outcome = subject.is_string() ? regex_->search(subject.string())
                                           : regex_->search(regex_subject(subject));
  if (outcome == Regex::Outcome::limit_exceeded) {
    trouble_ = fmt::format("matching `{}` was given up: it backtracks too much on this text",
                           regex_->pattern());
    return Truth::invalid;
  }
  return truth(outcome == Regex::Outcome::match);
}

Truth Predicate::matches(Operands& source) {
  LoadedOperand subject(left_, source, trouble_);
  LoadedOperand pattern(right_, source, trouble_);
  if (subject.failed() || subject.missing() || pattern.missing()) return Truth::invalid;
  if (subject.shallow().is_null()) return Truth::no;
  const Truth found = matches_pattern(subject.deep(), pattern.deep(), regex_options_);
  if (found == Truth::invalid) return found;
  return truth((found == Truth::yes) != is_negated(kind_));
}

// A null element is compared by asking whether the right side is null, whatever the operator.
Truth Predicate::select_element(SelectOp op, const Slot& element, const Slot& right) {
  if (element.is_null()) return truth(right.is_null());
  switch (op) {
    case SelectOp::match:
    case SelectOp::search:
    case SelectOp::regex:
      return matches_pattern(element, right, {});
    case SelectOp::in:
      return truth(holds_item(right, element));
    case SelectOp::not_in:
      return truth(!holds_item(right, element));
    case SelectOp::contains:
      return truth(holds_item(element, right));
    case SelectOp::not_contains:
      return truth(!holds_item(element, right));
    default:
      break;
  }
  if (!comparable(element, right)) {
    mismatch_ = Mismatch{type_name(element), type_name(right)};
    return Truth::no;
  }
  const Kind comparison = comparison_of(op);
  if (is_order(comparison))
    return truth(!right.is_null() && satisfies(comparison, order(element, right)));
  return truth(equal(element, right) == (comparison == Kind::equal));
}

Truth Predicate::select(Operands& source) {
  LoadedOperand list(left_, source, trouble_);
  LoadedOperand right(right_, source, trouble_);
  if (list.failed() || right.failed() || list.missing() || right.missing()) return Truth::invalid;
  // `is select`: some element passes. `is not select`: some element fails.
  const Truth wanted = is_negated(kind_) ? Truth::no : Truth::yes;
  const Slot& side = right.deep();
  if (list.shallow().kind != Slot::Kind::list)
    return truth(select_element(select_op_, list.deep(), side) == wanted);
  for (const auto& element : list.deep().container->get_array()) {
    if (select_element(select_op_, Slot::of(element), side) == wanted) return Truth::yes;
  }
  return Truth::no;
}

Truth Predicate::selectattr(Operands& source) {
  LoadedOperand list(left_, source, trouble_);
  LoadedOperand right(right_, source, trouble_);
  if (list.failed() || right.failed() || list.missing() || right.missing()) return Truth::invalid;
  const bool wants_failure = is_negated(kind_);
  const Slot& side = right.deep();
  bool found = false;
  const auto look_at = [&](const Value& element) {
    if (element.is_null()) {
      found |= wants_failure;
      return true;
    }
    if (!element.is_object()) return false;
    const auto attribute = attribute_of(element, attribute_);
    if (attribute.state == Attribute::State::broken) return false;
    const bool passes = attribute.state == Attribute::State::found &&
                        select_element(select_op_, attribute.slot, side) == Truth::yes;
    found |= passes != wants_failure;
    return true;
  };
  const Slot& all = list.deep();
  static const Value kNull;
  bool sound = true;
  if (all.kind == Slot::Kind::list) {
    // Every element is looked at, so that the answer does not hang on their order.
    for (const auto& element : all.container->get_array()) sound &= look_at(element);
  } else {
    sound =
        all.is_null() ? look_at(kNull) : all.kind == Slot::Kind::object && look_at(*all.container);
  }
  if (!sound) {
    trouble_ = fmt::format("selectattr: `{}` leads into a value that is no object",
                           fmt::join(attribute_, "."));
    return Truth::invalid;
  }
  return truth(found);
}

}  // namespace millrace::rules
