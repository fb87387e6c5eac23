// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>

#include "millrace/base/files.hpp"
#include "millrace/event/json.hpp"
#include "millrace/plugin/testing/action_harness.hpp"
#include "native/test_bench.hpp"

namespace millrace::native {
namespace {

using NativeFilter = TestBench;

TEST_F(NativeFilter, MakesAnyNumberOfOne) {
  const auto plugin = load_good();
  const auto filter = make(plugin.filters[0], {});
  ASSERT_TRUE(filter);
  std::vector<Value> out;

  ASSERT_TRUE((*filter)->apply(Value{{"copies", 2}, {"text", "ä\n\""}}, out, log_));
  ASSERT_TRUE((*filter)->apply(Value{{"copies", 0}}, out, log_));

  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(to_json(out[1]), R"({"copies":2,"text":"ä\n\"","copy":1})");
}

TEST_F(NativeFilter, RefusesOneEventOrFails) {
  const auto plugin = load_good();
  const auto filter = make(plugin.filters[0], {{"key", "n"}});
  ASSERT_TRUE(filter);
  std::vector<Value> out;

  const auto refused = (*filter)->apply(Value{{"n", "two"}}, out, log_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(),
            Error(Errc::invalid_event, "plugin good: not a JSON integer: \"two\""));
  const auto failed = (*filter)->apply(Value{{"n", 1}, {"explode", true}}, out, log_);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error(), Error(Errc::io, "plugin good: it has exploded"));
}

TEST_F(NativeFilter, SaysWhatIsWrongWithItsSettings) {
  const auto plugin = load_good();
  const auto filter = make(plugin.filters[0], {{"key", ""}});
  ASSERT_FALSE(filter);
  EXPECT_EQ(filter.error(), Error(Errc::invalid_settings, "multiply: plugin good: an empty key"));
}

class NativeAction : public TestBench {
 protected:
  ~NativeAction() override {
    tasks_.request_stop();
    if (!loop_.run_until([this] { return tasks_.size() == 0; })) std::abort();
  }

  Result<> run(std::string does, std::string rule_set = "", const char* plugin = "good") {
    start(std::move(does), std::move(rule_set), plugin);
    return finish();
  }
  void start(std::string does, std::string rule_set = "", const char* plugin = "good") {
    auto loaded = load(plugin);
    if (!loaded) std::abort();
    const auto& descriptor = loaded->actions.front();
    const Object given = plugin == std::string_view("good")
                             ? Object{{"does", std::move(does)}, {"ruleset", std::move(rule_set)}}
                             : Object();
    settings_ = *Settings::check(descriptor.schema, given);
    action_ = std::move(*descriptor.create(Settings()));
    outcome_.reset();
    tasks_.spawn("action", task());
  }
  Task<> task() { outcome_ = co_await action_->run(*settings_, context_); }
  Result<> finish() {
    if (!loop_.run_until([this] { return outcome_.has_value(); })) std::abort();
    return *outcome_;
  }
  std::string printed() {
    std::array<char, 4096> buffer{};
    const auto got = ::pread(file_.get(), buffer.data(), buffer.size(), 0);
    return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }

  testing::FakeEngine engine_;
  FileDescriptor file_{::memfd_create("output", MFD_CLOEXEC)};
  Output output_{file_.get(), 40};
  const std::vector<std::string> hosts_{"web1"};
  BlockingPool pool_{1};
  const std::vector<std::pair<std::string, DocumentPtr>> bindings_{
      {"m", Document::copy_of(Value{{"i", 5}})}};
  ActionContext context_{.action = "ask",
                         .rule_set = "rules",
                         .rule_set_id = "1",
                         .rule = "rule",
                         .rule_id = "2",
                         .id = "3",
                         .run_at = WallTime(std::chrono::seconds(1'700'000'000)),
                         .hosts = hosts_,
                         .bindings = bindings_,
                         .engine = engine_,
                         .output = output_,
                         .loop = loop_,
                         .pool = pool_,
                         .log = log_};
  std::optional<Settings> settings_;
  std::unique_ptr<Action> action_;
  std::optional<Result<>> outcome_;
};

TEST_F(NativeAction, IsToldOfTheFiring) {
  ASSERT_TRUE(run("print"));
  EXPECT_EQ(printed(),
            R"({"action":"ask","rule_set":"rules","rule_set_id":"1","rule":"rule","rule_id":"2",)"
            R"("run_at":"2023-11-14T22:13:20Z","hosts":["web1"],"event":{"i":5}})");
}

TEST_F(NativeAction, PostsEventsAndSetsFacts) {
  ASSERT_TRUE(run("post"));
  ASSERT_TRUE(run("set", "others"));

  ASSERT_EQ(engine_.events_posted.size(), 1u);
  EXPECT_EQ(engine_.events_posted[0].rule_set, "rules");
  const auto& event = engine_.events_posted[0].entry;
  EXPECT_EQ(event.at("seen"), (Value{{"i", 5}}));
  EXPECT_EQ(event.at("meta").at("source"), (Value{{"name", "ask"}, {"type", "internal"}}));
  ASSERT_EQ(engine_.facts_set.size(), 1u);
  EXPECT_EQ(engine_.facts_set[0].rule_set, "others");
}

TEST_F(NativeAction, RetractsAndReadsFacts) {
  engine_.memory = {Document::copy_of(Value{{"a", 1}})};
  ASSERT_TRUE(run("retract"));
  ASSERT_TRUE(run("facts"));

  ASSERT_EQ(engine_.retracted.size(), 1u);
  EXPECT_EQ(engine_.retracted[0].how, EngineServices::Retract::whole);
  EXPECT_EQ(engine_.retracted[0].fact, (Object{{"a", 1}}));
  EXPECT_EQ(printed(), R"([{"a":1}])");
}

TEST_F(NativeAction, EndsTheRun) {
  ASSERT_TRUE(run("end"));

  ASSERT_EQ(engine_.shutdowns.size(), 1u);
  const auto& request = engine_.shutdowns[0];
  EXPECT_EQ(request.kind, ShutdownRequest::Kind::now);
  EXPECT_EQ(request.delay, std::chrono::seconds(2));
  EXPECT_EQ(request.message, "enough");
  EXPECT_EQ(request.rule, "rule");
}

TEST_F(NativeAction, PrintsABanner) {
  ASSERT_TRUE(run("banner"));
  EXPECT_TRUE(printed().contains("[title]"));
}

TEST_F(NativeAction, FailsWithTheWordsOfTheEngineOrItsOwn) {
  EXPECT_EQ(run("post", "nowhere").error(),
            Error(Errc::not_found, "plugin good: Ruleset nowhere not found"));
  EXPECT_EQ(run("post a list").error(),
            Error(Errc::invalid_event, "plugin good: this is no object"));
  EXPECT_EQ(run("fail").error(), Error(Errc::io, "plugin good: no luck"));
}

TEST_F(NativeAction, CannotEmit) {
  EXPECT_EQ(run("", "", "rude").error(),
            Error(Errc::conflict, "plugin rude: emit may not be called here"));
}

TEST_F(NativeAction, NoticesWhenItIsToStop) {
  start("wait");
  ASSERT_TRUE(loop_.run_until([this] { return logged("info plugin.good: waiting"); }));

  tasks_.request_stop();
  EXPECT_EQ(finish().error().code(), Errc::cancelled);
}

class NativeService : public TestBench {
 protected:
  void call(Service& service, std::string function) {
    tasks_.spawn("call", task(service, std::move(function)));
  }
  Task<> task(Service& service, std::string function) {
    const Value argument{{"a", 1}};
    const auto answer = co_await service.call(function, argument);
    answers_.push_back(answer ? to_json(*answer) : answer.error().message());
  }
  bool until_answered(std::size_t calls) {
    return loop_.run_until([&] { return answers_.size() == calls; });
  }

  std::vector<std::string> answers_;
};

TEST_F(NativeService, AnswersCallsOneAfterTheOther) {
  const auto plugin = load_good();
  const auto service = make(plugin.services[0].second, {{"prefix", "my "}});
  ASSERT_TRUE(service);

  call(**service, "slow");
  call(**service, "line");
  call(**service, "nothing");
  ASSERT_TRUE(until_answered(3));
  EXPECT_EQ(answers_, (std::vector<std::string>{R"({"my slow":{"a":1},"calls":1})",
                                                R"({"my line":{"a":1},"calls":2})",
                                                "plugin good: there is no nothing"}));
}

TEST_F(NativeService, InstancesDoNotWaitForOneAnother) {
  const auto plugin = load_good();
  const auto one = make(plugin.services[0].second, {});
  const auto other = make(plugin.services[1].second, {});

  call(**one, "slow");
  call(**other, "quick");
  ASSERT_TRUE(until_answered(2));
  EXPECT_EQ(answers_[0], R"({"quick":{"a":1},"calls":1})");
}

}  // namespace
}  // namespace millrace::native
