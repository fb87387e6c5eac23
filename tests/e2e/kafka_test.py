# SPDX-License-Identifier: Apache-2.0
"""The source kafka with a real broker: what it brings, and what it does when things go wrong."""
import collections
import json
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest

import program
from peers.kafka import Kafka
from peers.proxy import Proxy

PATIENCE = 40  # seconds
SETTINGS = {"offset": "earliest", "session_timeout": 1, "request_timeout": 2, "metadata_max_age_ms": 500}
MANY = 100_000
IN_FLIGHT = 2000


class Engine:
    """The program at work on one rulebook, with what it prints and logs."""

    def __init__(self, port, action=None, condition="true", log="-v", **settings):
        self._kept = tempfile.TemporaryDirectory(prefix="millrace-kafka-")
        folder = pathlib.Path(self._kept.name)
        self.out, self.log = folder / "out", folder / "log"
        source = {"host": "127.0.0.1", "port": port, **SETTINGS, **settings}
        book = folder / "book.yml"
        book.write_text(json.dumps([{
            "name": "test", "hosts": "all", "sources": [{"name": "bus", "ansible.eda.kafka": source}],
            "rules": [{"name": "all", "condition": condition,
                       "action": action or {"debug": {"msg": "got {{ event.body }}"}}}]}]))
        self.process = None
        self.folder = folder
        self.arguments = [program.program(), "run", book, *log.split()]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
        self._kept.cleanup()

    def start(self):
        with open(self.out, "ab") as out, open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.arguments, stdout=out, stderr=log, stdin=subprocess.DEVNULL,
                                            cwd=self.folder)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def end(self, seconds=None):
        """Asks it to stop, twice if it may not wait for actions; how long that took."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        if seconds is not None:
            time.sleep(seconds)
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        return time.monotonic() - begun

    def printed(self):
        return self.out.read_text(errors="replace")

    def logged(self):
        return self.log.read_text(errors="replace")

    def got(self):
        """What the rule's action has printed, in order."""
        return re.findall(r"got (.*)", self.printed())

    def wait_for(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"{what}: never; printed:\n{self.printed()[-2000:]}\nlogged:\n{self.logged()[-3000:]}")
            time.sleep(0.02)

    def wait_for_got(self, wanted):
        self.wait_for(lambda: set(wanted) <= set(self.got()), f"{wanted}"[:200])

    def wait_for_log(self, text):
        self.wait_for(lambda: text in self.logged(), text)


class KafkaTest(unittest.TestCase):
    """One broker for all tests that leave it alone; each has topics and groups of its own."""

    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(Kafka(users={"alice": "s3cret"}, partitions=2))

    def engine(self, **settings):
        topic = self.id().rsplit(".", 1)[-1]
        settings.setdefault("topic", topic)
        settings.setdefault("group_id", topic)
        return Engine(settings.pop("port", self.broker.port), **settings)

    def topic(self):
        return self.id().rsplit(".", 1)[-1]

    def test_publishes(self):
        target = self.topic() + "-out"
        self.broker.produce(self.topic(), ['{"n": 1}', '{"n": 2}'], "-p", "0")
        publish = {"kafka": {"brokers": [f"127.0.0.1:{self.broker.port}"]}, "topic": target, "key": "k{{ event.body.n }}",
                   "message": {"twice": "{{ event.body.n * 2 }}"}, "headers": {"from": "millrace"}}
        with self.engine(action={"publish": publish}):
            end, done = time.monotonic() + PATIENCE, None
            while (done is None or done.returncode != 0) and time.monotonic() < end:  # until there is such a topic
                done = subprocess.run(
                    ["kcat", "-b", f"127.0.0.1:{self.broker.port}", "-C", "-t", target, "-o", "beginning", "-c", "2",
                     "-f", "%k %h %s\n"], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(sorted(done.stdout.splitlines()), ['k1 from=millrace {"twice":2}', 'k2 from=millrace {"twice":4}'],
                         done.stderr)

    def test_brings_events(self):
        self.broker.produce(self.topic(), ['{"n": 1, "message_uuid": "5"}'], "-p", "0", "-H", "foo=bar", "-k", "key1")
        self.broker.produce(self.topic(), ["plain text"], "-p", "0")
        self.broker.produce(self.topic(), ['{"n": 2}'], "-p", "0", "-H", "message_uuid=6ba7b8129dad11d180b400c04fd430c8")
        with self.engine(action={"debug": {"msg": "got {{ event | string }}"}}) as engine:
            engine.wait_for(lambda: len(engine.got()) >= 3, "three events")
            events = [eval(text) for text in engine.got()]  # as Python prints it
        first, text, named = (event["meta"] for event in events)
        self.assertEqual([event["body"] for event in events], [{"n": 1, "message_uuid": "5"}, "plain text", {"n": 2}])
        self.assertEqual(first["source_offset"], f"{self.topic()}:0:0")
        self.assertRegex(first["produced_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$")
        self.assertEqual(first["headers"], {"foo": "bar"})
        self.assertEqual(first["key"], "key1")
        self.assertEqual(first["message_id"], "5")
        self.assertEqual(text["headers"], {})
        self.assertNotIn("key", text)
        self.assertEqual(named["uuid"], "6ba7b8129dad11d180b400c04fd430c8")
        self.assertEqual(first["source"], {"name": "bus", "type": "ansible.eda.kafka"})

    def test_reads_without_a_group_what_comes_from_now_on(self):
        self.broker.produce(self.topic(), ["old"])
        with self.engine(group_id=None, offset="latest") as engine:
            engine.wait_for_log("reads partition 1")
            engine.wait_for(lambda: self.produce_and_look(engine, "new"), "new")
            self.assertNotIn("old", engine.got())
            self.assertLess(engine.end(), 2)

    def produce_and_look(self, engine, text):
        """Nobody says when a partition's end has been found, so it is sent until it comes."""
        self.broker.produce(self.topic(), [text])
        time.sleep(0.1)
        return text in engine.got()

    def test_reads_topics_of_a_pattern_also_new_ones(self):
        for group in (None, "pattern"):
            with self.subTest(group=group), self.engine(topic=None, topic_pattern=rf"pattern_{group}\d+", group_id=group) as engine:
                self.broker.produce(f"pattern_{group}1", ["one"])
                engine.wait_for_got(["one"])
                self.broker.produce(f"pattern_{group}2", ["two"])
                engine.wait_for_got(["two"])

    def test_malformed_and_oversized_messages_are_passed_over(self):
        self.broker.produce(self.topic(), [b"\xff\xfe", "{}", "0", '{"half": ', "null"], "-p", "0")
        self.broker.produce(self.topic(), ["[" * 500 + "]" * 500], "-p", "0")
        self.broker.produce_whole(self.topic(), b'"' + b"x" * 900_000 + b'"', "-p", "0")
        self.broker.produce(self.topic(), ['"last"'], "-p", "0")
        with self.engine(action={"debug": {"msg": "got {{ event.body[:20] }}"}}) as engine:
            engine.wait_for_got(["last"])
            self.assertEqual(engine.got(), ['{"half": ', "x" * 20, "last"])
            self.assertIn("not UTF-8", engine.logged())
            self.assertIn("nested deeper", engine.logged())

    def test_offsets_are_committed_when_events_are_settled(self):
        self.broker.produce(self.topic(), [str(n) for n in range(1, 6)], "-p", "0")
        endless = {"exec": {"argv": ["sh", "-c", "touch begun; exec sleep 1000"]}}
        with self.engine(action=endless) as engine:
            engine.wait_for(lambda: (engine.folder / "begun").exists(), "the first action")
            self.assertLess(engine.end(seconds=1), 5)
        with self.engine() as engine:
            engine.wait_for_got("12345")
            self.assertLess(engine.end(), 2)
        with self.engine() as engine:
            self.broker.produce(self.topic(), ["6"], "-p", "0")
            engine.wait_for_got("6")
            self.assertEqual(engine.got(), ["6"])

    def test_members_of_a_group_share_partitions(self):
        self.broker.produce(self.topic(), ["first"])
        with self.engine() as one:
            one.wait_for_got(["first"])
            one.wait_for_log("reads 2 partitions")
            with self.engine() as other:
                other.wait_for_log("reads 1 partition ")
                for partition in ("0", "1"):
                    self.broker.produce(self.topic(), [f"a{partition}"], "-p", partition)
                one.wait_for(lambda: len(one.got()) + len(other.got()) == 3, "both messages")
                self.assertEqual(len(one.got()), 2)
                other.end()
            one.wait_for(lambda: one.logged().count("reads 2 partitions") == 2, "all partitions again")
            for partition in ("0", "1"):
                self.broker.produce(self.topic(), [f"b{partition}"], "-p", partition)
            one.wait_for_got(["b0", "b1"])
            self.assertEqual(len(one.got()), 4, "nothing comes twice")

    def test_wrong_credentials_end_it(self):
        for mechanism in ("PLAIN", "SCRAM-SHA-256"):
            settings = dict(port=self.broker.sasl_port, security_protocol="SASL_PLAINTEXT", sasl_mechanism=mechanism,
                            sasl_plain_username="alice")
            with self.subTest(mechanism), self.engine(**settings, sasl_plain_password="wr0ng", log="-vv") as engine:
                self.assertEqual(engine.process.wait(20), 1)
                self.assertIn("uthentication failed", engine.logged())
                self.assertNotIn("wr0ng", engine.logged())
            with self.subTest(mechanism), self.engine(**settings, sasl_plain_password="s3cret", group_id=mechanism) as engine:
                self.broker.produce(self.topic(), [mechanism])
                engine.wait_for_got([mechanism])

    def test_a_slow_connection_is_read_to_the_end(self):
        self.broker.produce(self.topic(), ["x" * 200 for _ in range(200)] + ["last"], "-p", "0")
        with Proxy(self.broker.port) as proxy:
            proxy.slow(200_000)
            with self.engine(port=proxy.port) as engine:
                engine.wait_for_got(["last"])


class FaultyBrokerTest(unittest.TestCase):
    """Clients come through a proxy, and the broker is ended, started and stopped."""

    def test_every_fault_is_survived(self):
        broker = Kafka()
        with Proxy(broker.port) as proxy, Engine(proxy.port, topic="t", group_id="g") as engine:
            broker.advertised = proxy.port
            engine.wait_for_log("cannot reach Kafka")
            self.assertIsNone(engine.process.poll(), "the peer is not there at the start")
            with broker:
                self.survives(broker, engine, "started")
                engine.wait_for_log("connected with Kafka")
                with self.subTest("killed and started again"):
                    broker.kill()
                    engine.wait_for(lambda: engine.logged().count("cannot reach Kafka") == 2, "the loss")
                    broker.start()
                    self.survives(broker, engine, "restarted")
                with self.subTest("stopped for a while"):
                    broker.pause()
                    time.sleep(3)
                    broker.resume()
                    self.survives(broker, engine, "resumed")
                with self.subTest("connections cut"):
                    proxy.cut()
                    self.survives(broker, engine, "cut")
                with self.subTest("half open"):
                    proxy.freeze()
                    engine.wait_for(lambda: engine.logged().count("cannot reach Kafka") >= 3, "the silence")
                    proxy.cut()
                    proxy.thaw()
                    self.survives(broker, engine, "thawed")
                proxy.freeze()
                self.assertLess(engine.end(), 2, "it ends in time, also when nobody answers")

    def survives(self, broker, engine, text):
        broker.produce("t", [text])
        engine.wait_for_got([text])


class KilledEngineTest(unittest.TestCase):
    def test_nothing_is_lost_when_the_engine_is_killed(self):
        with Kafka() as broker:
            broker.produce("many", [str(n) for n in range(1, MANY + 1)])
            with Engine(broker.port, topic="many", group_id="g", max_in_flight=IN_FLIGHT, log="") as engine:
                engine.wait_for(lambda: len(engine.got()) > MANY // 3, "a third")
                engine.kill()
                before = len(engine.got())
                self.assertLess(before, MANY)
                engine.start()
                engine.wait_for(lambda: str(MANY) in engine.got()[-5000:], "the rest")
                counts = collections.Counter(engine.got())
        lost = [n for n in range(1, MANY + 1) if str(n) not in counts]
        twice = [int(n) for n, count in counts.items() if count > 1 and n.isdecimal()]
        print(f"killed after {before} of {MANY}; {len(twice)} came twice, {len(lost)} were lost")
        self.assertEqual(lost, [])
        # And what was settled since the last commit: there are ten a second, on a machine that has the time.
        self.assertLess(len(twice), MANY // 5, "only what was in flight or not yet committed comes again")
        self.assertLessEqual(max(count for number, count in counts.items() if number.isdecimal()), 2)


if __name__ == "__main__":
    unittest.main()
