// SPDX-License-Identifier: Apache-2.0
#include "millrace/pipeline/journal.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "engine_fixture.hpp"
#include "millrace/base/files.hpp"
#include "millrace/plugin/testing/temporary_folder.hpp"

namespace millrace::pipeline {
namespace {

namespace fs = std::filesystem;

// Each start() is a run of its own; the clock goes on. What a crash leaves behind is what lies in
// the folder at that moment.
class JournalTest : public EngineTest {
 protected:
  ~JournalTest() override { end(); }

  void begin(const std::string& rulebook, JournalOptions options = {}) {
    options.folder = folder_.path("journal");
    journal_ = std::make_unique<Journal>(options, Journal::Environment{loop, pool, log});
    if (const auto opened = journal_->open(); !opened) {
      problems.push_back(opened.error().message());
      return;
    }
    EngineOptions engine_options;
    engine_options.journal = journal_.get();
    start(rulebook, engine_options);
    settle_down();
  }

  /// Until all that has come by now is written.
  void commit() {
    const auto passed = std::make_shared<bool>(false);  // may be told after a test that failed
    journal_->when_safe([passed] { *passed = true; });
    ASSERT_TRUE(loop.run_until([&] { return *passed; }));
    loop.run_ready();
  }
  /// Until there is nothing more to write.
  void settle_down() {
    std::uint64_t commits = 0;
    do {
      commits = journal_->totals().commits;
      commit();
    } while (journal_->totals().commits != commits);
  }

  void end() {
    if (engine && !ended) {
      engine->stop(Engine::Stop::now);
      EXPECT_TRUE(loop.run_until([this] { return tasks.size() == 0; }));
    }
    engine.reset();
    journal_.reset();
    ended = false;
  }

  /// The run is over without having been told; another may begin with what it has left.
  void crash() {
    const auto journal = folder_.path("journal");
    const auto left = folder_.path("left");
    fs::copy(journal, left, fs::copy_options::recursive);
    end();
    fs::remove_all(journal);
    fs::rename(left, journal);
    const auto goes_on = world.feed_goes_on;
    world = World();
    world.feed_goes_on = goes_on;
  }

  std::string file() const {
    for (const auto& entry : fs::directory_iterator(folder_.path("journal"))) {
      if (entry.path().filename().string().starts_with("journal-")) return entry.path().string();
    }
    return "";
  }

  const testing::TemporaryFolder folder_;
  std::unique_ptr<Journal> journal_;
};

const auto kPair = rule_set(
    "    - name: r\n"
    "      condition: {all: [event.i == 1, event.i == 2]}\n"
    "      action: {record: {text: \"{{ events.m_0.i }} {{ events.m_1.i }}\"}}\n");

TEST_F(JournalTest, CountsAnEventAsTakenWhenItIsWritten) {
  world.feed = {R"({"i": 1, "mark": "first"})"};
  world.feed_goes_on = true;
  begin(kPair);
  EXPECT_EQ(world.taken, 1U);
  EXPECT_EQ(world.settled, 1U) << "the journal answers for it";
  EXPECT_TRUE(read_file(file())->contains(R"("mark": "first")"));
}

TEST_F(JournalTest, KeepsWhatWaits) {
  world.feed_goes_on = true;
  world.feed = {R"({"i": 1})"};
  begin(kPair);
  crash();
  world.feed = {R"({"i": 2})"};
  begin(kPair);
  EXPECT_EQ(world.done, (std::vector<std::string>{"r: 1 2"}));
  crash();
  world.feed = {R"({"i": 2})"};
  begin(kPair);
  EXPECT_TRUE(world.done.empty()) << "both were used up";
}

TEST_F(JournalTest, KeepsFactsUntilTheyAreRetracted) {
  const auto book = rule_set(
      "    - {name: a, condition: event.i == 1, action: {fact: {ruleset: test, fact: {known: "
      "1}}}}\n"
      "    - {name: b, condition: {all: [event.known == 1, event.i == 2]},"
      " action: {record: {text: both}}}\n");
  world.feed_goes_on = true;
  world.feed = {R"({"i": 1})"};
  begin(book);
  for (int run = 0; run < 2; ++run) {
    crash();
    world.feed = {R"({"i": 2})"};
    begin(book);
    EXPECT_EQ(world.done, (std::vector<std::string>{"b: both"}));
  }
}

TEST_F(JournalTest, WindowsGoOnAndEndWhenTheyWouldHave) {
  const auto book = rule_set(
      "    - name: r\n"
      "      condition: {not_all: [event.i == 1, event.i == 2], timeout: 10 seconds}\n"
      "      action: {record: {text: \"{{ events.m_0.i }}\"}}\n");
  world.feed_goes_on = true;
  world.feed = {R"({"i": 1})"};
  begin(book);
  loop.advance(6s);
  crash();
  begin(book);
  loop.advance(3999ms);
  EXPECT_TRUE(world.done.empty());
  loop.advance(1ms);
  EXPECT_EQ(world.done, (std::vector<std::string>{"r: 1"}));
  // One that is over before the next run fires when it begins.
  world.feed = {R"({"i": 1})"};
  crash();
  world.feed = {R"({"i": 1})"};
  begin(book);
  crash();
  loop.advance(1h);
  begin(book);
  EXPECT_EQ(world.done, (std::vector<std::string>{"r: 1"}));
}

TEST_F(JournalTest, RunsUnfinishedActionsAgainAndFinishedOnesNot) {
  const auto book = rule_set(
      "    - name: r\n"
      "      condition: event.i is defined\n"
      "      actions:\n"
      "        - record: {text: \"before {{ event.i }}\"}\n"
      "        - slow:\n"
      "        - record: {text: \"after {{ event.i }}\"}\n");
  world.feed_goes_on = true;
  world.feed = numbered(3);
  begin(book);
  loop.advance(150ms);  // the first is done, the second is in the middle
  settle_down();
  EXPECT_EQ(world.done, (std::vector<std::string>{"r: before 0", "r: after 0", "r: before 1"}));
  crash();
  begin(book);
  EXPECT_TRUE(told("2 firings were not acted upon to the end"));
  loop.advance(1s);
  EXPECT_EQ(world.done, (std::vector<std::string>{"r: after 1", "r: before 2", "r: after 2"}));
  settle_down();
  crash();
  begin(book);
  loop.advance(1s);
  EXPECT_TRUE(world.done.empty());
}

TEST_F(JournalTest, WhatTheShutdownDelayCutShortIsDoneByTheNextRun) {
  world.feed = numbered(3);
  begin(rule_set(kSlow));
  loop.advance(150ms);
  EXPECT_EQ(world.slow_done, 1U);
  end();
  world = World();
  world.feed_goes_on = true;
  begin(rule_set(kSlow));
  loop.advance(1s);
  EXPECT_EQ(world.slow_done, 2U);
}

TEST_F(JournalTest, AnUnfinishedWriteDoesNotCount) {
  world.feed_goes_on = true;
  world.feed = {R"({"i": 1})"};
  begin(kPair);
  end();
  const auto whole = read_file(file()).value();
  for (const auto cut : {std::size_t{1}, std::size_t{20}, std::size_t{40}}) {
    world = World();
    world.feed_goes_on = true;
    world.feed = {R"({"i": 2})"};
    begin(kPair);
    end();
    auto bytes = read_file(file()).value();
    std::ofstream(file(), std::ios::binary | std::ios::trunc)
        << std::string_view(bytes).substr(0, bytes.size() - cut);
    lines.clear();
    begin(kPair);
    EXPECT_TRUE(problems.empty());
    end();
    EXPECT_TRUE(told("was not finished")) << cut;
    std::ofstream(file(), std::ios::binary | std::ios::trunc) << whole;
  }
}

TEST_F(JournalTest, DamageInTheMiddleIsRefused) {
  world.feed_goes_on = true;
  world.feed = numbered(5);
  world.feed_pause = 1ms;
  begin(rule_set(kRecord));
  for (int i = 0; i < 5; ++i) {
    loop.advance(1ms);
    settle_down();
  }
  end();
  auto bytes = read_file(file()).value();
  bytes[bytes.find("\"at\"") + 2] ^= 1;
  std::ofstream(file(), std::ios::binary | std::ios::trunc) << bytes;
  begin(rule_set(kRecord));
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_TRUE(problems[0].contains("is damaged at byte")) << problems[0];
  EXPECT_TRUE(problems[0].contains("journal-")) << problems[0];
}

TEST_F(JournalTest, IsForOneProcessAtATime) {
  world.feed_goes_on = true;
  begin(kPair);
  Journal other({.folder = folder_.path("journal")}, {loop, pool, log});
  const auto opened = other.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Errc::conflict);
}

TEST_F(JournalTest, StaysSmallWhenNothingHasToBeKept) {
  world.feed_goes_on = true;
  world.feed_pause = 1ms;
  for (int i = 0; i < 300; ++i)
    world.feed.push_back(fmt::format(R"({{"other": "{}"}})", std::string(1000, 'x')));
  begin(rule_set(kRecord), {.most_bytes = 50'000});
  for (int i = 0; i < 300; ++i) {
    loop.advance(1ms);
    commit();
    ASSERT_LE(fs::file_size(file()), 52'000U);
  }
  EXPECT_EQ(world.taken, 300U);
  EXPECT_GT(journal_->totals().bytes, 250'000U);
}

TEST_F(JournalTest, TakesNothingWhileWhatIsRememberedIsTooLarge) {
  const auto book = rule_set(
      "    - {name: a, condition: {all: [event.i == 1, event.i == 2]}, action: {record: {text: "
      "x}}}\n",
      "  default_events_ttl: 10 seconds\n");
  world.feed_goes_on = true;
  world.feed_pause = 1ms;
  for (int i = 0; i < 100; ++i)
    world.feed.push_back(fmt::format(R"({{"i": 1, "text": "{}"}})", std::string(1000, 'x')));
  begin(book, {.most_bytes = 20'000});
  for (int i = 0; i < 200; ++i) {
    loop.advance(1ms);
    commit();
  }
  EXPECT_TRUE(journal_->behind());
  EXPECT_NEAR(static_cast<double>(world.taken), 20, 3);
  EXPECT_TRUE(told("no event is taken until it is less"));
  // Their lives end, and there is room again.
  for (int i = 0; i < 400 && world.taken < 100; ++i) {
    loop.advance(1s);
    commit();
  }
  EXPECT_EQ(world.taken, 100U);
  EXPECT_TRUE(told("the journal has room again"));
}

TEST_F(JournalTest, WaitsWhileItCannotBeWritten) {
  world.feed_goes_on = true;
  world.feed_pause = 1s;
  world.feed = numbered(20);
  begin(rule_set(kRecord));
  EXPECT_EQ(world.taken, 1U);
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit full{.rlim_cur = 16, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  loop.advance(1s);
  EXPECT_TRUE(loop.run_until([&] { return journal_->behind(); }));
  loop.advance(5s);
  EXPECT_EQ(world.taken, 1U) << "nothing counts as taken";
  ::setrlimit(RLIMIT_FSIZE, &before);
  for (int i = 0; i < 30 && world.taken < 20; ++i) {
    loop.advance(1s);
    // While it fails only time, which is moved by hand, brings the next try.
    if (loop.run_until([&] { return !journal_->behind(); }, std::chrono::seconds(1))) commit();
  }
  EXPECT_EQ(world.taken, 20U);
  EXPECT_EQ(world.done.size(), 20U);
  EXPECT_TRUE(told("no event is taken until the journal can be written"));
  EXPECT_TRUE(told("the journal can be written again"));
}

TEST_F(JournalTest, KeepsWhatBelongsToRuleSetsThatAreNotRun) {
  world.feed_goes_on = true;
  world.feed = {R"({"i": 1})"};
  begin(kPair);
  crash();
  auto other = kPair;
  other.replace(other.find("name: test"), 10, "name: more");
  begin(other);
  EXPECT_TRUE(told("rule set test is not run"));
  crash();
  world.feed = {R"({"i": 2})"};
  begin(kPair);
  EXPECT_EQ(world.done, (std::vector<std::string>{"r: 1 2"}));
}

TEST_F(JournalTest, RulesMayChangeBetweenRuns) {
  world.feed_goes_on = true;
  world.feed = {R"({"i": 1})"};
  begin(
      rule_set("    - name: r\n"
               "      condition: {all: [event.i == 1, event.i == 2]}\n"
               "      action: {record: {text: old}}\n"
               "    - name: w\n"
               "      condition: event.i == 1\n"
               "      throttle: {once_within: 1 hour, group_by_attributes: [event.i]}\n"
               "      action: {record: {text: w}}\n"));
  crash();
  world.feed = {R"({"i": 3})"};
  begin(
      rule_set("    - name: r\n"
               "      condition: {all: [event.i == 1, event.i == 3]}\n"
               "      action: {record: {text: new}}\n"
               "    - name: w\n"
               "      condition: event.i == 1\n"
               "      throttle: {once_within: 2 hours, group_by_attributes: [event.i]}\n"
               "      action: {record: {text: w}}\n"));
  EXPECT_TRUE(told("rule `w` has changed"));
}

}  // namespace
}  // namespace millrace::pipeline
