# SPDX-License-Identifier: Apache-2.0
"""Sources: every way to put, every way to end."""

from __future__ import annotations

import unittest

from engine import Engine, HostIsGone, frames


class Putting(unittest.TestCase):
    def run_to_end(self, text: str, **start):
        with Engine() as engine:
            channel = engine.start_source(text, **start)
            kind, payload = engine.end_of(channel)
            self.assertEqual(kind, frames.ENDED, payload)
            return engine.events.get(channel, []), engine.numbers.get(channel, []), engine

    def test_dicts_and_lists_are_numbered_from_one(self):
        events, numbers, _ = self.run_to_end(
            """
            async def main(queue, args):
                await queue.put({"a": 1})
                await queue.put([{"b": 2}, {"c": 3}])
                await queue.put([])
                queue.put_nowait({"d": 4})
                queue.put_nowait([{"e": 5}, {"f": 6}])
            """
        )
        self.assertEqual(events, [{"a": 1}, {"b": 2}, {"c": 3}, {"d": 4}, {"e": 5}, {"f": 6}])
        self.assertEqual(numbers, [1, 2, 3, 4, 5, 6])

    def test_tasks_threads_and_callbacks_put(self):
        events, numbers, _ = self.run_to_end(
            """
            import asyncio, threading

            async def main(queue, args):
                loop = asyncio.get_running_loop()
                def work():
                    asyncio.run_coroutine_threadsafe(queue.put({"from": "thread"}), loop).result()
                    queue.put_nowait({"from": "thread, no wait"})
                thread = threading.Thread(target=work)
                thread.start()
                while thread.is_alive():
                    await asyncio.sleep(0.01)
                loop.call_soon(lambda: asyncio.create_task(queue.put({"from": "callback"})))
                await asyncio.sleep(0.01)
                asyncio.create_task(queue.put({"from": "task left behind"}))
            """
        )
        expected = ["thread", "thread, no wait", "callback", "task left behind"]
        self.assertEqual([event["from"] for event in events], expected)
        self.assertEqual(numbers, [1, 2, 3, 4])

    def test_put_waits_for_credit_in_order(self):
        with Engine() as engine:
            channel = engine.start_source(
                """
                import asyncio

                async def main(queue, args):
                    await asyncio.gather(*[queue.put({"i": i}) for i in range(5)])
                    await queue.put([{"i": i} for i in range(5, 9)])
                """,
                credits=1,
            )
            engine.wait_for_events(channel, 1)
            engine.ping()
            self.assertEqual(len(engine.events[channel]), 1)
            engine.add_credits(channel, 2)
            engine.wait_for_events(channel, 3)
            engine.ping()
            self.assertEqual(len(engine.events[channel]), 3)
            engine.add_credits(channel, 3)
            engine.wait_for_events(channel, 6)
            engine.add_credits(channel, 1000)
            engine.end_of(channel)
            self.assertEqual([event["i"] for event in engine.events[channel]], list(range(9)))

    def test_a_flood_without_waiting_meets_queue_full(self):
        events, _, engine = self.run_to_end(
            """
            import asyncio

            async def main(queue, args):
                full = 0
                for i in range(1000):
                    try:
                        queue.put_nowait({"i": i})
                    except asyncio.QueueFull:
                        full += 1
                assert queue.full() and queue.empty() and queue.qsize() == 0 and queue.maxsize == 1
                print("full", full)
            """,
            credits=10,
        )
        self.assertEqual(events, [{"i": i} for i in range(10)])

    def test_a_flood_of_puts_can_be_cancelled(self):
        with Engine() as engine:
            channel = engine.start_source(
                "async def main(queue, args):\n    while True:\n        await queue.put({'i': 1})\n",
                credits=1 << 30,
            )
            engine.wait_for_events(channel, 1000)
            engine.send(frames.CANCEL, channel)
            self.assertEqual(engine.end_of(channel), (frames.ENDED, {"cancelled": True}))

    def test_an_event_that_is_no_dict_raises_type_error(self):
        with Engine() as engine:
            channel = engine.start_source("async def main(queue, args):\n    await queue.put('text')\n")
            kind, payload = engine.end_of(channel)
            self.assertEqual((kind, payload["type"]), (frames.FAILED, "TypeError"))
            self.assertEqual(payload["message"], "an event must be a dict, not str")

    def test_filters_may_follow_then_anything_is_put(self):
        events, _, _ = self.run_to_end(
            "async def main(queue, args):\n    await queue.put('text')\n    await queue.put([1, None])\n",
            filtered=True,
        )
        self.assertEqual(events, ["text", 1, None])

    def test_values_that_are_no_json_are_written_as_what_they_mean(self):
        events, _, engine = self.run_to_end(
            """
            import collections, datetime, decimal, enum, pathlib, uuid

            class Colour(enum.Enum):
                RED = "red"

            async def main(queue, args):
                await queue.put({
                    "tuple": (1, 2), "set": {7}, "deque": collections.deque([1]), "range": range(3),
                    "keys": {"a": 1}.keys(), "ordered": collections.OrderedDict(b=1),
                    "datetime": datetime.datetime(2026, 7, 1, 12, 30, tzinfo=datetime.timezone.utc),
                    "date": datetime.date(2026, 7, 1), "time": datetime.time(12, 30),
                    "bytes": "é".encode(), "raw": b"\\xff\\x00", "uuid": uuid.UUID(int=1),
                    "path": pathlib.Path("/tmp/x"), "decimal": decimal.Decimal("1.10"), "enum": Colour.RED,
                    "big": 2 ** 70, "nan": float("nan"), "inf": [float("inf")], "text": "日本 \\ud83d\\ude00 \\udcff",
                    1: "integer", None: "none", True: "true", 1.5: "float", datetime.date(2026, 7, 2): "date",
                })
            """
        )
        self.assertEqual(
            events,
            [
                {
                    "tuple": [1, 2], "set": [7], "deque": [1], "range": [0, 1, 2], "keys": ["a"],
                    "ordered": {"b": 1}, "datetime": "2026-07-01T12:30:00+00:00", "date": "2026-07-01",
                    "time": "12:30:00", "bytes": "é", "raw": "/wA=",
                    "uuid": "00000000-0000-0000-0000-000000000001", "path": "/tmp/x", "decimal": "1.10",
                    "enum": "red", "big": 2**70, "nan": None, "inf": [None], "text": "日本 😀 \ufffd",
                    "1": "true", "null": "none", "1.5": "float", "2026-07-02": "date",
                }
            ],
        )  # fmt: skip
        self.assertEqual(len([log for log in engine.logs if "null" in log["message"]]), 1)

    def test_what_cannot_be_written_is_refused_and_the_source_goes_on(self):
        with Engine() as engine:
            channel = engine.start_source(
                """
                async def main(queue, args):
                    loop = {}
                    loop["self"] = loop
                    await queue.put({"o": object()})
                    await queue.put([{"a": 1}, {"g": (i for i in [1])}, {"b": 2}])
                    await queue.put(loop)
                    await queue.put({("a", 1): 2})
                    await queue.put({"c": 3})
                """
            )
            refused = [engine.wait_for(frames.REFUSED, channel)["message"] for _ in range(4)]
            engine.end_of(channel)
            self.assertEqual(engine.events[channel], [{"a": 1}, {"b": 2}, {"c": 3}])
            self.assertEqual(engine.numbers[channel], [1, 2, 3])
            self.assertEqual(refused[0], "an event was refused: an object cannot be written as JSON")
            self.assertIn("contains itself", refused[2])
            self.assertIn("cannot be a key", refused[3])

    def test_large_events_and_lists_are_cut_into_frames(self):
        events, numbers, _ = self.run_to_end(
            """
            async def main(queue, args):
                await queue.put({"text": "x" * 5_000_000})
                await queue.put([{"i": i, "text": "y" * 1000} for i in range(5000)])
            """,
            credits=100_000,
        )
        self.assertEqual(len(events), 5001)
        self.assertEqual(numbers, list(range(1, 5002)))

    def test_acknowledged_events_survive_a_kill(self):
        with Engine() as engine:
            channel = engine.start_source(
                """
                async def main(queue, args):
                    for i in range(10_000_000):
                        await queue.put({"i": i})
                        if i % 100 == 0:
                            with open(args["file"], "w") as file:
                                file.write(str(i))
                """,
                settings={"file": engine.folder.name + "/last"},
                credits=1 << 30,
            )
            engine.wait_for_events(channel, 5000)
            engine.kill()
            with self.assertRaises(HostIsGone):
                while True:
                    engine.receive()
            with open(engine.folder.name + "/last") as file:
                acknowledged = int(file.read() or 0)
            received = [event["i"] for event in engine.events[channel]]
            self.assertEqual(received, list(range(len(received))))
            self.assertGreater(len(received), acknowledged)


class Ending(unittest.TestCase):
    def failure_of(self, text: str, configure=None, **start):
        with Engine(configure) as engine:
            channel = engine.start_source(text, **start)
            kind, payload = engine.end_of(channel)
            self.assertEqual(kind, frames.FAILED, payload)
            engine.ping()
            return payload

    def test_an_exception_is_told_with_its_frames_innermost_first(self):
        failure = self.failure_of(
            """
            def inner():
                raise ValueError("boom")

            async def main(queue, args):
                inner()
            """
        )
        self.assertEqual((failure["type"], failure["message"]), ("ValueError", "boom"))
        self.assertEqual([frame.rsplit("/", 1)[1] for frame in failure["frames"]],
                         ["plugin.py:3 inner", "plugin.py:6 main"])  # fmt: skip
        self.assertTrue(failure["traceback"].startswith("Traceback (most recent call last):\n"))
        self.assertTrue(failure["traceback"].endswith("ValueError: boom\n"))
        self.assertNotIn("millrace_host", failure["traceback"])

    def test_an_exception_without_a_message(self):
        failure = self.failure_of("async def main(queue, args):\n    raise KeyError\n")
        self.assertEqual((failure["type"], failure["message"]), ("KeyError", ""))

    def test_a_missing_argument_is_a_key_error_as_it_always_was(self):
        failure = self.failure_of("async def main(queue, args):\n    args['port']\n")
        self.assertEqual((failure["type"], failure["message"]), ("KeyError", "'port'"))

    def test_exit_ends_the_source_alone(self):
        failure = self.failure_of("import sys\nasync def main(queue, args):\n    sys.exit('enough')\n")
        self.assertEqual((failure["type"], failure["message"]), ("SystemExit", "enough"))

    def test_exit_in_a_task_does_not_end_the_host(self):
        with Engine() as engine:
            channel = engine.start_source(
                """
                import asyncio, sys

                async def leave():
                    sys.exit(3)

                async def main(queue, args):
                    asyncio.create_task(leave())
                    await asyncio.sleep(0.05)
                    await queue.put({"still": "here"})
                """
            )
            self.assertEqual(engine.end_of(channel)[0], frames.ENDED)
            self.assertEqual(engine.events[channel], [{"still": "here"}])

    def test_an_exit_of_the_process_ends_the_socket(self):
        with Engine() as engine:
            channel = engine.start_source(
                "import os\nasync def main(queue, args):\n    await queue.put({'i': 1})\n    os._exit(7)\n"
            )
            with self.assertRaises(HostIsGone):
                engine.end_of(channel)
            self.assertEqual(engine.events[channel], [{"i": 1}])
            self.assertEqual(engine.process.wait(5), 7)

    def test_memory_without_bound_meets_the_limit(self):
        failure = self.failure_of(
            """
            async def main(queue, args):
                kept = []
                while True:
                    kept.append("x" * 1_000_000)
            """,
            {"limits": {"memory": 300_000_000}},
        )
        self.assertEqual(failure["type"], "MemoryError")

    def test_small_things_without_bound_meet_the_limit(self):
        failure = self.failure_of(
            """
            async def main(queue, args):
                kept = []
                while True:
                    kept.append([len(kept)])
            """,
            {"limits": {"memory": 200_000_000}},
        )
        self.assertEqual(failure["type"], "MemoryError")

    def test_a_main_that_is_no_coroutine_function(self):
        failure = self.failure_of("def main(queue, args):\n    pass\n")
        self.assertEqual(failure["type"], "SourcePluginNotAsyncioCompatibleException")
        self.assertEqual(failure["message"], "Entrypoint from plugin is not a coroutine function.")

    def test_a_missing_main_is_told_at_load(self):
        with Engine() as engine:
            _, failure = engine.load("x = 1\n", "source", "some.thing")
            self.assertEqual(failure["type"], "SourcePluginMainMissingException")
            message = "Entrypoint missing. Source module some.thing must have function 'main'."
            self.assertEqual(failure["message"], message)

    def test_a_file_that_cannot_be_read_as_python(self):
        with Engine() as engine:
            path, failure = engine.load("async def main(queue, args)\n    pass\n", "source")
            self.assertEqual(failure["type"], "SyntaxError")
            self.assertEqual(failure["frames"], [f"{path}:1 <module>"])
            self.assertIn("expected ':'", failure["traceback"])

    def test_an_endless_recursion_and_a_message_without_end_are_cut(self):
        with Engine() as engine:
            text = """
                def again():
                    again()

                async def main(queue, args):
                    if args["deep"]:
                        again()
                    raise ValueError("x" * (80 << 20))
                """
            kind, failure = engine.end_of(engine.start_source(text, settings={"deep": True}))
            self.assertEqual((kind, failure["type"]), (frames.FAILED, "RecursionError"))
            self.assertLess(len(failure["frames"]), 50)
            self.assertTrue(failure["frames"][-1].endswith(" main"), failure["frames"][-1])
            kind, failure = engine.end_of(engine.start_source(text, settings={"deep": False}))
            self.assertEqual((kind, failure["type"]), (frames.FAILED, "ValueError"))
            self.assertLess(len(failure["message"]), 1 << 20)

    def test_a_file_that_raises_imports_relatively_exits_or_is_missing(self):
        with Engine() as engine:
            for text, kind in (
                ("from . import sibling\n", "ImportError"),
                ("import sibling\n", "ModuleNotFoundError"),
                ("import sys; sys.exit(1)\n", "SystemExit"),
                ("1 / 0\n", "ZeroDivisionError"),
            ):
                engine.write_file("", "sibling.py")
                _, failure = engine.load(text, "source")
                self.assertEqual(failure["type"], kind)
            engine.send(frames.LOAD, 99, {"file": "/nowhere/x.py", "name": "x", "kind": "source"})
            self.assertEqual(engine.receive()[2]["type"], "FileNotFoundError")

    def test_returning_ends_it_and_a_second_start_executes_the_file_anew(self):
        with Engine() as engine:
            path, loaded = engine.load(
                """
                print("executed as", __name__)
                count = 0

                async def main(queue, args):
                    global count
                    count += 1
                    await queue.put({"count": count})

                if __name__ == "__main__":
                    print("self-test")
                """,
                "source",
            )
            self.assertIsNone(loaded["plugin"])
            self.assertEqual(loaded["extensions"][0]["name"], None)
            for expected in ("executed as <run_path>\n", "executed as <run_path>\n" * 2):
                channel = engine.start(path, "source")
                self.assertEqual(engine.end_of(channel), (frames.ENDED, {"cancelled": False}))
                self.assertEqual(engine.events[channel], [{"count": 1}])
                self.assertEqual(engine.printed(), expected)


class Cancelling(unittest.TestCase):
    def test_the_source_cleans_up(self):
        with Engine() as engine:
            channel = engine.start_source(
                """
                import asyncio

                async def main(queue, args):
                    try:
                        await queue.put({"up": True})
                        await asyncio.sleep(1000)
                    except asyncio.CancelledError:
                        await asyncio.sleep(0.01)
                        await queue.put({"cleaned": True})
                        raise
                    finally:
                        print("closed")
                """
            )
            engine.wait_for_events(channel, 1)
            engine.send(frames.CANCEL, channel)
            self.assertEqual(engine.end_of(channel), (frames.ENDED, {"cancelled": True}))
            self.assertEqual(engine.events[channel], [{"up": True}, {"cleaned": True}])
            self.assertEqual(engine.printed(), "closed\n")

    def test_swallowing_it_is_a_return(self):
        with Engine() as engine:
            channel = engine.start_source(
                """
                import asyncio

                async def main(queue, args):
                    try:
                        await queue.put({})
                        await asyncio.sleep(1000)
                    except asyncio.CancelledError:
                        print("swallowed")
                """
            )
            engine.wait_for_events(channel, 1)
            engine.send(frames.CANCEL, channel)
            self.assertEqual(engine.end_of(channel), (frames.ENDED, {"cancelled": True}))
            self.assertEqual(engine.printed(), "swallowed\n")

    def test_a_put_that_waits_is_cancelled(self):
        with Engine() as engine:
            channel = engine.start_source(
                "async def main(queue, args):\n    await queue.put({'i': 1})\n", credits=0
            )
            engine.ping()
            engine.send(frames.CANCEL, channel)
            self.assertEqual(engine.end_of(channel), (frames.ENDED, {"cancelled": True}))

    def test_an_error_while_cleaning_up_is_a_failure(self):
        with Engine() as engine:
            channel = engine.start_source(
                """
                import asyncio

                async def main(queue, args):
                    try:
                        await queue.put({})
                        await asyncio.sleep(1000)
                    finally:
                        raise OSError("cannot close")
                """
            )
            engine.wait_for_events(channel, 1)
            engine.send(frames.CANCEL, channel)
            kind, failure = engine.end_of(channel)
            self.assertEqual((kind, failure["type"]), (frames.FAILED, "OSError"))

    def test_tasks_that_a_source_leaves_are_cancelled_with_it(self):
        with Engine() as engine:
            channel = engine.start_source(
                """
                import asyncio

                async def tick(queue):
                    try:
                        while True:
                            await asyncio.sleep(0.01)
                    finally:
                        print("tick ended")

                async def main(queue, args):
                    asyncio.create_task(tick(queue))
                    await asyncio.sleep(0.02)
                """
            )
            self.assertEqual(engine.end_of(channel), (frames.ENDED, {"cancelled": False}))
            self.assertEqual(engine.printed(), "tick ended\n")

    def test_stop_ends_all_and_the_process_with_zero(self):
        with Engine() as engine:
            for _ in range(2):
                channel = engine.start_source(
                    """
                    import asyncio, atexit

                    atexit.register(print, "at exit")

                    async def main(queue, args):
                        try:
                            await queue.put({})
                            await asyncio.sleep(1000)
                        finally:
                            print("ended")
                    """
                )
                engine.wait_for_events(channel, 1)
            self.assertEqual(engine.stop(), 0)
            self.assertEqual(engine.printed(), "ended\nended\nat exit\nat exit\n")

    def test_the_end_of_the_socket_ends_sources_that_hang_or_swallow(self):
        for body in (
            "time.sleep(1000)",
            "[await swallow() for _ in range(1000)]",
            "await asyncio.sleep(1000)",
        ):
            with Engine() as engine:
                channel = engine.start_source(
                    f"""
                    import asyncio, time

                    async def swallow():
                        try:
                            await asyncio.sleep(1000)
                        except asyncio.CancelledError:
                            pass

                    async def main(queue, args):
                        await queue.put({{}})
                        await asyncio.sleep(0.05)
                        {"await swallow()" if "time" in body else "pass"}
                        {body}
                    """
                )
                engine.wait_for_events(channel, 1)
                engine.socket.close()
                self.assertEqual(engine.process.wait(3), 0)


class Output(unittest.TestCase):
    def test_prints_and_logs_go_their_ways(self):
        with Engine({"log_level": "info"}) as engine:
            channel = engine.start_source(
                """
                import asyncio, logging, threading

                log = logging.getLogger("acme.source")

                async def main(queue, args):
                    print("to standard output \\udcff")
                    log.debug("not seen")
                    log.info("seen %d", 1)
                    try:
                        1 / 0
                    except ZeroDivisionError:
                        log.exception("broken")
                    thread = threading.Thread(target=lambda: log.critical("from a thread"))
                    thread.start()
                    thread.join()
                    await asyncio.sleep(0.05)
                """
            )
            engine.end_of(channel)
            self.assertEqual(engine.printed(), "to standard output \\udcff\n")
            found = [(log["level"], log["channel"]) for log in engine.logs]
            self.assertEqual(found, [("info", channel), ("error", channel), ("critical", 0)])
            self.assertEqual((engine.logs[0]["logger"], engine.logs[0]["message"]), ("acme.source", "seen 1"))
            self.assertIn("ZeroDivisionError", engine.logs[1]["message"])


class FeedbackQueue(unittest.TestCase):
    def test_events_come_back_when_they_are_settled(self):
        with Engine() as engine:
            channel = engine.start_source(
                """
                async def main(queue, args):
                    event = {"i": 1}
                    await queue.put(event)
                    back = await args["eda_feedback_queue"].get()
                    assert back["meta"]["uuid"] == event["meta"]["uuid"]
                    await queue.put([{"i": 2}, {"i": 3, "meta": {"uuid": "own", "source": {"name": "x"}}}])
                    got = [await args["eda_feedback_queue"].get() for _ in range(2)]
                    await queue.put({"got": [event["i"] for event in got]})
                """,
                feedback=True,
                settings={"feedback": True},
            )
            first = engine.wait_for_events(channel, 1)[0]
            self.assertEqual(first["meta"]["source"], {"name": "s", "type": "t"})
            self.assertRegex(first["meta"]["received_at"], r"^\d{4}-\d\d-\d\dT[\d:.]+Z$")
            engine.send(frames.SETTLED, channel, [1, 77])
            events = engine.wait_for_events(channel, 3)
            self.assertEqual(events[2]["meta"]["source"], {"name": "x", "type": "t"})
            self.assertEqual(events[2]["meta"]["uuid"], "own")
            engine.send(frames.SETTLED, channel, [3, 2])
            self.assertEqual(engine.wait_for_events(channel, 4)[3]["got"], [3, 2])
            self.assertEqual(engine.end_of(channel)[0], frames.ENDED)

    def test_feedback_that_nobody_takes_is_dropped_in_time(self):
        with Engine(environment={"EDA_MAX_FEEDBACK_TIMEOUT": "0.1"}) as engine:
            channel = engine.start_source(
                """
                import asyncio

                async def main(queue, args):
                    await queue.put([{"i": i} for i in range(3)])
                    await asyncio.sleep(1000)
                """,
                feedback=True,
            )
            engine.wait_for_events(channel, 3)
            engine.send(frames.SETTLED, channel, [1, 2, 3])
            while len([log for log in engine.logs if "feedback" in log["message"]]) < 2:
                engine.ping()
            engine.send(frames.CANCEL, channel)
            engine.end_of(channel)


if __name__ == "__main__":
    unittest.main()
