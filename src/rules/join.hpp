// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "combination.hpp"
#include "millrace/rules/rulebook.hpp"
#include "predicate.hpp"
#include "test_tree.hpp"
#include "working_memory.hpp"

namespace millrace::rules {

/// Which positions of a rule's conditions.
using Positions = std::uint64_t;
inline constexpr std::size_t kMostPositions = 64;

/// What waits as one condition of a rule, indexed by the values that it must share with what waits
/// as the others.
class JoinMemory {
 public:
  JoinMemory(WorkingMemory& memory, std::size_t position) : memory_(memory), position_(position) {}
  JoinMemory(const JoinMemory&) = delete;
  JoinMemory& operator=(const JoinMemory&) = delete;

  struct List {
    LinkId oldest = Slab<Link>::kNone;
    LinkId newest = Slab<Link>::kNone;
    std::uint32_t size = 0;
  };

  std::size_t position() const { return position_; }
  /// Adds an index by equality or by order; its number.
  std::uint32_t add_index() {
    lists_.emplace_back();
    return static_cast<std::uint32_t>(lists_.size() - 1);
  }
  std::uint32_t add_order() {
    orders_.emplace_back();
    return static_cast<std::uint32_t>(orders_.size() - 1);
  }

  /// Whether there is a list of all that wait. It is there unless they are only ever looked up.
  void list_all(bool wanted) { lists_all_ = wanted; }
  bool lists_all() const { return lists_all_; }
  const List* all() const { return find(kAll, 0); }

  /// Puts the entry into the list of all that wait, or of those with a key.
  void list(EntryId entry) { link(entry, kAll, 0); }
  void link(EntryId entry, std::uint32_t index, std::uint64_t key);
  /// Whether it waits here; it has been linked last.
  bool holds(EntryId entry) const;
  /// Takes one link of an entry away, of all that it has.
  void remove(LinkId link);

  /// Those with that key; null: there are none.
  const List* find(std::uint32_t index, std::uint64_t key) const;
  std::size_t size() const { return size_; }
  /// The entry that has waited longest, if any waits and all are listed.
  EntryId oldest() const;

  /// A value with an order: a number, or a text.
  struct OrderKey {
    double number = 0;
    std::string text;
    bool is_text = false;
    static std::optional<OrderKey> of(const Slot& slot);
    friend bool operator<(const OrderKey& a, const OrderKey& b);
  };
  void order(EntryId entry, std::uint32_t order, OrderKey key);
  /// Calls `visit` for each whose value is at or below (above) `bound`, until it returns false.
  enum class Side { at_or_below, at_or_above };
  void visit(std::uint32_t order, Side side, const OrderKey& bound,
             const std::function<bool(EntryId)>& visit) const;

 private:
  static constexpr std::uint32_t kAll = 0;  // the index of one list
  using Order = std::set<std::pair<OrderKey, EntryId>>;

  WorkingMemory& memory_;
  const std::size_t position_;
  bool lists_all_ = true;
  std::size_t size_ = 0;
  std::vector<boost::unordered_flat_map<std::uint64_t, List>> lists_{1};
  std::vector<Order> orders_;
  // By entry, only if there are orders.
  boost::unordered_flat_map<EntryId, std::vector<std::pair<std::uint32_t, Order::const_iterator>>>
      ordered_;
};

/// The conditions of one rule with several, and what waits for them.
///
/// No combination of some events is kept: what waits is single events, each indexed by the values
/// that tests compare between events. A new event is completed to whole combinations by a search
/// that next fills the position with the fewest candidates (the TREAT scheme of Miranker, 1987,
/// with the join order chosen for each event). So memory grows with the events that wait, not with
/// their product, and removing one costs a few links.
class Join {
 public:
  /// `rule` and `memory` must outlive the join. `seed` keys the hashes, so that nobody outside can
  /// fill a list with collisions. `listed`: JoinMemory::oldest() is wanted.
  enum class Waiting { looked_up, listed };
  Join(const Rule& rule, WorkingMemory& memory, std::uint64_t seed,
       Waiting waiting = Waiting::looked_up);
  Join(const Join&) = delete;
  Join& operator=(const Join&) = delete;

  std::size_t positions() const { return memories_.size(); }
  /// Whether the condition has a test with another event.
  bool joins(std::size_t position) const { return !tests_[position].empty(); }
  const JoinMemory& memory(std::size_t position) const { return *memories_[position]; }
  std::size_t rows() const;

  /// From now on the entry waits at these positions.
  void add(EntryId entry, Positions positions);

  /// An entry for each position.
  using Entries = std::vector<EntryId>;
  /// The whole combinations in which `entry`, added before, stands at one of `positions`; each
  /// once, those of the oldest entries first. One entry may stand at several positions. False if
  /// there were more than kMostCombinations.
  bool combine(EntryId entry, Positions positions, std::vector<Entries>& found);
  static constexpr std::size_t kMostCombinations = 1'000'000;
  static bool all_differ(Entries combination);

 private:
  // What two positions must have in common, as a key to look up one side from the other: all the
  // equalities between them, or one comparison.
  struct Bridge {
    std::size_t other = 0;  // the position on the other side
    bool by_order = false;
    std::uint32_t index = 0;                                // in this side's memory
    JoinMemory::Side side = JoinMemory::Side::at_or_below;  // of the other's value, if by order
    std::vector<Operand> own;
    std::vector<Operand> theirs;
  };
  // A conjunct of a condition that names other events.
  struct Test {
    TestTree tree;
    Positions needs = 0;
  };
  struct Search;
  struct Candidates;

  void compile(std::size_t position, const Expression& conjunct);
  Predicate::SlotOf slot_of(std::size_t position);
  void connect(std::size_t position, const Expression& comparison);
  void add_bridge(std::size_t position, Bridge bridge);
  bool is_always_looked_up(std::size_t position) const;
  std::optional<std::uint64_t> key_of(const std::vector<Operand>& operands);
  std::optional<JoinMemory::OrderKey> order_of(const Operand& operand);

  bool fits(const Search& search, std::size_t position, EntryId entry);
  void choose(Search& search, std::size_t position, EntryId entry);
  void extend(Search& search);
  bool is_too_old(const Search& search, const Candidates& candidates, EntryId entry) const;
  Candidates candidates(const Search& search, std::size_t position);
  void each(const Candidates& candidates, std::size_t position,
            const std::function<bool(EntryId)>& visit);

  WorkingMemory& memory_;
  const std::uint64_t seed_;
  const std::optional<Span> window_;  // in which all events of a combination have come
  std::vector<std::unique_ptr<JoinMemory>> memories_;  // by position
  std::vector<std::vector<Bridge>> bridges_;           // by position
  std::vector<std::vector<Test>> tests_;               // by the position whose condition has them
  std::vector<std::vector<const Test*>> involving_;    // by each position that a test reads
  std::vector<Predicate> predicates_;
  Combination combination_;
  std::string trouble_;
};

}  // namespace millrace::rules
