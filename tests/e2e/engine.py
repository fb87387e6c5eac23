# SPDX-License-Identifier: Apache-2.0
"""A running engine, for tests that have a server at its other end."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import textwrap
import time

from program import program

PATIENCE = 30.0  # seconds, for what is only slow


def wait_until(what, describe=lambda: "it did not happen", patience=PATIENCE):
    """What `what` gives, once it is true."""
    end = time.monotonic() + patience
    while not (found := what()):
        if time.monotonic() > end:
            raise AssertionError(describe())
        time.sleep(0.02)
    return found


class Engine:
    """The program, running a rulebook; stopped with the test. What it prints and logs goes to files in its folder."""

    def __init__(self, test, rulebook, *arguments, folder=None, environment=None):
        if folder is None:
            kept = tempfile.TemporaryDirectory(prefix="millrace-engine-")
            test.addCleanup(kept.cleanup)
            folder = kept.name
        self.folder = pathlib.Path(folder)
        if isinstance(rulebook, str):
            (self.folder / "rulebook.yml").write_text(textwrap.dedent(rulebook), encoding="utf-8")
        else:
            (self.folder / "rulebook.yml").write_text(json.dumps(rulebook), encoding="utf-8")
        with open(self.folder / "log", "ab") as log, open(self.folder / "output", "ab") as output:
            self.process = subprocess.Popen(
                [program(), "run", "rulebook.yml", "-v", *arguments], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output,
                stderr=log, env={**os.environ, "HOME": str(self.folder), **(environment or {})}, start_new_session=True)
        test.addCleanup(self.kill)

    def log(self):
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def output(self):
        return (self.folder / "output").read_text(encoding="utf-8", errors="replace")

    def wait_for_log(self, text, times=1, patience=PATIENCE):
        wait_until(lambda: self.log().count(text) >= times or self._has_ended(text),
                   lambda: f"'{text}' was not logged:\n{self.log()[-4000:]}", patience)

    def _has_ended(self, text):
        if self.process.poll() is not None and text not in self.log():
            raise AssertionError(f"the engine has ended, '{text}' was not logged:\n{self.log()[-4000:]}")
        return False

    def wait_for_lines(self, count, name="events.jsonl", patience=PATIENCE):
        """The JSON values of the file's lines, once there are as many."""
        def lines():
            file = self.folder / name
            text = file.read_text(encoding="utf-8") if file.exists() else ""
            found = text.splitlines()[:None if text.endswith("\n") else -1]
            return found if len(found) >= count else None
        found = wait_until(lines, lambda: f"fewer than {count} lines in {name}:\n{self.log()[-4000:]}", patience)
        return [json.loads(line) for line in found]

    def wait(self, patience=PATIENCE):
        return self.process.wait(patience)

    def stop(self):
        """As a service manager would; the seconds that it took."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        return time.monotonic() - begin

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


def noting(source, condition="event.meta is defined", file="events.jsonl"):
    """A rulebook that writes each event of a source to a file, a line each."""
    return [{"name": "notes", "hosts": "all", "sources": [source], "rules": [
        {"name": "note", "condition": condition,
         "action": {"exec": {"command": f"cat >>{file}; echo >>{file}", "stdin": "{{ event }}"}}}]}]
