#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rulebooks that read a queue of Amazon SQS, and CloudTrail, as tests/peers/aws.py plays them."""
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest

from program import program

from peers.aws import SECRET_KEY, Aws

PATIENCE = 40.0  # seconds
SHOW = {"debug": {"msg": "arrived {{ event.body }}"}}
WAIT = {"exec": {"command": "while [ ! -e go ]; do sleep 0.02; done; echo arrived $BODY", "print": True,
                 "environment": {"BODY": "{{ event.body }}"}}}


class Engine:
    """The program with one rule set in a temporary folder; `again` starts it anew there."""

    def __init__(self, test, source, action, environment=None, options=()):
        self.test = test
        kept = tempfile.TemporaryDirectory()
        test.addCleanup(kept.cleanup)
        self.folder = pathlib.Path(kept.name)
        book = [{"name": "messages", "hosts": "all", "sources": [source],
                 "rules": [{"name": "each", "condition": "event.meta is defined", "action": action}]}]
        (self.folder / "rulebook.yml").write_text(json.dumps(book))
        self.options = options
        self.environment = {**{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
                            "HOME": str(self.folder), **(environment or {})}
        self.process = None
        test.addCleanup(self.kill)
        self.again()

    def again(self):
        with open(self.folder / "out", "ab") as out, open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [program(), "run", "rulebook.yml", "-vv", "--shutdown-delay", "1", *self.options],
                cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=log)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self):
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        return time.monotonic() - begun

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def arrived(self):
        return re.findall(r"arrived (.*)", (self.folder / "out").read_text(errors="replace"))

    def wait_until(self, done, what):
        until = time.monotonic() + PATIENCE
        while not done():
            if self.process.poll() is not None and not done():
                self.test.fail(f"{what}: the program has ended with {self.process.returncode}\n{self.log()[-4000:]}")
            if time.monotonic() > until:
                self.test.fail(f"{what}: not within {PATIENCE:g} s\n{self.log()[-4000:]}\n{self.arrived()[-50:]}")
            time.sleep(0.02)


class Sqs(unittest.TestCase):
    def setUp(self):
        self.aws = self.enterContext(Aws())

    def engine(self, action=None, environment=None, **settings):
        source = {"ansible.eda.aws_sqs_queue": {"name": "orders", **self.aws.settings(), **settings}}
        return Engine(self, source, action or SHOW, environment)

    def test_messages_are_deleted_when_they_are_settled(self):
        for i in range(25):
            self.aws.send(str(i))
        engine = self.engine(WAIT, max_number_of_messages=10, prefetch=12)
        engine.wait_until(lambda: self.aws.calls["ReceiveMessage"] >= 2, "messages are asked for")
        self.assertEqual(self.aws.deleted, [])
        (engine.folder / "go").touch()
        engine.wait_until(lambda: len(self.aws.deleted) == 25, "all are deleted")
        self.assertEqual(engine.arrived(), [str(i) for i in range(25)])
        self.assertLess(engine.stop(), 2)
        self.assertNotIn(SECRET_KEY, engine.log())
        asked = [given for _, operation, given in self.aws.requests if operation == "ReceiveMessage"]
        self.assertEqual([given["MaxNumberOfMessages"] for given in asked[:2]], [10, 2])
        self.assertEqual(asked[0]["WaitTimeSeconds"], 2)

    def test_slow_actions_keep_their_messages_hidden(self):
        self.aws.send("slow")
        engine = self.engine(WAIT, visibility_timeout=2)
        engine.wait_until(lambda: self.aws.calls["ChangeMessageVisibilityBatch"] >= 4, "the message stays hidden")
        (engine.folder / "go").touch()
        engine.wait_until(lambda: self.aws.deleted == ["slow"], "the message is deleted")
        self.assertEqual(engine.arrived(), ["slow"])

    def test_a_service_that_fails_and_goes(self):
        self.aws.faults.extend([500, 503, 429])
        self.aws.send('{"a": 1}')
        engine = self.engine()
        engine.wait_until(lambda: len(self.aws.deleted) == 1, "the first message")
        self.aws.stop()
        engine.wait_until(lambda: len(re.findall("tries again", engine.log())) == 2, "the loss is told")
        self.aws.start()
        self.aws.send("two")
        engine.wait_until(lambda: len(self.aws.deleted) == 2, "the second message")
        self.assertEqual(engine.arrived(), ["{'a': 1}", "two"])

    def test_kill_9_of_the_engine(self):
        for i in range(10):
            self.aws.send(str(i))
        engine = self.engine(WAIT, max_number_of_messages=5, prefetch=5, visibility_timeout=3)
        engine.wait_until(lambda: sum(m["receives"] for m in self.aws.queues["orders"]) == 5, "five are here")
        engine.kill()
        (engine.folder / "go").touch()
        engine.again()
        engine.wait_until(lambda: len(self.aws.deleted) == 10, "all are deleted")
        self.assertEqual(sorted(engine.arrived(), key=int), [str(i) for i in range(10)])

    def test_wrong_keys_and_queues_end_the_source(self):
        wrong = self.engine(secret_key="wr0ng")
        self.assertEqual(wrong.process.wait(PATIENCE), 1)
        self.assertIn("SignatureDoesNotMatch", wrong.log())
        self.assertNotIn("wr0ng", wrong.log())
        missing = self.engine(name="other")
        self.assertEqual(missing.process.wait(PATIENCE), 1)
        self.assertIn("Queue other does not exist", missing.log())

    def test_keys_of_the_environment_and_a_shutdown(self):
        self.aws.send("stop")
        settings = self.aws.settings()
        engine = self.engine({"shutdown": {}}, {"AWS_ACCESS_KEY_ID": settings["access_key"],
                                                "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_REGION": settings["region"]},
                             access_key=None, secret_key=None, region=None)
        self.assertEqual(engine.process.wait(PATIENCE), 0)
        self.assertEqual(self.aws.deleted, ["stop"], "it does not come again")


class CloudTrail(unittest.TestCase):
    def setUp(self):
        self.aws = self.enterContext(Aws())

    def engine(self, options=(), **settings):
        source = {"amazon.aws.aws_cloudtrail": {**self.aws.settings(), "delay_seconds": 0.5, **settings}}
        action = {"debug": {"msg": "arrived {{ event.EventName }} {{ event.EventTime }} {{ event.CloudTrailEvent.eventName }}"}}
        engine = Engine(self, source, action, options=options)
        engine.wait_until(lambda: self.aws.calls["LookupEvents"] > 0, "the first question")
        return engine

    def names(self, engine):
        return [line.split()[0] for line in engine.arrived()]

    def test_pages_each_event_once_and_the_limit_of_requests(self):
        engine = self.engine(lookup_attributes=[{"AttributeKey": "EventName", "AttributeValue": "Run"}])
        now = time.time() + 1
        for i in range(5):
            self.aws.record("Run", now + i / 10)
        self.aws.record("Stop", now)
        engine.wait_until(lambda: len(engine.arrived()) == 5, "five events")
        calls = self.aws.calls["LookupEvents"]
        engine.wait_until(lambda: self.aws.calls["LookupEvents"] >= calls + 3, "further questions")
        self.assertEqual(self.names(engine), ["Run"] * 5)
        self.assertRegex(engine.arrived()[0], r"Run \d{4}-\d\d-\d\dT.*\+00:00 Run")
        times = [at for at, _, _ in self.aws.requests]
        self.assertGreater(min(b - a for a, b in zip(times, times[1:])), 0.45)
        self.assertLess(engine.stop(), 2)

    def test_what_happens_while_the_engine_is_away_is_told_once(self):
        if "--journal" not in subprocess.run([program(), "run", "--help"], capture_output=True, text=True).stdout:
            self.skipTest("without a journal nothing is remembered")
        engine = self.engine(["--journal", "journal"])
        now = time.time() + 1
        self.aws.record("first", now)
        engine.wait_until(lambda: self.names(engine) == ["first"], "the first event")
        calls = self.aws.calls["LookupEvents"]
        engine.wait_until(lambda: self.aws.calls["LookupEvents"] >= calls + 2, "it is remembered")
        engine.kill()
        self.aws.record("second", now)
        self.aws.record("third", now + 1)
        engine.again()
        engine.wait_until(lambda: len(engine.arrived()) == 3, "what has happened since")
        self.assertEqual(sorted(self.names(engine)), ["first", "second", "third"])

    def test_late_events(self):
        engine = self.engine(lateness=600)
        now = time.time()
        self.aws.record("new", now)
        engine.wait_until(lambda: self.names(engine) == ["new"], "the new event")
        self.aws.record("late", now - 300)
        engine.wait_until(lambda: self.names(engine) == ["new", "late"], "the late event")

    def test_a_service_that_fails_in_the_middle_of_the_pages(self):
        engine = self.engine()
        now = time.time() + 1
        for i in range(6):
            self.aws.record(str(i), now + i / 10)
        engine.wait_until(lambda: len(engine.arrived()) >= 2, "the first page")
        self.aws.faults.extend([500, 500])
        engine.wait_until(lambda: len(engine.arrived()) == 6, "all pages")
        self.assertEqual(sorted(self.names(engine)), [str(i) for i in range(6)])
        self.assertIn("tries again", engine.log())


if __name__ == "__main__":
    unittest.main()
