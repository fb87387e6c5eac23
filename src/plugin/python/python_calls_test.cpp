// SPDX-License-Identifier: Apache-2.0
// Filters, actions and services in a host.
#include <signal.h>
#include <sys/mman.h>

#include <string>

#include "millrace/plugin/testing/action_harness.hpp"
#include "python_fixture.hpp"

namespace millrace::python {
namespace {

using namespace std::chrono_literals;
using Outcomes = std::vector<Filter::Outcome>;

class PythonFilterTest : public PythonTest {
 protected:
  void load_filter(std::string_view text, const Object& given = {}) {
    auto loaded = load(text, "filter");
    ASSERT_TRUE(loaded) << loaded.error().message();
    filter_ = make(loaded->filters, given);
  }
  // "[…]" or "error: first line", for each event.
  std::string apply(std::vector<Value> events) {
    std::string text;
    for (const auto& outcome : get(filter_->apply_all(std::move(events), log_))) {
      text += text.empty() ? "" : " ";
      text += outcome ? to_json(Value(Array(outcome->begin(), outcome->end())))
                      : "error: " + outcome.error().message();
    }
    return text;
  }

  std::unique_ptr<Filter> filter_;
};

TEST_F(PythonFilterTest, GivesWhatBecomesOfEachEvent) {
  load_filter(R"(
def main(event, factor=1):
    if event["i"] == 0:
        return []
    if event["i"] == 1:
        return {"i": factor}
    return [event, event]
)",
              {{"factor", 10}});

  EXPECT_EQ(apply({{{"i", 0}}, {{"i", 1}}, {{"i", 2}}}), R"([] [{"i":10}] [{"i":2},{"i":2}])");
  EXPECT_EQ(apply({}), "");
}

TEST_F(PythonFilterTest, AnExceptionRefusesTheEvent) {
  load_filter("def main(event):\n    return {'x': event['i']}\n");

  const auto text = apply({{{"j", 0}}, {{"i", 1}}});

  EXPECT_TRUE(text.starts_with("error: KeyError: 'i' (/")) << text;
  EXPECT_TRUE(text.ends_with("plugin1.py:2 main) [{\"x\":1}]")) << text;
}

TEST_F(PythonFilterTest, AnUnknownSettingIsAnExceptionOfTheCall) {
  load_filter("def main(event):\n    return event\n", {{"unknown", 1}});

  const auto text = apply({{{"i", 0}}});

  EXPECT_TRUE(text.starts_with("error: TypeError: ")) << text;
}

TEST_F(PythonFilterTest, AFilterThatHangsIsKilledAfterItsTimeAndWorksAgain) {
  settings_.call_timeout = 2s;
  settings_.stop_grace = 1s;
  load_filter(R"(
import time
def main(event):
    while event["hang"]:
        time.sleep(0.01)
    return event
)");
  EXPECT_EQ(apply({{{"hang", false}}}), R"([{"hang":false}])");
  std::optional<Outcomes> outcomes;
  TaskGroup tasks(loop_.executor(), {});
  tasks.spawn("filter", keep(filter_->apply_all({{{"hang", true}}}, log_), outcomes));
  loop_.run_ready();

  loop_.advance(2s);
  ASSERT_TRUE(run_until([&] { return outcomes.has_value(); }));
  EXPECT_EQ(outcomes->at(0).error(),
            Error(Errc::timeout, "filter its.name did not answer within 2 s"));
  loop_.advance(1s);

  EXPECT_EQ(apply({{{"hang", false}}}), R"([{"hang":false}])");
  EXPECT_TRUE(logged("a call of filter its.name did not end")) << log_text();
}

TEST_F(PythonFilterTest, ACallWhoseHostDiedIsMadeOnceMoreInTheNext) {
  load_filter(fmt::format(R"(
import os, pathlib
def main(event):
    first = pathlib.Path("{}")
    if event["die"] and not first.exists():
        first.touch()
        os.kill(os.getpid(), 9)
    return event
)",
                          (folder_ / "first").string()));

  EXPECT_EQ(apply({{{"i", 1}, {"die", false}}, {{"i", 2}, {"die", true}}}),
            R"([{"i":1,"die":false}] [{"i":2,"die":true}])");
  EXPECT_TRUE(logged("its events are given to the next host")) << log_text();
}

TEST_F(PythonFilterTest, WhatKillsTheNextHostTooFailsTheCall) {
  load_filter(fmt::format(R"(
import os
def main(event):
    with open("{}", "a") as note:
        note.write("x")
    if event["die"]:
        os.kill(os.getpid(), 9)
    return event
)",
                          (folder_ / "note").string()));

  EXPECT_EQ(apply({{{"die", true}}}), "error: the host of plugin its.name was killed by signal 9");
  EXPECT_EQ(read_file(folder_ / "note").value(), "xx");
  loop_.advance(1s);  // hosts that die one after the other are not started at once
  std::optional<Outcomes> outcomes;
  TaskGroup tasks(loop_.executor(), {});
  tasks.spawn("filter", keep(filter_->apply_all({{{"die", false}}}, log_), outcomes));
  ASSERT_TRUE(run_until([&] { return outcomes.has_value(); })) << log_text();
  EXPECT_TRUE(outcomes->at(0));
}

// The calls: 0 to 63, which is slow; 64 to 95, which is not; 96 to 159, which dies once.
TEST_F(PythonFilterTest, ASlowFilterIsGivenFewerEventsAtOnce) {
  load_filter(fmt::format(R"(
import os, pathlib, time
folder = pathlib.Path("{}")
def main(event):
    with open(folder / "note", "a") as note:
        note.write(f"{{event['i']}} ")
    while event["i"] == 0 and not (folder / "go").exists():
        time.sleep(0.001)
    if event["i"] == 97 and not (folder / "died").exists():
        (folder / "died").touch()
        os.kill(os.getpid(), 9)
    return event
)",
                          folder_.string()));
  std::vector<Value> events;
  for (int i = 0; i < 200; ++i) events.push_back({{"i", i}});
  std::optional<Outcomes> outcomes;
  TaskGroup tasks(loop_.executor(), {});
  tasks.spawn("filter", keep(filter_->apply_all(std::move(events), log_), outcomes));
  const auto note = [&] { return " " + read_file(folder_ / "note").value_or(""); };
  ASSERT_TRUE(run_until([&] { return note() == " 0 "; })) << log_text();

  loop_.advance(2s);
  write("go", "");

  ASSERT_TRUE(run_until([&] { return outcomes.has_value(); })) << log_text();
  EXPECT_EQ(outcomes->size(), 200u);
  EXPECT_TRUE(note().contains(" 94 95 96 97 96 97 98 ")) << note();
}

TEST_F(PythonFilterTest, ManyLargeEventsGoInSeveralCalls) {
  load_filter("def main(event):\n    return {'n': len(event['x'])}\n");
  std::vector<Value> events(12, Value({{"x", std::string(1 << 20, 'x')}}));

  const auto outcomes = get(filter_->apply_all(std::move(events), log_));

  ASSERT_EQ(outcomes.size(), 12u);
  for (const auto& outcome : outcomes) {
    ASSERT_TRUE(outcome) << outcome.error().message();
    EXPECT_EQ(outcome->at(0), Value({{"n", 1 << 20}}));
  }
}

// ----------------------------------------------------------------------------------
// millrace.Plugin

class MillracePluginTest : public PythonTest {
 protected:
  LoadedPlugin plugin(std::string_view text, Object configuration = {}) {
    const auto file = write("plugin.py", text);
    auto loaded = get(plugins().load(file, "its.name", "", std::move(configuration), settings_));
    if (!loaded) throw std::runtime_error(loaded.error().message());
    return std::move(*loaded);
  }
};

constexpr const char* kWeather = R"(
import millrace
plugin = millrace.Plugin("weather", version="1.5", summary="Tells the weather.")
plugin.pattern("city", r"[A-Z]\w+", summary="a city")

@plugin.source("weather", summary="What it is like.", settings=[
    millrace.Setting("city", "string", "which city", required=True),
    millrace.Setting("every", "seconds", "how often", default=60, least=1)])
async def weather(queue, settings):
    await queue.put(dict(settings))

@plugin.on_load
def load(context):
    context.configuration.set("seen", context.configuration.get("wanted", "nothing"))
)";

TEST_F(MillracePluginTest, TellsWhatItBrings) {
  const auto loaded = plugin(kWeather, {{"wanted", "rain"}});

  EXPECT_EQ(loaded.name, "weather");
  EXPECT_EQ(loaded.version, "1.5");
  EXPECT_EQ(loaded.summary, "Tells the weather.");
  EXPECT_EQ(loaded.configuration.at("seen"), "rain");
  ASSERT_EQ(loaded.patterns.size(), 1u);
  EXPECT_EQ(loaded.patterns[0].pattern, "[A-Z]\\w+");
  ASSERT_EQ(loaded.sources.size(), 1u);
  const auto& source = loaded.sources[0];
  EXPECT_EQ(source.name, "weather");
  EXPECT_EQ(source.summary, "What it is like.");
  EXPECT_EQ(source.provider, (folder_ / "plugin.py").string());
  EXPECT_EQ(source.schema.unknown, Unknown::error);
  ASSERT_EQ(source.schema.settings.size(), 2u);
  EXPECT_TRUE(source.schema.settings[0].is_required());
  EXPECT_EQ(source.schema.settings[1].type(), SettingType::seconds);
  EXPECT_EQ(source.schema.settings[1].least(), 1);
  const auto checked = Settings::check(source.schema, {{"city", "Rome"}});
  ASSERT_TRUE(checked) << checked.error().message();
  EXPECT_EQ(checked->number("every"), 60);
}

TEST_F(MillracePluginTest, AnErrorInTheFileIsToldWithItsPlace) {
  const auto file = write("plugin.py", "import millrace\n1 / 0\n");
  const auto loaded = get(plugins().load(file, "its.name", "", {}, settings_));

  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), Errc::invalid_settings);
  EXPECT_TRUE(loaded.error().message().starts_with("ZeroDivisionError: division by zero\n"))
      << loaded.error().message();
  EXPECT_NE(loaded.error().message().find("plugin.py:2 "), std::string::npos);
}

TEST_F(MillracePluginTest, AHostWithNothingButAPluginThatFailedEnds) {
  settings_.group = "shared";
  const auto bad = write("bad.py", "1 / 0\n");
  const auto good = write("good.py", "async def main(queue, args):\n    pass\n");
  const auto load = [&](const std::filesystem::path& file) {
    return get(plugins().load(file, "its.name", "source", {}, settings_)).has_value();
  };
  const auto number_of_hosts = [&] {
    return std::ranges::count_if(log_lines_, [](const auto& line) {
      const auto end = line.rfind(' ');
      return line.contains("runs: Python") && ::kill(std::atoi(line.c_str() + end), 0) == 0;
    });
  };

  EXPECT_FALSE(load(bad));
  EXPECT_EQ(number_of_hosts(), 0) << log_text();
  EXPECT_TRUE(load(good));
  EXPECT_FALSE(load(bad));
  EXPECT_EQ(number_of_hosts(), 1);
}

TEST_F(MillracePluginTest, AFileThatNeverEndsLoadingIsGivenUp) {
  settings_.call_timeout = 3s;
  const auto file = write("plugin.py", "import time\nwhile True: time.sleep(0.01)\n");
  std::optional<Result<LoadedPlugin>> loaded;
  TaskGroup tasks(loop_.executor(), {});
  tasks.spawn("load", keep(plugins().load(file, "its.name", "", {}, settings_), loaded));
  ASSERT_TRUE(run_until([this] { return logged("runs: Python"); })) << log_text();

  loop_.advance(3s);

  ASSERT_TRUE(run_until([&] { return loaded.has_value(); }));
  EXPECT_EQ(loaded->error(), Error(Errc::timeout, "it did not load within 3 s"));
}

TEST_F(MillracePluginTest, WorkThatWasPutOffIsDoneOnceTheLoopRuns) {
  plugin(fmt::format(R"(
import millrace, pathlib
plugin = millrace.Plugin("late", version="1", summary="")

@plugin.on_load
def load(context):
    context.call_soon(lambda: pathlib.Path("{}").write_text("done"))
)",
                     (folder_ / "note").string()));
  const auto note = [this] { return read_file(folder_ / "note").value_or(""); };
  EXPECT_EQ(note(), "");

  plugins().go_live();

  EXPECT_TRUE(run_until([&] { return note() == "done"; })) << log_text();
}

TEST_F(MillracePluginTest, ServicesAnswerCalls) {
  const auto loaded = plugin(R"(
import millrace, os
plugin = millrace.Plugin("hooks", version="1", summary="")

@plugin.hook_class("greeter")
class Greeter:
    def __init__(self, settings):
        self.count = 0
    def greet(self, argument):
        self.count += 1
        return [self.count, argument]
    def die(self, argument):
        os._exit(7)
)");
  ASSERT_EQ(loaded.services.size(), 1u) << log_text();
  EXPECT_EQ(loaded.services[0].first, ServiceKind::hook_class);
  const auto service = loaded.services[0].second.create(Settings()).value();
  const Value argument{{"event", {{"name", "e"}}}, {"arguments", {1, 2}}, {"result", nullptr}};

  const auto answer = get(service->call("greet", argument));

  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->at(0), 1);
  const auto unknown = get(service->call("dance", argument));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), Errc::unsupported) << unknown.error().message();
  const auto dead = get(service->call("die", argument));
  ASSERT_FALSE(dead);
  EXPECT_EQ(dead.error(),
            Error(Errc::unavailable, "the host of plugin its.name ended with exit code 7"));
  EXPECT_EQ(get(service->call("greet", argument)).value().at(0), 1);
}

TEST_F(MillracePluginTest, PluginsOfOneGroupShareAProcess) {
  settings_.group = "shared";
  const auto text = R"(
import millrace, os
plugin = millrace.Plugin("{0}", version="1", summary="")
@plugin.hook_class("{0}")
class Hook:
    def pid(self, argument):
        return os.getpid()
)";
  const Value argument{{"event", Object()}, {"arguments", Array()}, {"result", nullptr}};
  std::vector<Value> pids;
  for (const std::string name : {"a", "b"}) {
    const auto file = write(name + ".py", fmt::format(fmt::runtime(text), name));
    const auto loaded = get(plugins().load(file, name, "", {}, settings_));
    ASSERT_TRUE(loaded) << loaded.error().message();
    const auto service = loaded->services.at(0).second.create(Settings()).value();
    pids.push_back(get(service->call("pid", argument)).value());
  }
  EXPECT_EQ(pids[0], pids[1]);
}

// ------------------------------------------------------------------------------------------
// actions

class PythonActionTest : public MillracePluginTest {
 protected:
  void load_action(std::string_view body) {
    const auto loaded = plugin(fmt::format(R"(
import millrace, asyncio
plugin = millrace.Plugin("notifier", version="1", summary="")
@plugin.action("notify", settings=[millrace.Setting("to", "string", "whom")])
async def notify(call):
{})",
                                           body));
    plugins().go_live();
    settings_of_call_ = Settings::check(loaded.actions.at(0).schema, {{"to", "ops"}}).value();
    action_ = loaded.actions.at(0).create(Settings()).value();
  }
  Result<> run() { return get(action_->run(settings_of_call_, context_of_call_)); }
  std::string printed() { return read_file(fmt::format("/proc/self/fd/{}", out_.get())).value(); }

  testing::FakeEngine engine_;
  const FileDescriptor out_{::memfd_create("out", MFD_CLOEXEC)};
  Output output_{out_.get(), 80};
  const std::vector<std::string> hosts_{"web1"};
  BlockingPool pool_{1};
  std::vector<std::pair<std::string, DocumentPtr>> bindings_{
      {"m", Document::copy_of(Value({{"i", 1}}))}};
  ActionContext context_of_call_{.action = "notify",
                                 .rule_set = "rules",
                                 .rule_set_id = "1",
                                 .rule = "r1",
                                 .rule_id = "2",
                                 .id = "3",
                                 .run_at = clock_.wall(),
                                 .hosts = hosts_,
                                 .bindings = bindings_,
                                 .engine = engine_,
                                 .output = output_,
                                 .loop = loop_,
                                 .pool = pool_,
                                 .log = log_};
  Settings settings_of_call_;
  std::unique_ptr<Action> action_;
};

TEST_F(PythonActionTest, SeesItsContextAndActsOnTheEngine) {
  engine_.memory.push_back(Document::copy_of(Value({{"known", true}})));
  load_action(R"(
    assert call.settings == {"to": "ops"} and call.rule == "r1" and call.rule_set == "rules"
    assert call.event == {"i": 1} and list(call.hosts) == ["web1"], call.event
    assert await call.facts() == [{"known": True}]
    await call.post_event({"seen": call.event["i"]})
    await call.set_fact({"fact": 1})
    await call.retract_fact({"old": 1})
    await call.print("printed")
    await call.shut_down(delay=2, message="enough")
)");

  const auto ran = run();

  ASSERT_TRUE(ran) << ran.error().message();
  ASSERT_EQ(engine_.events_posted.size(), 1u);
  EXPECT_EQ(engine_.events_posted[0].rule_set, "rules");
  EXPECT_EQ(engine_.events_posted[0].entry.at("seen"), 1);
  EXPECT_TRUE(engine_.events_posted[0].entry.contains("meta"));
  EXPECT_EQ(engine_.facts_set.size(), 1u);
  EXPECT_EQ(engine_.retracted.size(), 1u);
  ASSERT_EQ(engine_.shutdowns.size(), 1u);
  EXPECT_EQ(engine_.shutdowns[0].delay, 2s);
  EXPECT_EQ(engine_.shutdowns[0].message, "enough");
  EXPECT_EQ(engine_.shutdowns[0].rule, "r1");
  EXPECT_EQ(printed(), "printed\n");
}

TEST_F(PythonActionTest, ADelayBeyondAllMeasureIsTheLongestThereIs) {
  load_action("    await call.shut_down(delay=1e300)\n    await call.shut_down(delay=-1e300)\n");

  ASSERT_TRUE(run());

  ASSERT_EQ(engine_.shutdowns.size(), 2u);
  EXPECT_EQ(engine_.shutdowns[0].delay, std::chrono::seconds(1'000'000'000));
  EXPECT_EQ(engine_.shutdowns[1].delay, Duration::zero());
}

TEST_F(PythonActionTest, AnAnswerThatNoFrameHoldsIsAnExceptionThere) {
  for (int i = 0; i < 65; ++i)
    engine_.memory.push_back(Document::copy_of(Value({{"x", std::string(1 << 20, 'x')}})));
  load_action(R"(
    try:
        await call.facts()
    except millrace.EngineError as error:
        await call.print(str(error))
)");

  const auto ran = run();

  ASSERT_TRUE(ran) << ran.error().message();
  EXPECT_TRUE(printed().contains("the most is")) << printed();
}

TEST_F(PythonActionTest, WhatTheEngineRefusesIsAnExceptionThere) {
  load_action(R"(
    try:
        await call.post_event({"i": 1}, rule_set="none")
    except millrace.EngineError as error:
        raise RuntimeError(f"{error}")
)");

  const auto ran = run();

  ASSERT_FALSE(ran);
  EXPECT_NE(ran.error().message().find("Ruleset none not found"), std::string::npos)
      << ran.error().message();
}

TEST_F(PythonActionTest, AStoppedActionIsCancelledThere) {
  load_action(R"(
    try:
        await call.set_fact({"begun": 1})
        await asyncio.sleep(1000)
    finally:
        call.log.warning("tidied up")
)");
  std::optional<Result<>> ran;
  TaskGroup tasks(loop_.executor(), {});
  tasks.spawn("action", keep(action_->run(settings_of_call_, context_of_call_), ran));
  ASSERT_TRUE(run_until([this] { return !engine_.facts_set.empty(); })) << log_text();

  tasks.request_stop();

  ASSERT_TRUE(run_until([&] { return ran.has_value(); }));
  EXPECT_EQ(ran->error().code(), Errc::cancelled);
  EXPECT_TRUE(run_until([this] { return logged("tidied up"); })) << log_text();
}

TEST_F(PythonActionTest, CallsMayOverlap) {
  load_action(R"(
    await call.post_event({"begun": True})
    await asyncio.sleep(0.05)
    await call.post_event({"ended": True})
)");
  std::optional<Result<>> first;
  std::optional<Result<>> second;
  TaskGroup tasks(loop_.executor(), {});
  tasks.spawn("one", keep(action_->run(settings_of_call_, context_of_call_), first));
  tasks.spawn("two", keep(action_->run(settings_of_call_, context_of_call_), second));

  ASSERT_TRUE(run_until([&] { return first && second; })) << log_text();

  ASSERT_EQ(engine_.events_posted.size(), 4u);
  EXPECT_TRUE(engine_.events_posted[1].entry.contains("begun"));
}

}  // namespace
}  // namespace millrace::python
