// SPDX-License-Identifier: Apache-2.0
// How ten thousand conditions are tried at the price of the few that match.
//
// A condition is a tree of and/or over elementary tests; `not` has been pushed down to the tests.
// Every distinct test is compiled once and its answer is remembered for the event at hand.
//
// A condition is not even looked at unless one of its *access keys* is met. The keys of a test are
// facts that must hold for it to be true: "slot 3 equals 'push'", "slot 5 is above 10", or at the
// least "slot 7 is present". `and` needs the keys of only one of its sides: the most selective.
// `or` needs the keys of all its sides. The keys of all conditions are indexed by slot: equalities
// in a hash table, thresholds sorted, presence as a list. An event then asks each slot that it
// fills once, whatever the number of conditions, and gets the candidates, whose trees are
// evaluated.
//
// This is the access-predicate scheme of publish/subscribe matching (Fabret et al., SIGMOD 2001).

#include "network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "millrace/base/regex_set.hpp"
#include "millrace/event/json.hpp"

namespace millrace::rules {
namespace {

using Kind = Expression::Kind;

// Type classes of values, as bits: a test against a literal of one class cannot compare the others.
constexpr unsigned kNumberClass = 1;
constexpr unsigned kStringClass = 2;
constexpr unsigned kBooleanClass = 4;
constexpr unsigned kListClass = 8;
constexpr unsigned kObjectClass = 16;

unsigned class_of(const Slot& slot) {
  if (slot.is_number()) return kNumberClass;
  switch (slot.kind) {
    case Slot::Kind::boolean:
      return kBooleanClass;
    case Slot::Kind::string:
      return kStringClass;
    case Slot::Kind::list:
      return kListClass;
    case Slot::Kind::object:
      return kObjectClass;
    default:
      return 0;
  }
}

bool is_scalar(const Value& value) { return !value.is_array() && !value.is_object(); }

// Distinguishes tests that differ in anything, types of literals among it.
void append_key(const Expression& expression, std::string& key) {
  fmt::format_to(std::back_inserter(key), "({}", static_cast<int>(expression.kind));
  if (expression.kind == Kind::literal) {
    key += to_json(expression.value);
  } else if (expression.kind == Kind::path) {
    key += expression.path.to_string();
    for (const auto& segment : expression.path.segments()) {
      if (const auto* name = std::get_if<Path::Key>(&segment)) key += name->dotted ? '.' : '[';
    }
  } else {
    fmt::format_to(std::back_inserter(key), "/{}/{}/{}{}{}/",
                   static_cast<int>(expression.select_op), expression.key,
                   expression.regex_options.ignore_case, expression.regex_options.multiline,
                   static_cast<int>(expression.regex_options.anchor));
  }
  for (const auto& operand : expression.operands) append_key(operand, key);
  key += ')';
}

}  // namespace

struct Network::SlotIndex {
  LiteralIndex equal;
  LiteralIndex items;  // of the list in the slot, or equal to what is no list
  ThresholdIndex above{ThresholdIndex::Side::above};
  ThresholdIndex below{ThresholdIndex::Side::below};
  Patterns present;
  // Patterns by a regular expression that a text must match; in one pass over it, once there are
  // enough of them.
  std::vector<std::pair<PredicateId, Patterns>> searches;
  std::optional<RegexSet> search_set;
  bool has_equal = false;
  bool has_items = false;
  bool has_above = false;
  bool has_below = false;

  // Comparisons of this slot with a literal whose mismatch has not been told yet, and the classes
  // of those literals.
  std::vector<std::pair<unsigned, PredicateId>> watched;
  unsigned watched_classes = 0;
};

// Conditions for looking at a pattern: any of the keys.
struct Network::Access {
  enum class On { equal, item, above, below, search, present, always };
  struct Key {
    On on;
    SlotId slot = 0;
    Value literal;
    PredicateId predicate = 0;  // of search
  };

  // How many events are expected to meet the key, in no particular unit. An equality that many
  // patterns ask for is likely to be met often, and costs all of them a look.
  static std::size_t price(const Key& key, const Popularity& popularity) {
    switch (key.on) {
      case On::equal:
      case On::item: {
        const auto found = popularity.find(name_of(key));
        return (key.on == On::equal ? 1 : 2) +
               std::min<std::size_t>(found == popularity.end() ? 0 : found->second, 15);
      }
      case On::above:
      case On::below:
        return 20;
      case On::search:
        return 40;
      case On::present:
        return 60;
      case On::always:
        return 100'000;
    }
    return 0;
  }

  static std::string name_of(const Key& key) {
    return fmt::format("{}/{}/{}", key.slot, static_cast<int>(key.on), to_json(key.literal));
  }

  std::size_t cost(const Popularity& popularity) const {
    std::size_t sum = 0;
    for (const auto& key : keys) sum += price(key, popularity);
    return sum;
  }

  static Access always() { return {{{On::always, 0, {}}}}; }
  static Access present(SlotId slot) { return {{{On::present, slot, {}}}}; }

  std::vector<Key> keys;  // none: the pattern can never match
};

Network::Network(std::span<const Condition* const> conditions, std::span<const Path> extra)
    : conditions_(conditions.begin(), conditions.end()), candidates_(conditions.size()) {
  for (const auto& path : extra) slot_of(path);
  for (PatternId pattern = 0; pattern < conditions.size(); ++pattern) {
    roots_.push_back(compile(*conditions[pattern], pattern));
  }
  memos_.resize(predicates_.size());
  noted_.resize(predicates_.size());
  for (std::size_t slot = 0; slot < paths_.size(); ++slot)
    indices_.push_back(std::make_unique<SlotIndex>());
  for (const auto& root : roots_) count_equalities(root);
  for (PatternId pattern = 0; pattern < roots_.size(); ++pattern) {
    index(access_of(roots_[pattern]), pattern);
  }
  popularity_.clear();
  for (auto& slot : indices_) compile_searches(*slot);
  for (PredicateId id = 0; id < predicates_.size(); ++id) watch_classes(predicates_[id], id);
}

Network::~Network() = default;

// --- compiling
// -----------------------------------------------------------------------------------------------------------

SlotId Network::slot_of(const Path& path) {
  const auto [place, added] = slot_ids_.emplace(path, static_cast<SlotId>(paths_.size()));
  if (added) paths_.push_back(path);
  return place->second;
}

PredicateId Network::predicate_of(const Expression& expression, PatternId pattern) {
  std::string key;
  append_key(expression, key);
  const auto [place, added] =
      predicate_ids_.emplace(std::move(key), static_cast<PredicateId>(predicates_.size()));
  if (added) {
    predicates_.emplace_back(expression,
                             [this](const Expression& path) { return slot_of(path.path); });
    owner_.push_back(pattern);
  }
  return place->second;
}

Network::Node Network::compile(const Condition& condition, PatternId pattern) {
  return compile_tests(condition.expression, /*negated=*/false,
                       [&](const Expression& test, Node& leaf) {
                         if (find_bound_path(test) != nullptr) {
                           leaf.kind = Node::Kind::join;
                           leaf.needed = needed_by(test);
                         } else {
                           leaf.predicate = predicate_of(test, pattern);
                         }
                       });
}

// Slots of which one must be filled for a test with another event to be possible: those of its
// first operand that is missing without them. None: the test may hold all the same.
std::vector<SlotId> Network::needed_by(const Expression& test) {
  if (test.kind == Kind::not_defined) return {};
  for (const auto& operand : test.operands) {
    std::vector<SlotId> slots;
    if (may_be_missing(operand, slots) && !slots.empty()) return slots;
  }
  return {};
}

// Whether the operand is missing unless one of `slots` is filled. What belongs to another event, or
// is no path, is never missing here.
bool Network::may_be_missing(const Expression& operand, std::vector<SlotId>& slots) {
  if (operand.kind == Kind::path) {
    if (!operand.binding) slots.push_back(slot_of(operand.path));
    return !operand.binding;
  }
  return !operand.operands.empty() &&
         std::ranges::all_of(operand.operands,
                             [&](const Expression& term) { return may_be_missing(term, slots); });
}

void Network::count_equalities(const Node& node) {
  for (const auto& child : node.children) count_equalities(child);
  if (node.kind != Node::Kind::predicate) return;
  for (const auto& key : access_of_predicate(node).keys) {
    if (key.on == Access::On::equal || key.on == Access::On::item)
      ++popularity_[Access::name_of(key)];
  }
}

Network::Access Network::access_of(const Node& node) const {
  switch (node.kind) {
    case Node::Kind::never:
      return {};
    case Node::Kind::always:
      return Access::always();
    case Node::Kind::join: {
      if (node.needed.empty()) return Access::always();
      Access access;
      for (const auto slot : node.needed) access.keys.push_back({Access::On::present, slot, {}});
      return access;
    }
    case Node::Kind::predicate:
      return access_of_predicate(node);
    case Node::Kind::all: {
      Access best = access_of(node.children.front());
      for (const auto& child : node.children) {
        if (auto access = access_of(child); access.cost(popularity_) < best.cost(popularity_)) {
          best = std::move(access);
        }
      }
      return best;
    }
    case Node::Kind::any: {
      Access all;
      for (const auto& child : node.children) {
        for (auto& key : access_of(child).keys) all.keys.push_back(std::move(key));
      }
      return all;
    }
  }
  return Access::always();
}

namespace {

// Slots of which one must be filled for the operand to be anything but missing; nothing if it
// always is something.
std::optional<std::vector<SlotId>> slots_of(const Operand& operand) {
  switch (operand.kind) {
    case Operand::Kind::literal:
      return std::nullopt;
    case Operand::Kind::slot:
      return std::vector{operand.slot};
    default: {
      std::vector<SlotId> all;
      for (const auto& term : operand.terms) {
        const auto slots = slots_of(term);
        if (!slots) return std::nullopt;
        all.insert(all.end(), slots->begin(), slots->end());
      }
      return all;
    }
  }
}

}  // namespace

Network::Access Network::access_of_predicate(const Node& node) const {
  using On = Access::On;
  const Predicate& predicate = predicates_[node.predicate];
  const Operand& left = predicate.left();
  const Operand& right = predicate.right();
  const Kind kind = predicate.kind();
  if (kind == Kind::not_defined && !node.negated) return Access::always();

  if (!node.negated) {
    const bool slot_first = left.kind == Operand::Kind::slot;
    const Operand& slot = slot_first ? left : right;
    const Operand& other = slot_first ? right : left;
    const bool with_literal =
        slot.kind == Operand::Kind::slot && other.kind == Operand::Kind::literal;
    if (kind == Kind::truth) return {{{On::equal, left.slot, true}}};
    if (kind == Kind::equal && with_literal && is_scalar(other.literal))
      return {{{On::equal, slot.slot, other.literal}}};
    if (is_order(kind) && with_literal && other.literal.is_number()) {
      const bool greater = kind == Kind::greater || kind == Kind::greater_equal;
      return {{{greater == slot_first ? On::above : On::below, slot.slot, other.literal}}};
    }
    if (kind == Kind::matches && left.kind == Operand::Kind::slot && predicate.fixed_pattern())
      return {{{On::search, left.slot, {}, node.predicate}}};
    if (kind == Kind::contains && with_literal && slot_first && is_scalar(other.literal)) {
      return {{{On::item, slot.slot, other.literal}}};
    }
    if (kind == Kind::contains && with_literal && !slot_first) {
      Access access;
      if (!other.literal.is_array()) return {{{On::equal, slot.slot, other.literal}}};
      for (const auto& item : other.literal.get_array()) {
        if (is_scalar(item)) access.keys.push_back({On::equal, slot.slot, item});
      }
      return access;
    }
  }

  // At the least, the cheapest operand that can be missing must be there.
  const bool unary = kind == Kind::truth || kind == Kind::defined || kind == Kind::not_defined;
  for (const Operand* operand : {&left, unary ? &left : &right}) {
    if (const auto slots = slots_of(*operand)) {
      Access access;
      for (const auto slot : *slots) access.keys.push_back({On::present, slot, {}});
      return access;
    }
  }
  return Access::always();
}

void Network::index(const Access& access, PatternId pattern) {
  for (const auto& key : access.keys) {
    if (key.on == Access::On::always) {
      always_.push_back(pattern);
      continue;
    }
    SlotIndex& slot = *indices_[key.slot];
    switch (key.on) {
      case Access::On::equal:
        slot.equal.insert(key.literal, pattern);
        slot.has_equal = true;
        break;
      case Access::On::item:
        slot.items.insert(key.literal, pattern);
        slot.has_items = true;
        break;
      case Access::On::above:
        slot.above.insert(as_double(Slot::of(key.literal)), pattern);
        slot.has_above = true;
        break;
      case Access::On::below:
        slot.below.insert(as_double(Slot::of(key.literal)), pattern);
        slot.has_below = true;
        break;
      case Access::On::search: {
        auto known = std::ranges::find(slot.searches, key.predicate,
                                       &std::pair<PredicateId, Patterns>::first);
        if (known == slot.searches.end())
          known = slot.searches.insert(known, {key.predicate, Patterns()});
        known->second.push_back(pattern);
        break;
      }
      default:
        slot.present.push_back(pattern);
        break;
    }
  }
}

// A few are tried one by one.
void Network::compile_searches(SlotIndex& slot) {
  constexpr std::size_t kFewest = 6;
  if (slot.searches.size() < kFewest) {
    for (const auto& [predicate, patterns] : slot.searches)
      slot.present.insert(slot.present.end(), patterns.begin(), patterns.end());
    return slot.searches.clear();
  }
  std::vector<RegexSet::Pattern> texts;
  for (const auto& search : slot.searches) {
    const Predicate& predicate = predicates_[search.first];
    texts.push_back({view(predicate.right().literal.get_string()), predicate.regex_options()});
  }
  slot.search_set = RegexSet::compile(texts);
}

// An index answers without evaluating, and so without seeing that a value cannot be compared:
// remember whom to ask.
void Network::watch_classes(const Predicate& predicate, PredicateId id) {
  const Kind kind = predicate.kind();
  if (kind != Kind::equal && kind != Kind::not_equal && !is_order(kind)) return;
  const bool slot_first = predicate.left().kind == Operand::Kind::slot;
  const Operand& slot = slot_first ? predicate.left() : predicate.right();
  const Operand& literal = slot_first ? predicate.right() : predicate.left();
  if (slot.kind != Operand::Kind::slot || literal.kind != Operand::Kind::literal ||
      literal.literal.is_null())
    return;
  SlotIndex& index = *indices_[slot.slot];
  const unsigned of_literal = class_of(Slot::of(literal.literal));
  index.watched.emplace_back(of_literal, id);
  index.watched_classes |= of_literal;
}

// --- matching
// ------------------------------------------------------------------------------------------------------------

void Network::match(EventReader& reader, const std::function<bool(PatternId)>& visit) {
  begin_event();
  for (const auto pattern : always_) candidates_.insert(pattern);
  for (const auto id : reader.present()) {
    SlotIndex& index = *indices_[id];
    const Slot& slot = reader.slot(id);
    collect(index, slot, id, reader);
    const unsigned of_slot = class_of(slot);
    if (of_slot != 0 && (index.watched_classes & ~of_slot) != 0)
      report_mismatches(index, id, reader);
  }
  const auto leaf = [&](const Node& node) { return leaf_holds(node, reader); };
  candidates_.drain(
      [&](PatternId pattern) { return !holds(roots_[pattern], leaf) || visit(pattern); });
}

void Network::collect(const SlotIndex& index, const Slot& slot, SlotId id, EventReader& reader) {
  const auto add = [&](std::span<const PatternId> patterns) {
    for (const auto pattern : patterns) candidates_.insert(pattern);
  };
  add(index.present);
  if (index.has_equal) {
    if (const auto* found = index.equal.find(slot)) add(*found);
  }
  if (index.has_items) {
    if (slot.kind == Slot::Kind::list) {
      reader.each_item(id, [&](const Slot& item) {
        if (const auto* found = index.items.find(item)) add(*found);
        return true;
      });
    } else if (const auto* found = index.items.find(slot)) {
      add(*found);
    }
  }
  if (index.search_set && slot.is_string()) {
    index.search_set->scan(slot.string(), may_match_);
    for (const auto found : may_match_) add(index.searches[found].second);
  } else if (index.search_set) {
    for (const auto& search : index.searches) add(search.second);
  }
  if (slot.is_number()) {
    if (index.has_above) add(index.above.passed(as_double(slot)));
    if (index.has_below) add(index.below.passed(as_double(slot)));
  }
}

bool Network::leaf_holds(const Node& leaf, EventReader& reader) {
  if (leaf.kind == Node::Kind::join) {
    return leaf.needed.empty() || std::ranges::any_of(leaf.needed, [&](SlotId slot) {
             return !reader.slot(slot).missing();
           });
  }
  return evaluate(leaf.predicate, reader) == (leaf.negated ? Truth::no : Truth::yes);
}

Truth Network::evaluate(PredicateId id, EventReader& reader) {
  Memo& memo = memos_[id];
  if (memo.event == event_number_) return memo.truth;
  Predicate& predicate = predicates_[id];
  EventOperands operands(reader);
  memo = {event_number_, predicate.evaluate(operands)};
  if (!noted_[id] && predicate.mismatch()) {
    const auto& types = *predicate.mismatch();
    note(
        id,
        fmt::format("Cannot compare values of different types: {} and {}", types.left, types.right),
        true);
  } else if (!noted_[id] && !predicate.trouble().empty()) {
    note(id, predicate.trouble(), false);
  }
  return memo.truth;
}

void Network::note(PredicateId id, std::string text, bool mismatch) {
  noted_[id] = true;
  notices_.push_back({owner_[id], std::move(text), mismatch});
}

void Network::report_mismatches(SlotIndex& index, SlotId id, EventReader& reader) {
  const unsigned of_slot = class_of(reader.slot(id));
  for (const auto& [of_literal, predicate] : index.watched) {
    if (of_literal != of_slot) evaluate(predicate, reader);
  }
  std::erase_if(index.watched, [&](const auto& watched) { return noted_[watched.second]; });
  index.watched_classes = 0;
  for (const auto& watched : index.watched) index.watched_classes |= watched.first;
}

}  // namespace millrace::rules
