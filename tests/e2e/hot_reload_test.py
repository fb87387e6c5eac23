# SPDX-License-Identifier: Apache-2.0
"""Rulebooks that change under a run: what did not change goes on as if nothing had happened."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

from program import program
from peers.peer import free_port

KEPT = """
- name: kept
  hosts: all
  sources:
    - ansible.eda.webhook:
        host: 127.0.0.1
        port: {port}
  rules:
    - name: join
      condition:
        all:
          - event.payload.a == 1
          - event.payload.b == 1
      action:
        debug:
          msg: joined
    - name: remember
      condition: event.payload.fact == 1
      action:
        set_fact:
          fact:
            known: 1
    - name: use
      condition:
        all:
          - fact.known == 1
          - event.payload.use == 1
      action:
        debug:
          msg: the fact is known
    - name: absence
      condition:
        not_all:
          - event.payload.begin == 1
          - event.payload.end == 1
        timeout: 3 seconds
      action:
        debug:
          msg: the end did not come
"""

CHANGING = """
- name: {name}
  hosts: all
  sources:
    - ansible.eda.webhook:
        host: 127.0.0.1
        port: {port}
  rules:
    - name: say
      condition: event.payload.x == 1
      action:
        debug:
          msg: this is {version}
"""


class HotReload(unittest.TestCase):
    def setUp(self):
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.folder = pathlib.Path(kept.name)
        self.rulebook = self.folder / "rulebook.yml"
        self.kept_port = free_port()
        self.port = free_port()
        self.process = None

    def text(self, version, name="changing"):
        return KEPT.format(port=self.kept_port) + CHANGING.format(name=name, port=self.port, version=version)

    def start(self):
        self.rulebook.write_text(self.text("old"))
        self.out = self.folder / "out"
        self.log = self.folder / "log"
        with open(self.out, "wb") as out, open(self.log, "wb") as log:
            self.process = subprocess.Popen([program(), "run", "-r", self.rulebook, "--hot-reload", "-v"],
                                            stdout=out, stderr=log)
        self.addCleanup(self.stop)
        self.wait_for(self.log, "HOT-RELOAD: Hot-reload was requested, will monitor for rulebook file changes")
        for port in (self.kept_port, self.port):
            self.post(port, {"nothing": 1})

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def post(self, port, payload):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/x", json.dumps(payload).encode(),
                                         {"Content-Type": "application/json"})
        end = time.monotonic() + 20
        while True:
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return self.assertEqual(answer.status, 200)
            except (ConnectionError, urllib.error.URLError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def wait_for(self, file, text, times=1):
        end = time.monotonic() + 20
        while file.read_text().count(text) < times:
            if time.monotonic() > end or self.process.poll() is not None:
                self.fail(f"no {text!r} in {file.name}:\n{self.log.read_text()}\n{self.out.read_text()}")
            time.sleep(0.02)

    def test_facts_and_partial_matches_and_timers_are_kept(self):
        self.start()
        self.post(self.kept_port, {"a": 1})
        self.post(self.kept_port, {"fact": 1})
        self.post(self.kept_port, {"begin": 1})
        self.post(self.port, {"x": 1})
        self.wait_for(self.out, "this is old")
        self.rulebook.write_text("# moved down\n" + self.text("new"))
        self.wait_for(self.log, "HOT-RELOAD! rules file changed, now restarting")
        self.wait_for(self.log, "kept [kept], stopped [changing], started [changing]")
        self.post(self.port, {"x": 1})
        self.wait_for(self.out, "this is new")
        self.post(self.kept_port, {"b": 1})
        self.wait_for(self.out, "joined")
        self.post(self.kept_port, {"use": 1})
        self.wait_for(self.out, "the fact is known")
        self.wait_for(self.out, "the end did not come")
        self.stop()
        self.assertIn("2  say", self.log.read_text(), "the summary counts what was replaced")

    def test_a_broken_rulebook_changes_nothing(self):
        self.start()
        self.rulebook.write_text(self.text("new").replace("event.payload.x == 1", "event.payload.x =="))
        self.wait_for(self.log, "nothing was changed")
        self.assertIn("Error parsing", self.log.read_text())
        self.post(self.port, {"x": 1})
        self.wait_for(self.out, "this is old")
        self.rulebook.write_text(self.text("mended"))
        self.wait_for(self.log, "started [changing]")
        self.post(self.port, {"x": 1})
        self.wait_for(self.out, "this is mended")

    def test_unknown_extensions_change_nothing(self):
        self.start()
        self.rulebook.write_text(self.text("new").replace("debug:", "nosuch:"))
        self.wait_for(self.log, "nothing was changed")
        self.rulebook.write_text(self.text("new").replace("ansible.eda.webhook", "nosuch.plugin.anywhere"))
        self.wait_for(self.log, "nothing was changed", times=2)
        self.post(self.port, {"x": 1})
        self.wait_for(self.out, "this is old")

    def test_editors_that_rename_are_noticed(self):
        self.start()
        for version in ("first", "second"):
            other = self.folder / ".rulebook.yml.swp"
            other.write_text(self.text(version))
            os.rename(self.rulebook, self.folder / "rulebook.yml~")
            os.rename(other, self.rulebook)
            self.wait_for(self.log, "stopped [changing], started [changing]",
                          times=1 if version == "first" else 2)
            self.post(self.port, {"x": 1})
            self.wait_for(self.out, f"this is {version}")

    def test_rule_sets_come_and_go(self):
        self.start()
        self.rulebook.write_text(KEPT.format(port=self.kept_port))
        self.wait_for(self.log, "kept [kept], stopped [changing], started []")
        self.rulebook.write_text(self.text("back", name="other"))
        self.wait_for(self.log, "kept [kept], stopped [], started [other]")
        self.post(self.port, {"x": 1})
        self.wait_for(self.out, "this is back")

    def test_a_change_of_comments_alone_stops_nothing(self):
        self.start()
        self.post(self.port, {"x": 1})
        self.rulebook.write_text("# only this\n" + self.text("old"))
        self.wait_for(self.log, "kept [kept, changing], stopped [], started []")


if __name__ == "__main__":
    unittest.main()
