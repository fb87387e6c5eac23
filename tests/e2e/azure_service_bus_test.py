#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rulebooks that receive from Azure Service Bus: from its namespace as a double plays it, and from RabbitMQ, a real broker
of AMQP 1.0."""
import ast
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest
import uuid

from program import program

from peers.rabbitmq_amqp1 import RabbitMqAmqp1
from peers.service_bus import KEY, ServiceBus

PATIENCE = 40.0  # seconds


class Engine:
    """The program with one rule set in a temporary folder; `again` starts it anew there."""

    def __init__(self, test, action=None, **source):
        self.test = test
        kept = tempfile.TemporaryDirectory()
        test.addCleanup(kept.cleanup)
        self.folder = pathlib.Path(kept.name)
        book = [{"name": "messages", "hosts": "all", "sources": [{"ansible.eda.azure_service_bus": source}],
                 "rules": [{"name": "each", "condition": "event.meta is defined",
                            "action": action or {"debug": {"msg": "arrived {{ event.body }}"}}}]}]
        (self.folder / "rulebook.yml").write_text(json.dumps(book))
        self.process = None
        test.addCleanup(self.kill)
        self.again()

    def again(self):
        with open(self.folder / "out", "ab") as out, open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([program(), "run", "rulebook.yml", "-vv", "--shutdown-delay", "1"],
                                            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=log)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self):
        """As a service manager would; how long that took."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        return time.monotonic() - begun

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def out(self):
        return (self.folder / "out").read_text(errors="replace")

    def arrived(self):
        return re.findall(r"arrived (.*)", self.out())

    def wait_until(self, done, what):
        until = time.monotonic() + PATIENCE
        while not done():
            if self.process.poll() is not None and not done():
                self.test.fail(f"{what}: the program has ended with {self.process.returncode}\n{self.log()[-4000:]}")
            if time.monotonic() > until:
                self.test.fail(f"{what}: not within {PATIENCE:g} s\n{self.log()[-4000:]}\n{self.out()[-2000:]}")
            time.sleep(0.02)


def wait_on_file(name="go"):
    """An action that goes on for as long as there is no such file in the folder."""
    return {"exec": {"command": f"while [ ! -e {name} ]; do sleep 0.02; done; echo arrived $BODY", "print": True,
                     "environment": {"BODY": "{{ event.body }}"}}}


class Namespace(unittest.TestCase):
    def start(self, **peer):
        bus = ServiceBus(**peer)
        self.enterContext(bus)
        return bus

    def engine(self, bus, action=None, **source):
        return Engine(self, action, **{"conn_str": bus.connection_string(), "queue_name": "orders", **source})

    def test_bodies_and_ids(self):
        bus = self.start()
        name = str(uuid.uuid4())
        bus.send('{"Say": "Hello World"}', id="m0")
        bus.send("Hello World", id="m1")
        bus.send('{"bytes": 1}', kind="data", id=name)
        bus.send(["list", 1, {"x": None}], id="m3")
        bus.send({"map": [1.5, True]}, id="m4")
        bus.send("ff41", kind="hex", id="m5")
        engine = self.engine(bus, {"print_event": {}})
        engine.wait_until(lambda: len(bus.state()["completed"]) == 6, "six messages settled")
        events = [ast.literal_eval(line) for line in engine.out().splitlines() if line.startswith("{'body'")]
        self.assertEqual([event["body"] for event in events],
                         [{"Say": "Hello World"}, "Hello World", {"bytes": 1}, ["list", 1, {"x": None}],
                          {"map": [1.5, True]}, "\ufffdA"])
        self.assertEqual([event["meta"]["message_id"] for event in events], ["m0", "m1", name, "m3", "m4", "m5"])
        self.assertEqual(events[2]["meta"]["uuid"], name)
        self.assertRegex(events[0]["meta"]["event"]["produced_at"], r"^\d{4}-\d\d-\d\dT.*\+00:00$")
        self.assertLess(engine.stop(), 2)
        self.assertEqual(bus.state()["counts"]["token 202"], 1)
        self.assertNotIn(KEY, engine.log() + engine.out())

    def test_what_is_no_message_or_too_large_goes_to_the_dead_letters(self):
        bus = self.start()
        bus.send("6e6f6e73656e7365", kind="raw")
        bus.send(str(17 << 20), kind="large")
        bus.send("good")
        engine = self.engine(bus)
        engine.wait_until(lambda: bus.state()["waiting"]["orders/$deadletterqueue"] == 2, "two dead letters")
        engine.wait_until(lambda: engine.arrived() == ["good"], "the third")
        self.assertIn("a message of more than", engine.log())
        dead = self.engine(bus, queue_name="orders/$DeadLetterQueue")
        dead.wait_until(lambda: bus.state()["counts"]["attached"] == 2, "a link to the dead letters")

    def test_topics(self):
        bus = self.start(queues=["news/Subscriptions/all"])
        bus.send("extra", "news/Subscriptions/all")
        engine = self.engine(bus, queue_name=None, topic_name="news", subscription_name="all")
        engine.wait_until(lambda: engine.arrived() == ["extra"], "the message")

    def test_a_wrong_key_ends_the_source(self):
        bus = self.start()
        wrong = "bm90IHRoZSByaWdodCBvbmU="
        engine = self.engine(bus, conn_str=bus.connection_string(wrong))
        self.assertEqual(engine.process.wait(PATIENCE), 1)
        self.assertIn("the token is refused: 401 InvalidSignature", engine.log())
        self.assertNotIn(wrong, engine.log())
        self.assertEqual(bus.state()["counts"]["token 401"], 5)

    def test_a_queue_that_is_not_there_ends_the_source(self):
        bus = self.start()
        engine = self.engine(bus, queue_name="other")
        self.assertEqual(engine.process.wait(PATIENCE), 1)
        self.assertIn("amqp:not-found", engine.log())

    def test_only_what_is_settled_is_completed_and_locks_are_kept(self):
        bus = self.start(lock=2.0)
        for i in range(5):
            bus.send(str(i), id=str(i))
        engine = self.engine(bus, wait_on_file(), prefetch=3)
        engine.wait_until(lambda: bus.state()["counts"].get("com.microsoft:renew-lock 200", 0) >= 9, "locks are renewed")
        state = bus.state()
        self.assertEqual((state["locked"], state["waiting"]["orders"], state["completed"]), (3, 2, []))
        self.assertNotIn("ran out", state["counts"])
        (engine.folder / "go").touch()
        engine.wait_until(lambda: len(bus.state()["completed"]) == 5, "all are settled")
        self.assertEqual(bus.state()["completed"], [str(i) for i in range(5)])
        self.assertEqual(bus.state()["counts"]["delivered"], 5)

    def test_a_forced_detach_is_nothing_special(self):
        bus = self.start()
        bus.send("slow", id="slow")
        engine = self.engine(bus, wait_on_file(), prefetch=2)
        engine.wait_until(lambda: bus.state()["locked"] == 1, "a message in flight")
        bus.ask("detach")
        engine.wait_until(lambda: bus.state()["receivers"] == 1, "attached again")
        (engine.folder / "go").touch()
        engine.wait_until(lambda: bus.state()["completed"] == ["slow"], "settled by its lock")
        bus.send("next", id="next")
        engine.wait_until(lambda: bus.state()["completed"] == ["slow", "next"], "the next message")
        state = bus.state()
        self.assertEqual(state["counts"]["com.microsoft:update-disposition 200"], 1)
        self.assertEqual((state["counts"]["delivered"], state["counts"]["token 202"]), (2, 1), "the same connection")
        self.assertNotIn("warning", engine.log().lower())

    def test_tokens_are_renewed(self):
        bus = self.start()
        engine = self.engine(bus, token_lifetime=4)
        engine.wait_until(lambda: bus.state()["counts"].get("token 202", 0) >= 3, "three tokens")
        bus.send("still here")
        engine.wait_until(lambda: engine.arrived() == ["still here"], "a message")
        self.assertEqual(bus.state()["counts"]["attached"], 1)
        self.assertNotIn("expired", bus.state()["counts"])

    def test_peers_that_come_late_and_go(self):
        bus = ServiceBus()
        self.addCleanup(bus.__exit__)
        engine = self.engine(bus)
        engine.wait_until(lambda: "Connection refused; tries again" in engine.log(), "the warning")
        bus.start()
        bus.send("first")
        engine.wait_until(lambda: engine.arrived() == ["first"], "the first message")
        bus.kill()
        bus.start()
        bus.send("second")
        engine.wait_until(lambda: engine.arrived() == ["first", "second"], "the second message")
        bus.ask("drop")
        bus.send("third")
        engine.wait_until(lambda: engine.arrived() == ["first", "second", "third"], "the third message")
        self.assertEqual(len(re.findall("receives from orders", engine.log())), 3)
        self.assertEqual(len(re.findall("tries again", engine.log())), 3)

    def test_a_peer_that_falls_silent(self):
        bus = self.start()
        engine = self.engine(bus, idle_timeout=1)
        engine.wait_until(lambda: bus.state()["receivers"] == 1, "attached")
        bus.pause()
        engine.wait_until(lambda: "tries again" in engine.log(), "the silence is noticed")
        bus.kill()
        bus.start()
        bus.send("back")
        engine.wait_until(lambda: engine.arrived() == ["back"], "a message")

    def test_kill_9_of_the_engine(self):
        bus = self.start()
        for i in range(20):
            bus.send(str(i), id=str(i))
        engine = self.engine(bus, wait_on_file("go"), prefetch=7)
        engine.wait_until(lambda: bus.state()["locked"] == 7, "messages in flight")
        engine.kill()
        self.assertEqual(bus.state()["completed"], [])
        (engine.folder / "go").touch()
        engine.again()
        engine.wait_until(lambda: len(bus.state()["completed"]) == 20, "all are settled")
        self.assertEqual(sorted(bus.state()["completed"], key=int), [str(i) for i in range(20)])
        self.assertEqual(bus.state()["counts"]["delivered"], 27, "only what was in flight came twice")

    def test_a_message_that_asks_for_the_end_does_not_come_again(self):
        bus = self.start()
        bus.send("stop", id="stop")
        engine = self.engine(bus, {"shutdown": {}})
        self.assertEqual(engine.process.wait(PATIENCE), 0)
        self.assertEqual(bus.state()["completed"], ["stop"])

    def test_tls(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        certificate = os.path.join(folder, "server.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{certificate}.key", "-out", certificate],
                       check=True, capture_output=True)
        with open(certificate, "a") as whole, open(f"{certificate}.key") as key:
            whole.write(key.read())
        bus = self.start(certificate=certificate)
        bus.send("secret")
        stranger = self.engine(bus, conn_str=bus.connection_string(host="localhost"))
        stranger.wait_until(lambda: "certificate verify failed" in stranger.log(), "an unknown authority")
        other = self.engine(bus, cafile=certificate)  # 127.0.0.1 is not in the certificate
        other.wait_until(lambda: "certificate verify failed" in other.log(), "another name")
        engine = self.engine(bus, conn_str=bus.connection_string(host="localhost"), cafile=certificate)
        engine.wait_until(lambda: engine.arrived() == ["secret"], "the message")


class RealBroker(unittest.TestCase):
    """What has to do with AMQP 1.0 itself."""

    @classmethod
    def setUpClass(cls):
        cls.broker = RabbitMqAmqp1()
        cls.addClassCleanup(cls.broker.__exit__)
        cls.broker.start()

    def engine(self, queue, action=None, **source):
        return Engine(self, action, **{"conn_str": self.broker.connection_string(), "queue_name": f"/queue/{queue}",
                                       "authorization": "plain", **source})

    def test_a_thousand_messages_and_a_restart_of_the_broker(self):
        bodies = [json.dumps({"i": i}) for i in range(1000)]
        engine = self.engine("many", {"debug": {"msg": "arrived {{ event.body.i }}"}}, prefetch=100)
        self.broker.send(bodies[:500], "many")
        engine.wait_until(lambda: len(set(engine.arrived())) == 500, "the first half")
        self.broker.kill()
        self.broker.start()
        self.broker.send(bodies[500:], "many")
        engine.wait_until(lambda: len(set(engine.arrived())) == 1000, "the second half")
        self.assertLess(engine.stop(), 2)
        self.assertLess(len(engine.arrived()), 1500, "only what the killed broker brings back may come twice")
        # The killed broker brings back what it had not yet written that it was done: some may not have been read again.
        self.assertLess(self.broker.rest("many"), 500, "nothing of what was sent after the restart is left")

    def test_kill_9_of_the_engine(self):
        self.broker.send([str(i) for i in range(20)], "killed")
        engine = self.engine("killed", wait_on_file(), prefetch=5)
        engine.wait_until(lambda: "receives from" in engine.log(), "the link")
        engine.kill()
        (engine.folder / "go").touch()
        engine.again()
        engine.wait_until(lambda: len(set(engine.arrived())) == 20, "all of them")
        engine.stop()
        self.assertEqual(self.broker.rest("killed"), 0)

    def test_a_wrong_password_ends_the_source(self):
        engine = self.engine("any", conn_str=self.broker.connection_string("wr0ng"))
        self.assertEqual(engine.process.wait(PATIENCE), 1)
        self.assertIn("amqp:unauthorized-access", engine.log())
        self.assertNotIn("wr0ng", engine.log())


if __name__ == "__main__":
    unittest.main()
