#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The source amqp and the action publish against a real RabbitMQ, and against what can go wrong with it."""
import contextlib
import json
import pathlib
import re
import subprocess
import tempfile
import time
import unittest
import uuid

from rulebook_run import RulebookRun, printing, rule_set
from peers.certificate import make_certificate
from peers.peer import free_port
from peers.proxy import Proxy
from peers.rabbitmq import RabbitMQ, pika

MESSAGES = 100_000
PREFETCH = 1000
SHOW = printing("event.body is defined", "<{{ event | tojson }}>")
COUNT = printing("event.body.i is defined", "got {{ event.body.i }}.")


class Amqp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = RabbitMQ()
        cls.enterClassContext(cls.server)

    def setUp(self):
        self.queue = f"q-{uuid.uuid4().hex[:8]}"

    @contextlib.contextmanager
    def channel(self, server=None):
        with (server or self.server).connect() as connection:
            yield connection.channel()

    def declare(self, **arguments):
        with self.channel() as channel:
            channel.queue_declare(self.queue, durable=True, arguments=arguments)

    def send(self, *bodies, routing_key=None, exchange="", server=None, **properties):
        with self.channel(server) as channel:
            for body in bodies:
                channel.basic_publish(exchange, routing_key or self.queue, body, pika().BasicProperties(**properties))

    def numbers(self, numbers, server=None):
        self.send(*(json.dumps({"i": i}) for i in numbers), delivery_mode=2, server=server)

    def depth(self, queue=None, server=None):
        with self.channel(server) as channel:
            return channel.queue_declare(queue or self.queue, passive=True).method.message_count

    def run_source(self, rules=(COUNT,), port=None, **settings):
        source = {"amqp": {"host": "127.0.0.1", "port": port or self.server.port, "queue": self.queue, **settings}}
        return RulebookRun(self, rule_set(source, list(rules)))

    def events(self, run):
        return [json.loads(text) for text in re.findall(r"^<(\{.*\})>$", run.out(), re.MULTILINE)]

    def wait_for_events(self, run, count):
        run.wait_until(lambda: len(self.events(run)) >= count, f"{count} events are printed")
        return self.events(run)

    # --- what becomes an event ------------------------------------------------------------------------------------------------

    def test_body_and_meta(self):
        self.declare()
        identity = str(uuid.uuid4())
        self.send('{"a": [1, 2.5, null]}', message_id=identity, content_type="application/json", correlation_id="c", priority=3,
                  timestamp=1700000000, app_id="app", headers={"text": "x", "n": 7, "list": [1, "two"], "deep": {"a": True}})
        self.send("plain text", b"")
        with self.run_source([SHOW]) as run:
            first, second, third = self.wait_for_events(run, 3)
        meta = first["meta"]
        self.assertEqual(first["body"], {"a": [1, 2.5, None]})
        self.assertEqual(meta["uuid"], identity)
        expected = {"routing_key": self.queue, "redelivered": False, "message_id": identity, "correlation_id": "c", "priority": 3,
                    "content_type": "application/json", "timestamp": 1700000000, "app_id": "app",
                    "headers": {"text": "x", "n": 7, "list": [1, "two"], "deep": {"a": True}}}
        self.assertEqual({key: meta.get(key) for key in expected}, expected)
        self.assertNotIn("exchange", meta)
        self.assertEqual((second["body"], third["body"]), ("plain text", ""))
        self.assertLessEqual(set(second["meta"]), {"routing_key", "redelivered", "source", "received_at", "uuid"})

    def test_a_queue_of_its_own(self):
        exchange = f"x-{self.queue}"
        source = {"amqp": {"url": f"amqp://guest:guest@127.0.0.1:{self.server.port}/%2F", "exchange": exchange,
                           "exchange_type": "topic", "routing_keys": ["hosts.*", "all"]}}
        with RulebookRun(self, rule_set(source, [SHOW])) as run:
            run.wait_for_log("reads")
            for key in ("hosts.web1", "elsewhere", "all"):
                self.send('"x"', exchange=exchange, routing_key=key)
            events = self.wait_for_events(run, 2)
        self.assertEqual([event["meta"]["routing_key"] for event in events], ["hosts.web1", "all"])
        self.assertEqual(events[0]["meta"]["exchange"], exchange)

    def test_a_quorum_queue_is_made(self):
        with self.run_source(declare=True, queue_type="quorum", arguments={"x-max-length": 1000}) as run:
            run.wait_for_log("reads")
            self.numbers([1])
            run.wait_for("got 1.")
        with self.run_source(declare=True) as run:  # differs from what is there
            self.assertEqual(run.wait_for_end(), 1)
            self.assertIn("PRECONDITION_FAILED", run.log())

    def test_malformed_and_oversized_messages_are_dead_lettered(self):
        with self.channel() as channel:
            channel.queue_declare(f"{self.queue}-dead", durable=True)
        self.declare(**{"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{self.queue}-dead"})
        self.numbers([1])
        self.send("{not json", content_type="application/json")
        self.send(b"\xff\xfe")
        self.send(json.dumps({"text": "x" * 3000}))
        self.numbers([2])
        with self.run_source(max_message_size=2000) as run:
            run.wait_for("got 2.")
            run.wait_until(lambda: self.depth(f"{self.queue}-dead") == 3, "three messages are dead-lettered")
            run.wait_until(lambda: self.depth() == 0, "nothing is left")
            self.assertIn("max_message_size", run.log())
            run.stop()
        self.assertEqual(self.depth(), 0)

    # --- when messages are acknowledged -----------------------------------------------------------------------------------------

    def test_acknowledges_only_what_is_settled(self):
        self.declare()
        slow = {"name": "slow", "condition": "event.body.i is defined",
                "action": {"exec": {"command": "echo $$ >> started; while [ ! -e go ]; do sleep 0.05; done"}}}
        self.numbers([1, 2, 3])
        with self.run_source([slow], prefetch=2) as run:
            run.wait_until(lambda: (run.folder / "started").exists(), "the action has begun")
            run.kill()
            self.assertEqual(self.depth(), 3)
            (run.folder / "go").touch()
            run.start()
            run.wait_until(lambda: len((run.folder / "started").read_text().split()) == 4, "all were acted on")
            self.assertLess(run.stop(), 5)
        self.assertEqual(self.depth(), 0)

    def test_a_stop_acknowledges_what_was_acted_upon(self):
        self.declare()
        slow = {"name": "slow", "condition": "event.body.i is defined",
                "action": {"exec": {"command": "echo x >> started; sleep 0.3"}}}
        self.numbers(range(3))
        with self.run_source([slow]) as run:
            run.wait_until(lambda: (run.folder / "started").exists(), "the action has begun")
            run.stop()
            acted = (run.folder / "started").read_text().count("x")
        end = time.monotonic() + 5  # for the server to see what came of the connection
        while self.depth() != (0 if acted == 3 else 3):
            self.assertLess(time.monotonic(), end, f"{self.depth()} messages after {acted} actions")

    def test_a_killed_engine_loses_nothing(self):
        self.declare()
        self.numbers(range(MESSAGES))
        with self.run_source(prefetch=PREFETCH) as run:
            for part in (0.2, 0.5):
                run.wait_until(lambda: run.out().count("got ") > part * MESSAGES, "it is in mid-stream", 60)
                run.kill()
                run.start()
            run.wait_until(lambda: self.depth() == 0 and run.out().count(".\n") >= MESSAGES, "all is acknowledged", 60)
            run.stop()
        self.assertEqual(self.depth(), 0)
        numbers = [int(number) for number in run.found(r"got (\d+)\.")]
        self.assertEqual(set(numbers), set(range(MESSAGES)))
        duplicates = len(numbers) - MESSAGES
        print(f"{duplicates} duplicates after two kills", flush=True)
        self.assertLessEqual(duplicates, 2 * (PREFETCH + PREFETCH // 4))

    # --- faults -----------------------------------------------------------------------------------------------------------------

    def test_waits_for_a_server_that_is_not_there_yet(self):
        with RabbitMQ() as server:
            with self.channel(server) as channel:
                channel.queue_declare(self.queue, durable=True)
            self.numbers([1], server)
            server.stop()
            with self.run_source(port=server.port) as run:
                run.wait_for_log("it is tried again")
                self.assertEqual(run.log().count("WARNING"), 1)
                server.start()
                run.wait_for("got 1.")
                # And killed in mid-stream, while messages come and go.
                self.numbers(range(100, 200), server)
                run.wait_for("got 150.")
                server.kill()
                run.wait_until(lambda: run.log().count("it is tried again") == 2, "the loss is told")
                server.start()
                run.wait_for_log("connected again")
                self.numbers(range(200, 300), server)
                run.wait_for("got 299.")
                run.wait_until(lambda: self.depth(server=server) == 0, "nothing is left")
                self.assertLess(run.stop(), 5)
            self.assertEqual(set(range(100, 300)) - {int(number) for number in run.found(r"got (\d+)\.")}, set())

    def test_a_half_open_connection_is_found_by_heartbeats(self):
        self.declare()
        self.numbers([1])
        with Proxy(self.server.port) as proxy, self.run_source(port=proxy.port, heartbeat=1, connect_timeout=2) as run:
            run.wait_for("got 1.")
            proxy.freeze()
            run.wait_for_log("has been silent for 2 seconds")
            proxy.thaw()
            self.numbers([2])
            run.wait_for("got 2.")

    def test_a_lost_connection_is_made_again(self):
        self.declare()
        with Proxy(self.server.port) as proxy, self.run_source(port=proxy.port) as run:
            for i in range(3):
                self.numbers([i])
                run.wait_for(f"got {i}.")
                proxy.cut()
            self.numbers([3])
            run.wait_for("got 3.")

    def test_a_slow_server(self):
        self.declare()
        self.numbers(range(300))
        with Proxy(self.server.port) as proxy, self.run_source(port=proxy.port, heartbeat=2) as run:
            run.wait_for("got 0.")
            proxy.slow(10_000)
            run.wait_for("got 299.")
            self.assertNotIn("silent", run.log())
            self.assertLess(run.stop(), 5)

    def test_stops_at_once_while_connecting(self):
        with Proxy(free_port()) as nobody, Proxy(self.server.port) as frozen:
            frozen.freeze()
            for port in (nobody.port, frozen.port):
                with self.run_source(port=port) as run:
                    time.sleep(0.3)  # wherever it is by then
                    self.assertLess(run.stop(), 2)

    def test_wrong_credentials_and_settings_end_it(self):
        self.declare()
        with self.run_source(username="guest", password="not-this-one") as run:
            self.assertEqual(run.wait_for_end(), 1)
            self.assertIn("ACCESS_REFUSED", run.log())
            self.assertNotIn("not-this-one", run.log())
        with self.run_source(virtual_host="nowhere") as run:
            self.assertEqual(run.wait_for_end(), 1)
            self.assertIn("nowhere", run.log())

    def test_a_queue_that_is_not_there_is_waited_for(self):
        with self.run_source() as run:
            run.wait_for_log("NOT_FOUND")
            self.declare()
            self.numbers([1])
            run.wait_for("got 1.")

    def test_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(pathlib.Path(folder))
            with RabbitMQ(certificate=certificate, key=key) as server:
                with self.channel(server) as channel:
                    channel.queue_declare(self.queue, durable=True)
                self.numbers(range(100), server)
                url = f"amqps://guest:guest@localhost:{server.tls_port}"
                with self.run_source(host=None, port=server.tls_port, url=url, ca_file=str(certificate)) as run:
                    run.wait_for("got 99.")
                for trust in ({}, {"ca_file": str(certificate), "host": "127.0.0.1"}):
                    with self.run_source(**{"host": "localhost", "port": server.tls_port, "tls": True, **trust}) as run:
                        self.assertEqual(run.wait_for_end(), 1)
                        self.assertIn("certificate verify failed", run.log())

    def test_something_else_that_listens(self):
        with tempfile.TemporaryDirectory() as folder:
            port = free_port()
            other = subprocess.Popen(["python3", "-m", "http.server", "--bind", "127.0.0.1", str(port)], cwd=folder,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                with self.run_source(port=port, connect_timeout=1) as run:
                    run.wait_for_log("it is tried again")
            finally:
                other.kill()
                other.wait()

    # --- the action publish -----------------------------------------------------------------------------------------------------

    def publish(self, settings, limit=1, port=None, **more):
        broker = {"host": "127.0.0.1", "port": port or self.server.port, **settings}
        rules = [{"name": "send", "condition": "event.i is defined", "action": {"publish": {"amqp": broker, **more}}}]
        return RulebookRun(self, rule_set({"range": {"limit": limit}}, rules))

    def test_publish(self):
        self.declare()
        with self.publish({}, 500, routing_key=self.queue, message={"i": "{{ event.i }}"}) as forward:
            self.assertEqual(forward.wait_for_end(), 0, forward.log())
        with self.run_source() as run:
            run.wait_for("got 499.")
        self.assertEqual([int(number) for number in run.found(r"got (\d+)\.")], list(range(500)))

    def test_publish_by_an_exchange_with_headers(self):
        self.declare()
        with self.channel() as channel:
            channel.exchange_declare(f"x-{self.queue}", "direct")
            channel.queue_bind(self.queue, f"x-{self.queue}", "key")
        with self.publish({"exchange": f"x-{self.queue}"}, routing_key="key", headers={"name": "x", "n": 7}) as run:
            self.assertEqual(run.wait_for_end(), 0, run.log())
        with self.channel() as channel:
            method, properties, body = channel.basic_get(self.queue)
        self.assertEqual(json.loads(body)["i"], 0)
        self.assertEqual((properties.headers, properties.content_type), ({"name": "x", "n": "7"}, "application/json"))
        self.assertEqual((properties.delivery_mode, method.routing_key), (2, "key"))
        self.assertTrue(uuid.UUID(properties.message_id))

    def test_publish_tells_what_is_wrong(self):
        for settings, text in (({}, "NO_ROUTE"), ({"exchange": "not-there"}, "NOT_FOUND"),
                               ({"password": "not-this-one"}, "ACCESS_REFUSED")):
            with self.publish(settings, topic="nowhere") as run:
                run.wait_for_end()
                self.assertIn(text, run.log())
                self.assertNotIn("not-this-one", run.log())

    def test_publish_survives_lost_connections(self):
        self.declare()
        with Proxy(self.server.port) as proxy:
            proxy.slow(50_000)
            with self.publish({}, 1000, port=proxy.port, topic=self.queue, message={"i": "{{ event.i }}"}) as forward:
                for count in (100, 400):
                    forward.wait_until(lambda count=count: self.depth() > count, "it publishes")
                    proxy.cut()
                self.assertEqual(forward.wait_for_end(60), 0, forward.log())
        with self.channel() as channel:
            numbers = [json.loads(channel.basic_get(self.queue, auto_ack=True)[2])["i"] for _ in range(self.depth())]
        self.assertEqual(set(map(int, numbers)), set(range(1000)))
        self.assertLess(len(numbers), 1010)


if __name__ == "__main__":
    unittest.main()
