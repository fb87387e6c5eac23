// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "literal_index.hpp"
#include "millrace/event/event_reader.hpp"
#include "millrace/rules/condition.hpp"
#include "predicate.hpp"
#include "test_tree.hpp"

namespace millrace::rules {

/// A set of small numbers that is cheap to fill, to walk in order and to empty, however large the
/// range.
class PatternSet {
 public:
  explicit PatternSet(std::size_t range)
      : words_((range + 63) / 64), summary_((words_.size() + 63) / 64) {}

  void insert(PatternId id) {
    words_[id / 64] |= std::uint64_t{1} << (id % 64);
    summary_[id / 4096] |= std::uint64_t{1} << (id / 64 % 64);
  }

  /// Calls `visit` for each number in order, until it returns false; the set is empty afterwards.
  template <class Visit>
  void drain(Visit&& visit) {
    bool go_on = true;
    for (std::size_t block = 0; block < summary_.size(); ++block) {
      for (; summary_[block] != 0; summary_[block] &= summary_[block] - 1) {
        const auto word = block * 64 + static_cast<std::size_t>(std::countr_zero(summary_[block]));
        for (auto bits = std::exchange(words_[word], 0); bits != 0 && go_on; bits &= bits - 1) {
          go_on = visit(
              static_cast<PatternId>(word * 64 + static_cast<std::size_t>(std::countr_zero(bits))));
        }
      }
    }
  }

 private:
  std::vector<std::uint64_t> words_;
  std::vector<std::uint64_t> summary_;  // which words are not empty
};

/// The conditions of one rule set, compiled so that the cost of an event follows what matches, not
/// how many conditions there are. A pattern is one condition; `rules` in front of it decides what a
/// match of a pattern means.
class Network {
 public:
  /// Pattern i is conditions[i]. Of tests that refer to other events only the part is tried that
  /// the event at hand decides: whether it has what they compare. `extra` paths are read as well.
  explicit Network(std::span<const Condition* const> conditions, std::span<const Path> extra = {});
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  ~Network();

  /// What an EventReader for this network must read: the path of slot 0, 1, …
  const std::vector<Path>& paths() const { return paths_; }
  std::size_t patterns() const { return roots_.size(); }
  /// The slot of one of the paths.
  SlotId slot(const Path& path) const { return slot_ids_.at(path); }

  /// Calls `visit` for each pattern that the event matches, in order, until it returns false.
  void match(EventReader& reader, const std::function<bool(PatternId)>& visit);

  /// A test that could not compare its operands, or was given up: told once for each test.
  struct Notice {
    PatternId pattern;
    std::string text;
    bool mismatch = false;
  };
  std::vector<Notice> take_notices() { return std::exchange(notices_, {}); }

  /// For explaining: the condition's tests as a tree.
  using Node = TestTree;
  const Node& tree(PatternId pattern) const { return roots_[pattern]; }
  /// Whether a test holds of the event; of a join: whether it can.
  bool leaf_holds(const Node& leaf, EventReader& reader);
  /// With what its last evaluation has to say beyond yes and no.
  const Predicate& predicate(PredicateId id) const { return predicates_[id]; }
  /// Forgets what was evaluated: another event is at hand.
  void begin_event() { ++event_number_; }

 private:
  struct SlotIndex;
  struct Access;
  using Popularity = std::map<std::string, std::size_t>;  // of access keys, by name
  friend struct Access;
  struct Memo {
    std::uint64_t event = 0;
    Truth truth = Truth::no;
  };

  SlotId slot_of(const Path& path);
  PredicateId predicate_of(const Expression& expression, PatternId pattern);
  Node compile(const Condition& condition, PatternId pattern);
  std::vector<SlotId> needed_by(const Expression& test);
  bool may_be_missing(const Expression& operand, std::vector<SlotId>& slots);
  void count_equalities(const Node& node);
  Access access_of(const Node& node) const;
  Access access_of_predicate(const Node& node) const;
  void index(const Access& access, PatternId pattern);
  void compile_searches(SlotIndex& slot);
  void watch_classes(const Predicate& predicate, PredicateId id);

  Truth evaluate(PredicateId predicate, EventReader& reader);
  void collect(const SlotIndex& index, const Slot& slot, SlotId id, EventReader& reader);
  void note(PredicateId id, std::string text, bool mismatch);
  void report_mismatches(SlotIndex& index, SlotId id, EventReader& reader);

  std::vector<Path> paths_;
  std::map<Path, SlotId> slot_ids_;
  std::vector<Predicate> predicates_;
  std::vector<Memo> memos_;
  std::vector<bool> noted_;
  std::vector<PatternId> owner_;  // of a predicate: the first pattern that has it
  std::map<std::string, PredicateId> predicate_ids_;
  std::vector<Node> roots_;
  std::vector<const Condition*> conditions_;
  std::vector<std::unique_ptr<SlotIndex>> indices_;  // by slot
  Popularity popularity_;                            // while compiling
  std::vector<PatternId> always_;
  PatternSet candidates_;
  std::uint64_t event_number_ = 0;
  std::vector<std::uint32_t> may_match_;  // of a scan; kept for its capacity
  std::vector<Notice> notices_;
};

}  // namespace millrace::rules
