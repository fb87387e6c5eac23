#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sources that others have published run unmodified, with the libraries that they need in a virtual environment.

The environment is made in build/ with the first run; without a package index to make it from, the tests skip."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from program import ROOT, program

ENVIRONMENT = ROOT / "build" / "published-sources"
PACKAGES = ["ansible-rulebook==1.3.2", "aiohttp==3.13.2", "aiosignal==1.4.0", "aiohappyeyeballs==2.6.1", "attrs==25.4.0",
            "frozenlist==1.8.0", "multidict==6.7.0", "propcache==0.4.1", "yarl==1.22.0", "idna==3.11",
            "typing_extensions==4.15.0", "PyYAML==6.0.3"]
RULES = [{"name": "note", "condition": "event.meta is defined",
          "action": {"note": {"file": "notes.jsonl", "value": "{{ event }}"}}}]


def environment():
    """The interpreter of an environment that has the packages."""
    python = ENVIRONMENT / "bin" / "python3"
    done = ENVIRONMENT / "complete"
    if done.exists() and done.read_text() == "\n".join(PACKAGES):
        return python
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    try:
        subprocess.run(["python3", "-m", "venv", ENVIRONMENT], check=True, capture_output=True, text=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", *PACKAGES],
                       check=True, capture_output=True, text=True, timeout=300)
    except (subprocess.SubprocessError, OSError) as why:
        raise unittest.SkipTest(f"no environment for published sources: {getattr(why, 'stderr', None) or why}") from why
    done.write_text("\n".join(PACKAGES))
    return python


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class PublishedSources(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.python = environment()
        (cls.sources,) = ENVIRONMENT.glob("lib/python3*/site-packages/ansible_rulebook/event_source")

    def setUp(self):
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.folder = pathlib.Path(kept.name)

    def start(self, source, settings, rules=None):
        """The program with one source, which is the published file and not what is built in."""
        (self.folder / "rulebook.yml").write_text(json.dumps([{
            "name": "published", "hosts": "all", "sources": [{source: settings}], "rules": rules or RULES}]))
        process = subprocess.Popen(
            [program(), "run", "rulebook.yml", "-S", self.sources, "--python", self.python,
             "--plugin-dir", ROOT / "tests/e2e/features", "-vv"],
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "HOME": str(self.folder)})
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def finish(self, process):
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, errors)
        self.assertIn("the host of plugin", errors, "it ran in a host")
        return [json.loads(line)["value"] for line in (self.folder / "notes.jsonl").read_text().splitlines()]

    def test_range(self):
        events = self.finish(self.start("range", {"limit": 5}))
        self.assertEqual([event["i"] for event in events], [0, 1, 2, 3, 4])

    def test_generic(self):
        events = self.finish(self.start("generic", {
            "payload": [{"name": "a"}, {"name": "b"}], "create_index": "n", "loop_count": 2, "final_payload": {"name": "end"}}))
        self.assertEqual([(event["n"], event["name"]) for event in events],
                         [(0, "a"), (1, "b"), (2, "a"), (3, "b"), (4, "end")])

    def test_webhook(self):
        port = free_port()
        rules = [{**RULES[0], "actions": [RULES[0]["action"], {"shutdown": None}]}]
        del rules[0]["action"]
        process = self.start("webhook", {"host": "127.0.0.1", "port": port, "token": "open-sesame"}, rules)
        answer = self.post(port, {"level": 3})
        self.assertEqual(answer, (200, "alerts"))
        (event,) = self.finish(process)
        self.assertEqual(event["payload"], {"level": 3})
        self.assertEqual(event["meta"]["endpoint"], "alerts")
        self.assertNotIn("Authorization", event["meta"]["headers"])

    @staticmethod
    def post(port, payload):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/alerts", json.dumps(payload).encode(),
                                         {"Authorization": "Bearer open-sesame"})
        until = time.monotonic() + 20
        while True:
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError:
                raise
            except urllib.error.URLError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)  # nobody tells when a foreign server listens


if __name__ == "__main__":
    unittest.main()
