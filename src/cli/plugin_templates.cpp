// SPDX-License-Identifier: Apache-2.0
#include "plugin_templates.hpp"

#include <array>

namespace millrace::cli {
namespace {

// clang-format off
constexpr std::array kTemplates = {
    PluginTemplate{
        .kind = "source",
        .cpp = R"~(class @CLASS@ {
 public:
  explicit @CLASS@(const Settings& settings) : pause_(settings.number("pause")) {}

  // Has a thread of its own. emit() waits while the engine is behind; emit() and wait() are false
  // when it is to stop.
  void run(SourceRun& run) {
    for (int i = 1; run.emit(Json{{"i", i}}) && run.wait(pause_); ++i) {
    }
  }

 private:
  const double pause_;
};
)~",
        .cpp_export = R"~(  plugin.source<@CLASS@>(
      "@NAME@", "Counts from 1.",
      {Setting("pause", MILLRACE_SECONDS, "between events").by_default(1).at_least(0)});
)~",
        .cpp_test = R"~(  testing::SourceTest source(plugin, "@NAME@", Json{{"pause", 5}});
  const auto events = source.run(2);
  MILLRACE_CHECK(events.at(1) == (Json{{"i", 2}}));
)~",
        .python = R"~(@plugin.source(
    "@NAME@",
    summary="Counts from 1.",
    settings=[millrace.Setting("pause", "seconds", "between events", default=1.0, least=0)],
)
async def source(queue, settings):
    i = 1
    while True:
        await queue.put({"i": i})  # waits while the engine is behind
        await asyncio.sleep(settings["pause"])
        i += 1
)~",
        .python_test = R"~(        run = testing.run_source(plugin, "@NAME@", {"pause": 0}, events=2)
        self.assertEqual(run.events, [{"i": 1}, {"i": 2}])
)~",
        .use = R"~(```yaml
sources:
  - @NAME@:
      pause: 5
```)~",
    },
    PluginTemplate{
        .kind = "filter",
        .cpp = R"~(class @CLASS@ {
 public:
  explicit @CLASS@(const Settings& settings) : key_(settings.string("key")) {}

  // What becomes of the event: a Json, a std::optional<Json> or a std::vector<Json>. Runs on the
  // engine's own thread, so it must not block.
  std::optional<Json> apply(Json event) const {
    if (!event[key_].is_null()) return event;
    return std::nullopt;
  }

 private:
  const std::string key_;
};
)~",
        .cpp_export = R"~(  plugin.filter<@CLASS@>("@NAME@", "Drops events that lack a key.",
                     {Setting("key", MILLRACE_STRING, "which key").required()});
)~",
        .cpp_test = R"~(  testing::FilterTest filter(plugin, "@NAME@", Json{{"key", "host"}});
  MILLRACE_CHECK(filter.apply(Json{{"host", "web1"}}).size() == 1);
  MILLRACE_CHECK(filter.apply(Json{{"other", 1}}).empty());
)~",
        .python = R"~(@plugin.filter(
    "@NAME@",
    summary="Drops events that lack a key.",
    settings=[millrace.Setting("key", "string", "which key", required=True)],
)
def apply(event, settings):
    """The event, a list of events, or None to drop it."""
    return event if event.get(settings["key"]) is not None else None
)~",
        .python_test = R"~(        settings = {"key": "host"}
        self.assertEqual(testing.run_filter(plugin, "@NAME@", {"host": "web1"}, settings), [{"host": "web1"}])
        self.assertEqual(testing.run_filter(plugin, "@NAME@", {"other": 1}, settings), [])
)~",
        .use = R"~(```yaml
filters:
  - @NAME@:
      key: host
```)~",
    },
    PluginTemplate{
        .kind = "action",
        .cpp = R"~(class @CLASS@ {
 public:
  // Runs on a worker thread; on several at once in parallel rule sets. What it throws is logged as
  // the action's error.
  void run(ActionCall& call) const {
    call.print("hello " + call.settings().string("who") + "\n");
    call.post_event(Json{{"greeted", call.settings().string("who")}});
  }
};
)~",
        .cpp_export = R"~(  plugin.action<@CLASS@>("@NAME@", "Greets.",
                     {Setting("who", MILLRACE_STRING, "whom").required()});
)~",
        .cpp_test = R"~(  testing::ActionTest action(plugin, "@NAME@");
  const auto asked = action.run(Json{{"who", "ann"}}, Json{{"i", 1}});
  MILLRACE_CHECK(asked.at(0)["print"].string() == "hello ann\n");
  MILLRACE_CHECK(asked.at(1)["post_event"]["entry"]["greeted"].string() == "ann");
)~",
        .python = R"~(@plugin.action(
    "@NAME@",
    summary="Greets.",
    settings=[millrace.Setting("who", "string", "whom", required=True)],
)
async def act(call):
    await call.print(f"hello {call.settings['who']}")
    await call.post_event({"greeted": call.settings["who"]})
)~",
        .python_test = R"~(        asked = testing.run_action(plugin, "@NAME@", {"who": "ann"}, event={"i": 1})
        self.assertEqual(asked.posted_events, [{"greeted": "ann"}])
)~",
        .use = R"~(```yaml
action:
  @NAME@:
    who: ann
```)~",
    },
    PluginTemplate{
        .kind = "monitor",
        .cpp = R"~(class @CLASS@ {
 public:
  // Runs on a worker thread, one call at a time.
  Json call(std::string_view function, const Json& argument) {
    if (function != "line") throw Error("only line", MILLRACE_UNSUPPORTED);
    Json events = Json::array();
    const auto& line = argument["line"].string();
    if (line.find("error") != line.npos)
      events.push_back(Json{{"name", "error"}, {"data", Json{{"line", line}}}});
    return events;
  }
};
)~",
        .cpp_export = R"~(  plugin.service<@CLASS@>(MILLRACE_MONITOR, "@NAME@", "Finds lines that tell of errors.");
)~",
        .cpp_test = R"~(  testing::ServiceTest monitor(plugin, "@NAME@");
  MILLRACE_CHECK(monitor.call("line", Json{{"line", "an error"}, {"source", "log"}}).items().size() == 1);
  MILLRACE_CHECK(monitor.call("line", Json{{"line", "all well"}, {"source", "log"}}).items().empty());
)~",
        .python = R"~(@plugin.monitor("@NAME@", summary="Finds lines that tell of errors.")
def line(argument, settings):
    """Of {"line", "source"}: a list of {"name", "data"}."""
    if "error" in argument["line"]:
        return [{"name": "error", "data": {"line": argument["line"]}}]
    return []
)~",
        .python_test = R"~(        monitor = testing.Service(plugin, "monitor", "@NAME@")
        self.assertEqual(len(monitor.call("line", {"line": "an error", "source": "log"})), 1)
        self.assertEqual(monitor.call("line", {"line": "all well", "source": "log"}), [])
)~",
        .use = R"~(A monitor gets each line of a log (`line`: {line, source}) and answers with a list of events {name, data}.)~",
    },
    PluginTemplate{
        .kind = "trigger",
        .cpp = R"~(class @CLASS@ {
 public:
  // Runs on a worker thread, one call at a time.
  Json call(std::string_view function, const Json& argument) {
    if (function != "event") throw Error("only event", MILLRACE_UNSUPPORTED);
    Json events = Json::array();
    if (argument["data"]["status"].string_or("") == "down")
      events.push_back(Json{{"name", "alarm"}, {"data", argument["data"]}});
    return events;
  }
};
)~",
        .cpp_export = R"~(  plugin.service<@CLASS@>(MILLRACE_TRIGGER, "@NAME@", "Raises an alarm for what is down.");
)~",
        .cpp_test = R"~(  testing::ServiceTest trigger(plugin, "@NAME@");
  const Json down{{"name", "check"}, {"data", Json{{"status", "down"}}}};
  MILLRACE_CHECK(trigger.call("event", down).items().size() == 1);
)~",
        .python = R"~(@plugin.trigger("@NAME@", summary="Raises an alarm for what is down.")
def event(argument, settings):
    """Of {"name", "data"}: a list of {"name", "data"}."""
    if argument["data"].get("status") == "down":
        return [{"name": "alarm", "data": argument["data"]}]
    return []
)~",
        .python_test = R"~(        trigger = testing.Service(plugin, "trigger", "@NAME@")
        down = {"name": "check", "data": {"status": "down"}}
        self.assertEqual(trigger.call("event", down), [{"name": "alarm", "data": {"status": "down"}}])
)~",
        .use = R"~(A trigger gets each event (`event`: {name, data}) and answers with a list of further ones.)~",
    },
    PluginTemplate{
        .kind = "hook_class",
        .cpp = R"~(class @CLASS@ {
 public:
  // Runs on a worker thread, one call at a time.
  Json call(std::string_view function, const Json& argument) {
    if (function != "shout") throw Error("only shout", MILLRACE_UNSUPPORTED);
    const auto& result = argument["result"];
    return result.is_string() ? Json(result.string() + "!") : result;
  }
};
)~",
        .cpp_export = R"~(  plugin.service<@CLASS@>(MILLRACE_HOOK_CLASS, "@NAME@", "Shouts.");
)~",
        .cpp_test = R"~(  testing::ServiceTest hooks(plugin, "@NAME@");
  MILLRACE_CHECK(hooks.call("shout", Json{{"result", "hello"}}) == Json("hello!"));
)~",
        .python = R"~(@plugin.hook_class("@NAME@", summary="Shouts.")
class Hooks:
    """A method for each hook: of {"event", "arguments", "result"}, the new result."""

    def shout(self, argument):
        return f"{argument['result']}!"
)~",
        .python_test = R"~(        hooks = testing.Service(plugin, "hook_class", "@NAME@")
        self.assertEqual(hooks.call("shout", {"event": {}, "arguments": {}, "result": "hello"}), "hello!")
)~",
        .use = R"~(A hook class has a function for each of its hooks: of {event, arguments, result} it makes the hook's result.)~",
    },
    PluginTemplate{
        .kind = "worker",
        .cpp = R"~(class @CLASS@ {
 public:
  // Runs on a worker thread, one call at a time.
  Json call(std::string_view function, const Json& argument) {
    if (function != "handle") throw Error("only handle", MILLRACE_UNSUPPORTED);
    if (!argument.is_object()) throw Error("a message must be an object");  // it comes again
    return nullptr;
  }
};
)~",
        .cpp_export = R"~(  plugin.service<@CLASS@>(MILLRACE_WORKER, "@NAME@", "Handles messages.");
)~",
        .cpp_test = R"~(  testing::ServiceTest worker(plugin, "@NAME@");
  MILLRACE_CHECK(worker.call("handle", Json{{"i", 1}}).is_null());
)~",
        .python = R"~(@plugin.worker("@NAME@", summary="Handles messages.")
def handle(message, settings):
    if not isinstance(message, dict):
        raise ValueError("a message must be an object")  # it comes again
)~",
        .python_test = R"~(        worker = testing.Service(plugin, "worker", "@NAME@")
        self.assertIsNone(worker.call("handle", {"i": 1}))
)~",
        .use = R"~(A worker gets messages (`handle`). One that fails comes again.)~",
    },
    PluginTemplate{
        .kind = "config_plugin",
        .cpp = R"~(class @CLASS@ {
 public:
  // Runs on a worker thread, one call at a time.
  Json call(std::string_view function, const Json& argument) {
    if (function != "before") throw Error("only before", MILLRACE_UNSUPPORTED);
    Json keys = argument["keys"];
    keys["seen_by"] = "@NAME@";
    return Json{{"keys", keys}};
  }
};
)~",
        .cpp_export = R"~(  plugin.service<@CLASS@>(MILLRACE_CONFIG_PLUGIN, "@NAME@", "Changes the configuration.");
)~",
        .cpp_test = R"~(  testing::ServiceTest config(plugin, "@NAME@");
  const auto answer = config.call("before", Json{{"parent", "a"}, {"keys", Json{{"b", 1}}}});
  MILLRACE_CHECK(answer["keys"]["b"].integer() == 1);
  MILLRACE_CHECK(answer["keys"]["seen_by"].string() == "@NAME@");
)~",
        .python = R"~(@plugin.config_plugin("@NAME@", summary="Changes the configuration.")
class Config:
    """A method for each position: of {"parent", "keys"}, the new {"keys"}."""

    def before(self, argument):
        return {"keys": {**argument["keys"], "seen_by": "@NAME@"}}
)~",
        .python_test = R"~(        config = testing.Service(plugin, "config_plugin", "@NAME@")
        answer = config.call("before", {"parent": "a", "keys": {"b": 1}})
        self.assertEqual(answer, {"keys": {"b": 1, "seen_by": "@NAME@"}})
)~",
        .use = R"~(A config plugin has a function for each position at which it changes the configuration: of {parent, keys} it makes {keys}.)~",
    },
    PluginTemplate{
        .kind = "param_processor",
        .cpp = R"~(class @CLASS@ {
 public:
  // Runs on a worker thread, one call at a time.
  Json call(std::string_view function, const Json& argument) {
    if (function != "process") throw Error("only process", MILLRACE_UNSUPPORTED);
    return argument["value"].is_string() ? Json("<" + argument["value"].string() + ">")
                                         : argument["value"];
  }
};
)~",
        .cpp_export = R"~(  plugin.service<@CLASS@>(MILLRACE_PARAM_PROCESSOR, "@NAME@", "Puts texts into brackets.");
)~",
        .cpp_test = R"~(  testing::ServiceTest processor(plugin, "@NAME@");
  MILLRACE_CHECK(processor.call("process", Json{{"name", "a"}, {"value", "b"}}) == Json("<b>"));
)~",
        .python = R"~(@plugin.param_processor("@NAME@", summary="Puts texts into brackets.")
def process(argument, settings):
    """Of {"name", "value", "setting"}: the value."""
    return f"<{argument['value']}>"
)~",
        .python_test = R"~(        processor = testing.Service(plugin, "param_processor", "@NAME@")
        self.assertEqual(processor.call("process", {"name": "a", "value": "b", "setting": None}), "<b>")
)~",
        .use = R"~(A param processor (`process`: {name, value, setting}) makes the value that is used of the one that was given.)~",
    },
    PluginTemplate{
        .kind = "pattern",
        .cpp = R"~()~",
        .cpp_export = R"~(  plugin.pattern("@NAME@", "[a-z]+-[0-9]+", "A word, a dash and a number.");
)~",
        .cpp_test = R"~(  MILLRACE_CHECK(plugin.patterns.size() == 1);
  MILLRACE_CHECK(plugin.patterns[0].name == "@NAME@");
)~",
        .python = R"~(plugin.pattern("@NAME@", r"[a-z]+-[0-9]+", summary="A word, a dash and a number.")
)~",
        .python_test = R"~(        self.assertEqual([pattern.name for pattern in plugin.patterns], ["@NAME@"])
)~",
        .use = R"~(The filters of monitors may use the pattern by its name.)~",
    },
};
// clang-format on

}  // namespace

std::span<const PluginTemplate> plugin_templates() { return kTemplates; }

}  // namespace millrace::cli
