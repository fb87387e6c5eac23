// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/event/json.hpp"
#include "millrace/loop/channel.hpp"
#include "millrace/pipeline/engine.hpp"
#include "millrace/plugin/plugin.hpp"

namespace millrace::pipeline {

using namespace std::chrono_literals;

// What the sources, filters and actions of a test see and do.
struct World {
  std::vector<std::string> feed;    // texts that source `feed` emits, one batch each
  Duration feed_pause{};            // between them
  bool feed_goes_on = false;        // does not end after the last
  std::string feed_failure;         // ends with this error
  std::optional<double> feed_read;  // what it says of itself
  std::uint64_t taken = 0;          // batches
  std::uint64_t settled = 0;        // batches
  std::uint64_t emitted = 0;        // batches for which emit() has returned
  std::vector<Rejection> rejected;
  std::vector<std::string> asked;              // texts that source `ask` hands over, all at once
  std::map<std::string, std::string> answers;  // what each was told
  std::vector<std::string> done;               // what action `record` was told, in order
  int running = 0;                             // actions `slow`
  int most_running = 0;
  std::uint64_t slow_done = 0;
};

class FeedSource final : public Source {
 public:
  explicit FeedSource(World& world) : world_(world) {}

  Task<Result<>> run(SourceContext& context) override {
    for (const auto& text : world_.feed) {
      if (auto emitted = co_await context.emit(batch(text)); !emitted) co_return emitted;
      ++world_.emitted;
      if (world_.feed_pause > 0s) {
        if (auto slept = co_await context.sleep_for(world_.feed_pause); !slept) co_return slept;
      }
    }
    if (world_.feed_goes_on) co_return co_await context.sleep_for(24h);
    if (!world_.feed_failure.empty()) co_return Error(Errc::unavailable, world_.feed_failure);
    co_return Result<>();
  }
  std::optional<double> fraction_read() const override { return world_.feed_read; }

 private:
  EventBatch batch(const std::string& text) {
    const auto padded = std::make_shared<const std::string>(text + std::string(kTextPadding, ' '));
    EventBatch batch;
    batch.events.push_back(
        Event::from_text(std::string_view(*padded).substr(0, text.size())).at(world_.emitted + 1));
    batch.memory = padded;
    batch.delivery.taken = [this](const std::vector<Rejection>& rejected) {
      ++world_.taken;
      world_.rejected.insert(world_.rejected.end(), rejected.begin(), rejected.end());
    };
    batch.delivery.settled = [this] { ++world_.settled; };
    return batch;
  }

  World& world_;
};

// Hands all texts of `asked` over at the same time, as requests of many clients, and notes what
// each is told.
class AskSource final : public Source {
 public:
  explicit AskSource(World& world) : world_(world) {}

  Task<Result<>> run(SourceContext& context) override {
    TaskGroup clients(context.loop().executor(), {});
    for (const auto& text : world_.asked) clients.spawn("client", ask(context, text));
    auto slept = co_await context.sleep_for(24h);
    clients.request_stop();
    co_await clients.join();
    co_return slept;
  }

 private:
  Task<> ask(SourceContext& context, std::string text) {
    const auto padded = std::make_shared<const std::string>(text + std::string(kTextPadding, ' '));
    const auto told = co_await context.accept(
        Event::from_text(std::string_view(*padded).substr(0, text.size())), padded);
    world_.answers[text] = told ? "taken" : to_string(told.error().code());
  }

  World& world_;
};

class RecordAction final : public Action {
 public:
  explicit RecordAction(World& world) : world_(world) {}
  Task<Result<>> run(const Settings& settings, ActionContext& context) override {
    world_.done.push_back(fmt::format("{}: {}", context.rule, settings.string("text")));
    co_return Result<>();
  }

 private:
  World& world_;
};

class SlowAction final : public Action {
 public:
  explicit SlowAction(World& world) : world_(world) {}
  Task<Result<>> run(const Settings&, ActionContext& context) override {
    world_.most_running = std::max(world_.most_running, ++world_.running);
    const auto slept = co_await context.loop.sleep_for(100ms);
    --world_.running;
    if (!slept) co_return slept;
    ++world_.slow_done;
    co_return Result<>();
  }

 private:
  World& world_;
};

class FactAction final : public Action {
 public:
  Task<Result<>> run(const Settings& settings, ActionContext& context) override {
    co_return context.engine.set_fact(settings.string("ruleset"), settings.object("fact"));
  }
};

class StopAction final : public Action {
 public:
  Task<Result<>> run(const Settings&, ActionContext& context) override {
    context.engine.shut_down({.delay = 1s, .message = "enough"});
    co_return Result<>();
  }
};

// Doubles every event. It has an error after the first copy, as the event asks for.
class DoubleFilter final : public Filter {
 public:
  Result<> apply(Value event, std::vector<Value>& out, Log&) override {
    out.push_back(event);
    if (event.get_object().contains("poison")) return fail(Errc::invalid_event, "poisoned");
    if (event.get_object().contains("lost")) return fail(Errc::not_found, "nothing at `x`");
    if (event.get_object().contains("broken")) return fail(Errc::io, "the filter is broken");
    out.push_back(std::move(event));
    return {};
  }
};

// Refuses every second event that asks for it.
class PickyFilter final : public Filter {
 public:
  Result<> apply(Value event, std::vector<Value>& out, Log&) override {
    if (event.get_object().contains("pick") && ++seen_ % 2 == 0)
      return fail(Errc::invalid_event, "picked");
    out.push_back(std::move(event));
    return {};
  }

 private:
  int seen_ = 0;
};

// Answers what it was asked for, a second later.
class SlowTemplateHost final : public TemplateHost {
 public:
  explicit SlowTemplateHost(MainLoop& loop) : loop_(loop) {}

  Task<Result<Compiled>> compile(std::string text) override {
    if (text.contains("wrong")) co_return fail(Errc::invalid_settings, "unexpected end");
    texts_.push_back(std::move(text));
    co_return Compiled{.id = static_cast<std::uint32_t>(texts_.size() - 1), .names = {"event"}};
  }
  Task<Result<Value>> render(std::uint32_t id, Object scope) override {
    if (auto slept = co_await loop_.sleep_for(1s); !slept) co_return slept.error();
    if (texts_[id].contains("nosuch")) co_return fail(Errc::not_found, "Undefined jinja variable");
    co_return Value(fmt::format("{} of {}", texts_[id], to_json(scope["event"].at("i"))));
  }

 private:
  MainLoop& loop_;
  std::vector<std::string> texts_;
};

class EngineTest : public ::testing::Test {
 protected:
  EngineTest()
      : log([this](LogLevel level, std::string_view, std::string_view text) {
          lines.push_back(fmt::format("{} {}", to_string(level), text));
        }) {
    const auto source = [this](const Settings&) -> Result<std::unique_ptr<Source>> {
      return std::unique_ptr<Source>(std::make_unique<FeedSource>(world));
    };
    registry.sources.add({"feed", {}, "", {}, source});
    registry.sources.add(
        {"ask", {}, "", {}, [this](const Settings&) -> Result<std::unique_ptr<Source>> {
           return std::unique_ptr<Source>(std::make_unique<AskSource>(world));
         }});
    add_action<RecordAction>("record", {{Setting("text", SettingType::string, "").required()}},
                             world);
    add_action<SlowAction>("slow", {}, world);
    add_action<FactAction>("fact", {{Setting("ruleset", SettingType::string, "").required(),
                                     Setting("fact", SettingType::object, "").required()}});
    add_action<StopAction>("stop", {});
    add_filter<DoubleFilter>("double");
    add_filter<PickyFilter>("picky");
  }

  template <class T>
  void add_filter(const std::string& name) {
    registry.filters.add({name, {}, "", {}, [](const Settings&) -> Result<std::unique_ptr<Filter>> {
                            return std::unique_ptr<Filter>(std::make_unique<T>());
                          }});
  }

  template <class T, class... Args>
  void add_action(const std::string& name, SettingsSchema schema, Args&... arguments) {
    registry.actions.add({name,
                          {},
                          "",
                          std::move(schema),
                          [&arguments...](const Settings&) -> Result<std::unique_ptr<Action>> {
                            return std::unique_ptr<Action>(std::make_unique<T>(arguments...));
                          }});
  }

  void start(const std::string& rulebook, EngineOptions options = {}) {
    Diagnostics diagnostics;
    std::vector<rules::Rulebook> books;
    auto book = rules::load_rulebook(rulebook, "test.yml", {}, diagnostics);
    for (const auto& item : diagnostics.items()) problems.push_back(item.message);
    ASSERT_TRUE(book);
    books.push_back(std::move(*book));
    engine = Engine::create(std::move(books), registry, loop, pool, log, output, std::move(options),
                            diagnostics);
    for (const auto& item : diagnostics.items()) problems.push_back(item.message);
    if (!engine) return;
    tasks.spawn("engine", engine->run(), [this] { ended = true; });
    loop.run_ready();
  }

  ~EngineTest() override {
    if (engine && !ended) {
      engine->stop(Engine::Stop::now);
      loop.run_until([this] { return tasks.size() == 0; });
    }
  }

  std::size_t answered(std::string_view answer) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        world.answers, [&](const auto& entry) { return entry.second == answer; }));
  }

  bool told(std::string_view part) const {
    return std::ranges::any_of(lines, [&](const std::string& line) { return line.contains(part); });
  }

  World world;
  std::vector<std::string> lines;
  std::vector<std::string> problems;
  ManualClock clock;
  MainLoop loop{clock};
  BlockingPool pool{1};
  Log log;
  Output output{STDOUT_FILENO, 80};
  Registry registry;
  TaskGroup tasks{loop.executor(), {}};
  std::unique_ptr<Engine> engine;
  bool ended = false;
};

inline std::string rule_set(std::string_view rules, std::string_view options = "") {
  return fmt::format("- name: test\n  hosts: all\n{}  sources:\n    - feed:\n  rules:\n{}", options,
                     rules);
}

inline constexpr std::string_view kSlow =
    "    - {name: r, condition: event.i is defined, action: {slow: }}\n";
inline constexpr std::string_view kRecord =
    "    - {name: r, condition: event.i is defined, action: {record: {text: \"{{ event.i }}\"}}}\n";

inline std::vector<std::string> numbered(int count) {
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) all.push_back(fmt::format(R"({{"i": {}}})", i));
  return all;
}

}  // namespace millrace::pipeline
