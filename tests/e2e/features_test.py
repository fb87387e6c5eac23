#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Features of rulebooks that take templates or plugins: every one runs, in the real program.

Templates are listed in features/templates.jsonl; each method of Plugins below is a feature of its own."""
import json
import os
import pathlib
import subprocess
import tempfile
import textwrap
import unittest

from program import ROOT, program

FEATURES = ROOT / "tests/e2e/features"
EVENT = {
    "i": 5, "name": "web1", "tags": ["a", "b"], "labels": {"severity": "high", "host.name": "x"},
    "text": "hello world", "num": "42", "flag": True, "nothing": None, "path": "/etc/app/conf.d/x.yml",
    "list": [3, 1, 2], "users": [{"n": "ann", "age": 30}, {"n": "bob", "age": 20}],
}


class Folder:
    """A temporary folder with files, in which the program is run."""

    def __init__(self, test, files=None):
        kept = tempfile.TemporaryDirectory()
        test.addCleanup(kept.cleanup)
        self.path = pathlib.Path(kept.name)
        self.notes_file = self.path / "notes.jsonl"
        for name, text in (files or {}).items():
            self.write(name, text)

    def write(self, name, text):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return file

    def run(self, *arguments, command="run", env=None, timeout=60):
        environment = {**os.environ, "HOME": str(self.path), **(env or {})}
        for name in ("ANSIBLE_COLLECTIONS_PATH", "XDG_DATA_HOME", "MILLRACE_CONFIG"):
            environment.pop(name, None)
        environment.update(env or {})
        return subprocess.run([program(), command, *arguments], cwd=self.path, env=environment, capture_output=True,
                              text=True, timeout=timeout)

    def notes(self):
        if not self.notes_file.exists():
            return []
        return [json.loads(line) for line in self.notes_file.read_text(encoding="utf-8").splitlines()]

    def values(self):
        return [note["value"] for note in self.notes()]


def rulebook(sources, value="{{ event }}", condition="event.meta is defined", notes="notes.jsonl", after=()):
    """One rule set whose one rule notes `value` of every event, and then does what comes `after`."""
    return json.dumps([{
        "name": "features", "hosts": "all", "sources": sources,
        "rules": [{"name": "note it", "condition": condition,
                   "actions": [{"note": {"file": notes, "value": value}}, *after]}],
    }])


class Templates(unittest.TestCase):
    """Each line of features/templates.jsonl."""

    def test_every_feature(self):
        cases = [json.loads(line) for line in (FEATURES / "templates.jsonl").read_text(encoding="utf-8").splitlines()]
        self.assertEqual(len({case["feature"] for case in cases}), len(cases), "features have names of their own")
        folder = Folder(self)
        rules = [{"name": case["feature"], "condition": "event.i == 5",
                  "action": {"note": {"file": "notes.jsonl", "feature": case["feature"], "value": case["template"]}}}
                 for case in cases]
        folder.write("rulebook.yml", json.dumps([{
            "name": "templates", "hosts": "all", "match_multiple_rules": True,
            "sources": [{"generic": {"payload": [EVENT]}}], "rules": rules}]))
        folder.write("vars.yml", json.dumps({"greeting": "hi", "threshold": 10}))
        done = folder.run("rulebook.yml", "--vars", "vars.yml", "-E", "MILLRACE_TEST", "--plugin-dir", FEATURES,
                          env={"MILLRACE_TEST": "7"})
        self.assertEqual(done.returncode, 0, done.stderr)
        noted = {note["feature"]: note["value"] for note in folder.notes()}
        for case in cases:
            with self.subTest(case["feature"]):
                self.assertIn(case["feature"], noted, done.stderr)
                self.assertEqual(noted[case["feature"]], case["expected"])
                self.assertIs(type(noted[case["feature"]]), type(case["expected"]))


class Plugins(unittest.TestCase):
    """One feature a method."""

    def play(self, source, files=None, *arguments, settings=None, value="{{ event.i }}", filters=None, code=0, env=None,
             name=None):
        """Runs the source named `source` in a folder with `files`; returns (folder, what the program did)."""
        folder = Folder(self, files)
        entry = {source: settings}
        if name:
            entry["name"] = name
        if filters:
            entry["filters"] = filters
        folder.write("rulebook.yml", rulebook([entry], value))
        done = folder.run("rulebook.yml", "--plugin-dir", FEATURES, "-S", ".", *arguments, env=env)
        self.assertEqual(done.returncode, code, done.stderr)
        return folder, done

    def play_filter(self, text, settings=None, value="{{ event.i }}", payload=None, code=0):
        return self.play("generic", {"filters/mine.py": text}, "-F", "filters",
                         settings={"payload": payload or [{"i": 1}, {"i": 2}]}, filters=[{"mine": settings}], value=value,
                         code=code)

    # Sources

    def test_the_template_of_a_source_plugin(self):
        folder, _ = self.play("template", {"template.py": """
            import asyncio
            from typing import Any, Dict

            async def main(queue: asyncio.Queue, args: Dict[str, Any]):
                delay = args.get("delay", 0)
                for i in range(args["limit"]):
                    await queue.put(dict(template=dict(msg="hello world"), i=i))
                    await asyncio.sleep(delay)

            if __name__ == "__main__":
                class MockQueue:
                    async def put(self, event):
                        print(event)
                asyncio.run(main(MockQueue(), {}))
            """}, settings={"limit": 3}, value="{{ event.template.msg }} {{ event.i }}")
        self.assertEqual(folder.values(), ["hello world 0", "hello world 1", "hello world 2"])

    def test_the_test_mode_of_a_source_plugin(self):
        folder = Folder(self, {"own.py": """
            import asyncio

            async def main(queue, args):
                await queue.put({"i": 1})

            if __name__ == "__main__":
                class MockQueue:
                    async def put(self, event):
                        print(event)
                asyncio.run(main(MockQueue(), {}))
            """})
        done = subprocess.run(["python3", folder.path / "own.py"], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "{'i': 1}\n")

    def test_a_list_is_several_events(self):
        folder, _ = self.play("s", {"s.py": """
            async def main(queue, args):
                await queue.put([{"i": 1}, {"i": 2}])
            """})
        self.assertEqual(folder.values(), [1, 2])

    def test_put_nowait(self):
        folder, _ = self.play("s", {"s.py": """
            async def main(queue, args):
                queue.put_nowait({"i": 1})
            """})
        self.assertEqual(folder.values(), [1])

    def test_put_from_a_task(self):
        folder, _ = self.play("s", {"s.py": """
            import asyncio

            async def main(queue, args):
                await asyncio.gather(*(asyncio.create_task(queue.put({"i": i})) for i in range(3)))
            """})
        self.assertEqual(sorted(folder.values()), [0, 1, 2])

    def test_put_from_a_thread(self):
        folder, _ = self.play("s", {"s.py": """
            import asyncio

            async def main(queue, args):
                loop = asyncio.get_running_loop()
                def work():
                    for i in range(3):
                        asyncio.run_coroutine_threadsafe(queue.put({"i": i}), loop).result()
                await asyncio.to_thread(work)
            """})
        self.assertEqual(folder.values(), [0, 1, 2])

    def test_the_questions_that_a_queue_answers(self):
        folder, _ = self.play("s", {"s.py": """
            async def main(queue, args):
                await queue.put({"i": [queue.full(), queue.empty(), queue.qsize() >= 0, queue.maxsize >= 0]})
            """})
        self.assertEqual(folder.values(), [[False, True, True, True]])

    def test_arguments_arrive_with_their_types(self):
        given = {"a": 1, "b": 1.5, "c": "x", "d": [1, "y"], "e": {"f": None}, "g": True}
        folder, _ = self.play("s", {"s.py": """
            async def main(queue, args):
                await queue.put({"i": args})
            """}, settings=given)
        self.assertEqual(folder.values(), [given])

    def test_no_arguments_are_an_empty_mapping(self):
        folder, _ = self.play("s", {"s.py": """
            async def main(queue, args):
                await queue.put({"i": repr(args) + "!"})
            """})
        self.assertEqual(folder.values(), ["{}!"])

    def test_arguments_are_rendered(self):
        folder, _ = self.play("s", {"vars.yml": "{port: 80, names: [a, b]}", "s.py": """
            async def main(queue, args):
                await queue.put({"i": args})
            """}, "--vars", "vars.yml", settings={"p": "{{ port }}", "l": ["{{ names | join('-') }}"]})
        self.assertEqual(folder.values(), [{"p": 80, "l": ["a-b"]}])

    def test_a_plugin_that_returns_ends_the_run(self):
        folder, done = self.play("s", {"s.py": "async def main(queue, args):\n    return\n"})
        self.assertEqual(folder.values(), [])
        self.assertNotIn("error", done.stderr.lower())

    def test_a_plugin_that_raises_ends_the_run_with_an_error(self):
        _, done = self.play("s", {"s.py": """
            def fall():
                raise ValueError("no such thing")

            async def main(queue, args):
                await queue.put({"i": 1})
                fall()
            """}, code=1)
        self.assertIn("Source error: ValueError: Source plugin failed with error message: 'no such thing'", done.stderr)
        self.assertIn("Shutting down source: s", done.stderr)
        frames = [line.rpartition("/")[2] for line in done.stderr.splitlines() if "s.py:" in line]
        self.assertEqual(frames[:2], ["s.py:2 fall", "s.py:6 main"])

    def test_a_plugin_that_raises_without_a_message(self):
        _, done = self.play("s", {"s.py": "async def main(queue, args):\n    raise KeyError\n"}, code=1)
        self.assertIn("Source error: Unknown error KeyError: source plugin failed with no error message.", done.stderr)

    def test_a_missing_argument_is_a_key_error(self):
        _, done = self.play("s", {"s.py": "async def main(queue, args):\n    args['topic']\n"}, code=1)
        self.assertIn("KeyError: Source plugin failed with error message: ''topic''", done.stderr)

    def test_a_plugin_that_exits(self):
        _, done = self.play("s", {"s.py": "import sys\n\nasync def main(queue, args):\n    sys.exit(3)\n"}, code=1)
        self.assertIn("SystemExit", done.stderr)

    def test_a_plugin_whose_process_dies(self):
        folder, done = self.play("s", {"s.py": """
            import os
            import signal

            async def main(queue, args):
                await queue.put({"i": 1})
                os.kill(os.getpid(), signal.SIGKILL)
            """}, code=1)
        self.assertEqual(folder.values(), [1], "what was put has arrived")
        self.assertIn("signal 9", done.stderr)

    def test_a_plugin_that_is_started_again(self):
        folder = Folder(self, {"s.py": """
            import os
            import pathlib

            async def main(queue, args):
                runs = pathlib.Path("runs")
                runs.write_text(runs.read_text() + "x" if runs.exists() else "x")
                await queue.put({"i": len(runs.read_text())})
                if len(runs.read_text()) < 3:
                    os.kill(os.getpid(), 9)
            """})
        folder.write("rulebook.yml", rulebook([{"s": None, "restart": "on-failure"}], "{{ event.i }}"))
        done = folder.run("rulebook.yml", "--plugin-dir", FEATURES, "-S", ".")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(folder.values(), [1, 2, 3])

    def test_an_event_that_is_no_mapping_ends_the_source(self):
        _, done = self.play("s", {"s.py": "async def main(queue, args):\n    await queue.put(5)\n"}, code=1)
        self.assertIn("Source error: TypeError", done.stderr)

    def test_values_that_json_does_not_have(self):
        folder, _ = self.play("s", {"s.py": """
            import datetime
            import decimal
            import pathlib
            import uuid

            async def main(queue, args):
                await queue.put({"i": [
                    (1, 2), {3}, datetime.datetime(2026, 1, 2, 3, 4, 5), datetime.date(2026, 1, 2), b"bytes",
                    uuid.UUID(int=1), pathlib.Path("/x"), decimal.Decimal("1.5"), float("nan")]})
            """})
        self.assertEqual(folder.values(), [[[1, 2], [3], "2026-01-02T03:04:05", "2026-01-02", "bytes",
                                            "00000000-0000-0000-0000-000000000001", "/x", "1.5", None]])

    def test_the_name_of_the_module(self):
        folder, _ = self.play("s", {"s.py": """
            async def main(queue, args):
                await queue.put({"i": __name__})
            """})
        self.assertEqual(folder.values(), ["<run_path>"])

    def test_what_is_printed_goes_to_the_log(self):
        folder, done = self.play("s", {"s.py": """
            async def main(queue, args):
                print("seen by", "the log")
                await queue.put({"i": 1})
            """}, "-v")
        self.assertEqual(folder.values(), [1])
        self.assertIn("seen by the log", done.stderr)
        self.assertNotIn("seen by", done.stdout)

    def test_what_is_logged_goes_to_the_log(self):
        _, done = self.play("s", {"s.py": """
            import logging

            async def main(queue, args):
                logging.getLogger("mine").warning("take %s", "care")
            """})
        self.assertIn("take care", done.stderr)

    def test_cleaning_up_when_cancelled(self):
        folder = Folder(self, {"s.py": """
            import asyncio
            import pathlib

            async def main(queue, args):
                try:
                    await queue.put({"i": 1})
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    pathlib.Path("cleaned").write_text("yes")
                    raise
            """})
        folder.write("rulebook.yml", rulebook([{"s": None}], "{{ event.i }}", after=[{"shutdown": None}]))
        done = folder.run("rulebook.yml", "--plugin-dir", FEATURES, "-S", ".")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((folder.path / "cleaned").read_text(), "yes")

    def test_a_plugin_that_swallows_its_cancellation(self):
        folder = Folder(self, {"s.py": """
            import asyncio

            async def main(queue, args):
                try:
                    await queue.put({"i": 1})
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    pass
            """})
        folder.write("rulebook.yml", rulebook([{"s": None}], "{{ event.i }}", after=[{"shutdown": None}]))
        done = folder.run("rulebook.yml", "--plugin-dir", FEATURES, "-S", ".")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_plugin_that_cannot_be_cancelled(self):
        folder = Folder(self, {"config.yml": "plugins: {s: {stop_grace: 0.2}}", "s.py": """
            import time

            async def main(queue, args):
                await queue.put({"i": 1})
                time.sleep(3600)
            """})
        folder.write("rulebook.yml", rulebook([{"s": None}], "{{ event.i }}", after=[{"shutdown": None}]))
        done = folder.run("rulebook.yml", "--plugin-dir", FEATURES, "-S", ".", "--config", "config.yml", timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(folder.values(), [1])

    def test_a_plugin_that_grows_without_bound(self):
        _, done = self.play("s", {"config.yml": "plugins: {s: {memory: 256}}", "s.py": """
            async def main(queue, args):
                kept = []
                while True:
                    kept.append(bytearray(10_000_000))
            """}, "--config", "config.yml", code=1)
        self.assertIn("MemoryError", done.stderr)

    def test_the_limits_of_a_host(self):
        folder, _ = self.play("s", {"config.yml": "plugins: {s: {memory: 512, files: 40, processes: 3000}}", "s.py": """
            import resource

            async def main(queue, args):
                names = ("RLIMIT_DATA", "RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_CORE")
                await queue.put({"i": [resource.getrlimit(getattr(resource, name))[1] for name in names]})
            """}, "--config", "config.yml")
        self.assertEqual(folder.values(), [[512 << 20, 40, 3000, 0]])

    def test_the_feedback_queue(self):
        folder, _ = self.play("s", {"s.py": """
            import asyncio

            async def main(queue, args):
                feedback = args["eda_feedback_queue"]
                for i in range(3):
                    sent = {"i": i}
                    await queue.put(sent)
                    back = await asyncio.wait_for(feedback.get(), 10)
                    assert back["i"] == i and back["meta"]["uuid"] and back["meta"]["source"]["name"] == "mine"
            """}, settings={"feedback": True}, name="mine")
        self.assertEqual(folder.values(), [0, 1, 2])

    def test_the_name_of_a_source(self):
        folder, _ = self.play("s", {"s.py": "async def main(queue, args):\n    await queue.put({})\n"},
                              value="{{ event.meta.source }}", name="mine")
        self.assertEqual(folder.values(), [{"name": "mine", "type": "s"}])

    def test_a_source_is_called_after_its_plugin(self):
        folder, _ = self.play("my.own.s", {"my.own.s.py": "async def main(queue, args):\n    await queue.put({})\n"},
                              value="{{ event.meta.source.name }}")
        self.assertEqual(folder.values(), ["my.own.s"])

    def test_two_sources_of_one_plugin(self):
        folder = Folder(self, {"s.py": """
            import asyncio

            async def main(queue, args):
                await queue.put({"i": args["i"]})
                await asyncio.sleep(args["wait"])
            """})
        folder.write("rulebook.yml", rulebook([{"s": {"i": 1, "wait": 0.3}, "name": "a"},
                                               {"s": {"i": 2, "wait": 3600}, "name": "b"}],
                                              "{{ event.i }}"))
        done = folder.run("rulebook.yml", "--plugin-dir", FEATURES, "-S", ".")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(folder.values()), [1, 2])

    def test_plugins_of_a_group_share_a_process(self):
        text = "import os\n\nasync def main(queue, args):\n    await queue.put({'i': os.getpid()})\n    await queue.put({'i': 0})\n"
        folder = Folder(self, {"a.py": text, "b.py": text + "    import asyncio\n    await asyncio.sleep(3600)\n",
                               "config.yml": "plugins: {defaults: {group: all}, note: {group: its own}}"})
        folder.write("rulebook.yml", rulebook([{"b": None}, {"a": None}], "{{ event.i }}"))
        done = folder.run("rulebook.yml", "--plugin-dir", FEATURES, "-S", ".", "--config", "config.yml")
        self.assertEqual(done.returncode, 0, done.stderr)
        processes = set(folder.values()) - {0}
        self.assertEqual(len(processes), 1)

    def test_without_python_all_that_is_built_in_runs(self):
        folder = Folder(self)
        folder.write("rulebook.yml", json.dumps([{
            "name": "features", "hosts": "all", "sources": [{"range": {"limit": 1}}],
            "rules": [{"name": "r", "condition": "event.i == 0", "action": {"debug": {"msg": "it is {{ event.i }}"}}}]}]))
        done = folder.run("rulebook.yml", "--python", "/nowhere/python3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("it is 0", done.stdout)

    def test_without_python_a_plugin_says_how_to_get_it(self):
        _, done = self.play("s", {"s.py": self.ONE}, "--python", "/nowhere/python3", code=1)
        self.assertIn("/nowhere/python3", done.stderr)
        self.assertIn("rulebook.yml:1", done.stderr)

    # What is wrong with a plugin

    def test_a_plugin_without_main(self):
        _, done = self.play("s", {"s.py": "x = 1\n"}, code=1)
        self.assertIn("Entrypoint missing. Source module s must have function 'main'.", done.stderr)

    def test_a_plugin_whose_main_is_no_coroutine(self):
        _, done = self.play("s", {"s.py": "def main(queue, args):\n    pass\n"}, code=1)
        self.assertIn("Entrypoint from s is not a coroutine function.", done.stderr)

    def test_a_plugin_with_a_fault_of_syntax(self):
        _, done = self.play("s", {"s.py": "async def main(queue, args)\n    pass\n"}, code=1)
        self.assertIn("SyntaxError", done.stderr)

    def test_a_plugin_that_misses_a_library(self):
        _, done = self.play("s", {"s.py": "import no_such_library\n\nasync def main(queue, args):\n    pass\n"}, code=1)
        self.assertIn("No module named 'no_such_library'", done.stderr)

    def test_a_plugin_that_is_nowhere(self):
        _, done = self.play("ns.coll.nowhere", code=1)
        self.assertIn("Could not find source plugin for ns.coll.nowhere", done.stderr)

    def test_a_broken_plugin_in_a_folder_is_skipped(self):
        folder, done = self.play("range", {"more/broken.py": "import millrace\nraise ValueError('broken')\n"},
                                 "--plugin-dir", "more", settings={"limit": 2})
        self.assertEqual(folder.values(), [0, 1])
        self.assertIn("ValueError: broken", done.stderr)

    def test_a_plugin_that_starts_a_thread_when_loaded_is_disabled(self):
        folder, done = self.play("range", {"more/eager.py": """
            import threading

            import millrace

            plugin = millrace.Plugin("eager", version="1.0", summary="Starts too early.")
            threading.Thread(target=print).start()
            """}, "--plugin-dir", "more", settings={"limit": 1})
        self.assertEqual(folder.values(), [0])
        self.assertIn("eager", done.stderr)
        self.assertIn("thread", done.stderr)

    def test_arguments_that_the_documentation_does_not_know_are_warned_of(self):
        folder, done = self.play("s", {"s.py": '''
            DOCUMENTATION = r"""
            short_description: Counts
            options:
              limit:
                description: how many
                type: int
            """

            async def main(queue, args):
                await queue.put({"i": args["limt"]})
            '''}, settings={"limt": 1})
        self.assertEqual(folder.values(), [1])
        self.assertIn("limt", done.stderr)
        self.assertIn("limit", done.stderr)

    # Where plugins are found

    COLLECTION = "collections/ansible_collections/ns/coll/"
    ONE = "async def main(queue, args):\n    await queue.put({'i': 1})\n"

    def play_collection(self, name, files, **more):
        return self.play(name, {self.COLLECTION + file: text for file, text in files.items()},
                         env={"ANSIBLE_COLLECTIONS_PATH": "collections"}, **more)

    def test_a_source_of_a_collection(self):
        folder, _ = self.play_collection("ns.coll.one", {"extensions/eda/plugins/event_source/one.py": self.ONE})
        self.assertEqual(folder.values(), [1])

    def test_a_source_in_the_old_folder_of_a_collection(self):
        folder, _ = self.play_collection("ns.coll.one", {"plugins/event_source/one.py": self.ONE})
        self.assertEqual(folder.values(), [1])

    def test_a_redirection(self):
        folder, done = self.play_collection("ns.coll.old", {
            "extensions/eda/plugins/event_source/one.py": self.ONE,
            "extensions/eda/eda_runtime.yml":
                "plugin_routing: {event_source: {old: {redirect: ns.coll.one, deprecation: "
                "{removal_version: 3.0.0, warning_text: Use one.}}}}"})
        self.assertEqual(folder.values(), [1])
        self.assertIn("ns.coll.old has been deprecated. Use one.", done.stderr)

    def test_a_tombstone(self):
        _, done = self.play_collection("ns.coll.old", {
            "extensions/eda/eda_runtime.yml":
                "plugin_routing: {event_source: {old: {tombstone: {warning_text: Gone for good.}}}}"}, code=1)
        self.assertIn("The ns.coll.old event_source has been removed. Gone for good.", done.stderr)

    def test_a_rulebook_of_a_collection(self):
        folder = Folder(self, {self.COLLECTION + "extensions/eda/rulebooks/book.yml":
                               rulebook([{"range": {"limit": 1}}], "{{ event.i }}")})
        done = folder.run("ns.coll.book", "--plugin-dir", FEATURES, env={"ANSIBLE_COLLECTIONS_PATH": "collections"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(folder.values(), [0])

    def test_a_source_directory_hides_what_is_built_in(self):
        folder, _ = self.play("range", {"range.py": "async def main(queue, args):\n    await queue.put({'i': 'mine'})\n"})
        self.assertEqual(folder.values(), ["mine"])

    def test_a_plugin_in_the_folder_of_the_user(self):
        folder, _ = self.play("spell", {".local/share/millrace/plugins/deep/spell.py": """
            import millrace

            plugin = millrace.Plugin("spell", version="1.0", summary="Spells.")

            @plugin.source("spell", summary="Spells.", settings=[millrace.Setting("word", "string", "what", default="ab")])
            async def spell(queue, settings):
                for letter in settings["word"]:
                    await queue.put({"i": letter})
            """})
        self.assertEqual(folder.values(), ["a", "b"])

    def test_settings_of_a_plugin_are_checked_before_anything_starts(self):
        _, done = self.play("spell", {".local/share/millrace/plugins/spell.py": """
            import millrace

            plugin = millrace.Plugin("spell", version="1.0", summary="Spells.")

            @plugin.source("spell", summary="Spells.", settings=[
                millrace.Setting("word", "string", "what", required=True), millrace.Setting("times", "integer", "how often")])
            async def spell(queue, settings):
                pass
            """}, settings={"wrod": "x", "times": "often"}, code=1)
        for part in ("wrod", "`word`", "times"):
            self.assertIn(part, done.stderr)

    # Filters

    def test_a_filter(self):
        folder, _ = self.play_filter("def main(event, add):\n    event['i'] += add\n    return event\n", {"add": 10})
        self.assertEqual(folder.values(), [11, 12])

    def test_a_filter_that_returns_a_list(self):
        folder, _ = self.play_filter("def main(event):\n    return [event, {'i': -event['i']}]\n")
        self.assertEqual(folder.values(), [1, -1, 2, -2])

    def test_a_filter_that_drops(self):
        folder, _ = self.play_filter("def main(event):\n    return event if event['i'] > 1 else []\n")
        self.assertEqual(folder.values(), [2])

    def test_arguments_of_a_filter_are_not_rendered(self):
        folder, _ = self.play_filter("def main(event, text):\n    return {'i': 'got ' + text}\n", {"text": "{{ x }}"},
                                     payload=[{}] + [{"i": 1}])
        self.assertEqual(folder.values(), ["got {{ x }}"])

    def test_a_filter_that_does_not_know_an_argument(self):
        _, done = self.play_filter("def main(event):\n    return event\n", {"wrong": 1}, code=1)
        self.assertIn("wrong", done.stderr)

    def test_a_filter_that_raises_refuses_the_event(self):
        folder, done = self.play_filter(
            "def main(event):\n    if event['i'] == 1:\n        raise ValueError('not this one')\n    return event\n")
        self.assertEqual(folder.values(), [2])
        self.assertRegex(done.stderr, r"refused: filter mine: ValueError: not this one \(.*mine.py:3 main\)")

    def test_a_filter_beside_the_rulebook(self):
        folder, _ = self.play("generic", {"event_filter/near.py": "def main(event):\n    return {'i': 'near'}\n"},
                              settings={"payload": [{"i": 1}]}, filters=[{"near": None}])
        self.assertEqual(folder.values(), ["near"])

    def test_a_filter_of_a_collection(self):
        folder, _ = self.play_collection(
            "generic", {"extensions/eda/plugins/event_filter/f.py": "def main(event):\n    return {'i': 'f'}\n"},
            settings={"payload": [{"i": 1}]}, filters=[{"ns.coll.f": None}])
        self.assertEqual(folder.values(), ["f"])

    def test_filters_of_both_kinds_in_a_row(self):
        folder, _ = self.play("generic", {"filters/mine.py": "def main(event):\n    return {'a-b': event['i'], 'c-d': 2}\n"},
                              "-F", "filters", settings={"payload": [{"i": 1}]},
                              filters=[{"noop": None}, {"mine": None}, {"dashes_to_underscores": None}],
                              value="{{ event.a_b }}{{ event.c_d }}")
        self.assertEqual(folder.values(), [12])

    def test_an_event_that_a_filter_makes_a_mapping(self):
        folder, _ = self.play("s", {"s.py": "async def main(queue, args):\n    await queue.put('text')\n",
                                    "filters/mine.py": "def main(event):\n    return {'i': event}\n"}, "-F", "filters",
                              filters=[{"mine": None}])
        self.assertEqual(folder.values(), ["text"])

    # Actions, rules and conditions

    def test_an_action_of_a_plugin_asks_the_engine(self):
        folder = Folder(self, {"more/post.py": """
            import millrace

            plugin = millrace.Plugin("post", version="1.0", summary="Posts.")

            @plugin.action("post_twice", summary="Posts an event twice.", settings=[millrace.Setting("event", "object", "what")])
            async def post_twice(call):
                await call.post_event(call.settings["event"])
                await call.post_event(call.settings["event"])
            """})
        folder.write("rulebook.yml", json.dumps([{
            "name": "features", "hosts": "all", "sources": [{"range": {"limit": 1}}],
            "rules": [
                {"name": "post", "condition": "event.i == 0", "action": {"post_twice": {"event": {"j": "{{ event.i + 1 }}"}}}},
                {"name": "note", "condition": "event.j == 1",
                 "action": {"note": {"file": "notes.jsonl", "value": "{{ event.j }}"}}}]}]))
        done = folder.run("rulebook.yml", "--plugin-dir", FEATURES, "--plugin-dir", "more")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(folder.values(), [1, 1])

    def test_an_action_that_raises_fails_alone(self):
        folder = Folder(self, {"more/fall.py": """
            import millrace

            plugin = millrace.Plugin("fall", version="1.0", summary="Falls.")

            @plugin.action("fall", summary="Falls.")
            async def fall(call):
                raise ValueError("fell")
            """})
        book = json.loads(rulebook([{"range": {"limit": 1}}], "{{ event.i }}"))
        book[0]["rules"][0]["actions"].insert(0, {"fall": None})
        folder.write("rulebook.yml", json.dumps(book))
        done = folder.run("rulebook.yml", "--plugin-dir", FEATURES, "--plugin-dir", "more")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(folder.values(), [0])
        self.assertIn("ValueError: fell", done.stderr)

    def test_names_of_rules_are_rendered(self):
        folder = Folder(self, {"vars.yml": "name: web"})
        book = json.loads(rulebook([{"range": {"limit": 1}}]))
        book[0]["rules"][0]["name"] = "rule of {{ name | upper }}"
        folder.write("rulebook.yml", json.dumps(book))
        done = folder.run("rulebook.yml", "--plugin-dir", FEATURES, "--vars", "vars.yml", "--stats", "stats.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads((folder.path / "stats.json").read_text())["rules"], {"features": {"rule of WEB": 1}})

    def test_texts_in_conditions_are_rendered(self):
        folder = Folder(self, {"vars.yml": "name: WEB"})
        folder.write("rulebook.yml", rulebook([{"generic": {"payload": [{"n": "web"}, {"n": "x"}]}}], "{{ event.n }}",
                                              condition='event.n == "{{ name | lower }}"'))
        done = folder.run("rulebook.yml", "--plugin-dir", FEATURES, "--vars", "vars.yml")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(folder.values(), ["web"])

    def test_templates_of_joined_events(self):
        folder = Folder(self)
        book = json.loads(rulebook([{"generic": {"payload": [{"a": 1}, {"b": 2}]}}],
                                   "{{ events.x.a + events.m_1.b }}"))
        book[0]["rules"][0]["condition"] = {"all": ["events.x << event.a is defined", "event.b is defined"]}
        folder.write("rulebook.yml", json.dumps(book))
        done = folder.run("rulebook.yml", "--plugin-dir", FEATURES)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(folder.values(), [3])

    def test_what_is_undefined_fails_its_action_alone(self):
        folder = Folder(self)
        folder.write("rulebook.yml", rulebook([{"range": {"limit": 2}}], "{{ 10 / event.i if event.i else event.nosuch | upper }}"))
        done = folder.run("rulebook.yml", "--plugin-dir", FEATURES)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(folder.values(), [10.0])
        self.assertIn("Undefined jinja variable  'nosuch' in action note", done.stderr)

    def test_a_template_that_never_ends_is_given_up(self):
        folder = Folder(self)
        folder.write("rulebook.yml", rulebook(
            [{"range": {"limit": 1}}],
            "{% for i in range(100000) %}{% for j in range(99999) %}{% endfor %}{% endfor %}{{ event.i }}"))
        done = folder.run("rulebook.yml", "--plugin-dir", FEATURES, timeout=90)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(folder.values(), [])
        self.assertIn("the template took longer than 5 s", done.stderr)

    def test_a_template_that_is_wrong_is_told_before_anything_starts(self):
        folder = Folder(self)
        folder.write("rulebook.yml", rulebook([{"range": {"limit": 1}}], "{{ event.i | nosuch_filter }}"))
        done = folder.run("rulebook.yml", "--plugin-dir", FEATURES)
        self.assertEqual(done.returncode, 1)
        self.assertIn("nosuch_filter", done.stderr)
        self.assertIn("rulebook.yml:1", done.stderr)


class Count(unittest.TestCase):
    def test_that_there_are_a_hundred(self):
        templates = len((FEATURES / "templates.jsonl").read_text(encoding="utf-8").splitlines())
        plugins = sum(1 for name in dir(Plugins) if name.startswith("test_"))
        self.assertGreaterEqual(templates + plugins, 100)


if __name__ == "__main__":
    unittest.main()
