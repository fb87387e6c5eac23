// SPDX-License-Identifier: Apache-2.0
#include "millrace/pipeline/engine.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine_fixture.hpp"
#include "millrace/event/json.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/pipeline/record.hpp"
#include "millrace/pipeline/recorder.hpp"
#include "millrace/pipeline/replay.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::pipeline {
namespace {

TEST_F(EngineTest, RunsTheActionsOfWhatFiresAndEndsWithItsSource) {
  world.feed = numbered(3);
  start(rule_set(kRecord));
  EXPECT_TRUE(ended);
  EXPECT_FALSE(engine->failed());
  EXPECT_EQ(world.done, (std::vector<std::string>{"r: 0", "r: 1", "r: 2"}));
  const auto summary = engine->summary();
  EXPECT_EQ(summary.events, 3U);
  EXPECT_EQ(summary.matched, 3U);
  EXPECT_EQ(summary.actions_ok, 3U);
  EXPECT_EQ(summary.rule_sets[0].firings[0].second, 3U);
}

TEST_F(EngineTest, SettlesABatchWhenTheActionsItCausedHaveEnded) {
  world.feed = numbered(1);
  world.feed_goes_on = true;
  start(rule_set(kSlow));
  loop.advance(99ms);
  EXPECT_EQ(world.taken, 1U);
  EXPECT_EQ(world.settled, 0U);
  loop.advance(1ms);
  EXPECT_EQ(world.settled, 1U);
}

TEST_F(EngineTest, SettlesAtOnceWhatMatchesNothing) {
  world.feed = {R"({"other": 1})"};
  world.feed_goes_on = true;
  start(rule_set(kSlow));
  EXPECT_EQ(world.settled, 1U);
}

TEST_F(EngineTest, FiresWhenAWindowEndsThoughNoEventComes) {
  world.feed = {R"({"i": 1})"};
  world.feed_goes_on = true;
  start(
      rule_set("    - name: r\n"
               "      condition: {not_all: [event.i == 1, event.i == 2], timeout: 10 seconds}\n"
               "      action: {record: {text: \"{{ events.m_0.i }}\"}}\n"));
  loop.advance(9999ms);
  EXPECT_TRUE(world.done.empty());
  loop.advance(1ms);
  EXPECT_EQ(world.done, (std::vector<std::string>{"r: 1"}));
}

TEST_F(EngineTest, CountsEventsThatCannotWait) {
  world.feed = numbered(5);
  EngineOptions options;
  options.session.most_partial_matches = 3;
  start(rule_set(
            "    - {name: r, condition: {all: [event.i >= 0, event.j == 1]}, action: {slow: }}\n"),
        options);
  EXPECT_EQ(engine->summary().dropped, 2U);
  EXPECT_EQ(engine->summary().partial_matches, 3U);
  EXPECT_TRUE(told("Rule `r` holds most, 3"));
}

TEST_F(EngineTest, TellsHowFarARunIs) {
  world.feed = numbered(8);
  world.feed_goes_on = true;
  EngineOptions options;
  options.pending_activations = 3;
  start(rule_set(kSlow), options);
  loop.advance(50ms);
  const auto progress = engine->progress();
  EXPECT_EQ(progress.events, 5U);
  EXPECT_EQ(progress.fired, 5U);
  EXPECT_EQ(progress.waiting, 4U) << "one is being acted upon";
  EXPECT_FALSE(progress.fraction_read);
  world.feed_read = 0.25;
  EXPECT_EQ(engine->progress().fraction_read, 0.25);
}

TEST_F(EngineTest, SlowsAFastSourceDownToItsActionsAndLosesNothing) {
  // An event a millisecond, actions of 100 ms: a hundred times too fast, for ten seconds.
  world.feed = numbered(10'000);
  world.feed_pause = 1ms;
  world.feed_goes_on = true;
  EngineOptions options;
  options.inbox_events = 50;
  start(rule_set(kSlow), options);
  loop.advance(10s);

  EXPECT_NEAR(static_cast<double>(world.slow_done), 100, 2);
  // What is neither done nor refused waits in the inbox, among the firings, or in the hands of
  // reader and source.
  const auto waiting = world.emitted - world.slow_done;
  EXPECT_LE(waiting, options.inbox_events + options.pending_activations + 4);
  EXPECT_EQ(world.settled, world.slow_done);

  loop.advance(1'000s);
  EXPECT_EQ(world.slow_done, 10'000U);
  EXPECT_EQ(world.settled, 10'000U);
}

TEST_F(EngineTest, ReadsEverythingThatWasEmittedBeforeTheSourceEnded) {
  world.feed = numbered(30);
  start(rule_set(kSlow));
  EXPECT_FALSE(ended);
  loop.advance(3s);
  EXPECT_TRUE(ended);
  EXPECT_EQ(world.slow_done, 30U);
}

TEST_F(EngineTest, StopsActionsThatGoOnBeyondTheShutdownDelayAndDoesNotSettleThem) {
  world.feed = numbered(8);
  EngineOptions options;
  options.shutdown_delay = 250ms;
  start(rule_set(kSlow), options);
  loop.advance(1s);
  EXPECT_TRUE(ended);
  EXPECT_EQ(world.slow_done, 2U);
  EXPECT_EQ(world.settled, 2U);
  EXPECT_TRUE(told("the shutdown delay is over"));
}

TEST_F(EngineTest, LeavesUnreadEventsUnsettledWhenItIsStopped) {
  world.feed = numbered(100);
  world.feed_goes_on = true;
  start(rule_set(kSlow));
  loop.advance(200ms);
  engine->stop(Engine::Stop::graceful);
  loop.advance(60s);
  EXPECT_TRUE(ended);
  EXPECT_GE(world.slow_done, 2U);
  EXPECT_LT(world.slow_done, 20U) << "events that nobody had read were acted upon";
  EXPECT_LE(world.settled, world.slow_done);
}

TEST_F(EngineTest, StopsNowWithoutWaiting) {
  world.feed = numbered(5);
  world.feed_goes_on = true;
  start(rule_set(kSlow));
  engine->stop(Engine::Stop::now);
  loop.run_ready();
  EXPECT_TRUE(ended);
  EXPECT_EQ(world.slow_done, 0U);
  EXPECT_EQ(world.settled, 0U);
}

TEST_F(EngineTest, ShutdownActionIgnoresTheEventsBehindIt) {
  world.feed = numbered(100);
  world.feed_goes_on = true;
  start(
      rule_set("    - {name: end, condition: event.i == 2, action: {stop: }}\n"
               "    - {name: r, condition: event.i is defined, action: {record: {text: \"{{ "
               "event.i }}\"}}}\n"));
  loop.advance(2s);
  EXPECT_TRUE(ended);
  EXPECT_EQ(world.done, (std::vector<std::string>{"r: 0", "r: 1"}));
}

std::string asked(std::string_view rules, std::string_view other_sources = "") {
  return fmt::format("- name: test\n  hosts: all\n  sources:\n    - ask:\n{}  rules:\n{}",
                     other_sources, rules);
}

constexpr std::string_view kEndAtOne =
    "    - {name: end, condition: event.i == 1, action: {stop: }}\n"
    "    - {name: r, condition: event.i is defined, action: {slow: }}\n";

TEST_F(EngineTest, TellsTheSenderOfTheEventThatEndsTheRunThatItWasTaken) {
  world.asked = {R"({"i": 1})", R"({"i": 2})"};
  start(asked(kEndAtOne));
  EXPECT_TRUE(ended);
  EXPECT_EQ(world.answers, (std::map<std::string, std::string>{{R"({"i": 1})", "taken"},
                                                               {R"({"i": 2})", "cancelled"}}));
}

TEST_F(EngineTest, TellsSendersOfWhatIsActedUponAfterTheEndThatItWasTaken) {
  world.asked = numbered(10);
  EngineOptions options;
  options.pending_activations = 3;
  start(asked(kEndAtOne), options);
  loop.advance(2s);
  EXPECT_TRUE(ended);
  EXPECT_EQ(engine->summary().events, 5U)
      << "one running, three waiting, one for which reading waits";
  EXPECT_EQ(world.slow_done, 4U);
  EXPECT_EQ(answered("taken"), 5U);
  EXPECT_EQ(answered("cancelled"), 5U);
}

TEST_F(EngineTest, TellsSendersOfWhatIsReadAfterAnotherSourceHasEndedThatItWasTaken) {
  world.asked = numbered(10);
  world.feed = {"{}"};
  world.feed_pause = 10ms;
  EngineOptions options;
  options.pending_activations = 1;
  start(asked(kSlow, "    - feed:\n"), options);
  loop.advance(2s);
  EXPECT_TRUE(ended);
  EXPECT_EQ(world.slow_done, 10U);
  EXPECT_EQ(answered("taken"), 10U);
}

TEST_F(EngineTest, TellsSendersOfWhatWillNotBeActedUponThatItWasNotTaken) {
  world.asked = numbered(10);
  EngineOptions options;
  options.pending_activations = 1;
  start(asked(kSlow), options);
  const auto taken = answered("taken");
  engine->stop(Engine::Stop::now);
  loop.run_ready();
  EXPECT_TRUE(ended);
  EXPECT_EQ(answered("taken"), taken);
  EXPECT_EQ(answered("cancelled"), 10U - taken);
}

TEST_F(EngineTest, EndsWithFailureWhenASourceFails) {
  world.feed = numbered(2);
  world.feed_failure = "peer is gone";
  start(rule_set(kRecord));
  EXPECT_TRUE(ended);
  EXPECT_TRUE(engine->failed());
  EXPECT_EQ(world.done.size(), 2U) << "what was emitted before is still acted upon";
  EXPECT_TRUE(told("peer is gone"));
}

TEST_F(EngineTest, RefusesWhatIsNoEventAndGoesOn) {
  world.feed = {R"({"i": 0})",    "not json",          "[1]",
                R"({"meta": 5})", "{\"i\": \"\xff\"}", R"({"i": 1})"};
  start(rule_set(kRecord));
  EXPECT_EQ(world.done, (std::vector<std::string>{"r: 0", "r: 1"}));
  EXPECT_EQ(world.rejected.size(), 4U);
  EXPECT_EQ(world.settled, 6U);
  EXPECT_EQ(engine->summary().refused, 4U);
  EXPECT_TRUE(told("event 2: refused: invalid JSON"));
}

TEST_F(EngineTest, AFailedActionIsCountedAndTheNextOnesRun) {
  world.feed = numbered(1);
  start(
      rule_set("    - name: r\n      condition: event.i == 0\n      actions:\n"
               "        - record: {text: \"{{ event.nosuch }}\"}\n"
               "        - record: {text: \"{{ nosuch }}\"}\n"
               "        - fact: {ruleset: elsewhere, fact: {a: 1}}\n"
               "        - record: {text: last}\n"));
  EXPECT_EQ(world.done, (std::vector<std::string>{"r: last"}));
  EXPECT_EQ(engine->summary().actions_failed, 3U);
  EXPECT_TRUE(told("Undefined jinja variable  'nosuch' in action record"));
  EXPECT_TRUE(told("'nosuch' is undefined"));
  EXPECT_TRUE(told("Ruleset elsewhere not found"));
}

TEST_F(EngineTest, FactsOfActionsFireRules) {
  world.feed = numbered(1);
  start(
      rule_set("    - {name: r, condition: event.i == 0, action: {fact: {ruleset: test, fact: "
               "{seen: \"{{ event.i }}\"}}}}\n"
               "    - {name: s, condition: fact.seen == 0, action: {record: {text: \"{{ event.seen "
               "}}\"}}}\n"));
  EXPECT_EQ(world.done, (std::vector<std::string>{"s: 0"}));
}

// What a record holds, and how a replay with the same rules compares with it.
struct Replayed {
  std::vector<std::string> inputs;  // kind and text of each
  std::uint64_t firings = 0;
  bool differs = false;
};

Replayed replayed(const std::string& file, const std::string& text) {
  Replayed all;
  Diagnostics diagnostics;
  const auto book = rules::load_rulebook(text, "test.yml", {}, diagnostics);
  const std::vector<const rules::RuleSet*> rule_sets{&book->rule_sets.front()};
  const auto replay = Replay::create(rule_sets, diagnostics);
  const auto reader = RecordReader::open(file);
  if (!reader) return all;
  Comparison comparison;
  for (auto line = (*reader)->next(); line && *line; line = (*reader)->next()) {
    if ((*line)->kind == RecordLine::Kind::fired) {
      ++all.firings;
      comparison.expect((*line)->firing);
      continue;
    }
    if (!all.inputs.empty()) comparison.end();
    all.inputs.emplace_back((*line)->text);
    comparison.begin((*reader)->place(), *replay->play(**line, all.inputs.size()));
  }
  comparison.end();
  all.differs = comparison.first().has_value();
  return all;
}

TEST_F(EngineTest, RecordsWhatGoesIntoTheRuleSetsSoThatItCanBeRepeated) {
  const auto file =
      std::filesystem::temp_directory_path() / fmt::format("millrace-engine-{}.record", ::getpid());
  Recorder recorder({.file = file.string()}, {}, {loop, pool, log});
  ASSERT_TRUE(recorder.open());
  EngineOptions options;
  options.recorder = &recorder;
  world.feed = {R"({"i": 0})", "no event", R"({"i": 1})", R"({"j": 2})"};
  world.feed_pause = 1s;
  world.feed_goes_on = true;
  const auto rulebook = rule_set(
      "    - {name: r, condition: event.i == 0, action: {fact: {ruleset: test, fact: "
      "{seen: 1}}}}\n"
      "    - {name: s, condition: fact.seen == 1, action: {record: {text: seen}}}\n"
      "    - name: t\n"
      "      condition: {not_all: [event.i == 1, event.k == 1], timeout: 10 seconds}\n"
      "      action: {record: {text: missing}}\n");
  start(rulebook, options);
  loop.advance(30s);
  engine->stop(Engine::Stop::graceful);
  ASSERT_TRUE(loop.run_until([this] { return ended; }));
  EXPECT_EQ(world.done, (std::vector<std::string>{"s: seen", "t: missing"}));

  const auto all = replayed(file.string(), rulebook);
  std::filesystem::remove(file);
  EXPECT_EQ(all.inputs, (std::vector<std::string>{"true", R"({"i": 0})", R"({"seen":1})",
                                                  R"({"i": 1})", R"({"j": 2})", "true", "true"}))
      << "the start, a timer after which something fired, the end";
  EXPECT_EQ(all.firings, 3U);
  EXPECT_FALSE(all.differs);
  EXPECT_EQ(engine->summary().record->inputs, all.inputs.size());
  EXPECT_FALSE(engine->summary().record->failed);
}

TEST_F(EngineTest, FiresOnceMoreAtTheEndWhatIsOverByThen) {
  world.feed = {R"({"i": 1})", R"({"i": 1})"};
  world.feed_pause = 10s;  // the source's timer comes before that of the rule set
  start(
      rule_set("    - name: r\n"
               "      condition: {not_all: [event.i == 1, event.k == 1], timeout: 10 seconds}\n"
               "      action: {record: {text: missing}}\n"));
  loop.advance(20s);
  EXPECT_TRUE(ended);
  EXPECT_EQ(world.done.size(), 2U);
}

TEST_F(EngineTest, ParallelRuleSetsRunAsManyActionsAsAllowed) {
  world.feed = numbered(20);
  EngineOptions options;
  options.concurrent_actions = 4;
  start(rule_set(kSlow, "  execution_strategy: parallel\n"), options);
  loop.advance(2s);
  EXPECT_TRUE(ended);
  EXPECT_EQ(world.most_running, 4);
  EXPECT_EQ(world.slow_done, 20U);
}

TEST_F(EngineTest, SequentialRuleSetsRunOneActionAtATime) {
  world.feed = numbered(5);
  start(rule_set(kSlow));
  loop.advance(2s);
  EXPECT_EQ(world.most_running, 1);
  EXPECT_EQ(world.slow_done, 5U);
}

std::string filtered(std::string_view rules, std::string_view filters = "double:") {
  return fmt::format(
      "- name: test\n  hosts: all\n  sources:\n    - feed:\n      filters:\n        - {}\n  "
      "rules:\n{}",
      filters, rules);
}

TEST_F(EngineTest, FiltersMayMakeSeveralEventsOfOne) {
  world.feed = numbered(2);
  start(filtered(kRecord));
  EXPECT_EQ(world.done, (std::vector<std::string>{"r: 0", "r: 0", "r: 1", "r: 1"}));
  EXPECT_EQ(world.settled, 2U) << "a batch is settled once, whatever became of its events";
}

TEST_F(EngineTest, AnEventThatAFilterRefusesAffectsNoOther) {
  world.feed = {R"({"i": 0})", R"({"i": 1, "poison": 1})", R"({"i": 2, "lost": 1})", R"({"i": 3})"};
  start(filtered(kRecord));
  EXPECT_TRUE(ended);
  EXPECT_FALSE(engine->failed());
  EXPECT_EQ(world.done, (std::vector<std::string>{"r: 0", "r: 0", "r: 3", "r: 3"}))
      << "nor does anything go on that the filter had made of it already";
  EXPECT_EQ(engine->summary().refused, 2U);
  EXPECT_EQ(world.settled, 4U);
  ASSERT_EQ(world.rejected.size(), 2U);
  EXPECT_EQ(world.rejected[0].error, Error(Errc::invalid_event, "filter double: poisoned"));
  EXPECT_EQ(world.rejected[1].error, Error(Errc::invalid_event, "filter double: nothing at `x`"));
  EXPECT_TRUE(told("error event 2: refused: filter double: poisoned"));
  EXPECT_TRUE(told("error event 3: refused: filter double: nothing at `x`"));
}

TEST_F(EngineTest, AFilterThatRefusesAPartOfAnEventRefusesTheEvent) {
  world.feed = {R"({"i": 0, "pick": 1})", R"({"i": 1})"};
  start(filtered(kRecord, "double:\n        - picky:"));
  EXPECT_FALSE(engine->failed());
  EXPECT_EQ(world.done, (std::vector<std::string>{"r: 1", "r: 1"}));
  EXPECT_EQ(engine->summary().refused, 1U);
  EXPECT_EQ(world.rejected.size(), 1U);
}

TEST_F(EngineTest, TellsOfTheFirstEventsThatAFilterRefusesAndCountsTheOthers) {
  for (int i = 0; i < 30; ++i) world.feed.push_back(fmt::format(R"({{"i": {}, "poison": 1}})", i));
  start(filtered(kRecord));
  EXPECT_EQ(engine->summary().refused, 30U);
  EXPECT_EQ(std::ranges::count_if(
                lines, [](const std::string& line) { return line.contains("poisoned"); }),
            10);
}

TEST_F(EngineTest, AFilterThatCannotGoOnEndsItsSourceAfterTheEventsBefore) {
  world.feed = {R"({"i": 0})", R"({"broken": 1})", R"({"i": 1})"};
  start(filtered(kRecord));
  EXPECT_TRUE(engine->failed());
  EXPECT_EQ(world.done, (std::vector<std::string>{"r: 0", "r: 0"}));
  EXPECT_EQ(world.settled, 1U);
  EXPECT_TRUE(told("the filter is broken"));
}

TEST_F(EngineTest, AddsWhatItKnowsOfAnEventToItsMeta) {
  world.feed = {R"({"i": 0, "meta": {"uuid": "mine"}})"};
  start(rule_set(
      "    - {name: r, condition: event.meta.source.type == \"feed\", "
      "action: {record: {text: \"{{ event.meta.uuid }} {{ event.meta.source.name }}\"}}}\n"));
  EXPECT_EQ(world.done, (std::vector<std::string>{"r: mine feed"}));
}

TEST_F(EngineTest, NamesEveryExtensionThatItDoesNotKnow) {
  start(
      "- name: test\n  hosts: all\n  sources:\n    - fead:\n  rules:\n"
      "    - {name: r, condition: event.i == 1, action: {recrod: }}\n"
      "    - {name: s, condition: event.i == 1, action: {record: {txt: a}}}\n");
  EXPECT_EQ(engine, nullptr);
  const auto names = [&](std::string_view part) {
    return std::ranges::any_of(problems,
                               [&](const std::string& problem) { return problem.contains(part); });
  };
  EXPECT_TRUE(names("unknown source `fead`"));
  EXPECT_TRUE(names("unknown action `recrod`"));
  EXPECT_TRUE(names("txt"));
}

std::string restarting(std::string_view when) {
  return fmt::format(
      "- name: test\n  hosts: all\n  sources:\n    - feed:\n      restart: {}\n  rules:\n{}", when,
      kRecord);
}

TEST_F(EngineTest, StartsASourceThatFailedAgainAfterAPauseThatGrows) {
  world.feed = numbered(1);
  world.feed_failure = "gone\nTypeError: gone\n/x.py:1 main";
  start(restarting("on-failure"));
  EXPECT_FALSE(ended);
  EXPECT_EQ(world.emitted, 1U);
  EXPECT_TRUE(told("Source error: gone"));
  EXPECT_TRUE(told("error /x.py:1 main"));
  loop.advance(99ms);
  EXPECT_EQ(world.emitted, 1U);
  loop.advance(1ms);
  EXPECT_EQ(world.emitted, 2U);
  loop.advance(200ms);
  EXPECT_EQ(world.emitted, 3U);
  loop.advance(399ms);
  EXPECT_EQ(world.emitted, 3U);
  world.feed_failure.clear();
  loop.advance(1ms);
  EXPECT_TRUE(ended) << "a source that has done its work is not started again";
  EXPECT_FALSE(engine->failed());
}

TEST_F(EngineTest, StartsASourceThatEndedAgainWhenItAlwaysShould) {
  world.feed = numbered(1);
  start(restarting("always"));
  loop.advance(100ms);
  EXPECT_EQ(world.emitted, 2U);
  engine->stop(Engine::Stop::graceful);
  loop.run_ready();
  EXPECT_TRUE(ended);
}

TEST_F(EngineTest, TellsATracebackBelowTheFailureOfASource) {
  world.feed_failure = "TypeError: it failed\nTypeError: no\n/x.py:1 main";
  start(rule_set(kRecord));
  EXPECT_TRUE(engine->source_failed());
  EXPECT_EQ(lines, (std::vector<std::string>{"error Source error: TypeError: it failed",
                                             "error Shutting down source: feed",
                                             "error TypeError: no", "error /x.py:1 main"}));
}

TEST_F(EngineTest, HasTheHostRenderWhatIsNoPlainPath) {
  SlowTemplateHost host(loop);
  EngineOptions options;
  options.templates = &host;
  world.feed = {R"({"i": 1})"};
  start(rule_set("    - name: r\n      condition: event.i is defined\n      actions:\n"
                 "        - record: {text: \"{{ event.nosuch | f }}\"}\n"
                 "        - record: {text: \"{{ event.i | f }}\"}\n"),
        std::move(options));
  EXPECT_TRUE(world.done.empty());
  loop.advance(2s);
  EXPECT_EQ(world.done, (std::vector<std::string>{R"(r: {{ event.i | f }} of 1)"}));
  EXPECT_TRUE(told("Undefined jinja variable in action record"));
  EXPECT_TRUE(ended);
  EXPECT_EQ(engine->summary().actions_failed, 1U);
}

TEST_F(EngineTest, RefusesATemplateThatIsWrong) {
  SlowTemplateHost host(loop);
  EngineOptions options;
  options.templates = &host;
  start(rule_set("    - {name: r, condition: event.i is defined, "
                 "action: {record: {text: \"{{ wrong + }}\"}}}\n"),
        std::move(options));
  EXPECT_EQ(problems,
            (std::vector<std::string>{"record: text: template `{{ wrong + }}`: unexpected end"}));
}

}  // namespace
}  // namespace millrace::pipeline
