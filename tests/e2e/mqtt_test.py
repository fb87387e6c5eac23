#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The source mqtt and the action publish against a real Mosquitto, and against what can go wrong with it."""
import json
import pathlib
import re
import subprocess
import tempfile
import unittest
import uuid

from rulebook_run import RulebookRun, printing, rule_set
from peers.certificate import make_certificate
from peers.mosquitto import Mosquitto
from peers.peer import need
from peers.proxy import Proxy

MESSAGES = 5000
SHOW = printing("event.body is defined", "<{{ event | tojson }}>")
COUNT = printing("event.body.i is defined", "got {{ event.body.i }}.")


class Mqtt(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = Mosquitto(["max_queued_messages 0"])
        cls.enterClassContext(cls.broker)

    def setUp(self):
        self.topic = f"t-{uuid.uuid4().hex[:8]}"

    def send(self, *messages, topic=None, broker=None, arguments=()):
        """One line each."""
        port = (broker or self.broker).port
        subprocess.run([need("mosquitto_pub", "mosquitto-clients"), "-h", "127.0.0.1", "-p", str(port), "-q", "1", "-t",
                        topic or self.topic, "-l", *arguments], input="".join(f"{message}\n" for message in messages), text=True,
                       check=True, timeout=60)

    def numbers(self, numbers, **more):
        self.send(*(json.dumps({"i": i}) for i in numbers), **more)

    def run_source(self, rules=(COUNT,), port=None, **settings):
        source = {"mqtt": {"host": "127.0.0.1", "port": port or self.broker.port, "topic": self.topic, **settings}}
        return RulebookRun(self, rule_set(source, list(rules)))

    def wait_for_events(self, run, count):
        def events():
            return [json.loads(text) for text in re.findall(r"^<(\{.*\})>$", run.out(), re.MULTILINE)]
        run.wait_until(lambda: len(events()) >= count, f"{count} events are printed")
        return events()

    # --- what becomes an event ------------------------------------------------------------------------------------------------

    def test_body_and_meta(self):
        self.send('"kept"', topic=f"{self.topic}/kept", arguments=["-r"])
        topics = [f"{self.topic}/+", {"topic": f"{self.topic}/a/b", "qos": 0}]
        with self.run_source([SHOW], topic=None, topics=topics) as run:
            kept, = self.wait_for_events(run, 1)
            self.send('{"a": [1, 2.5]}', "plain text", topic=f"{self.topic}/x")
            self.send("5", topic=f"{self.topic}/a/b")
            self.send('"elsewhere"', topic=f"{self.topic}/a/c")
            _, first, second, third = self.wait_for_events(run, 4)
            self.assertLess(run.stop(), 5)
        self.assertEqual((kept["body"], kept["meta"]["retain"]), ("kept", True))
        self.assertEqual(first["body"], {"a": [1, 2.5]})
        expected = {"topic": f"{self.topic}/x", "qos": 1, "retain": False}
        self.assertEqual({key: first["meta"].get(key) for key in expected}, expected)
        self.assertEqual((second["body"], third["body"], third["meta"]["qos"]), ("plain text", 5, 0))

    def test_refuses_what_is_malformed_or_too_large(self):
        with self.run_source(format="json", max_message_size=2000) as run:
            run.wait_for_log("reads 1 topics")
            self.send("not json")
            self.send(json.dumps({"text": "x" * 3000}))
            self.send(json.dumps({"text": "x" * 300_000}))
            self.numbers([1])
            run.wait_for("got 1.")
            run.stop()
            self.assertEqual(run.log().count("max_message_size"), 2, run.log())

    def test_qos_2(self):
        with self.run_source(qos=2) as run:
            run.wait_for_log("reads 1 topics")
            self.numbers(range(100), arguments=["-q", "2"])
            run.wait_for("got 99.")
            run.stop()
        self.assertEqual(len(run.found("got ")), 100)

    # --- when messages are acknowledged -----------------------------------------------------------------------------------------

    def test_acknowledges_only_what_is_settled(self):
        slow = {"name": "slow", "condition": "event.body.i is defined",
                "action": {"exec": {"command": "echo {{ event.body.i }} >> started; while [ ! -e go ]; do sleep 0.05; done"}}}
        with self.run_source([slow], client_id=self.topic, clean_session=False) as run:
            run.wait_for_log("reads 1 topics")
            self.numbers([1, 2, 3])
            run.wait_until(lambda: (run.folder / "started").exists(), "the action has begun")
            run.kill()
            (run.folder / "go").touch()
            run.start()
            run.wait_until(lambda: sorted((run.folder / "started").read_text().split()) == ["1", "1", "2", "3"],
                           "all were acted on")

    def test_a_killed_engine_loses_nothing(self):
        with self.run_source(client_id=self.topic, clean_session=False) as run:
            run.wait_for_log("reads 1 topics")
            self.numbers(range(MESSAGES))
            run.wait_until(lambda: run.out().count("got ") > MESSAGES / 10, "it is in mid-stream")
            run.kill()
            self.numbers(range(MESSAGES, MESSAGES + 100))
            run.start()
            run.wait_for(f"got {MESSAGES + 99}.")
            numbers = [int(number) for number in run.found(r"got (\d+)\.")]
        self.assertEqual(set(numbers), set(range(MESSAGES + 100)))
        print(f"{len(numbers) - len(set(numbers))} duplicates after a kill", flush=True)
        self.assertLessEqual(len(numbers) - len(set(numbers)), 20)  # as many as the broker has under way at once

    # --- faults -----------------------------------------------------------------------------------------------------------------

    def test_waits_for_a_broker_that_comes_and_goes(self):
        with Mosquitto() as broker:
            broker.stop()
            with self.run_source(port=broker.port) as run:
                run.wait_for_log("it is tried again")
                broker.start()
                run.wait_for_log("connected again")
                self.numbers([1], broker=broker)
                run.wait_for("got 1.")
                broker.kill()
                run.wait_until(lambda: run.log().count("it is tried again") == 2, "the loss is told")
                broker.start()
                run.wait_until(lambda: run.log().count("connected again") == 2, "it is back")
                self.numbers([2], broker=broker)
                run.wait_for("got 2.")

    def test_a_half_open_connection_is_found(self):
        with Proxy(self.broker.port) as proxy, self.run_source(port=proxy.port, keepalive=2, connect_timeout=2,
                                                               client_id=self.topic, clean_session=False) as run:
            run.wait_for_log("reads 1 topics")
            proxy.freeze()
            run.wait_for_log("has been silent for 3 seconds")
            proxy.thaw()
            self.numbers([1])
            run.wait_for("got 1.")

    def test_wrong_credentials_end_it(self):
        with Mosquitto(users={"rita": "right"}) as broker:
            with self.run_source(port=broker.port, username="rita", password="not-this-one") as run:
                self.assertEqual(run.wait_for_end(), 1)
                self.assertIn("refuses the username or the password", run.log())
                self.assertNotIn("not-this-one", run.log())
            with self.run_source(port=broker.port, username="rita", password="right") as run:
                run.wait_for_log("reads 1 topics")

    def test_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(pathlib.Path(folder))
            with Mosquitto(certificate=certificate, key=key) as broker:
                with self.run_source(host="localhost", port=broker.tls_port, tls=True, ca_file=str(certificate)) as run:
                    run.wait_for_log("reads 1 topics")
                    self.numbers([1], broker=broker)
                    run.wait_for("got 1.")
                for trust in ({}, {"ca_file": str(certificate), "host": "127.0.0.1"}):
                    with self.run_source(**{"host": "localhost", "port": broker.tls_port, "tls": True, **trust}) as run:
                        self.assertEqual(run.wait_for_end(), 1)
                        self.assertIn("certificate verify failed", run.log())

    # --- the action publish -----------------------------------------------------------------------------------------------------

    def test_publish(self):
        broker = {"host": "127.0.0.1", "port": self.broker.port}
        rules = [{"name": "forward", "condition": "event.i is defined",
                  "action": {"publish": {"mqtt": broker, "topic": self.topic, "message": {"i": "{{ event.i }}"}}}}]
        forward = RulebookRun(self, rule_set({"range": {"limit": 100}}, rules))
        with self.run_source() as run:
            run.wait_for_log("reads 1 topics")
            with forward:
                self.assertEqual(forward.wait_for_end(), 0, forward.log())
            run.wait_for("got 99.")
        self.assertEqual(len(run.found("got ")), 100)

    def test_publish_waits_for_the_broker_to_come_back(self):
        with Mosquitto() as broker:
            broker.stop()
            rules = [{"name": "send", "condition": "event.i is defined",
                      "action": {"publish": {"mqtt": {"host": "127.0.0.1", "port": broker.port, "retain": True},
                                             "topic": self.topic, "message": "kept"}}}]
            with RulebookRun(self, rule_set({"range": {"limit": 1}}, rules)) as run:
                run.wait_for_log("it is tried again")
                broker.start()
                self.assertEqual(run.wait_for_end(), 0, run.log())
            seen = subprocess.run(["mosquitto_sub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", self.topic, "-C", "1", "-W",
                                   "10"], capture_output=True, text=True, check=True)
            self.assertEqual(seen.stdout, "kept\n")


if __name__ == "__main__":
    unittest.main()
