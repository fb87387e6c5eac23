// SPDX-License-Identifier: Apache-2.0
// What the engine tells an audit, how the audit slows it, and rule sets that are exchanged.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "millrace/loop/channel.hpp"
#include "millrace/pipeline/engine.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::pipeline {
namespace {

using namespace std::chrono_literals;

class FakeAudit final : public AuditSink {
 public:
  void send(Object message) override { messages.push_back(std::move(message)); }
  bool full() const override { return messages.size() >= room; }
  void on_room(std::function<void()> callback) override { on_room_ = std::move(callback); }
  void make_room(std::size_t more) {
    room += more;
    on_room_();
  }
  std::size_t count(std::string_view type) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        messages, [&](const Object& message) { return message.at("type") == Value(type); }));
  }

  std::vector<Object> messages;
  std::size_t room = 1'000'000;

 private:
  std::function<void()> on_room_;
};

// Emits what the test gives it by its setting `name`, and ends when it is asked to.
struct Feeds {
  std::map<std::string, std::vector<std::string>> texts;
  Waiters more;
  std::vector<std::string> ended;
};
class FeedSource final : public Source {
 public:
  FeedSource(Feeds& feeds, std::string name) : feeds_(feeds), name_(std::move(name)) {}
  Task<Result<>> run(SourceContext& context) override {
    for (;;) {
      auto& texts = feeds_.texts[name_];
      while (!texts.empty()) {
        auto event = parse(texts.front());
        texts.erase(texts.begin());
        if (auto emitted = co_await context.emit(std::move(event)); !emitted) co_return emitted;
      }
      if (auto waited = co_await feeds_.more.wait(); !waited) {
        feeds_.ended.push_back(name_);
        co_return waited;
      }
    }
  }

 private:
  static Value parse(const std::string& key) { return Value(Object{{key, 1}}); }

  Feeds& feeds_;
  const std::string name_;
};

class NoteAction final : public Action {
 public:
  explicit NoteAction(std::vector<std::string>& notes) : notes_(notes) {}
  Task<Result<>> run(const Settings& settings, ActionContext&) override {
    const auto text = settings.string("text");
    if (text == "fail") co_return fail(Errc::io, "as asked");
    notes_.push_back(text);
    co_return Result<>();
  }

 private:
  std::vector<std::string>& notes_;
};

class EngineAuditTest : public ::testing::Test {
 protected:
  EngineAuditTest() {
    registry_.sources.add({"feed",
                           {},
                           "",
                           {{Setting("from", SettingType::string, "").required()}},
                           [this](const Settings& settings) -> Result<std::unique_ptr<Source>> {
                             return std::unique_ptr<Source>(
                                 std::make_unique<FeedSource>(feeds_, settings.string("from")));
                           }});
    registry_.actions.add({"note",
                           {},
                           "",
                           {{Setting("text", SettingType::string, "").required()}},
                           [this](const Settings&) -> Result<std::unique_ptr<Action>> {
                             return std::unique_ptr<Action>(std::make_unique<NoteAction>(notes_));
                           }});
  }
  ~EngineAuditTest() override {
    if (!engine_ || ended_) return;
    engine_->stop(Engine::Stop::now);
    EXPECT_TRUE(loop_.run_until([this] { return ended_; }));
  }

  static std::vector<rules::Rulebook> books(const std::string& text) {
    Diagnostics diagnostics;
    std::vector<rules::Rulebook> all;
    auto book = rules::load_rulebook(text, "test.yml", {}, diagnostics);
    EXPECT_TRUE(book) << (diagnostics.empty() ? "" : diagnostics.items().front().message);
    if (book) all.push_back(std::move(*book));
    return all;
  }
  void start(const std::string& text, EngineOptions options = {}) {
    Diagnostics diagnostics;
    options.audit = &audit_;
    engine_ = Engine::create(books(text), registry_, loop_, pool_, log_, output_,
                             std::move(options), diagnostics);
    ASSERT_TRUE(engine_) << diagnostics.items().front().message;
    tasks_.spawn("engine", engine_->run(), [this] { ended_ = true; });
    loop_.run_ready();
  }
  void feed(const std::string& name, const std::vector<std::string>& keys) {
    auto& texts = feeds_.texts[name];
    texts.insert(texts.end(), keys.begin(), keys.end());
    feeds_.more.notify_all();
    loop_.run_ready();
  }
  std::optional<Engine::Replacement> replace(const std::string& text) {
    diagnostics_ = {};
    std::optional<Engine::Replacement> outcome;
    bool done = false;
    tasks_.spawn("replace", keep(text, outcome), [&done] { done = true; });
    EXPECT_TRUE(loop_.run_until([&done] { return done; }));
    loop_.run_ready();
    return outcome;
  }
  bool told(std::string_view part) const {
    return std::ranges::any_of(lines_,
                               [&](const std::string& line) { return line.contains(part); });
  }

  Feeds feeds_;
  std::vector<std::string> notes_;
  std::vector<std::string> lines_;
  ManualClock clock_;
  MainLoop loop_{clock_};
  BlockingPool pool_{1};
  Log log_{
      [this](LogLevel, std::string_view, std::string_view text) { lines_.emplace_back(text); }};
  Output output_{STDOUT_FILENO, 80};
  Registry registry_;
  FakeAudit audit_;
  Diagnostics diagnostics_;
  TaskGroup tasks_{loop_.executor(), {}};
  std::unique_ptr<Engine> engine_;
  bool ended_ = false;

 private:
  Task<> keep(std::string text, std::optional<Engine::Replacement>& outcome) {
    outcome = co_await engine_->replace(books(text), diagnostics_);
  }
};

std::string rule_set(std::string_view name, std::string_view rules) {
  return fmt::format(
      "- name: {0}\n  hosts: all\n  sources:\n    - feed: {{from: {0}}}\n  rules:\n{1}", name,
      rules);
}

std::string says(std::string_view name, std::string_view text) {
  return rule_set(name, fmt::format("    - {{name: r, condition: event.x == 1, action: {{note: "
                                    "{{text: {}}}}}}}\n",
                                    text));
}

constexpr std::string_view kPatient =
    "    - {name: both, condition: {all: [event.a == 1, event.b == 1]}, action: {note: {text: "
    "both}}}\n"
    "    - {name: late, condition: {not_all: [event.c == 1, event.d == 1], timeout: 10 seconds}, "
    "action: {note: {text: late}}}\n";

TEST_F(EngineAuditTest, ReadingWaitsWhileTheAuditIsFull) {
  audit_.room = 3;
  start(says("s", "a"));
  feed("s", std::vector<std::string>(20, "x"));
  EXPECT_EQ(notes_.size(), 3u);
  loop_.advance(59min);
  EXPECT_EQ(notes_.size(), 3u);
  audit_.make_room(1000);
  loop_.run_ready();
  EXPECT_EQ(notes_.size(), 20u);
  EXPECT_FALSE(engine_->failed());
}

TEST_F(EngineAuditTest, TheRunIsGivenUpWhenTheAuditStaysFull) {
  audit_.room = 3;
  start(says("s", "a"), {.longest_audit_wait = 10s});
  feed("s", std::vector<std::string>(20, "x"));
  loop_.advance(11s);
  EXPECT_TRUE(ended_);
  EXPECT_TRUE(engine_->failed());
  EXPECT_TRUE(told("TimedOutReporting"));
}

TEST_F(EngineAuditTest, FailedActionsAreToldWithoutTheEvents) {
  start(says("s", "fail"));
  feed("s", {"x"});
  ASSERT_EQ(audit_.messages.size(), 1u);
  const auto& message = audit_.messages.front();
  EXPECT_EQ(message.at("status"), Value("failed"));
  EXPECT_EQ(message.at("message"), Value("as asked"));
  EXPECT_FALSE(message.contains("matching_events"));
}

TEST_F(EngineAuditTest, TheHeartBeatsWhileThereIsRoom) {
  start(says("s", "a"), {.heartbeat = 10s});
  loop_.advance(35s);
  EXPECT_EQ(audit_.count("SessionStats"), 3u);
  feed("s", {"x"});
  EXPECT_EQ(audit_.count("SessionStats"), 4u);
  audit_.room = 0;
  loop_.advance(1h);
  EXPECT_EQ(audit_.count("SessionStats"), 4u);
}

TEST_F(EngineAuditTest, WhatDidNotChangeKeepsPartialMatchesAndTimers) {
  start(rule_set("kept", kPatient) + says("other", "old"));
  feed("kept", {"a", "c"});
  feed("other", {"x"});
  loop_.advance(5s);
  const auto done = replace(says("other", "new") + rule_set("kept", kPatient));
  ASSERT_TRUE(done);
  EXPECT_EQ(done->kept, std::vector<std::string>{"kept"});
  EXPECT_EQ(done->stopped, std::vector<std::string>{"other"});
  EXPECT_EQ(done->started, std::vector<std::string>{"other"});
  EXPECT_EQ(feeds_.ended, std::vector<std::string>{"other"});
  feed("kept", {"b"});
  feed("other", {"x"});
  loop_.advance(6s);
  EXPECT_EQ(notes_, (std::vector<std::string>{"old", "both", "new", "late"}));
  const auto summary = engine_->summary();
  EXPECT_EQ(summary.events, 5u);
  ASSERT_EQ(summary.rule_sets.size(), 2u);
  EXPECT_EQ(audit_.count("Shutdown"), 1u);
}

TEST_F(EngineAuditTest, WhatWasEmittedIsReadBeforeARuleSetIsExchanged) {
  audit_.room = 2;
  start(says("s", "old"));
  feed("s", std::vector<std::string>(5, "x"));
  audit_.make_room(1000);
  const auto done = replace(says("s", "new"));
  ASSERT_TRUE(done);
  EXPECT_EQ(notes_, std::vector<std::string>(5, "old"));
}

TEST_F(EngineAuditTest, AFaultChangesNothing) {
  start(says("s", "old"));
  EXPECT_FALSE(
      replace(rule_set("s", "    - {name: r, condition: event.x == 1, action: {nosuch: }}\n")));
  EXPECT_TRUE(diagnostics_.has_errors());
  feed("s", {"x"});
  EXPECT_EQ(notes_, std::vector<std::string>{"old"});
  EXPECT_TRUE(feeds_.ended.empty());
}

TEST_F(EngineAuditTest, AllRuleSetsCanBeExchangedAtOnce) {
  start(says("a", "one") + says("b", "two"));
  ASSERT_TRUE(replace(says("c", "three")));
  EXPECT_FALSE(ended_);
  feed("c", {"x"});
  EXPECT_EQ(notes_, std::vector<std::string>{"three"});
}

}  // namespace
}  // namespace millrace::pipeline
