// SPDX-License-Identifier: Apache-2.0
// What the conditions that an event meets come to.
//
// The network tells which conditions hold of an event by itself. A rule with one condition has then
// fired, unless its throttle says otherwise; as a condition of several the event waits, and is
// completed to combinations with those that wait already. All rules look at the event before any
// event is taken away: one that took part in what fired is consumed, also by rules that are not
// reported.

#include "millrace/rules/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <utility>

#include "join.hpp"
#include "network.hpp"
#include "not_all.hpp"
#include "state_value.hpp"
#include "support.hpp"
#include "throttle.hpp"
#include "timer_wheel.hpp"
#include "working_memory.hpp"

namespace millrace::rules {
namespace {

constexpr std::uint32_t kLife = 0;  // the owner of timers that end an event's life; else rule + 1

bool includes(const Object& object, const Object& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& entry) {
    const auto* found = object.if_contains(entry.key());
    return found != nullptr && identical(*found, entry.value());
  });
}

bool is_whole_of(const Object& object, const Object& given) {
  return std::ranges::all_of(object, [&](const auto& entry) {
    if (entry.key() == "meta") return true;
    const auto* found = given.if_contains(entry.key());
    return found != nullptr && identical(*found, entry.value());
  });
}

// What a pattern of the network stands for.
struct Pattern {
  std::size_t rule;
  std::size_t condition;
};

// A rule that fires for absence: its path, and how many entries of working memory have it.
struct Existential {
  std::size_t rule;
  Path path;
  std::size_t holders = 0;

  bool has(const Document& document) const {
    return static_cast<bool>(find(document.value(), path));
  }
};

// What a rule remembers, if it does.
struct RuleState {
  std::unique_ptr<Join> join;
  std::unique_ptr<NotAll> not_all;
  std::unique_ptr<ThrottleState> throttle;
  std::vector<SlotId> group;  // slots of the throttle's attributes
  bool too_many_told = false;

  bool remembers() const { return join || not_all || throttle; }
};

std::size_t rows_of(const RuleState& state) {
  if (state.join) return state.join->rows();
  if (state.not_all) return state.not_all->rows();
  return state.throttle ? state.throttle->groups() : 0;
}

// What decides how a rule remembers: while it is the same, so is the meaning of what is remembered.
std::string memory_kind(const RuleSet& rule_set, const Rule& rule) {
  std::string kind = fmt::format("{}|{}|{}", static_cast<int>(rule.combine),
                                 rule.timeout ? rule.timeout->length.count() : 0,
                                 rule_set.default_events_ttl.length.count());
  for (const auto& condition : rule.conditions)
    kind += fmt::format("|{}={}", condition.alias, condition.text);
  if (const auto& throttle = rule.throttle) {
    kind += fmt::format("|{}|{}|{}", static_cast<int>(throttle->kind),
                        throttle->window.length.count(), throttle->threshold);
    for (const auto& path : throttle->group_by) kind += "|" + path.to_string();
  }
  return kind;
}

// What the rules of a rule set were compiled from.
struct Conditions {
  std::vector<const Condition*> conditions;
  std::vector<Pattern> patterns;
  std::vector<Existential> existentials;
  std::vector<Path> group_paths;

  explicit Conditions(const RuleSet& rule_set) {
    for (std::size_t r = 0; r < rule_set.rules.size(); ++r) {
      const Rule& rule = rule_set.rules[r];
      if (!rule.enabled || never_fires(rule)) continue;
      if (is_existential(rule)) {
        existentials.push_back({r, rule.conditions[0].expression.operands[0].path});
        continue;
      }
      for (std::size_t c = 0; c < rule.conditions.size(); ++c) {
        conditions.push_back(&rule.conditions[c]);
        patterns.push_back({r, c});
      }
      if (rule.throttle) {
        const auto& paths = rule.throttle->group_by;
        group_paths.insert(group_paths.end(), paths.begin(), paths.end());
      }
    }
  }
};

}  // namespace

struct Session::Impl {
  Impl(const RuleSet& rule_set, const SessionOptions& given, Conditions compiled)
      : rules(rule_set),
        options(given),
        patterns(std::move(compiled.patterns)),
        existentials(std::move(compiled.existentials)),
        network(compiled.conditions, compiled.group_paths),
        fact_reader(network.paths(), JsonLimits()),
        states(rule_set.rules.size()) {
    for (const auto& pattern : patterns) {
      if (pattern.condition == 0) prepare(pattern.rule);
    }
    for (PatternId id = 0; id < patterns.size(); ++id) {
      if (states[patterns[id].rule].remembers()) remembering_end = id + 1;
    }
  }

  void prepare(std::size_t index) {
    const Rule& rule = rules.rules[index];
    RuleState& state = states[index];
    const auto owner = static_cast<std::uint32_t>(index + 1);
    if (rule.throttle) {
      state.throttle =
          std::make_unique<ThrottleState>(*rule.throttle, timers, owner, options.hash_seed);
      for (const auto& path : rule.throttle->group_by) state.group.push_back(network.slot(path));
    } else if (wants_several(rule) && rule.combine == Rule::Combine::all) {
      state.join = std::make_unique<Join>(rule, memory, options.hash_seed);
    } else if (wants_several(rule)) {
      state.not_all = std::make_unique<NotAll>(rule, timers, owner, rules.default_events_ttl.length,
                                               options.hash_seed);
    }
  }

  // --- an event or fact comes

  struct Arriving {
    EventReader& reader;
    const std::function<DocumentPtr()> document;
    const bool is_fact;
    EntryId entry = kNoEntry;  // when it waits
    bool matched = false;      // some condition holds
    bool took_part = false;    // in what fired, reported or not
    bool taken = false;        // by a throttle or a completed not_all
  };

  void take(Arriving event, Instant at, std::vector<Activation>& fired) {
    if (!begun) begin(existentials.empty() ? nullptr : event.document().get(), at);
    match(event, at);
    for (const auto& [rule, positions] : remembering) {
      if (states[rule].throttle) {
        throttle(event, rule, at);
      } else {
        wait(event, rule, positions, at);
      }
    }
    remembering.clear();
    settle(event, at);
    if (!fires.empty()) report(fired, event.is_fact || rules.match_multiple_rules);
  }

  // Which conditions hold. Of rules that remember something they are noted in `remembering`.
  void match(Arriving& event, Instant at) {
    const bool every_rule = event.is_fact || rules.match_multiple_rules;
    std::size_t last_rule = rules.rules.size();
    network.match(event.reader, [&](PatternId id) {
      const auto [rule, condition] = patterns[id];
      const bool again = std::exchange(last_rule, rule) == rule;
      event.matched = true;
      const RuleState& state = states[rule];
      if (state.remembers()) {
        if (!again) remembering.emplace_back(rule, 0);
        remembering.back().second |= Positions{1} << condition;
      } else if (!again) {
        // `any` binds the first of its conditions that holds.
        fire(rule, condition, event.document(), at);
        event.took_part = true;
      }
      return every_rule || !event.took_part || id + 1 < remembering_end;
    });
  }

  void fire(std::size_t rule, std::size_t condition, DocumentPtr document, Instant at) {
    Activation& activation = fires.emplace_back();
    activation.rule = rule;
    activation.at = at;
    activation.bindings.emplace_back(rules.rules[rule].binding(condition), std::move(document));
  }

  void throttle(Arriving& event, std::size_t rule, Instant at) {
    RuleState& state = states[rule];
    group_key.clear();
    std::optional<std::string_view> group;
    if (append_group_key(state.group, event.reader, group_key)) group = group_key;
    const auto before = state.throttle->groups();
    DocumentPtr document;
    if (!beyond_limits(1) || state.throttle->knows(group)) {
      document = state.throttle->take(group, event.document, at);
    } else {
      note_dropped();
      document = state.throttle->take_without_window(event.document);
    }
    groups += state.throttle->groups() - before;
    if (document) {
      fire(rule, 0, std::move(document), at);
      event.took_part = true;
      event.taken |= event.is_fact;
    } else {
      event.taken = true;
    }
  }

  void wait(Arriving& event, std::size_t rule, Positions positions, Instant at) {
    if (event.entry == kNoEntry) event.entry = add(event.document(), at, event.is_fact);
    RuleState& state = states[rule];
    if (state.join) {
      state.join->add(event.entry, positions);
      return complete(event.entry, rule, positions, at);
    }
    const NotAll::Outer outer{event.entry, memory[event.entry].arrival};
    watching(*state.not_all,
             [&](NotAll& it) { it.take(event.document(), outer, positions, at, leaving); });
  }

  void complete(EntryId entry, std::size_t index, Positions positions, Instant at) {
    const Rule& rule = rules.rules[index];
    combinations.clear();
    RuleState& state = states[index];
    if (!state.join->combine(entry, positions, combinations) &&
        !std::exchange(state.too_many_told, true)) {
      notices.push_back({fmt::format("rule `{}`: one event completes more than {} combinations; "
                                     "the others are left out",
                                     rule.name, Join::kMostCombinations),
                         true});
    }
    for (const auto& combination : combinations) {
      taking_part.insert(taking_part.end(), combination.begin(), combination.end());
      // An event does not pair with itself, but it is used up.
      if (!Join::all_differ(combination)) continue;
      Activation& activation = fires.emplace_back();
      activation.rule = index;
      activation.at = at;
      for (std::size_t i = 0; i < combination.size(); ++i)
        activation.bindings.emplace_back(rule.binding(i), memory[combination[i]].document);
    }
  }

  // Counts what took part, and takes away what is used up: in single-rule mode every event that
  // took part. The others are kept if anything can still come of them.
  void settle(Arriving& event, Instant at) {
    const bool uses_up = !rules.match_multiple_rules;
    std::ranges::sort(taking_part);
    const auto repeated = std::ranges::unique(taking_part);
    taking_part.erase(repeated.begin(), repeated.end());
    if (uses_up) {
      for (const EntryId id : taking_part) {
        memory.prefetch_links(id);
        timers.prefetch(memory[id].life);
      }
    }
    for (const EntryId id : taking_part) {
      if (id == event.entry) {
        event.took_part = true;
      } else if (!memory[id].is_fact) {
        ++statistics.matched;
        if (uses_up) remove(id, nullptr);
      }
    }
    taking_part.clear();
    // Not before the combinations in which they took part are done with.
    for (const auto& outer : std::exchange(leaving, {})) {
      if (outer.entry != event.entry) {
        leave(outer);
      } else if (!event.is_fact) {
        event.taken = true;
      }
    }
    if (event.took_part && !event.is_fact) ++statistics.matched;
    if (event.taken || (uses_up && event.took_part && !event.is_fact)) {
      if (event.entry != kNoEntry) remove(event.entry, nullptr);
      return;
    }
    const bool multiple = event.is_fact || rules.match_multiple_rules;
    if (event.entry == kNoEntry && ((multiple && event.matched) || concerns_absence(event)))
      event.entry = add(event.document(), at, event.is_fact);
    if (event.entry != kNoEntry && !event.is_fact) live(event.entry, at);
  }

  bool concerns_absence(const Arriving& event) const {
    return !existentials.empty() && std::ranges::any_of(existentials, [&](const auto& existential) {
      return existential.has(*event.document());
    });
  }

  void live(EntryId entry, Instant at) {
    if (beyond_limits(0)) {
      remove(entry, nullptr);
      return note_dropped();
    }
    const TimerWheel::Purpose end{kLife, entry};
    memory[entry].life = timers.set(at + rules.default_events_ttl.length, end);
  }

  bool beyond_limits(std::size_t more) const {
    return partial_matches() + more > options.most_partial_matches ||
           state_bytes() > options.most_bytes;
  }

  void note_dropped() {
    ++statistics.dropped;
    if (!std::exchange(limit_told, true)) tell_of_limit();
  }

  void tell_of_limit() {
    const auto most = std::ranges::max_element(states, {}, rows_of);
    notices.push_back(
        {fmt::format("rule set {}: {} partial matches take about {} MB, which is the limit: events "
                     "that would wait are dropped, and counted. Rule `{}` holds most, {}",
                     rules.name, partial_matches(), state_bytes() >> 20,
                     rules.rules[static_cast<std::size_t>(most - states.begin())].name,
                     rows_of(*most)),
         true});
  }

  // --- working memory

  EntryId add(DocumentPtr document, Instant at, bool is_fact) {
    for (auto& existential : existentials) existential.holders += existential.has(*document);
    return memory.add(std::move(document), at, is_fact);
  }

  void remove(EntryId id, std::vector<Existential*>* absent) {
    const Entry& entry = memory[id];
    for (auto& existential : existentials) {
      if (existential.has(*entry.document) && --existential.holders == 0 && absent != nullptr)
        absent->push_back(&existential);
    }
    if (entry.life != TimerWheel::kNone) timers.cancel(entry.life);
    memory.remove(id);
  }

  // Keeps the sums of what the not_alls hold.
  template <class Change>
  void watching(NotAll& not_all, Change&& change) {
    const auto rows = not_all.rows();
    const auto bytes = not_all.bytes();
    change(not_all);
    held += not_all.rows() - rows;
    held_bytes += not_all.bytes() - bytes;
  }

  // What a not_all has done with.
  void leave(const NotAll::Outer& outer) {
    if (outer.entry == kNoEntry) return;
    const Entry& entry = memory[outer.entry];
    if (entry.document && entry.arrival == outer.arrival && !entry.is_fact)
      remove(outer.entry, nullptr);
  }

  void retract(const Object& pattern, Retract how, Instant at, std::vector<Activation>& fired) {
    const auto goes = [&](const Document& document) {
      return how == Retract::partial ? includes(document.object(), pattern)
                                     : is_whole_of(document.object(), pattern);
    };
    for (const EntryId id : memory.all()) {
      const DocumentPtr document = memory[id].document;
      if (!goes(*document)) continue;
      std::vector<Existential*> absent;
      remove(id, &absent);
      for (const auto* existential : absent)
        fires.push_back({existential->rule, at, {{"m", document}}});
    }
    for (const auto& state : states) {
      if (state.not_all) watching(*state.not_all, [&](NotAll& it) { it.retract(goes, at); });
    }
    report(fired, /*all_rules=*/true);
  }

  // --- time

  // Rules that fire for absence do so once at the first evaluation, unless what sets it off has
  // their path, or a rule before them fires then.
  void begin(const Document* arriving, Instant at) {
    begun = true;
    for (const auto& existential : existentials) {
      const bool present =
          existential.holders > 0 || (arriving != nullptr && existential.has(*arriving));
      if (!present) fires.push_back({existential.rule, at, {}});
    }
  }

  void run_timers(Instant now, std::vector<Activation>& fired) {
    timers.advance(now, [&](Instant at, TimerWheel::Purpose timer) {
      if (timer.owner == kLife) {
        memory[timer.item].life = TimerWheel::kNone;
        return remove(timer.item, nullptr);
      }
      Activation activation{timer.owner - 1, at, {}};
      RuleState& state = states[activation.rule];
      if (state.throttle) {
        const auto before = state.throttle->groups();
        activation.bindings = state.throttle->expire(timer.item);
        groups += state.throttle->groups() - before;
      } else {
        std::optional<NotAll::Fired> missed;
        watching(*state.not_all, [&](NotAll& it) { missed = it.expire(timer.item, at, leaving); });
        if (missed)
          activation.bindings.emplace_back(std::move(missed->binding), std::move(missed->document));
        for (const auto& outer : std::exchange(leaving, {})) leave(outer);
      }
      if (activation.bindings.empty()) return;
      ++statistics.matched;
      ++statistics.activations;
      fired.push_back(std::move(activation));
    });
  }

  // --- what fired

  // In single-rule mode the first rule that fired is the one reported.
  void report(std::vector<Activation>& fired, bool all_rules) {
    std::ranges::stable_sort(fires, {}, &Activation::rule);
    for (auto& activation : fires) {
      if (!all_rules && activation.rule != fires.front().rule) break;
      ++statistics.activations;
      fired.push_back(std::move(activation));
    }
    fires.clear();
  }

  // --- state

  Value state() const {
    const TimerStates timer_states(timers);
    Array entries;
    boost::unordered_flat_map<EntryId, std::int64_t> numbers;
    for (const EntryId id : memory.all()) {
      const Entry& entry = memory[id];
      numbers[id] = static_cast<std::int64_t>(entries.size());
      const bool dies = entry.life != TimerWheel::kNone;
      entries.push_back(Array{to_state(entry.inserted),
                              dies ? timer_states.of(entry.life) : Value(), entry.is_fact,
                              entry.document->value()});
    }
    const auto number_of = [&](const NotAll::Outer& outer) -> std::int64_t {
      const auto found = numbers.find(outer.entry);
      const bool is_there = found != numbers.end() && memory[outer.entry].arrival == outer.arrival;
      return is_there ? found->second : -1;
    };
    Object windows;
    for (std::size_t r = 0; r < states.size(); ++r) {
      if (!states[r].throttle && !states[r].not_all) continue;
      windows[rules.rules[r].name] =
          Array{memory_kind(rules, rules.rules[r]),
                states[r].throttle ? states[r].throttle->state(timer_states)
                                   : states[r].not_all->state(timer_states, number_of)};
    }
    return Object{
        {"begun", begun}, {"entries", std::move(entries)}, {"windows", std::move(windows)}};
  }

  Restored restore(const Object& state) {
    begun = boolean_of(entry_of(state, "begun"));
    TimersToSet timers_to_set;
    std::vector<EntryId> ids;
    for (const auto& entry : array_of(entry_of(state, "entries")))
      ids.push_back(restore_entry(row_of(entry, 4), timers_to_set));
    const auto outer_of = [&](std::int64_t number) {
      if (number < 0) return NotAll::Outer{};
      if (static_cast<std::size_t>(number) >= ids.size()) throw DamagedState{"no such entry"};
      const EntryId id = ids[static_cast<std::size_t>(number)];
      return NotAll::Outer{id, memory[id].arrival};
    };
    Restored restored;
    const Object& windows = object_of(entry_of(state, "windows"));
    for (const auto& window : windows) {
      if (!restore_window(window.key(), row_of(window.value(), 2), outer_of, timers_to_set))
        restored.changed_rules.emplace_back(window.key());
    }
    timers_to_set.set_all(timers);
    return restored;
  }

  EntryId restore_entry(const Array& row, TimersToSet& timers_to_set) {
    const bool is_fact = boolean_of(row[2]);
    const auto document = Document::copy_of(object_of(row[3]));
    const EntryId id = add(document, instant_of(row[0]), is_fact);
    if (!row[1].is_null()) timers_to_set.add(row[1], {kLife, id}, memory[id].life);
    note_matches(*document);
    for (const auto& [rule, positions] : remembering) {
      if (states[rule].join) states[rule].join->add(id, positions);
    }
    return id;
  }

  bool restore_window(std::string_view name, const Array& row,
                      const std::function<NotAll::Outer(std::int64_t)>& outer_of,
                      TimersToSet& timers_to_set) {
    const auto found = std::ranges::find(rules.rules, name, &Rule::name);
    if (found == rules.rules.end() || !found->enabled ||
        row[0] != Value(memory_kind(rules, *found))) {
      return false;
    }
    const auto index = static_cast<std::size_t>(found - rules.rules.begin());
    RuleState& state = states[index];
    const Object& window = object_of(row[1]);
    if (state.throttle) {
      state.throttle->restore(window, timers_to_set);
      groups += state.throttle->groups();
    } else if (state.not_all) {
      const auto positions_of = [&](const Document& document) {
        note_matches(document);
        const auto of_rule =
            std::ranges::find(remembering, index, [](const auto& pair) { return pair.first; });
        return of_rule == remembering.end() ? Positions{0} : of_rule->second;
      };
      watching(*state.not_all,
               [&](NotAll& it) { it.restore(window, {positions_of, outer_of, timers_to_set}); });
    }
    return true;
  }

  // Which conditions of rules that remember hold of an event that came before: `remembering`.
  void note_matches(const Document& document) {
    remembering.clear();
    fact_reader.read(document.value());
    network.match(fact_reader, [&](PatternId id) {
      const auto [rule, condition] = patterns[id];
      if (!states[rule].remembers()) return true;
      if (remembering.empty() || remembering.back().first != rule)
        remembering.emplace_back(rule, 0);
      remembering.back().second |= Positions{1} << condition;
      return true;
    });
  }

  std::size_t partial_matches() const { return memory.rows() + held + groups; }

  std::size_t state_bytes() const {
    constexpr std::size_t kRow = 2 * sizeof(Link);
    constexpr std::size_t kGroup = 160;  // with its timer and a short key
    return memory.bytes() + held_bytes + (memory.rows() + held) * kRow + groups * kGroup;
  }

  const RuleSet& rules;
  const SessionOptions options;
  const std::vector<Pattern> patterns;
  std::vector<Existential> existentials;
  Network network;
  EventReader fact_reader;
  WorkingMemory memory;
  TimerWheel timers;
  std::vector<RuleState> states;  // by rule
  PatternId remembering_end = 0;  // behind the last pattern of a rule that remembers
  Statistics statistics;
  std::vector<Notice> notices;
  std::size_t groups = 0;  // of throttles
  std::size_t held = 0;    // rows of not_all
  std::size_t held_bytes = 0;
  bool begun = false;
  bool limit_told = false;

  // Of the evaluation at hand; kept for their capacity.
  std::vector<Activation> fires;
  std::vector<EntryId> taking_part;
  NotAll::Outers leaving;
  std::vector<std::pair<std::size_t, Positions>> remembering;  // rules, and which conditions hold
  std::vector<Join::Entries> combinations;
  std::string group_key;
};

std::unique_ptr<Session> Session::create(const RuleSet& rules, Diagnostics& diagnostics,
                                         const SessionOptions& options) {
  bool sound = true;
  for (const auto& rule : rules.rules) {
    if (!wants_several(rule) || rule.conditions.size() <= kMostPositions) continue;
    sound = false;
    diagnostics.error("too-many-conditions", rule.where,
                      fmt::format("rule `{}` joins {} conditions, at most {} can be", rule.name,
                                  rule.conditions.size(), kMostPositions),
                      "combine tests of one event with `and`");
  }
  if (!sound) return nullptr;
  return std::unique_ptr<Session>(
      new Session(std::make_unique<Impl>(rules, options, Conditions(rules))));
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

const std::vector<Path>& Session::paths() const { return impl_->network.paths(); }

void Session::insert_event(EventReader& reader, Instant now, std::vector<Activation>& fired) {
  impl_->run_timers(now, fired);
  ++impl_->statistics.processed;
  impl_->take({reader, [&reader] { return reader.document(); }, /*is_fact=*/false}, now, fired);
}

void Session::insert_fact(DocumentPtr fact, Instant now, std::vector<Activation>& fired) {
  impl_->run_timers(now, fired);
  impl_->fact_reader.read(fact->value());
  impl_->take({impl_->fact_reader, [&fact] { return fact; }, /*is_fact=*/true}, now, fired);
}

void Session::retract(const Object& pattern, Retract how, Instant now,
                      std::vector<Activation>& fired) {
  impl_->run_timers(now, fired);
  impl_->retract(pattern, how, now, fired);
}

void Session::advance(Instant now, std::vector<Activation>& fired) {
  if (!impl_->begun) {
    impl_->begin(nullptr, now);
    impl_->report(fired, impl_->rules.match_multiple_rules);
  }
  impl_->run_timers(now, fired);
}

namespace {

// What waits for each position of a join, and which of its tests keep the newest apart.
void describe(Join& join, const WorkingMemory& memory, Session::Holding& holding) {
  std::vector<EntryId> newest;
  for (std::size_t i = 0; i < join.positions(); ++i) {
    const EntryId entry = join.newest(i);
    if (entry != kNoEntry) newest.push_back(entry);
    holding.conditions.push_back(
        {join.memory(i).size(), entry == kNoEntry ? nullptr : memory[entry].document});
  }
  if (newest.size() < join.positions()) return;
  join.failing(newest, [&](std::size_t position, const Expression& test) {
    holding.unmet.push_back({position, &test});
  });
}

}  // namespace

Session::Holding Session::holding(std::size_t rule) const {
  constexpr std::size_t kMostGroups = 10;
  Holding holding;
  const RuleState& state = impl_->states[rule];
  if (state.join) {
    describe(*state.join, impl_->memory, holding);
  } else if (state.not_all) {
    describe(state.not_all->join(), state.not_all->memory(), holding);
    holding.window_end = state.not_all->window_end();
  } else if (state.throttle) {
    holding.group_count = state.throttle->groups();
    state.throttle->each(kMostGroups, [&](const Array& values, std::uint64_t events, Instant end) {
      holding.groups.push_back({values, events, end});
    });
  }
  return holding;
}

Value Session::state() const { return impl_->state(); }

Result<Session::Restored> Session::restore(const Value& state) {
  try {
    auto restored = impl_->restore(object_of(state));
    impl_->remembering.clear();
    return restored;
  } catch (const DamagedState& damage) {
    return fail(Errc::corrupt, "the state of rule set {} is damaged: {}", impl_->rules.name,
                damage.what);
  }
}

std::optional<Instant> Session::next_timer() const { return impl_->timers.next(); }

const Session::Statistics& Session::statistics() const { return impl_->statistics; }

std::vector<DocumentPtr> Session::working_memory() const {
  std::vector<DocumentPtr> all;
  const auto& memory = impl_->memory;
  for (const EntryId id : memory.all()) all.push_back(memory[id].document);
  return all;
}

std::size_t Session::working_memory_size() const {
  std::size_t size = impl_->memory.size();
  for (const auto& state : impl_->states) {
    if (state.throttle) size += state.throttle->groups();
    // A not_all that has not begun counts, as it does in the original.
    if (state.not_all && !state.not_all->begun()) ++size;
  }
  return size;
}

std::size_t Session::partial_matches() const { return impl_->partial_matches(); }
std::size_t Session::state_bytes() const { return impl_->state_bytes(); }

std::vector<Session::Notice> Session::take_notices() {
  auto notices = std::exchange(impl_->notices, {});
  for (auto& notice : impl_->network.take_notices()) {
    const auto& pattern = impl_->patterns[notice.pattern];
    const Rule& rule = impl_->rules.rules[pattern.rule];
    notices.push_back(
        {fmt::format("{}. RuleSet: {}. RuleName: {}. Condition: {}", notice.text, impl_->rules.name,
                     rule.name, rule.conditions[pattern.condition].text),
         true});
  }
  return notices;
}

}  // namespace millrace::rules
