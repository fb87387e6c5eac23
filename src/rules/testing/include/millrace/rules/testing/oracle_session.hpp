// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "millrace/base/clock.hpp"
#include "millrace/event/value.hpp"
#include "millrace/rules/rulebook.hpp"
#include "millrace/rules/session.hpp"

namespace millrace::rules::testing {

/// One firing of one rule.
struct Firing {
  std::size_t rule = 0;  ///< into RuleSet::rules
  Instant at;
  Object bindings;  ///< name → event
};

/// What a rule set does, found in the most obvious way: everything that waits is in a list, every
/// combination of it is tried again whenever something comes, timers are searched for the next one.
/// Slow, and meant to be plainly right; Session must agree with it, step by step.
class OracleSession {
 public:
  /// `rules` must outlive it.
  explicit OracleSession(const RuleSet& rules) : rules_(rules), states_(rules.rules.size()) {}

  /// What fired, in the order that Session promises.
  std::vector<Firing> insert_event(const Value& event, Instant now);
  std::vector<Firing> insert_fact(const Value& fact, Instant now);
  std::vector<Firing> retract(const Object& pattern, Session::Retract how, Instant now);
  std::vector<Firing> advance(Instant now);

  /// Oldest first.
  std::vector<std::shared_ptr<const Value>> working_memory() const;
  const Session::Statistics& statistics() const { return statistics_; }

  /// How often the things happened that a test wants to see.
  struct Seen {
    std::size_t combinations = 0;   ///< that fired
    std::size_t with_facts = 0;     ///< of them, those with a fact
    std::size_t with_itself = 0;    ///< combinations rejected, their events used up
    std::size_t too_far_apart = 0;  ///< pairs that a timeout kept from combining
    std::size_t silenced = 0;       ///< by once_within
    std::size_t collected = 0;      ///< reports of once_after
    std::size_t thresholds = 0;     ///< reached in accumulate_within
    std::size_t forgotten = 0;      ///< windows of accumulate_within that ended
    std::size_t all_came = 0;       ///< to a not_all
    std::size_t missed = 0;         ///< not_all that fired
    std::size_t reopened = 0;       ///< windows of not_all that leftovers opened
    std::size_t ends_of_life = 0;   ///< events
    std::size_t used_up_unreported =
        0;                      ///< evaluations in which a rule that fired was not reported
    std::size_t retracted = 0;  ///< entries of working memory
    std::size_t absences = 0;   ///< firings of a lone `is not defined`
  };
  const Seen& seen() const { return seen_; }

 private:
  // An event or fact, for as long as anything remembers it.
  struct Item {
    Value value;
    Instant inserted;
    bool is_fact = false;
  };
  using ItemPtr = std::shared_ptr<const Item>;
  using Items = std::vector<ItemPtr>;

  struct Timer {
    Instant deadline;
    std::uint64_t id = 0;  // in the order in which they were set
    std::function<void(Instant)> run;
  };
  // Of a throttle, while its window is open.
  struct Group {
    std::optional<std::vector<Value>> key;  // nothing: an attribute is missing
    std::uint64_t window = 0;               // its timer
    std::int64_t count = 0;
    ItemPtr first;
  };
  struct RuleState {
    std::vector<Group> groups;
    // Of not_all.
    Items collected;
    ItemPtr opener;
    std::uint64_t window = 0;  // its timer
  };
  // What is found out while all rules look at something that came.
  struct Evaluation {
    ItemPtr item;
    Instant now;
    std::vector<Firing> fired;
    std::set<ItemPtr> taking_part;  // in what fires, reported or not
    Items leaving;                  // with a not_all
    bool useful = false;            // to some condition
    bool taken = false;             // by a throttle
  };

  std::vector<Firing> insert(const Value& value, bool is_fact, Instant now);
  void look(std::size_t rule, Evaluation& evaluation);
  void single(std::size_t rule, Evaluation& evaluation);
  void throttle(std::size_t rule, Evaluation& evaluation);
  bool once_within(std::size_t rule, const Evaluation& evaluation);
  bool accumulate_within(std::size_t rule, const Evaluation& evaluation);
  void once_after(std::size_t rule, const Evaluation& evaluation);
  void end_once_after(std::size_t rule, Instant at);
  void all(std::size_t rule, Evaluation& evaluation);
  void not_all(std::size_t rule, Evaluation& evaluation);
  void open_window(std::size_t rule, Instant now);
  void end_not_all(std::size_t rule, Instant at);
  void drop_collected(std::size_t rule, const std::function<bool(const Item&)>& goes, Instant now);
  void use_up(Evaluation& evaluation);
  void report(std::vector<Firing> fired, bool all_rules);

  using Visit = std::function<bool(const Items&)>;
  bool combine(const Rule& rule, const Items& pool, const ItemPtr& with, Items& chosen,
               const Visit& visit);
  bool fits(const Rule& rule, const Items& chosen);
  bool is_absent(const Rule& rule, const Item* arriving) const;
  std::vector<Firing> absent(const Item* arriving, Instant now);
  void run_timers(Instant now);
  std::uint64_t set_timer(Instant deadline, std::function<void(Instant)> run);
  void fire_for_time(std::size_t rule, Instant at, Object bindings);

  const RuleSet& rules_;
  std::vector<RuleState> states_;
  Items memory_;
  std::vector<Timer> timers_;
  std::uint64_t timers_set_ = 0;
  bool begun_ = false;
  Session::Statistics statistics_;
  Seen seen_;
  std::vector<Firing> reported_;  // of the call at hand
};

}  // namespace millrace::rules::testing
