#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hosts of plugins that are killed under load, and what is left behind when the engine ends.

Times are those of the system's monotonic clock, which the plugins note themselves."""
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import textwrap
import time
import unittest

from program import program

KILLS = 3
EVENTS_BETWEEN = 6000
LONGEST_ABSENCE = 1.0  # seconds
LONGEST_SURVIVAL = 2.0
PATIENCE = 60.0  # for what is only slow

# Puts 0, 1, 2… as fast as it can. In `delivered`: how many of them put() has returned for; in `starts`: a line for
# each run. Goes on where the run before has ended; ends when there is a file `enough`.
COUNTER = """
    import asyncio
    import os
    import struct
    import time

    async def main(queue, args):
        delivered = os.open("delivered", os.O_RDWR | os.O_CREAT)
        count = struct.unpack("<q", os.pread(delivered, 8, 0) or bytes(8))[0]
        with open("starts", "a") as starts:
            starts.write(f"{os.getpid()} {time.monotonic()} {count}\\n")
        while count % 64 or not os.path.exists("enough"):
            await queue.put({"i": count})
            count += 1
            os.pwrite(delivered, struct.pack("<q", count), 0)
    """

# Blocks its host for good once the engine is live.
BLOCKER = """
    import pathlib
    import time

    import millrace

    plugin = millrace.Plugin("blocker", version="1", summary="Blocks its host.")

    def block():
        pathlib.Path("blocked").touch()
        time.sleep(3600)

    @plugin.on_load
    def load(context):
        context.call_soon(block)
    """

FILTER = "def main(event):\n    return {'i': event['i'], 'seen': True}\n"


def is_running(pid):
    """Whether there is such a process. One that waits for whoever adopted it to be told of its end has ended."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


class Engine:
    """The program, running in a temporary folder with files; what it prints and logs goes to files there."""

    def __init__(self, test, files, book, *arguments):
        self.test = test
        kept = tempfile.TemporaryDirectory()
        test.addCleanup(kept.cleanup)
        self.folder = pathlib.Path(kept.name)
        for name, text in {**files, "rulebook.yml": json.dumps(book)}.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        environment = {**os.environ, "HOME": str(self.folder)}
        for name in ("ANSIBLE_COLLECTIONS_PATH", "XDG_DATA_HOME", "MILLRACE_CONFIG"):
            environment.pop(name, None)
        with open(self.folder / "out", "wb") as out, open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [program(), "run", "rulebook.yml", "-S", ".", "-vv", *arguments],
                cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=log)
        test.addCleanup(self.end)

    def end(self):
        """However the test ends, nothing of it goes on."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def log(self):
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def hosts(self):
        """(title, process) of each that was started, in order."""
        return [(title, int(pid)) for title, pid in re.findall(r"(the host of .*) runs: Python.*process (\d+)", self.log())]

    def host(self, title):
        """The process of that host which was started last."""
        return ([pid for named, pid in self.hosts() if named == title] or [None])[-1]

    def wait_until(self, done, what, limit=PATIENCE):
        until = time.monotonic() + limit
        while not done():
            if self.process.poll() is not None and not done():
                self.test.fail(f"{what}: the program has ended with {self.process.returncode}\n{self.log()[-4000:]}")
            if time.monotonic() > until:
                self.test.fail(f"{what}: not within {limit:g} s\n{self.log()[-4000:]}")
            time.sleep(0.005)

    def delivered(self):
        file = self.folder / "delivered"
        return int.from_bytes(file.read_bytes()[:8], "little") if file.exists() else 0

    def starts(self):
        file = self.folder / "starts"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(int(pid), float(at), int(count)) for pid, at, count in map(str.split, lines)]

    def finish(self):
        """Has the source end; the exit code."""
        (self.folder / "enough").touch()
        return self.process.wait(PATIENCE)

    def numbers(self):
        """What has arrived, in order."""
        return [int(number) for number in re.findall(r"arrived (\d+)", (self.folder / "out").read_text())]

    def expect_gone(self, pids, since):
        self.test.assertTrue(pids)
        while any(is_running(pid) for pid in pids):
            self.test.assertLess(time.monotonic() - since, LONGEST_SURVIVAL,
                                 f"{[pid for pid in pids if is_running(pid)]} of {self.hosts()} go on")
            time.sleep(0.01)


def book(source="counter", value="{{ event.i }}", filters=None, restart="never"):
    """One rule set that prints the number of every event."""
    entry = {source: None, "restart": restart}
    if filters:
        entry["filters"] = filters
    return [{"name": "numbers", "hosts": "all", "sources": [entry],
             "rules": [{"name": "print it", "condition": "event.i >= 0",
                        "action": {"debug": {"msg": f"arrived {value}"}}}]}]


class Kills(unittest.TestCase):
    """kill -9 of hosts, again and again, while events flow."""

    def expect_all(self, engine, delivered):
        arrived = engine.numbers()
        self.assertGreater(delivered, KILLS * EVENTS_BETWEEN)
        missing = set(range(delivered)) - set(arrived)
        self.assertFalse(missing, f"{len(missing)} of {delivered} were put and never arrived: {sorted(missing)[:10]}")
        return arrived

    def test_the_host_of_a_source(self):
        engine = Engine(self, {"counter.py": COUNTER}, book(restart="on-failure"))
        for kill in range(KILLS):
            begun = engine.delivered()
            engine.wait_until(lambda: len(engine.starts()) == kill + 1 and engine.delivered() > begun + EVENTS_BETWEEN,
                              f"events before kill {kill}")
            killed = time.monotonic()
            os.kill(engine.starts()[-1][0], signal.SIGKILL)
            engine.wait_until(lambda: len(engine.starts()) == kill + 2, f"the source after kill {kill}")
            self.assertLess(engine.starts()[-1][1] - killed, LONGEST_ABSENCE)
        self.assertEqual(engine.finish(), 0, engine.log()[-4000:])
        arrived = self.expect_all(engine, engine.delivered())
        self.assertEqual(len(re.findall("Source error: .* was killed by signal 9", engine.log())), KILLS)
        # At most the one event that was under way comes twice.
        self.assertLessEqual(len(arrived) - len(set(arrived)), KILLS)

    def kill_beside_the_source(self, title, engine):
        for kill in range(KILLS):
            begun = engine.delivered()
            engine.wait_until(lambda: engine.delivered() > begun + EVENTS_BETWEEN, f"events before kill {kill}")
            pid = engine.host(title)
            self.assertIsNotNone(pid, engine.log()[-4000:])
            os.kill(pid, signal.SIGKILL)
            engine.wait_until(lambda: engine.host(title) != pid, f"{title} after kill {kill}", LONGEST_ABSENCE)
        engine.wait_until(lambda: len(engine.numbers()) > 0, "an event at all")
        self.assertEqual(engine.finish(), 0, engine.log()[-4000:])
        self.assertEqual(len(engine.starts()), 1, "the source was not disturbed")
        arrived = self.expect_all(engine, engine.delivered())
        self.assertEqual(arrived, list(range(len(arrived))), "each once, in order")

    def test_the_host_of_templates(self):
        engine = Engine(self, {"counter.py": COUNTER}, book(value="{{ (event.i | int) + 0 }}"))
        self.kill_beside_the_source("the host of templates", engine)
        self.assertIn(" actions run, 0 failed", engine.log())

    def test_the_host_of_a_filter(self):
        engine = Engine(self, {"counter.py": COUNTER, "filters/mine.py": FILTER}, book(filters=[{"mine": None}]),
                        "-F", "filters")
        self.kill_beside_the_source("the host of plugin mine", engine)
        self.assertNotIn("Source error", engine.log())

    def test_a_filter_that_kills_every_host_ends_the_source(self):
        deadly = "import os\n\ndef main(event):\n    if event['i'] == 100:\n        os.kill(os.getpid(), 9)\n    return event\n"
        engine = Engine(self, {"counter.py": COUNTER, "filters/mine.py": deadly}, book(filters=[{"mine": None}]),
                        "-F", "filters")
        self.assertEqual(engine.process.wait(PATIENCE), 1, engine.log()[-4000:])
        self.assertEqual(engine.log().count("its events are given to the next host"), 1)
        self.assertIn("Source error: filter mine: the host of plugin mine was killed by signal 9", engine.log())


class Ends(unittest.TestCase):
    """After each kind of end no host is left."""

    def start(self, files=None, arguments=()):
        """With hosts of a source, a filter and templates."""
        engine = Engine(self, {"counter.py": COUNTER, "filters/mine.py": FILTER, **(files or {})},
                        book(value="{{ (event.i | int) + 0 }}", filters=[{"mine": None}]), "-F", "filters", *arguments)
        engine.wait_until(lambda: len(engine.numbers()) > 100, "some events")
        pids = [pid for _, pid in engine.hosts()]
        self.assertGreaterEqual(len(pids), 3, engine.hosts())
        for pid in pids:
            self.assertTrue(is_running(pid))
        return engine, pids

    def test_the_source_ends(self):
        engine, pids = self.start()
        self.assertEqual(engine.finish(), 0, engine.log()[-4000:])
        engine.expect_gone(pids, time.monotonic())

    def test_a_signal(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name):
                engine, pids = self.start()
                engine.process.send_signal(number)
                self.assertEqual(engine.process.wait(PATIENCE), 128 + number)
                engine.expect_gone(pids, time.monotonic())

    # From here on one host is blocked, so that it could not end by itself.
    def start_blocked(self):
        engine, pids = self.start({"plugins/blocker.py": BLOCKER, "config.yml": "plugins: {blocker: {stop_grace: 60}}"},
                                  ("--plugin-dir", "plugins", "--config", "config.yml"))
        engine.wait_until((engine.folder / "blocked").exists, "the plugin that blocks")
        return engine, pids

    def test_an_interruption_twice(self):
        engine, pids = self.start_blocked()
        engine.process.send_signal(signal.SIGINT)
        engine.wait_until(lambda: "another one ends at once" in engine.log(), "the first signal")
        engine.process.send_signal(signal.SIGINT)
        sent = time.monotonic()
        self.assertEqual(engine.process.wait(PATIENCE), 128 + signal.SIGINT)
        engine.expect_gone(pids, sent)

    def test_an_interruption_while_plugins_end(self):
        engine = Engine(self, {"plugins/blocker.py": BLOCKER, "counter.py": COUNTER,
                               "config.yml": "plugins: {blocker: {stop_grace: 60}}"},
                        book(), "--plugin-dir", "plugins", "--config", "config.yml", "--stats", "stats.json")
        engine.wait_until(lambda: engine.numbers() and (engine.folder / "blocked").exists(), "some events")
        (engine.folder / "enough").touch()
        engine.wait_until((engine.folder / "stats.json").exists, "the end of the run")
        pids = [pid for _, pid in engine.hosts()]
        engine.process.send_signal(signal.SIGINT)
        sent = time.monotonic()
        self.assertEqual(engine.process.wait(10), 128 + signal.SIGINT)
        engine.expect_gone(pids, sent)

    def test_the_engine_is_killed(self):
        engine, pids = self.start_blocked()
        engine.process.kill()
        killed = time.monotonic()
        engine.process.wait()
        engine.expect_gone(pids, killed)

    def test_a_host_that_blocks_is_terminated_after_its_grace(self):
        engine, pids = self.start({"plugins/blocker.py": BLOCKER, "config.yml": "plugins: {blocker: {stop_grace: 0.2}}"},
                                  ("--plugin-dir", "plugins", "--config", "config.yml"))
        engine.wait_until((engine.folder / "blocked").exists, "the plugin that blocks")
        self.assertEqual(engine.finish(), 0, engine.log()[-4000:])
        engine.expect_gone(pids, time.monotonic())


if __name__ == "__main__":
    unittest.main()
