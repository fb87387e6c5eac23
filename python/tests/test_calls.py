# SPDX-License-Identifier: Apache-2.0
"""Filters, actions and services."""

from __future__ import annotations

import unittest

from engine import Engine, frames

PLUGIN = """
import asyncio
import millrace

plugin = millrace.Plugin("tools", version="1.2", summary="Many things.")

@plugin.source("count", aliases=["acme.tools.count"],
               settings=[millrace.Setting("limit", "integer", "how many", default=3)])
async def count(queue, settings):
    "Counts. And more."
    for i in range(settings["limit"]):
        await queue.put({"i": i})

@plugin.filter("upper", unknown="warning")
def upper(event, settings):
    if event.get("bad"):
        raise millrace.InvalidEvent("bad event")
    if event.get("worse"):
        raise RuntimeError("worse")
    return None if event.get("drop") else {key.upper(): value for key, value in event.items()}

@plugin.filter("slow")
async def slow(event, settings):
    await asyncio.sleep(0.001)
    return [event] * event["times"]

@plugin.action("notify")
async def notify(call):
    if call.settings.get("wait"):
        await asyncio.sleep(1000)
    await call.post_event({"seen": call.event}, rule_set="other")
    facts = await call.facts()
    await call.retract_fact({"a": 1}, partial=False)
    await call.shut_down("done", delay=1.5)
    await call.banner("notify", f"{call.rule} {call.rule_set} {call.hosts} {facts}")
    call.log.info("notified")

@plugin.action("broken")
def broken(call):
    raise ValueError("no way")

@plugin.action("late")
async def late(call):
    async def post():
        await asyncio.sleep(0.01)
        try:
            await call.post_event({})
        except millrace.PhaseError as error:
            print(error)
    asyncio.create_task(post())

@plugin.worker("handle_it")
def handle_it(message, settings):
    if message == "again":
        raise ValueError("later")
    return {"given": settings}

@plugin.trigger("burst")
class Burst:
    def __init__(self, settings):
        self.count = 0
        self.least = settings["least"]

    def event(self, argument):
        self.count += 1
        return [{"name": "burst", "data": argument["data"]}] if self.count >= self.least else []

    def close(self):
        print("closed")

@plugin.hook_class("hooks")
class Hooks:
    async def restart(self, argument):
        await asyncio.sleep(0.001)
        return [argument["event"], argument["result"]]

    def _hidden(self, argument):
        pass

plugin.pattern("ipv4", r"[0-9.]+", summary="an address")
"""


class LegacyFilters(unittest.TestCase):
    def outcomes(self, text, events, **settings):
        with Engine() as engine:
            path, _ = engine.load(text, "filter")
            channel = engine.start(path, "filter", settings=settings)
            result = engine.call(channel, events=events)
            return result["value"]

    def test_a_dict_a_list_nothing(self):
        text = """
            def main(event, keep=True):
                if event["n"] == 0:
                    return []
                if event["n"] == 1:
                    event["kept"] = keep
                    return event
                return [event] * event["n"] if event["n"] < 9 else None
            """
        values = self.outcomes(text, [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 9}], keep="yes")
        self.assertEqual(
            [value["events"] for value in values],
            [[], [{"n": 1, "kept": "yes"}], [{"n": 2}, {"n": 2}], [None]],
        )

    def test_an_exception_is_one_events(self):
        text = "def main(event):\n    return {'x': 1 / event['n']}\n"
        failed, made = self.outcomes(text, [{"n": 0}, {"n": 1}])
        error = failed["error"]
        self.assertEqual((error["code"], error["type"]), ("failed", "ZeroDivisionError"))
        self.assertEqual(error["message"], "division by zero")
        self.assertTrue(error["frames"][0].endswith("plugin.py:2 main"))
        self.assertEqual(made, {"events": [{"x": 1.0}]})

    def test_a_result_that_is_no_json_refuses_the_event(self):
        (failed,) = self.outcomes("def main(event):\n    return {'x': object()}\n", [{}])
        self.assertEqual(failed["error"]["code"], "invalid_event")

    def test_an_exit_in_a_filter_fails_the_event(self):
        (failed,) = self.outcomes("def main(event):\n    raise SystemExit(1)\n", [{}])
        self.assertEqual(failed["error"]["type"], "SystemExit")

    def test_arguments_it_does_not_take_fail_the_start(self):
        cases = [
            ({"x": 1, "y": 2}, "main() got an unexpected keyword argument 'y'"),
            ({}, "main() missing a required argument: 'x'"),
        ]
        with Engine() as engine:
            path, _ = engine.load("def main(event, x):\n    return event\n", "filter")
            for settings, message in cases:
                channel = engine.new_channel()
                start = {"file": path, "kind": "filter", "extension": None, "name": "f", "settings": settings}
                engine.send(frames.START, channel, start)
                kind, _, failure = engine.receive()
                self.assertEqual(
                    (kind, failure["type"], failure["message"]), (frames.FAILED, "TypeError", message)
                )

    def test_a_file_without_main(self):
        with Engine() as engine:
            _, failure = engine.load("x = 1\n", "filter")
            self.assertIn("must have function 'main'", failure["message"])


class Package(unittest.TestCase):
    def setUp(self):
        self.engine = Engine().__enter__()
        self.addCleanup(self.engine.__exit__, None, None, None)
        self.path, self.loaded = self.engine.load(PLUGIN, configuration={"a": {"b": 1}})

    def live(self):
        self.engine.send(frames.LIVE, 0)

    def test_what_is_loaded_is_told(self):
        self.assertEqual(
            self.loaded["plugin"], {"name": "tools", "version": "1.2", "summary": "Many things."}
        )
        kinds = [(e["kind"], e["name"]) for e in self.loaded["extensions"]]
        self.assertEqual(kinds[0], ("source", "count"))
        self.assertIn(("hook_class", "hooks"), kinds)
        count = self.loaded["extensions"][0]
        self.assertEqual(count["aliases"], ["acme.tools.count"])
        self.assertEqual(count["summary"], "Counts. And more.")
        self.assertEqual(
            count["settings"],
            [{"name": "limit", "type": "integer", "meaning": "how many", "default": 3, "required": False,
              "choices": [], "least": None, "most": None, "secret": False, "nullable": False}],
        )  # fmt: skip
        self.assertEqual(self.loaded["extensions"][1]["unknown"], "warning")
        self.assertEqual(
            self.loaded["patterns"], [{"name": "ipv4", "pattern": "[0-9.]+", "summary": "an address"}]
        )
        self.assertEqual(self.loaded["configuration"], {"a": {"b": 1}})

    def test_a_source(self):
        channel = self.engine.start(self.path, "source", "acme.tools.count", settings={"limit": 2})
        self.assertEqual(self.engine.end_of(channel)[0], frames.ENDED)
        self.assertEqual(self.engine.events[channel], [{"i": 0}, {"i": 1}])

    def test_an_extension_that_is_not_there(self):
        channel = self.engine.start(self.path, "source", "nosuch")
        failure = self.engine.end_of(channel)[1]
        self.assertEqual(failure["type"], "LookupError")
        self.assertIn("declares no source nosuch", failure["message"])

    def test_filters(self):
        channel = self.engine.start(self.path, "filter", "upper")
        events = [{"a": 1}, {"drop": 1}, {"bad": 1}, {"worse": 1}]
        values = self.engine.call(channel, events=events)["value"]
        self.assertEqual(values[:2], [{"events": [{"A": 1}]}, {"events": []}])
        self.assertEqual([value["error"]["code"] for value in values[2:]], ["invalid_event", "failed"])
        self.assertEqual(values[2]["error"]["message"], "bad event")

    def test_a_filter_that_waits(self):
        channel = self.engine.start(self.path, "filter", "slow")
        values = self.engine.call(channel, events=[{"times": 2}, {}, {"times": 0}])["value"]
        self.assertEqual(values[0], {"events": [{"times": 2}] * 2})
        self.assertEqual(values[1]["error"]["type"], "KeyError")
        self.assertEqual(values[2], {"events": []})

    def test_an_action_asks_the_engine(self):
        self.live()
        channel = self.engine.start(self.path, "action", "notify")
        context = {"action": "notify", "rule_set": "rs", "rule": "r", "hosts": ["h"], "event": {"i": 1}}
        self.engine.send(frames.CALL, channel, {"id": 5, "settings": {}, "context": context})
        asked = []
        while True:
            kind, _, payload = self.engine.receive()
            if kind == frames.RESULT:
                self.assertEqual(payload, {"id": 5, "value": None})
                break
            asked.append((payload["method"], payload["arguments"]))
            value = [{"f": 1}] if payload["method"] == "facts" else None
            self.engine.send(frames.ANSWER, channel, {"id": payload["id"], "value": value})
        self.assertEqual(
            asked,
            [
                ("post_event", {"event": {"seen": {"i": 1}}, "ruleset": "other"}),
                ("facts", {}),
                ("retract_fact", {"fact": {"a": 1}, "partial": False}),
                ("shut_down", {"message": "done", "delay": 1.5, "kind": "graceful"}),
                ("banner", {"name": "notify", "text": "r rs ['h'] [{'f': 1}]"}),
            ],
        )
        self.assertEqual(
            (self.engine.logs[-1]["message"], self.engine.logs[-1]["channel"]), ("notified", channel)
        )

    def test_a_request_that_is_refused_and_a_failing_action(self):
        self.live()
        channel = self.engine.start(self.path, "action", "notify")
        self.engine.send(frames.CALL, channel, {"id": 1, "settings": {}, "context": {}})
        number = self.engine.wait_for(frames.REQUEST, channel)["id"]
        error = {"code": "not_found", "message": "Ruleset other not found"}
        self.engine.send(frames.ANSWER, channel, {"id": number, "error": error})
        error = self.engine.wait_for(frames.RESULT, channel)["error"]
        self.assertEqual((error["type"], error["message"]), ("EngineError", "Ruleset other not found"))
        broken = self.engine.start(self.path, "action", "broken")
        error = self.engine.call(broken, settings={}, context={})["error"]
        self.assertEqual((error["code"], error["type"], error["message"]), ("failed", "ValueError", "no way"))

    def test_a_call_is_stopped_and_an_instance_closed(self):
        self.live()
        channel = self.engine.start(self.path, "action", "notify")
        for number in (1, 2):
            self.engine.send(frames.CALL, channel, {"id": number, "settings": {"wait": 1}, "context": {}})
        self.engine.send(frames.STOP_CALL, channel, {"id": 1})
        result = self.engine.wait_for(frames.RESULT, channel)
        self.assertEqual((result["id"], result["error"]["code"]), (1, "cancelled"))
        self.engine.send(frames.CANCEL, channel)
        result = self.engine.wait_for(frames.RESULT, channel)
        self.assertEqual((result["id"], result["error"]["code"]), (2, "cancelled"))
        self.assertEqual(self.engine.end_of(channel), (frames.ENDED, {"cancelled": True}))
        self.assertIn("error", self.engine.call(channel, events=[]))

    def test_requests_before_live_and_after_the_call_are_refused(self):
        channel = self.engine.start(self.path, "action", "notify")
        error = self.engine.call(channel, settings={}, context={})["error"]
        self.assertEqual(error["type"], "PhaseError")
        self.assertEqual(error["message"], "plugin tools: post_event is refused before the engine is live")
        self.live()
        late = self.engine.start(self.path, "action", "late")
        self.assertNotIn("error", self.engine.call(late, settings={}, context={}))
        while "the call has ended" not in self.engine.printed():
            self.engine.ping()

    def test_services_of_functions_and_classes(self):
        worker = self.engine.start(self.path, "worker", "handle_it", settings={"x": 1})
        value = self.engine.call(worker, function="handle", argument={})["value"]
        self.assertEqual(value, {"given": {"x": 1}})
        error = self.engine.call(worker, function="handle", argument="again")["error"]
        self.assertEqual((error["code"], error["message"]), ("failed", "later"))
        self.assertEqual(self.engine.call(worker, function="nosuch")["error"]["code"], "unsupported")

        trigger = self.engine.start(self.path, "trigger", "burst", settings={"least": 2})
        argument = {"name": "n", "data": {"d": 1}}
        values = [self.engine.call(trigger, function="event", argument=argument)["value"] for _ in range(2)]
        self.assertEqual(values, [[], [{"name": "burst", "data": {"d": 1}}]])
        self.engine.send(frames.CANCEL, trigger)
        self.engine.end_of(trigger)
        self.assertEqual(self.engine.printed(), "closed\n")

        hooks = self.engine.start(self.path, "hook_class", "hooks")
        argument = {"event": "e", "arguments": [], "result": 4}
        self.assertEqual(self.engine.call(hooks, function="restart", argument=argument)["value"], ["e", 4])
        for name in ("_hidden", "__init__", "nosuch"):
            self.assertEqual(self.engine.call(hooks, function=name)["error"]["code"], "unsupported")

    def test_a_host_that_was_started_again_loads_by_itself(self):
        with Engine() as engine:
            channel = engine.start(self.path, "worker", "handle_it")
            self.assertEqual(engine.call(channel, function="handle", argument=1)["value"], {"given": {}})


class LoadPhase(unittest.TestCase):
    def load(self, body, **more):
        with Engine() as engine:
            text = "import millrace, threading, asyncio, time\nplugin = millrace.Plugin('weather')\n" + body
            return engine.load(text, **more)[1]

    def test_configuration_is_read_and_changed(self):
        loaded = self.load(
            "@plugin.on_load\n"
            "def load(context):\n"
            "    assert context.configuration.get('a.b') == 1 and context.configuration.get('l.1') == 6\n"
            "    assert context.configuration.get('a.c', 'no') == 'no' and 'a.b' in context.configuration\n"
            "    context.configuration.set('a.c.d', 2)\n"
            "    context.configuration.remove('l')\n",
            configuration={"a": {"b": 1}, "l": [5, 6]},
        )
        self.assertEqual(loaded["configuration"], {"a": {"b": 1, "c": {"d": 2}}})

    def test_threads_are_refused_in_the_file_and_in_on_load(self):
        for body in (
            "threading.Thread(target=print).start()\n",
            "import _thread; _thread.start_new_thread(print, ())\n",
            "from concurrent.futures import ThreadPoolExecutor; ThreadPoolExecutor().submit(print)\n",
            "@plugin.on_load\ndef load(context):\n    threading.Thread(target=print).start()\n",
        ):
            failure = self.load(body)
            self.assertEqual(failure["type"], "PhaseError", body)
            message = "plugin weather: no thread may be started while plugins are loaded"
            self.assertTrue(failure["message"].startswith(message), failure["message"])

    def test_publishing_is_refused(self):
        failure = self.load("@plugin.on_load\ndef load(context):\n    context.post_event({'a': 1})\n")
        self.assertEqual(failure["type"], "PhaseError")
        self.assertTrue(failure["message"].startswith("plugin weather: post_event is refused while plugins"))

    def test_what_was_put_off_runs_when_the_engine_is_live(self):
        text = """
            import asyncio, millrace, threading

            plugin = millrace.Plugin("weather")

            async def later(text):
                await asyncio.sleep(0.001)
                print(text)

            def now(text):
                thread = threading.Thread(target=print, args=(text,))
                thread.start()
                thread.join()

            @plugin.on_load
            def load(context):
                context.call_soon(now, "first")
                context.call_soon(lambda: 1 / 0)
                context.call_soon(later, "second")
            """
        with Engine() as engine:
            _, loaded = engine.load(text)
            self.assertEqual(loaded["deferred"], 3)
            engine.ping()
            self.assertEqual(engine.printed(), "")
            engine.send(frames.LIVE, 0)
            while engine.printed() != "first\nsecond\n":
                engine.ping()
            self.assertIn("plugin weather", engine.logs[0]["message"])

    def test_legacy_files_start_what_they_like(self):
        with Engine() as engine:
            text = "import threading\nthreading.Thread(target=print).start()\nasync def main(queue, args): pass\n"
            _, loaded = engine.load(text, "source")
            self.assertIsNone(loaded["plugin"])

    def test_a_file_that_is_no_plugin(self):
        with Engine() as engine:
            _, failure = engine.load("x = 1\n")
            self.assertIn("no millrace.Plugin", failure["message"])


if __name__ == "__main__":
    unittest.main()
