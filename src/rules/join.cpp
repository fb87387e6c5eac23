// SPDX-License-Identifier: Apache-2.0
#include "join.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>

#include "keyed_hash.hpp"

namespace millrace::rules {
namespace {

using Kind = Expression::Kind;

Positions bit(std::size_t position) { return Positions{1} << position; }

// The positions whose events the expression reads; its own paths are those of `position`.
Positions read_by(const Expression& expression, std::size_t position) {
  if (expression.kind == Kind::path) return bit(expression.binding.value_or(position));
  Positions all = 0;
  for (const auto& operand : expression.operands) all |= read_by(operand, position);
  return all;
}

// `and` at the top, as a list.
void conjuncts_of(const Expression& expression, std::vector<const Expression*>& conjuncts) {
  if (expression.kind != Kind::all) return conjuncts.push_back(&expression);
  for (const auto& operand : expression.operands) conjuncts_of(operand, conjuncts);
}

}  // namespace

// --- what waits as one condition

void JoinMemory::link(EntryId entry, std::uint32_t index, std::uint64_t key) {
  auto& links = memory_.links();
  const bool first = !holds(entry);
  const LinkId id = links.add();
  List& list = lists_[index][key];
  links[id] = {.key = key,
               .memory = this,
               .older = list.newest,
               .next = memory_[entry].links,
               .entry = entry,
               .index = index,
               .first = first};
  memory_[entry].links = id;
  (list.newest == Slab<Link>::kNone ? list.oldest : links[list.newest].newer) = id;
  list.newest = id;
  ++list.size;
  if (!first) return;
  ++size_;
  memory_.count_row();
}

bool JoinMemory::holds(EntryId entry) const {
  const LinkId last = memory_[entry].links;
  return last != Slab<Link>::kNone && memory_.links()[last].memory == this;
}

void JoinMemory::remove(LinkId id) {
  auto& links = memory_.links();
  const Link link = links[id];
  const auto found = lists_[link.index].find(link.key);
  List& list = found->second;
  (link.older == Slab<Link>::kNone ? list.oldest : links[link.older].newer) = link.newer;
  (link.newer == Slab<Link>::kNone ? list.newest : links[link.newer].older) = link.older;
  if (--list.size == 0) lists_[link.index].erase(found);
  links.remove(id);
  if (!link.first) return;
  --size_;
  memory_.uncount_row();
  if (ordered_.empty()) return;
  if (const auto ordered = ordered_.find(link.entry); ordered != ordered_.end()) {
    for (const auto& [order, place] : ordered->second) orders_[order].erase(place);
    ordered_.erase(ordered);
  }
}

const JoinMemory::List* JoinMemory::find(std::uint32_t index, std::uint64_t key) const {
  const auto found = lists_[index].find(key);
  return found == lists_[index].end() ? nullptr : &found->second;
}

EntryId JoinMemory::oldest() const {
  const List* waiting = all();
  if (waiting == nullptr) return kNoEntry;
  return memory_.links()[waiting->oldest].entry;
}

std::optional<JoinMemory::OrderKey> JoinMemory::OrderKey::of(const Slot& slot) {
  if (slot.is_number()) return OrderKey{.number = as_double(slot)};
  if (slot.is_string()) return OrderKey{.text = std::string(slot.string()), .is_text = true};
  return std::nullopt;
}

bool operator<(const JoinMemory::OrderKey& a, const JoinMemory::OrderKey& b) {
  if (a.is_text != b.is_text) return b.is_text;
  return a.is_text ? order_texts(a.text, b.text) < 0 : a.number < b.number;
}

void JoinMemory::order(EntryId entry, std::uint32_t order, OrderKey key) {
  ordered_[entry].emplace_back(order, orders_[order].emplace(std::move(key), entry).first);
}

void JoinMemory::visit(std::uint32_t order, Side side, const OrderKey& bound,
                       const std::function<bool(EntryId)>& visit) const {
  const Order& all = orders_[order];
  const auto same_kind = [&](Order::const_iterator at) {
    return at->first.is_text == bound.is_text;
  };
  if (side == Side::at_or_above) {
    for (auto at = all.lower_bound({bound, 0}); at != all.end() && same_kind(at); ++at) {
      if (!visit(at->second)) return;
    }
    return;
  }
  for (auto at = all.upper_bound({bound, kNoEntry}); at != all.begin();) {
    --at;
    if (!same_kind(at) || !visit(at->second)) return;
  }
}

// --- compiling

Join::Join(const Rule& rule, WorkingMemory& memory, std::uint64_t seed, Waiting waiting)
    : memory_(memory),
      seed_(seed),
      window_(rule.combine == Rule::Combine::all ? rule.timeout : std::nullopt),
      bridges_(rule.conditions.size()),
      tests_(rule.conditions.size()),
      involving_(rule.conditions.size()),
      combination_(rule.conditions.size()) {
  assert(rule.conditions.size() <= kMostPositions);
  for (std::size_t i = 0; i < rule.conditions.size(); ++i)
    memories_.push_back(std::make_unique<JoinMemory>(memory, i));
  for (std::size_t i = 0; i < rule.conditions.size(); ++i) {
    std::vector<const Expression*> conjuncts;
    conjuncts_of(rule.conditions[i].expression, conjuncts);
    for (const auto* conjunct : conjuncts) {
      if (find_bound_path(*conjunct) != nullptr) compile(i, *conjunct);
    }
  }
  for (std::size_t i = 0; i < memories_.size(); ++i)
    memories_[i]->list_all(waiting == Waiting::listed || !is_always_looked_up(i));
  for (std::size_t i = 0; i < tests_.size(); ++i) {
    for (const auto& test : tests_[i]) {
      for (std::size_t p = 0; p < tests_.size(); ++p) {
        if ((test.needs & bit(p)) != 0) involving_[p].push_back(&test);
      }
    }
  }
}

void Join::compile(std::size_t position, const Expression& conjunct) {
  Test test;
  test.needs = read_by(conjunct, position) | bit(position);
  test.tree =
      compile_tests(conjunct, /*negated=*/false, [&](const Expression& expression, TestTree& leaf) {
        leaf.predicate = static_cast<PredicateId>(predicates_.size());
        predicates_.emplace_back(expression, slot_of(position));
      });
  tests_[position].push_back(std::move(test));
  connect(position, conjunct);
}

Predicate::SlotOf Join::slot_of(std::size_t position) {
  return [this, position](const Expression& path) {
    return combination_.slot_of(path.binding.value_or(position), path.path);
  };
}

// A comparison of a value of this event alone with a value of one other's alone can be looked up.
void Join::connect(std::size_t position, const Expression& comparison) {
  const Kind kind = comparison.kind;
  const bool orders = is_order(kind);
  if (kind != Kind::equal && !orders) return;
  const bool own_first = read_by(comparison.operands[0], position) == bit(position);
  const Expression& own = comparison.operands[own_first ? 0 : 1];
  const Expression& theirs = comparison.operands[own_first ? 1 : 0];
  const Positions other = read_by(theirs, position);
  if (read_by(own, position) != bit(position) || std::popcount(other) != 1 ||
      other == bit(position))
    return;
  const auto other_position = static_cast<std::size_t>(std::countr_zero(other));
  const bool less = kind == Kind::less || kind == Kind::less_equal;
  const auto own_side =
      less == own_first ? JoinMemory::Side::at_or_below : JoinMemory::Side::at_or_above;
  const auto their_side =
      less == own_first ? JoinMemory::Side::at_or_above : JoinMemory::Side::at_or_below;
  const Operand own_value = operand_of(own, slot_of(position));
  const Operand their_value = operand_of(theirs, slot_of(position));
  add_bridge(position, {other_position, orders, 0, own_side, {own_value}, {their_value}});
  add_bridge(other_position, {position, orders, 0, their_side, {their_value}, {own_value}});
}

// All equalities between two positions are one key.
void Join::add_bridge(std::size_t position, Bridge bridge) {
  auto& bridges = bridges_[position];
  if (!bridge.by_order) {
    const auto same = std::ranges::find_if(bridges, [&](const Bridge& known) {
      return known.other == bridge.other && !known.by_order;
    });
    if (same != bridges.end()) {
      same->own.push_back(std::move(bridge.own.front()));
      same->theirs.push_back(std::move(bridge.theirs.front()));
      return;
    }
  }
  JoinMemory& memory = *memories_[position];
  bridge.index = bridge.by_order ? memory.add_order() : memory.add_index();
  bridges.push_back(std::move(bridge));
}

// Whether an equality leads to it from every other position.
bool Join::is_always_looked_up(std::size_t position) const {
  const auto equalities = std::ranges::count(bridges_[position], false, &Bridge::by_order);
  return static_cast<std::size_t>(equalities) + 1 == memories_.size();
}

// --- what waits

std::size_t Join::rows() const {
  std::size_t sum = 0;
  for (const auto& memory : memories_) sum += memory->size();
  return sum;
}

// Nothing for a value that is missing, which joins with nothing.
std::optional<std::uint64_t> Join::key_of(const std::vector<Operand>& operands) {
  std::uint64_t key = seed_;
  for (const auto& operand : operands) {
    LoadedOperand loaded(operand, combination_, trouble_);
    if (loaded.missing() || loaded.failed()) return std::nullopt;
    key = keyed_hash(loaded.deep(), key);
  }
  return key;
}

std::optional<JoinMemory::OrderKey> Join::order_of(const Operand& operand) {
  const LoadedOperand loaded(operand, combination_, trouble_);
  if (loaded.failed()) return std::nullopt;
  return JoinMemory::OrderKey::of(loaded.shallow());
}

void Join::add(EntryId entry, Positions positions) {
  for (; positions != 0; positions &= positions - 1) {
    const auto position = static_cast<std::size_t>(std::countr_zero(positions));
    JoinMemory& memory = *memories_[position];
    if (memory.lists_all()) memory.list(entry);
    const auto& bridges = bridges_[position];
    if (bridges.empty()) continue;
    combination_.bind(position, memory_[entry].document->value());
    for (const auto& bridge : bridges) {
      const auto key = bridge.by_order ? std::nullopt : key_of(bridge.own);
      if (key) memory.link(entry, bridge.index, *key);
    }
    if (!memory.holds(entry)) continue;
    for (const auto& bridge : bridges) {
      auto key = bridge.by_order ? order_of(bridge.own.front()) : std::nullopt;
      if (key) memory.order(entry, bridge.index, std::move(*key));
    }
  }
}

EntryId Join::newest(std::size_t position) const {
  const auto& links = memory_.links();
  EntryId found = kNoEntry;
  for (LinkId id = 0; id < links.end(); ++id) {
    const Link& link = links[id];
    if (link.memory != memories_[position].get()) continue;
    if (found == kNoEntry || memory_[link.entry].arrival > memory_[found].arrival)
      found = link.entry;
  }
  return found;
}

void Join::failing(const std::vector<EntryId>& entries,
                   const std::function<void(std::size_t, const Expression&)>& visit) {
  for (std::size_t i = 0; i < entries.size(); ++i)
    combination_.bind(i, memory_[entries[i]].document->value());
  for (std::size_t i = 0; i < tests_.size(); ++i) {
    for (const auto& test : tests_[i]) {
      if (!test_holds(test)) visit(i, *test.tree.origin);
    }
  }
}

bool Join::test_holds(const Test& test) {
  return holds(test.tree, [this](const TestTree& leaf) {
    const Truth truth = predicates_[leaf.predicate].evaluate(combination_);
    return truth == (leaf.negated ? Truth::no : Truth::yes);
  });
}

// --- completing

struct Join::Search {
  EntryId seed;
  std::size_t seed_position = 0;
  Positions bound = 0;
  Entries chosen;
  Instant earliest;
  Instant latest;
  std::size_t room;
  std::vector<Entries>& found;
};

// Where a position's entry may be found: a list, or a part of an order.
struct Join::Candidates {
  std::size_t size = 0;  // of an order a guess
  const JoinMemory::List* list = nullptr;
  const Bridge* order = nullptr;
  std::optional<JoinMemory::OrderKey> bound;
};

bool Join::combine(EntryId entry, Positions positions, std::vector<Entries>& found) {
  const auto waits = [](const auto& memory) { return memory->size() > 0; };
  if (!std::ranges::all_of(memories_, waits)) return true;
  const auto before = static_cast<std::ptrdiff_t>(found.size());
  Search search{.seed = entry,
                .chosen = Entries(memories_.size(), kNoEntry),
                .earliest = memory_[entry].inserted,
                .latest = memory_[entry].inserted,
                .room = kMostCombinations,
                .found = found};
  for (; positions != 0; positions &= positions - 1) {
    search.seed_position = static_cast<std::size_t>(std::countr_zero(positions));
    if (fits(search, search.seed_position, entry)) choose(search, search.seed_position, entry);
  }
  std::sort(found.begin() + before, found.end(), [this](const Entries& a, const Entries& b) {
    const auto arrival = [this](EntryId id) { return memory_[id].arrival; };
    return std::ranges::lexicographical_compare(a, b, {}, arrival, arrival);
  });
  return search.room > 0;
}

bool Join::all_differ(Entries combination) {
  std::ranges::sort(combination);
  return std::ranges::adjacent_find(combination) == combination.end();
}

bool Join::fits(const Search& search, std::size_t position, EntryId entry) {
  // Combinations with the new event at an earlier position were found when it stood there.
  if (entry == search.seed && position < search.seed_position) return false;
  const Entry& candidate = memory_[entry];
  if (window_) {
    const auto earliest = std::min(search.earliest, candidate.inserted);
    const auto latest = std::max(search.latest, candidate.inserted);
    if (candidate.is_fact || latest - earliest > window_->length) return false;
  }
  combination_.bind(position, candidate.document->value());
  const Positions bound = search.bound | bit(position);
  return std::ranges::all_of(involving_[position], [&](const Test* test) {
    return (test->needs & ~bound) != 0 || test_holds(*test);
  });
}

void Join::choose(Search& search, std::size_t position, EntryId entry) {
  const auto earliest = search.earliest;
  const auto latest = search.latest;
  search.earliest = std::min(earliest, memory_[entry].inserted);
  search.latest = std::max(latest, memory_[entry].inserted);
  search.chosen[position] = entry;
  search.bound |= bit(position);
  extend(search);
  search.bound &= ~bit(position);
  search.earliest = earliest;
  search.latest = latest;
}

void Join::extend(Search& search) {
  Candidates fewest;
  std::size_t at = memories_.size();
  for (std::size_t position = 0; position < memories_.size(); ++position) {
    if ((search.bound & bit(position)) != 0) continue;
    auto found = candidates(search, position);
    if (found.size == 0) return;
    if (at < memories_.size() && found.size >= fewest.size) continue;
    fewest = std::move(found);
    at = position;
  }
  if (at == memories_.size()) {
    search.found.push_back(search.chosen);
    --search.room;
    return;
  }
  each(fewest, at, [&](EntryId entry) {
    if (fits(search, at, entry)) choose(search, at, entry);
    return search.room > 0 && !is_too_old(search, fewest, entry);
  });
}

// In a list those behind it are older still.
bool Join::is_too_old(const Search& search, const Candidates& candidates, EntryId entry) const {
  return window_ && candidates.list != nullptr &&
         search.latest - memory_[entry].inserted > window_->length;
}

Join::Candidates Join::candidates(const Search& search, std::size_t position) {
  const JoinMemory& memory = *memories_[position];
  Candidates best{.size = memory.size(), .list = memory.all()};
  for (const auto& bridge : bridges_[position]) {
    if ((search.bound & bit(bridge.other)) == 0 || best.size == 0) continue;
    if (!bridge.by_order) {
      const auto key = key_of(bridge.theirs);
      const auto* list = key ? memory.find(bridge.index, *key) : nullptr;
      if (list == nullptr) return {};
      if (list->size <= best.size) best = {.size = list->size, .list = list};
    } else if (auto bound = order_of(bridge.theirs.front())) {
      const auto guess = (memory.size() + 1) / 2;
      if (guess < best.size) best = {.size = guess, .order = &bridge, .bound = std::move(bound)};
    }
  }
  return best;
}

// Calls `visit` with each candidate, of a list those that came last first, until it returns false.
void Join::each(const Candidates& candidates, std::size_t position,
                const std::function<bool(EntryId)>& visit) {
  if (candidates.order != nullptr) {
    memories_[position]->visit(candidates.order->index, candidates.order->side, *candidates.bound,
                               visit);
    return;
  }
  // In batches: what it takes to look at one is fetched while others are.
  constexpr std::size_t kBatch = 16;
  std::array<EntryId, kBatch> batch{};
  const auto& links = memory_.links();
  for (LinkId id = candidates.list->newest; id != Slab<Link>::kNone;) {
    std::size_t size = 0;
    for (; size < kBatch && id != Slab<Link>::kNone; id = links[id].older) {
      batch[size] = links[id].entry;
      memory_.prefetch_entry(batch[size++]);
    }
    for (std::size_t i = 0; i < size; ++i) memory_.prefetch_document(batch[i]);
    for (std::size_t i = 0; i < size; ++i) {
      if (!visit(batch[i])) return;
    }
  }
}

}  // namespace millrace::rules
