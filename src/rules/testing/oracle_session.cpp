// SPDX-License-Identifier: Apache-2.0
#include "millrace/rules/testing/oracle_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "millrace/event/path.hpp"
#include "millrace/rules/testing/oracle.hpp"

namespace millrace::rules::testing {
namespace {

using Kind = Throttle::Kind;

// A lone `is not defined` asks whether anything at all has the path.
bool is_existential(const Rule& rule) {
  return rule.conditions.size() == 1 && rule.combine != Rule::Combine::not_all &&
         rule.conditions[0].expression.kind == Expression::Kind::not_defined;
}

bool has_path(const Rule& existential, const Value& value) {
  return static_cast<bool>(find(value, existential.conditions[0].expression.operands[0].path));
}

bool wants_one(const Rule& rule) {
  return rule.combine == Rule::Combine::any || rule.conditions.size() == 1;
}

bool never_fires(const Rule& rule) {
  return rule.combine == Rule::Combine::not_all && rule.conditions.size() == 1;
}

bool joins(const Condition& condition) { return find_bound_path(condition.expression) != nullptr; }

bool could_stand_somewhere(const Rule& rule, const Value& value) {
  return std::ranges::any_of(rule.conditions, [&](const Condition& condition) {
    return oracle_can_match(condition.expression, value);
  });
}

// The first condition that the event meets without another event.
std::optional<std::size_t> opening_position(const Rule& rule, const Value& value) {
  for (std::size_t i = 0; i < rule.conditions.size(); ++i) {
    if (!joins(rule.conditions[i]) && oracle_matches(rule.conditions[i].expression, value))
      return i;
  }
  return std::nullopt;
}

template <class Item>
bool holds_twice(const std::vector<Item>& items) {
  return std::set<Item>(items.begin(), items.end()).size() < items.size();
}

bool same_values(const std::vector<Value>& a, const std::vector<Value>& b) {
  return std::ranges::equal(a, b, identical);
}

std::optional<std::vector<Value>> group_key(const Throttle& throttle, const Value& event) {
  std::vector<Value> key;
  for (const auto& path : throttle.group_by) {
    const auto found = find(event, path);
    if (!found) return std::nullopt;
    key.push_back(*found);
  }
  return key;
}

Value marked(const Value& event, const Throttle& throttle, std::int64_t count = 0) {
  Object said;
  if (throttle.kind == Kind::once_within) {
    said["once_within_time_window"] = throttle.window.shouted();
  } else if (throttle.kind == Kind::once_after) {
    said["once_after_time_window"] = throttle.window.shouted();
    said["events_in_window"] = count;
  } else {
    said["accumulate_within_time_window"] = throttle.window.shouted();
    said["threshold"] = throttle.threshold;
  }
  Object result = event.as_object();
  Object meta = result.contains("meta") ? result["meta"].as_object() : Object();
  meta["rule_engine"] = said;
  result["meta"] = meta;
  return result;
}

bool goes_with(const Value& entry, const Object& pattern, Session::Retract how) {
  const Object& object = entry.as_object();
  const bool partial = how == Session::Retract::partial;
  for (const auto& [key, value] : partial ? pattern : object) {
    if (!partial && key == "meta") continue;
    const Value* other = (partial ? object : pattern).if_contains(key);
    if (other == nullptr || !identical(value, *other)) return false;
  }
  return true;
}

}  // namespace

// --- what comes from outside

std::vector<Firing> OracleSession::insert_event(const Value& event, Instant now) {
  return insert(event, /*is_fact=*/false, now);
}

std::vector<Firing> OracleSession::insert_fact(const Value& fact, Instant now) {
  return insert(fact, /*is_fact=*/true, now);
}

std::vector<Firing> OracleSession::insert(const Value& value, bool is_fact, Instant now) {
  run_timers(now);
  if (!is_fact) ++statistics_.processed;
  Evaluation evaluation{std::make_shared<const Item>(value, now, is_fact), now, {}, {}, {}};
  if (!std::exchange(begun_, true)) evaluation.fired = absent(evaluation.item.get(), now);
  for (std::size_t rule = 0; rule < rules_.rules.size(); ++rule) look(rule, evaluation);
  use_up(evaluation);
  report(std::move(evaluation.fired), is_fact || rules_.match_multiple_rules);
  return std::exchange(reported_, {});
}

std::vector<Firing> OracleSession::retract(const Object& pattern, Session::Retract how,
                                           Instant now) {
  run_timers(now);
  const auto goes = [&](const Item& item) { return goes_with(item.value, pattern, how); };
  std::vector<Firing> fired;
  for (const auto& item : Items(memory_)) {
    if (!goes(*item)) continue;
    ++seen_.retracted;
    std::erase(memory_, item);
    for (std::size_t r = 0; r < rules_.rules.size(); ++r) {
      const Rule& rule = rules_.rules[r];
      if (rule.enabled && is_existential(rule) && has_path(rule, item->value) &&
          is_absent(rule, nullptr))
        fired.push_back({r, now, {{"m", item->value}}});
    }
  }
  for (std::size_t r = 0; r < rules_.rules.size(); ++r) drop_collected(r, goes, now);
  seen_.absences += fired.size();
  report(std::move(fired), /*all_rules=*/true);
  return std::exchange(reported_, {});
}

std::vector<Firing> OracleSession::advance(Instant now) {
  if (!std::exchange(begun_, true)) report(absent(nullptr, now), rules_.match_multiple_rules);
  run_timers(now);
  return std::exchange(reported_, {});
}

std::vector<std::shared_ptr<const Value>> OracleSession::working_memory() const {
  std::vector<std::shared_ptr<const Value>> all;
  for (const auto& item : memory_) all.emplace_back(item, &item->value);
  return all;
}

// --- every rule looks at what has come

void OracleSession::look(std::size_t rule, Evaluation& evaluation) {
  const Rule& said = rules_.rules[rule];
  if (!said.enabled || never_fires(said)) return;
  if (is_existential(said)) {
    evaluation.useful |= has_path(said, evaluation.item->value);
  } else if (said.throttle) {
    throttle(rule, evaluation);
  } else if (wants_one(said)) {
    single(rule, evaluation);
  } else if (could_stand_somewhere(said, evaluation.item->value)) {
    evaluation.useful = true;
    said.combine == Rule::Combine::all ? all(rule, evaluation) : not_all(rule, evaluation);
  }
}

// `any` is one match, bound to the first of its conditions that holds.
void OracleSession::single(std::size_t rule, Evaluation& evaluation) {
  const Rule& said = rules_.rules[rule];
  for (std::size_t i = 0; i < said.conditions.size(); ++i) {
    if (!oracle_matches(said.conditions[i].expression, evaluation.item->value)) continue;
    evaluation.useful = true;
    evaluation.taking_part.insert(evaluation.item);
    evaluation.fired.push_back({rule, evaluation.now, {{said.binding(i), evaluation.item->value}}});
    return;
  }
}

// Every combination of what waits and what has come, with the latter in it.
void OracleSession::all(std::size_t rule, Evaluation& evaluation) {
  const Rule& said = rules_.rules[rule];
  Items pool = memory_;
  pool.push_back(evaluation.item);
  Items chosen;
  combine(said, pool, evaluation.item, chosen, [&](const Items& combination) {
    evaluation.taking_part.insert(combination.begin(), combination.end());
    if (holds_twice(combination)) {
      ++seen_.with_itself;
      return true;
    }
    ++seen_.combinations;
    if (std::ranges::any_of(combination, [](const auto& item) { return item->is_fact; }))
      ++seen_.with_facts;
    Object bindings;
    for (std::size_t i = 0; i < combination.size(); ++i)
      bindings[said.binding(i)] = combination[i]->value;
    evaluation.fired.push_back({rule, evaluation.now, bindings});
    return true;
  });
}

// Gives each position in turn each entry of the pool. `visit` says whether to go on.
bool OracleSession::combine(const Rule& rule, const Items& pool, const ItemPtr& with, Items& chosen,
                            const Visit& visit) {
  const bool has_it = std::ranges::find(chosen, with) != chosen.end();
  if (chosen.size() == rule.conditions.size()) return visit(chosen);
  const bool is_last = chosen.size() + 1 == rule.conditions.size();
  for (const auto& item : pool) {
    if (is_last && !has_it && item != with) continue;
    chosen.push_back(item);
    const bool go_on = !fits(rule, chosen) || combine(rule, pool, with, chosen, visit);
    chosen.pop_back();
    if (!go_on) return false;
  }
  return true;
}

// Whether the last of `chosen` may stand behind the others.
bool OracleSession::fits(const Rule& rule, const Items& chosen) {
  const Item& last = *chosen.back();
  std::vector<const Value*> bound;
  for (const auto& item : chosen) bound.push_back(&item->value);
  if (!oracle_matches(rule.conditions[chosen.size() - 1].expression, last.value, bound))
    return false;
  if (rule.combine != Rule::Combine::all || !rule.timeout) return true;
  for (const auto& item : chosen) {
    if (item->is_fact) return false;
    const Duration distance = item->inserted > last.inserted ? item->inserted - last.inserted
                                                             : last.inserted - item->inserted;
    if (distance <= rule.timeout->length) continue;
    ++seen_.too_far_apart;
    return false;
  }
  return true;
}

// What took part is used up unless several rules may match; what a throttle or a not_all has taken
// is gone in any case. What has come is kept if anything can still come of it.
void OracleSession::use_up(Evaluation& evaluation) {
  const ItemPtr& item = evaluation.item;
  bool keep = evaluation.useful && !evaluation.taken;
  const auto remove = [&](const ItemPtr& gone) {
    if (gone->is_fact) return;
    std::erase(memory_, gone);
    if (gone == item) keep = false;
  };
  for (const auto& participant : evaluation.taking_part) {
    if (!participant->is_fact) ++statistics_.matched;
    if (!rules_.match_multiple_rules) remove(participant);
  }
  for (const auto& gone : evaluation.leaving) remove(gone);
  if (!keep) return;
  memory_.push_back(item);
  if (item->is_fact) return;
  set_timer(evaluation.now + rules_.default_events_ttl.length,
            [this, item](Instant) { seen_.ends_of_life += std::erase(memory_, item); });
}

void OracleSession::report(std::vector<Firing> fired, bool all_rules) {
  std::ranges::stable_sort(fired, {}, &Firing::rule);
  for (auto& firing : fired) {
    if (!all_rules && firing.rule != fired.front().rule) {
      ++seen_.used_up_unreported;
      break;
    }
    ++statistics_.activations;
    reported_.push_back(firing);
  }
}

// --- a lone `is not defined`

bool OracleSession::is_absent(const Rule& rule, const Item* arriving) const {
  if (arriving != nullptr && has_path(rule, arriving->value)) return false;
  return std::ranges::none_of(memory_,
                              [&](const auto& item) { return has_path(rule, item->value); });
}

std::vector<Firing> OracleSession::absent(const Item* arriving, Instant now) {
  std::vector<Firing> fired;
  for (std::size_t r = 0; r < rules_.rules.size(); ++r) {
    const Rule& rule = rules_.rules[r];
    if (rule.enabled && is_existential(rule) && is_absent(rule, arriving))
      fired.push_back({r, now, {}});
  }
  seen_.absences += fired.size();
  return fired;
}

// --- throttles

void OracleSession::throttle(std::size_t rule, Evaluation& evaluation) {
  const Rule& said = rules_.rules[rule];
  const ItemPtr& item = evaluation.item;
  if (!oracle_matches(said.conditions[0].expression, item->value)) return;
  bool fires = false;
  if (said.throttle->kind == Kind::once_within) {
    fires = once_within(rule, evaluation);
  } else if (said.throttle->kind == Kind::accumulate_within) {
    fires = accumulate_within(rule, evaluation);
  } else {
    once_after(rule, evaluation);
  }
  evaluation.useful = true;
  if (!fires || item->is_fact) evaluation.taken = true;
  if (!fires) return;
  evaluation.taking_part.insert(item);
  evaluation.fired.push_back(
      {rule, evaluation.now, {{said.binding(0), marked(item->value, *said.throttle)}}});
}

// The first event of a group fires, the others in its window do not.
bool OracleSession::once_within(std::size_t rule, const Evaluation& evaluation) {
  const Throttle& throttle = *rules_.rules[rule].throttle;
  const auto key = group_key(throttle, evaluation.item->value);
  if (!key) return true;
  auto& groups = states_[rule].groups;
  for (const auto& group : groups) {
    if (!same_values(*group.key, *key)) continue;
    ++seen_.silenced;
    return false;
  }
  const auto ends = [&groups, id = timers_set_](Instant) {
    std::erase_if(groups, [&](const Group& group) { return group.window == id; });
  };
  groups.push_back(
      {.key = key, .window = set_timer(evaluation.now + throttle.window.length, ends)});
  return true;
}

// Events of a group are counted until the threshold is reached or the window ends.
bool OracleSession::accumulate_within(std::size_t rule, const Evaluation& evaluation) {
  const Throttle& throttle = *rules_.rules[rule].throttle;
  const auto key = group_key(throttle, evaluation.item->value);
  if (!key) return false;
  auto& groups = states_[rule].groups;
  auto group = std::ranges::find_if(
      groups, [&](const Group& known) { return same_values(*known.key, *key); });
  if (group == groups.end()) {
    const auto ends = [this, &groups, id = timers_set_](Instant) {
      seen_.forgotten +=
          std::erase_if(groups, [&](const Group& known) { return known.window == id; });
    };
    const auto window = set_timer(evaluation.now + throttle.window.length, ends);
    group = groups.insert(groups.end(), {.key = key, .window = window});
  }
  if (++group->count < throttle.threshold) return false;
  groups.erase(group);
  ++seen_.thresholds;
  return true;
}

// All groups share one window. At its end the first event of each is told, in the order of the
// groups' last events.
void OracleSession::once_after(std::size_t rule, const Evaluation& evaluation) {
  const Throttle& throttle = *rules_.rules[rule].throttle;
  auto& groups = states_[rule].groups;
  if (groups.empty()) {
    set_timer(evaluation.now + throttle.window.length,
              [this, rule](Instant at) { end_once_after(rule, at); });
  }
  Group group{.key = group_key(throttle, evaluation.item->value), .first = evaluation.item};
  const auto known = std::ranges::find_if(groups, [&](const Group& other) {
    return group.key && other.key && same_values(*group.key, *other.key);
  });
  if (known != groups.end()) {
    group = *known;
    groups.erase(known);
  }
  ++group.count;
  groups.push_back(group);
}

void OracleSession::end_once_after(std::size_t rule, Instant at) {
  const auto groups = std::exchange(states_[rule].groups, {});
  Object bindings;
  for (const auto& group : groups) {
    const auto name = groups.size() == 1 ? "m" : fmt::format("m_{}", bindings.size());
    bindings[name] = marked(group.first->value, *rules_.rules[rule].throttle, group.count);
  }
  ++seen_.collected;
  fire_for_time(rule, at, bindings);
}

// --- not_all

// It has a list of its own, which other rules do not touch.
void OracleSession::not_all(std::size_t rule, Evaluation& evaluation) {
  const Rule& said = rules_.rules[rule];
  RuleState& state = states_[rule];
  const ItemPtr& item = evaluation.item;
  state.collected.push_back(item);
  set_timer(evaluation.now + rules_.default_events_ttl.length, [this, rule, item](Instant at) {
    drop_collected(rule, [&](const Item& other) { return &other == item.get(); }, at);
  });
  if (!state.opener) open_window(rule, evaluation.now);
  Items complete;
  Items chosen;
  combine(said, state.collected, item, chosen, [&](const Items& combination) {
    if (holds_twice(combination)) return true;
    complete = combination;
    return false;
  });
  if (complete.empty()) return;
  ++seen_.all_came;
  for (const auto& participant : complete) {
    std::erase(state.collected, participant);
    evaluation.leaving.push_back(participant);
  }
  if (std::ranges::find(complete, state.opener) != complete.end())
    open_window(rule, evaluation.now);
}

// With the oldest event that needs no other; any window before it is over.
void OracleSession::open_window(std::size_t rule, Instant now) {
  const Rule& said = rules_.rules[rule];
  RuleState& state = states_[rule];
  state.opener = nullptr;
  state.window = 0;
  for (const auto& item : state.collected) {
    if (!opening_position(said, item->value)) continue;
    state.opener = item;
    if (item->inserted != now) ++seen_.reopened;
    const auto id = timers_set_;
    state.window = set_timer(now + said.timeout->length, [this, rule, id](Instant at) {
      if (states_[rule].opener && states_[rule].window == id) end_not_all(rule, at);
    });
    return;
  }
}

// The event that opened the window is told. With it leaves the one that has waited longest for each
// other condition.
void OracleSession::end_not_all(std::size_t rule, Instant at) {
  const Rule& said = rules_.rules[rule];
  RuleState& state = states_[rule];
  const ItemPtr opener = state.opener;
  const std::size_t position = *opening_position(said, opener->value);
  const auto leave = [&](const ItemPtr& item) {
    std::erase(state.collected, item);
    if (!item->is_fact) std::erase(memory_, item);
  };
  leave(opener);
  for (std::size_t other = 0; other < said.conditions.size(); ++other) {
    if (other == position) continue;
    const auto waits = [&](const ItemPtr& item) {
      return oracle_can_match(said.conditions[other].expression, item->value);
    };
    const auto oldest = std::ranges::find_if(state.collected, waits);
    if (oldest != state.collected.end()) leave(ItemPtr(*oldest));
  }
  open_window(rule, at);
  ++seen_.missed;
  fire_for_time(rule, at, {{said.binding(position), opener->value}});
}

void OracleSession::drop_collected(std::size_t rule, const std::function<bool(const Item&)>& goes,
                                   Instant now) {
  RuleState& state = states_[rule];
  std::erase_if(state.collected, [&](const ItemPtr& item) { return goes(*item); });
  if (state.opener && goes(*state.opener)) open_window(rule, now);
}

// --- time

std::uint64_t OracleSession::set_timer(Instant deadline, std::function<void(Instant)> run) {
  timers_.push_back({deadline, timers_set_, std::move(run)});
  return timers_set_++;
}

// The earliest first, of one deadline the one that was set first; also those set meanwhile.
void OracleSession::run_timers(Instant now) {
  while (true) {
    const auto next = std::ranges::min_element(
        timers_, {}, [](const Timer& timer) { return std::pair(timer.deadline, timer.id); });
    if (next == timers_.end() || next->deadline > now) return;
    const Timer timer = *next;
    timers_.erase(next);
    timer.run(timer.deadline);
  }
}

void OracleSession::fire_for_time(std::size_t rule, Instant at, Object bindings) {
  ++statistics_.matched;
  ++statistics_.activations;
  reported_.push_back({rule, at, std::move(bindings)});
}

}  // namespace millrace::rules::testing
