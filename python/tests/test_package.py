# SPDX-License-Identifier: Apache-2.0
"""The millrace package by itself: declarations, settings, and running extensions without an engine."""

from __future__ import annotations

import asyncio
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import millrace  # noqa: E402
from millrace import Setting, testing  # noqa: E402

plugin = millrace.Plugin("weather", version="1.0", summary="Tells the weather.")


@plugin.source(
    "weather",
    settings=[
        Setting("city", "string", "which city", required=True),
        Setting("count", "integer", default="1000", least=1, most=1000),
        Setting("unit", "string", choices=["celsius", "kelvin"], default="celsius"),
    ],
)
async def weather(queue, settings):
    for i in range(settings["count"]):
        await queue.put({"city": settings["city"], "i": i})


@plugin.source("stubborn")
async def stubborn(queue, settings):
    try:
        await queue.put([{"a": 1}, {"b": 2}])
        queue.put_nowait({"c": 3})
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        await queue.put({"cleaned": True})
        raise


@plugin.source("failing")
async def failing(queue, settings):
    raise OSError("no network")


@plugin.filter("upper")
def upper(event, settings):
    return None if event.get("drop") else {key.upper(): value for key, value in event.items()}


@plugin.filter("twice")
async def twice(event, settings):
    return [event, event]


@plugin.action("notify", settings=[Setting("text", "string", required=True)])
async def notify(call):
    facts = await call.facts()
    await call.post_event(
        {"text": call.settings["text"], "of": call.event, "rule": call.rule, "facts": facts}
    )


@plugin.trigger("burst")
class Burst:
    def __init__(self):
        self.count = 0

    async def event(self, argument):
        self.count += 1
        return self.count


class Declaring(unittest.TestCase):
    def test_a_name_is_declared_once_a_kind(self):
        with self.assertRaisesRegex(ValueError, "has declared the filter upper already"):
            plugin.filter("upper")(upper)
        with self.assertRaisesRegex(ValueError, "pattern"):
            other = millrace.Plugin("other")
            other.pattern("p", "x")
            other.pattern("p", "y")

    def test_what_cannot_serve_is_refused_at_once(self):
        with self.assertRaisesRegex(TypeError, "coroutine function"):
            plugin.source("plain")(lambda queue, settings: None)
        with self.assertRaisesRegex(TypeError, "must be a class"):
            plugin.hook_class("plain")(lambda argument: None)
        with self.assertRaisesRegex(TypeError, "plain function"):
            plugin.on_load(weather)
        with self.assertRaises(TypeError):
            plugin.filter("wrong", nosuch=1)(upper)
        with self.assertRaisesRegex(ValueError, "type must be one of"):
            Setting("x", "text")
        with self.assertRaisesRegex(ValueError, "x must be an integer"):
            Setting("x", "integer", default="many")


class Settings(unittest.TestCase):
    def test_values_become_the_declared_type(self):
        for kind, given, value in (
            ("string", 5, "5"), ("string", True, "true"), ("integer", " +10 ", 10), ("integer", 2.7, 2),
            ("number", "1e3", 1000.0), ("number", 5, 5.0), ("boolean", "Yes", True), ("boolean", 0, False),
            ("seconds", "1.5", 1.5), ("strings", "one", ["one"]), ("strings", ["a", 1], ["a", "1"]),
            ("list", [1, "a"], [1, "a"]), ("object", {"a": 1}, {"a": 1}), ("any", None, None),
        ):  # fmt: skip
            self.assertEqual(Setting("x", kind, nullable=False).check(given), value, (kind, given))

    def test_what_does_not_fit_is_named(self):
        for setting, given, message in (
            (Setting("x", "integer"), "ten", "x must be an integer, not `ten`"),
            (Setting("x", "integer"), True, "x must be an integer, not true"),
            (Setting("x", "number"), "nan", "x must be a number, not `nan`"),
            (Setting("x", "boolean"), 2, "x must be true or false, not 2"),
            (Setting("x", "strings"), {"a": 1}, "x must be a list of strings, not a mapping"),
            (Setting("x", "string"), None, "x must be a string, not null"),
            (Setting("x", "integer", secret=True), "s3cret", "x must be an integer, not this text"),
            (Setting("x", "integer", least=1), 0, "x must be at least 1"),
            (Setting("x", "seconds", most=60), 61, "x must be at most 60"),
            (Setting("x", "string", choices=["a", "b"]), "c", "x must be one of a, b, not `c`"),
            (Setting("x", "strings", choices=["a"]), ["a", "c"], "x must be one of a, not `c`"),
        ):
            with self.assertRaises(ValueError) as raised:
                setting.check(given)
            self.assertEqual(str(raised.exception), message)

    def test_all_faults_are_told_at_once(self):
        with self.assertRaises(millrace.InvalidSettings) as raised:
            testing.run_source(plugin, "weather", {"count": 0, "citty": "Oslo"})
        self.assertEqual(
            str(raised.exception),
            "city is required (which city); count must be at least 1; "
            "citty is not a known setting (did you mean city?)",
        )

    def test_null_counts_as_nothing_where_it_may(self):
        declared = [Setting("x", "integer", default=3, nullable=True)]
        self.assertEqual(millrace.check_settings(declared, {"x": None, "y": 1}, "warning"), {"x": 3})


class Running(unittest.TestCase):
    def test_a_source_until_it_has_put_so_many(self):
        run = testing.run_source(plugin, "weather", {"city": "Oslo"}, events=2)
        self.assertEqual(run.events[:2], [{"city": "Oslo", "i": 0}, {"city": "Oslo", "i": 1}])
        self.assertTrue(run.was_cancelled)

    def test_a_source_to_its_end(self):
        run = testing.run_source(plugin, "weather", {"city": "Oslo", "count": 3})
        self.assertEqual((len(run.events), run.was_cancelled), (3, False))
        with self.assertRaises(EOFError):
            testing.run_source(plugin, "weather", {"city": "Oslo", "count": 3}, events=4)
        with self.assertRaisesRegex(OSError, "no network"):
            testing.run_source(plugin, "failing", events=1)
        with self.assertRaises(asyncio.TimeoutError):
            testing.run_source(plugin, "stubborn", events=9, timeout=0.01)

    def test_cancellation_and_an_engine_that_is_behind(self):
        async def run():
            async with testing.Source(plugin, "stubborn") as source:
                await source.take(3)
                self.assertTrue(await source.cancel())
                self.assertEqual(source.events[3:], [{"cleaned": True}])
            async with testing.Source(plugin, "weather", {"city": "Oslo", "count": 5}) as source:
                source.take_more(2)
                await asyncio.sleep(0.01)
                self.assertEqual(len(source.events), 2)
                source.take_more()
                await source.ended()
                self.assertEqual(len(source.events), 5)

        asyncio.run(run())

    def test_filters(self):
        self.assertEqual(testing.run_filter(plugin, "upper", {"a": 1}), [{"A": 1}])
        self.assertEqual(testing.run_filter(plugin, "upper", {"drop": 1}), [])
        self.assertEqual(testing.run_filter(plugin, "twice", {"a": 1}), [{"a": 1}] * 2)

    def test_an_action(self):
        engine = testing.FakeEngine(known=[{"f": 1}])
        testing.run_action(plugin, "notify", {"text": "hi"}, event={"i": 1}, rule="r", engine=engine)
        self.assertEqual(
            engine.posted_events, [{"text": "hi", "of": {"i": 1}, "rule": "r", "facts": [{"f": 1}]}]
        )
        engine.refusals["facts"] = millrace.EngineError("not_found", "Ruleset x not found")
        with self.assertRaisesRegex(millrace.EngineError, "Ruleset x not found"):
            testing.run_action(plugin, "notify", {"text": "hi"}, engine=engine)

    def test_a_service(self):
        service = testing.Service(plugin, "trigger", "burst")
        self.assertEqual([service.call("event", {}), service.call("event", {})], [1, 2])
        with self.assertRaises(millrace.Unsupported):
            service.call("nosuch")
        service.close()
        with self.assertRaisesRegex(LookupError, "declares no worker burst"):
            testing.Service(plugin, "worker", "burst")

    def test_the_load_phase(self):
        other = millrace.Plugin("other")
        done = []

        @other.on_load
        def load(context):
            context.configuration.set("a.b", context.configuration.get("a.c", 0) + 1)
            context.call_soon(done.append, 1)
            with self.assertRaisesRegex(millrace.PhaseError, "^plugin other: no thread may be started"):
                threading.Thread(target=print).start()
            with self.assertRaisesRegex(millrace.PhaseError, "^plugin other: set_fact is refused"):
                context.set_fact({"a": 1})
            with self.assertRaisesRegex(ValueError, "is not a mapping"):
                context.configuration.set("a.b.c", 1)

        loaded = testing.load(other, {"a": {"c": 4}})
        self.assertEqual((loaded.configuration, done), ({"a": {"c": 4, "b": 5}}, []))
        loaded.go_live()
        self.assertEqual(done, [1])
        threading.Thread(target=lambda: None).start()


if __name__ == "__main__":
    unittest.main()
