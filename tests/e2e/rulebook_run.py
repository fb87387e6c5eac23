# SPDX-License-Identifier: Apache-2.0
"""The program as a process that tests start, watch, kill and start again."""
import json
import pathlib
import re
import subprocess
import tempfile
import time

from program import program

PATIENCE = 30.0


def rule_set(source, rules, **more):
    return [{"name": "test", "hosts": "all", "sources": [source], "rules": rules, **more}]


def printing(condition, message):
    """A rule that prints a line."""
    return {"name": "prints", "condition": condition, "action": {"debug": {"msg": message}}}


class RulebookRun:
    """One rulebook (as an object), in a temporary folder; what the runs print and log is kept in one file each.

    with RulebookRun(test, book) as run:
        run.wait_for("got 1") … run.kill() … run.start()
    """

    def __init__(self, test, book, *arguments):
        self.test = test
        self.arguments = arguments
        kept = tempfile.TemporaryDirectory(prefix="millrace-run-")
        test.addCleanup(kept.cleanup)
        self.folder = pathlib.Path(kept.name)
        (self.folder / "rulebook.yml").write_text(json.dumps(book))
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        with open(self.folder / "out", "ab") as out, open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([program(), "run", "rulebook.yml", "-vv", *self.arguments], cwd=self.folder,
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=log)

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """As Ctrl-C would; how long it took."""
        begun = time.monotonic()
        self.process.terminate()
        self.process.wait(PATIENCE)
        return time.monotonic() - begun

    def out(self):
        return (self.folder / "out").read_text(encoding="utf-8", errors="replace")

    def log(self):
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def found(self, pattern):
        """All that was printed, by a regular expression."""
        return re.findall(pattern, self.out())

    def wait_until(self, done, what, limit=PATIENCE):
        until = time.monotonic() + limit
        while not done():
            if self.process.poll() is not None and not done():
                self.test.fail(f"{what}: the program has ended with {self.process.returncode}\n{self.log()[-3000:]}")
            if time.monotonic() > until:
                self.test.fail(f"{what}: not within {limit:g} s\n{self.out()[-2000:]}\n{self.log()[-3000:]}")
            time.sleep(0.01)

    def wait_for(self, text, limit=PATIENCE):
        self.wait_until(lambda: text in self.out(), f"'{text}' is printed", limit)

    def wait_for_log(self, text, limit=PATIENCE):
        self.wait_until(lambda: text in self.log(), f"'{text}' is logged", limit)

    def wait_for_end(self, limit=PATIENCE):
        """Its exit code."""
        return self.process.wait(limit)
