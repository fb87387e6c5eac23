// SPDX-License-Identifier: Apache-2.0
// Session against the oracle: random rule sets, and random things that happen to them. What differs
// is made as small as it can be before it is told. And the oracle against the golden cases.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millrace/base/files.hpp"
#include "millrace/event/event_reader.hpp"
#include "millrace/event/json.hpp"
#include "millrace/rules/session.hpp"
#include "millrace/rules/testing/oracle_session.hpp"
#include "millrace/rules/testing/random_rule_sets.hpp"

namespace millrace::rules {
namespace {

using testing::Firing;
using testing::OracleSession;
using testing::RuleDraft;
using testing::RuleSetDraft;
using testing::Step;
using Seen = OracleSession::Seen;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

// --- what one step comes to

struct Outcome {
  std::vector<Firing> fired;
  std::vector<std::shared_ptr<const Value>> memory;
  Session::Statistics statistics;

  bool operator==(const Outcome& other) const {
    const auto same_firing = [](const Firing& a, const Firing& b) {
      return a.rule == b.rule && a.at == b.at && identical(a.bindings, b.bindings);
    };
    return std::ranges::equal(fired, other.fired, same_firing) &&
           std::ranges::equal(memory, other.memory,
                              [](const auto& a, const auto& b) { return identical(*a, *b); }) &&
           statistics.processed == other.statistics.processed &&
           statistics.matched == other.statistics.matched &&
           statistics.activations == other.statistics.activations;
  }

  std::string to_text() const {
    std::string text;
    for (const auto& firing : fired) {
      const std::chrono::duration<double> at = firing.at.time_since_epoch();
      text +=
          fmt::format("    r{} at {} s: {}\n", firing.rule, at.count(), to_json(firing.bindings));
    }
    text += "    working memory:";
    for (const auto& value : memory) text += " " + to_json(*value);
    return text + fmt::format("\n    processed {}, matched {}, activations {}\n",
                              statistics.processed, statistics.matched, statistics.activations);
  }
};

// A session to which events are given as text, as sources do; or as values, and which is also woken
// for each of its timers, as by a clock.
class Player {
 public:
  enum class Form { text, value };
  Player(const RuleSet& rules, Form form, std::uint64_t seed)
      : rules_(rules), form_(form), seed_(seed) {
    begin();
  }

  /// Goes on with a new session that was given the state of the old one, as text.
  void start_again() {
    const auto text = to_json(session_->state());
    before_ = statistics();
    begin();
    const auto restored = session_->restore(parse_json(text).value());
    ASSERT_TRUE(restored) << restored.error().message();
    EXPECT_TRUE(restored->changed_rules.empty());
  }

  Outcome play(const Step& step, Instant now) {
    std::vector<Activation> fired;
    if (form_ == Form::value) wake(now, fired);
    switch (step.kind) {
      case Step::Kind::event:
        insert_event(step.value, now, fired);
        break;
      case Step::Kind::fact:
        session_->insert_fact(Document::copy_of(step.value), now, fired);
        break;
      case Step::Kind::retract_partial:
        session_->retract(step.value, Session::Retract::partial, now, fired);
        break;
      case Step::Kind::retract_whole:
        session_->retract(step.value, Session::Retract::whole, now, fired);
        break;
      case Step::Kind::advance:
        session_->advance(now, fired);
        break;
    }
    return outcome(fired);
  }

 private:
  void begin() {
    Diagnostics diagnostics;
    SessionOptions options;
    options.hash_seed = seed_;
    session_ = Session::create(rules_, diagnostics, options);
    reader_ = std::make_unique<EventReader>(session_->paths(), JsonLimits());
  }

  Session::Statistics statistics() const {
    auto all = session_->statistics();
    all.processed += before_.processed;
    all.matched += before_.matched;
    all.activations += before_.activations;
    return all;
  }

  void wake(Instant now, std::vector<Activation>& fired) {
    for (auto timer = session_->next_timer(); timer && *timer <= now;
         timer = session_->next_timer())
      session_->advance(*timer, fired);
  }

  void insert_event(const Object& value, Instant now, std::vector<Activation>& fired) {
    const auto json = to_json(value);
    const auto padded = json + std::string(kTextPadding, ' ');
    Event event = form_ == Form::text
                      ? Event::from_text(std::string_view(padded).substr(0, json.size()))
                      : Event(value);
    ASSERT_TRUE(reader_->read(event, {})) << json;
    session_->insert_event(*reader_, now, fired);
  }

  Outcome outcome(const std::vector<Activation>& fired) const {
    Outcome outcome;
    for (const auto& activation : fired) {
      Object bindings;
      for (const auto& [name, document] : activation.bindings) bindings[name] = document->value();
      outcome.fired.push_back({activation.rule, activation.at, std::move(bindings)});
    }
    for (const auto& document : session_->working_memory())
      outcome.memory.emplace_back(document, &document->value());
    outcome.statistics = statistics();
    return outcome;
  }

  const RuleSet& rules_;
  const Form form_;
  const std::uint64_t seed_;
  Session::Statistics before_;  // of the sessions before
  std::unique_ptr<Session> session_;
  std::unique_ptr<EventReader> reader_;
};

Outcome play_to_oracle(OracleSession& oracle, const Step& step, Instant now) {
  Outcome outcome;
  switch (step.kind) {
    case Step::Kind::event:
      outcome.fired = oracle.insert_event(step.value, now);
      break;
    case Step::Kind::fact:
      outcome.fired = oracle.insert_fact(step.value, now);
      break;
    case Step::Kind::retract_partial:
      outcome.fired = oracle.retract(step.value, Session::Retract::partial, now);
      break;
    case Step::Kind::retract_whole:
      outcome.fired = oracle.retract(step.value, Session::Retract::whole, now);
      break;
    case Step::Kind::advance:
      outcome.fired = oracle.advance(now);
      break;
  }
  outcome.memory = oracle.working_memory();
  outcome.statistics = oracle.statistics();
  return outcome;
}

// --- a whole trial

struct Trial {
  RuleSetDraft rules;
  std::vector<Step> steps;
};

struct Difference {
  std::size_t step = 0;
  std::string text;
};

// Nothing also if the rulebook does not load, as what is left while shrinking may not.
std::optional<Difference> find_difference(const Trial& trial, Seen* seen = nullptr) {
  Diagnostics diagnostics;
  const auto rulebook = load_rulebook(trial.rules.yaml(), "random.yml", {}, diagnostics);
  if (!rulebook) {
    if (seen != nullptr) ADD_FAILURE() << trial.rules.yaml() << diagnostics.items()[0].message;
    return std::nullopt;
  }
  const RuleSet& rules = rulebook->rule_sets[0];
  OracleSession oracle(rules);
  Player text(rules, Player::Form::text, 1);
  Player value(rules, Player::Form::value, 2);
  Player restarted(rules, Player::Form::text, 3);
  Instant now{};
  for (std::size_t i = 0; i < trial.steps.size(); ++i) {
    now += trial.steps[i].after;
    const auto expected = play_to_oracle(oracle, trial.steps[i], now);
    const auto from_text = text.play(trial.steps[i], now);
    const auto from_value = value.play(trial.steps[i], now);
    const auto from_restarted = restarted.play(trial.steps[i], now);
    if (i % 5 == 0) restarted.start_again();
    if (from_text == expected && from_value == expected && from_restarted == expected) continue;
    auto told = fmt::format("the oracle:\n{}the session, given text:\n{}", expected.to_text(),
                            from_text.to_text());
    if (from_value != from_text)
      told += fmt::format("the session, given values:\n{}", from_value.to_text());
    if (from_restarted != from_text)
      told += fmt::format("the session, begun again and again:\n{}", from_restarted.to_text());
    return Difference{i, std::move(told)};
  }
  if (seen != nullptr) *seen = oracle.seen();
  return std::nullopt;
}

// --- making a difference small

// Calls `attempt` with each trial that is one thing shorter, until one is taken.
using Attempt = std::function<bool(Trial)>;

bool shrink_steps(const Trial& trial, const Attempt& attempt) {
  for (std::size_t i = trial.steps.size(); i-- > 0;) {
    Trial shorter = trial;
    shorter.steps.erase(shorter.steps.begin() + static_cast<std::ptrdiff_t>(i));
    if (attempt(shorter)) return true;
    // The time that passed before it, with the next.
    if (i == shorter.steps.size()) continue;
    shorter.steps[i].after += trial.steps[i].after;
    if (attempt(std::move(shorter))) return true;
  }
  for (std::size_t i = 0; i < trial.steps.size(); ++i) {
    for (const auto& entry : trial.steps[i].value) {
      Trial shorter = trial;
      shorter.steps[i].value.stable_erase(entry.key());
      if (attempt(std::move(shorter))) return true;
    }
    if (trial.steps[i].after.count() == 0) continue;
    Trial shorter = trial;
    shorter.steps[i].after = {};
    if (attempt(std::move(shorter))) return true;
  }
  return false;
}

bool shrink_rule(const Trial& trial, std::size_t index, const Attempt& attempt) {
  const RuleDraft& rule = trial.rules.rules[index];
  const auto with = [&](RuleDraft shorter_rule) {
    Trial shorter = trial;
    shorter.rules.rules[index] = std::move(shorter_rule);
    return attempt(std::move(shorter));
  };
  for (std::size_t c = 0; c < rule.conditions.size(); ++c) {
    if (rule.conditions.size() > 1 && with(rule.without(c))) return true;
    for (std::size_t t = 0;
         rule.conditions[c].tests.size() > 1 && t < rule.conditions[c].tests.size(); ++t) {
      RuleDraft shorter = rule;
      auto& tests = shorter.conditions[c].tests;
      tests.erase(tests.begin() + static_cast<std::ptrdiff_t>(t));
      if (with(std::move(shorter))) return true;
    }
    if (rule.conditions[c].alias.empty()) continue;
    RuleDraft shorter = rule;
    shorter.conditions[c].alias.clear();
    if (with(std::move(shorter))) return true;
  }
  RuleDraft shorter = rule;
  shorter.throttle = {};
  if (!rule.throttle.key.empty() && with(shorter)) return true;
  shorter = rule;
  shorter.timeout.clear();
  return !rule.timeout.empty() && with(shorter);
}

bool shrink_rules(const Trial& trial, const Attempt& attempt) {
  for (std::size_t i = trial.rules.rules.size(); i-- > 0;) {
    Trial shorter = trial;
    shorter.rules.rules.erase(shorter.rules.rules.begin() + static_cast<std::ptrdiff_t>(i));
    if (attempt(std::move(shorter)) || shrink_rule(trial, i, attempt)) return true;
  }
  Trial shorter = trial;
  shorter.rules.match_multiple_rules = false;
  if (trial.rules.match_multiple_rules && attempt(shorter)) return true;
  shorter = trial;
  shorter.rules.default_events_ttl.clear();
  return !trial.rules.default_events_ttl.empty() && attempt(shorter);
}

std::string smallest(Trial trial, Difference difference) {
  const Attempt attempt = [&](Trial shorter) {
    auto still = find_difference(shorter);
    if (!still) return false;
    trial = std::move(shorter);
    trial.steps.resize(still->step + 1);
    difference = std::move(*still);
    return true;
  };
  while (shrink_rules(Trial(trial), attempt) || shrink_steps(Trial(trial), attempt)) {
  }
  std::string text = trial.rules.yaml() + "\n";
  for (const auto& step : trial.steps) text += step.to_text() + "\n";
  return text + "After the last step\n" + difference.text;
}

// --- what was seen

void add(Seen& sum, const Seen& more) {
  sum.combinations += more.combinations;
  sum.with_facts += more.with_facts;
  sum.with_itself += more.with_itself;
  sum.too_far_apart += more.too_far_apart;
  sum.silenced += more.silenced;
  sum.collected += more.collected;
  sum.thresholds += more.thresholds;
  sum.forgotten += more.forgotten;
  sum.all_came += more.all_came;
  sum.missed += more.missed;
  sum.reopened += more.reopened;
  sum.ends_of_life += more.ends_of_life;
  sum.used_up_unreported += more.used_up_unreported;
  sum.retracted += more.retracted;
  sum.absences += more.absences;
}

void expect_much_seen(const Seen& seen, std::size_t steps) {
  const auto expect = [&](const char* what, std::size_t count, std::size_t one_in) {
    EXPECT_GT(count * one_in, steps) << what << ": " << count << ", which tests little";
  };
  expect("combinations that fired", seen.combinations, 10);
  expect("combinations with facts", seen.with_facts, 20);
  expect("combinations of an event with itself", seen.with_itself, 20);
  expect("pairs too far apart", seen.too_far_apart, 20);
  expect("events silenced by once_within", seen.silenced, 200);
  expect("reports of once_after", seen.collected, 100);
  expect("thresholds of accumulate_within", seen.thresholds, 100);
  expect("windows of accumulate_within that ended", seen.forgotten, 100);
  expect("not_all completed", seen.all_came, 100);
  expect("not_all that fired", seen.missed, 50);
  expect("windows of not_all opened by leftovers", seen.reopened, 100);
  expect("ends of life", seen.ends_of_life, 20);
  expect("evaluations with a rule not reported", seen.used_up_unreported, 100);
  expect("entries retracted", seen.retracted, 100);
  expect("firings for absence", seen.absences, 500);
}

TEST(Session, AgreesWithTheOracleOnRandomRuleSetsAndStreams) {
  constexpr std::size_t kStepsOfARuleSet = 40;
  const auto steps = setting("MILLRACE_ORACLE_PAIRS", 200'000);
  testing::RandomRuleSets random(setting("MILLRACE_ORACLE_SEED", 20261121));
  Seen sum;
  for (std::size_t done = 0; done < steps; done += kStepsOfARuleSet) {
    Trial trial;
    trial.rules = random.rule_set();
    trial.steps = random.steps(trial.rules, kStepsOfARuleSet);
    Seen seen;
    auto difference = find_difference(trial, &seen);
    if (difference) FAIL() << smallest(std::move(trial), std::move(*difference));
    add(sum, seen);
  }
  if (steps >= 100'000) expect_much_seen(sum, steps);  // in few steps chance decides
}

// --- the oracle itself

std::vector<Value> lines_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::vector<Value> values;
  for (std::string line; std::getline(stream, line);) {
    auto value = parse_json(line);
    EXPECT_TRUE(value) << file << ": " << line;
    if (value) values.push_back(std::move(*value));
  }
  return values;
}

Step step_of(const Value& line) {
  const Object& object = line.as_object();
  Step step;
  if (const auto* event = object.if_contains("event")) {
    step.value = event->as_object();
  } else if (const auto* fact = object.if_contains("fact")) {
    step.kind = Step::Kind::fact;
    step.value = fact->as_object();
  } else if (const auto* pattern = object.if_contains("retract")) {
    const auto* partial = object.if_contains("partial");
    step.kind = partial == nullptr || partial->as_bool() ? Step::Kind::retract_partial
                                                         : Step::Kind::retract_whole;
    step.value = pattern->as_object();
  } else {
    step.kind = Step::Kind::advance;
    step.after =
        parse_span(view(object.at("advance").as_string()), Units::with_milliseconds).value().length;
  }
  return step;
}

void expect_golden(const std::filesystem::path& folder, const RuleSet& rules) {
  const auto steps = lines_of(folder / "events.jsonl");
  const auto expected = lines_of(folder / "expected.jsonl");
  ASSERT_EQ(steps.size(), expected.size()) << folder;
  OracleSession oracle(rules);
  Outcome outcome;
  Instant now{};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step step = step_of(steps[i]);
    now += step.after;
    outcome = play_to_oracle(oracle, step, now);
    Array came;
    for (const auto& firing : outcome.fired)
      came.push_back({{"rule", rules.rules[firing.rule].name}, {"match", firing.bindings}});
    EXPECT_TRUE(identical(came, expected[i])) << folder << " step " << i + 1 << "\n"
                                              << to_json(came);
  }
  const auto memory = folder / "expected_memory.jsonl";
  if (!std::filesystem::exists(memory)) return;
  EXPECT_TRUE(std::ranges::equal(outcome.memory, lines_of(memory),
                                 [](const auto& a, const Value& b) { return identical(*a, b); }))
      << folder << "\n"
      << outcome.to_text();
}

// Those without variables, which need templates.
TEST(OracleSession, DoesWhatTheGoldenCasesSay) {
  std::size_t played = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(MILLRACE_SOURCE_DIR "/tests/golden")) {
    const auto& folder = entry.path();
    if (!std::filesystem::exists(folder / "events.jsonl") ||
        std::filesystem::exists(folder / "vars.json"))
      continue;
    const auto text = read_file(folder / "rulebook.yml");
    ASSERT_TRUE(text) << folder;
    Diagnostics diagnostics;
    const auto rulebook = load_rulebook(*text, "rulebook.yml", {}, diagnostics);
    ASSERT_TRUE(rulebook) << folder;
    expect_golden(folder, rulebook->rule_sets[0]);
    ++played;
  }
  EXPECT_GT(played, 200U);
}

}  // namespace
}  // namespace millrace::rules
