#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The source pg_listener and the action pg_notify with a real PostgreSQL, and with what happens to connections."""
import json
import subprocess
import tempfile
import unittest
import uuid

from engine import Engine, noting, wait_until
from peers.postgresql import PASSWORD, PostgreSQL
from peers.proxy import Proxy

CHARACTERS = 7168  # of a chunk


def xxh32(data):
    """xxHash, 32 bits, seed 0, as its specification tells."""
    p1, p2, p3, p4, p5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
    mask = 0xFFFFFFFF
    at = 0

    def rotate(value, bits):
        return ((value << bits) | (value >> (32 - bits))) & mask

    def word():
        return int.from_bytes(data[at:at + 4], "little")

    value = p5
    if len(data) >= 16:
        lanes = [(p1 + p2) & mask, p2, 0, -p1 & mask]
        while at + 16 <= len(data):
            for lane in range(4):
                lanes[lane] = rotate((lanes[lane] + word() * p2) & mask, 13) * p1 & mask
                at += 4
        value = sum(rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18)))
    value = (value + len(data)) & mask
    while at + 4 <= len(data):
        value = rotate((value + word() * p3) & mask, 17) * p4 & mask
        at += 4
    for byte in data[at:]:
        value = rotate((value + byte * p5) & mask, 11) * p1 & mask
    value = (value ^ value >> 15) * p2 & mask
    value = (value ^ value >> 13) * p3 & mask
    return f"{value ^ value >> 16:08x}"


def chunked(text, count=None, **changes):
    """As programs in Python send it."""
    parts = [text[i:i + CHARACTERS] for i in range(0, len(text), CHARACTERS)]
    name = str(uuid.uuid4())
    hashed = changes.pop("_message_xx_hash", None) or xxh32(text.encode())
    return [json.dumps({
        "_message_chunked_uuid": name, "_message_chunk_count": count or len(parts), "_message_chunk_sequence": i + 1,
        "_chunk": part, "_message_length": len(text), "_message_xx_hash": hashed, **changes,
    }, ensure_ascii=False) for i, part in enumerate(parts)]


def listener(server=None, port=None, **settings):
    if server is not None:
        settings.setdefault("dsn", server.dsn(port))
    return {"ansible.eda.pg_listener": {"channels": ["Events"], **settings}}


class Case(unittest.TestCase):
    def server(self, **options):
        server = PostgreSQL(**options)
        self.addCleanup(server.__exit__)
        server.start()
        return server

    def proxy(self, server):
        proxy = Proxy(server.port)
        self.addCleanup(proxy.stop)
        return proxy

    def listen(self, server, port=None, wait=True, **settings):
        engine = Engine(self, noting(listener(server, port, **settings)))
        if wait:
            self.wait_for_listeners(server)
        return engine

    def wait_for_listeners(self, server, count=1):
        """Until as many wait for notifications."""
        query = ("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'millrace' AND state = 'idle' "
                 "AND (query LIKE 'LISTEN%' OR query = '')")
        wait_until(lambda: int(server.sql(query)[0]) >= count, lambda: "nobody listens")

    def without_meta(self, events):
        return [{key: value for key, value in event.items() if key != "meta"} for event in events]


class Payloads(Case):
    @classmethod
    def setUpClass(cls):
        cls.shared = PostgreSQL()
        cls.addClassCleanup(cls.shared.__exit__)
        cls.shared.start()

    def test_objects_and_lists_are_events(self):
        engine = self.listen(self.shared)
        self.shared.notify("Events", '{"i": 1}', '[{"i": 2}, {"i": 3}]', ' {"i": "ü"}', "[]", '{"i": 5}')
        events = engine.wait_for_lines(5)
        self.assertEqual([event["i"] for event in events], [1, 2, 3, "ü", 5])
        self.assertEqual(events[0]["meta"]["source"], {"name": "eda.builtin.pg_listener", "type": "ansible.eda.pg_listener"})
        self.assertLess(engine.stop(), 2)

    def test_what_is_no_event_is_refused_and_the_source_goes_on(self):
        engine = self.listen(self.shared)
        bad = ["", "text", "5", '"text"', "null", "{", '{"a": 1} x', "[1, 2", '[5, {"i": 1}]', '{"_message_chunked_uuid": 1']
        self.shared.notify("Events", *bad, '{"i": 2}')
        self.assertEqual([event["i"] for event in engine.wait_for_lines(2)], [1, 2])
        self.assertIn("a payload must be a JSON object or a list of them", engine.log())

    def test_the_case_of_a_channel_counts(self):
        channels = ["Events", 'a"b; DROP TABLE x', "müll"]
        engine = self.listen(self.shared, channels=channels)
        self.shared.notify("events", '{"i": 0}')
        for i, channel in enumerate(channels, 1):
            self.shared.notify(channel, f'{{"i": {i}}}')
        self.assertEqual([event["i"] for event in engine.wait_for_lines(3)], [1, 2, 3])

    def test_chunked_messages(self):
        engine = self.listen(self.shared)
        one = json.dumps({"i": 1, "text": ("x" * 99 + "ü") * 200}, ensure_ascii=False)
        half = CHARACTERS * 2 - len('{"i": 2, "text": ""}')
        exact = json.dumps({"i": 2, "text": "x" * half})  # announced with a chunk too many, as some do
        a, b = chunked(one), chunked(exact, count=3)
        a_and_b = [part for pair in zip(a, b) for part in pair] + a[len(b):]
        self.shared.notify("Events", *a_and_b, *chunked(json.dumps([{"i": 3}, {"i": 4, "text": "x" * 9000}])))
        events = {event["i"]: event for event in engine.wait_for_lines(4)}
        self.assertEqual(events[1]["text"], ("x" * 99 + "ü") * 200)
        self.assertEqual(events[2]["text"], "x" * half)
        self.assertEqual(set(events), {1, 2, 3, 4})

    def test_chunked_messages_that_are_wrong(self):
        engine = self.listen(self.shared)
        text = json.dumps({"i": 1, "text": "x" * 20_000})
        incomplete = json.loads(chunked(text)[0])
        del incomplete["_message_xx_hash"]
        self.shared.notify("Events", *chunked(text, _message_xx_hash="00000000"), json.dumps(incomplete), chunked(text)[1],
                           *chunked("x" * 10_000), *chunked('"' + "x" * 10_000 + '"'), '{"i": 2}')
        self.assertEqual([event["i"] for event in engine.wait_for_lines(1)], [2])
        self.assertIn("is not what its hash says", engine.log())
        self.assertIn("Chunked payload is missing required _message_xx_hash", engine.log())

    def test_oversized_messages(self):
        engine = self.listen(self.shared)
        self.shared.notify("Events", *chunked("x" * (17 << 20), _message_xx_hash="unknown"), '{"i": 2}')
        self.assertEqual([event["i"] for event in engine.wait_for_lines(1)], [2])
        self.assertIn("is larger than 16.8 MB", engine.log())

    def test_a_slow_peer(self):
        proxy = self.proxy(self.shared)
        proxy.slow(20_000)
        engine = self.listen(self.shared, proxy.port)
        self.shared.notify("Events", *(json.dumps({"i": i, "text": "x" * 1000}) for i in range(20)))
        self.assertEqual([event["i"] for event in engine.wait_for_lines(20)], list(range(20)))

    def test_many(self):
        engine = Engine(self, [{"name": "count", "hosts": "all", "sources": [listener(self.shared)], "rules": [
            {"name": "end", "condition": "event.i == 19999", "action": {"shutdown": {}}}]}], "--stats", "stats.json")
        self.wait_for_listeners(self.shared)
        self.shared.sql("""SELECT FROM generate_series(0, 19999) AS i, pg_notify('Events', '{"i": ' || i || '}')""")
        self.assertEqual(engine.wait(), 0, engine.log())
        self.assertEqual(json.loads((engine.folder / "stats.json").read_text())["events"], 20_000)


class Notify(Case):
    """The action, and the source in another engine."""

    def send(self, server, payloads, port=None, **settings):
        return Engine(self, [{"name": "send", "hosts": "all", "sources": [{"generic": {"payload": payloads}}], "rules": [
            {"name": "send", "condition": "event.i is defined",
             "action": {"pg_notify": {"dsn": server.dsn(port), "channel": "Events", **settings}}}]}])

    def test_from_one_rulebook_to_another(self):
        server = self.server(authentication=True)
        receiver = self.listen(server)
        payloads = [{"i": 1}, {"i": 2, "text": 'a"b\\cü\n\u0001' * 3000}, {"i": 3, "text": "x" * 1_000_000}, {"i": 4}]
        self.assertEqual(self.send(server, payloads, remove_meta=True).wait(), 0)
        events = receiver.wait_for_lines(4)
        self.assertEqual(self.without_meta(events), payloads)
        self.assertEqual(events[0]["meta"]["source"]["name"], "eda.builtin.pg_listener")
        self.assertEqual(self.send(server, [{"i": 5}]).wait(), 0)
        self.assertEqual(receiver.wait_for_lines(5)[4]["meta"]["source"]["name"], "generic")
        self.assertEqual(self.send(server, [{"i": 6}], event={"j": "{{ event.i }}"}).wait(), 0)
        self.assertEqual(receiver.wait_for_lines(6)[5]["j"], 6)

    def test_a_server_that_goes_away_and_comes_back(self):
        server = PostgreSQL()
        self.addCleanup(server.__exit__)
        engine = self.send(server, [{"i": 1}], retries=100)
        engine.wait_for_log("trying again")
        server.start()
        self.assertEqual(engine.wait(), 0)
        self.assertIn("1 actions run, 0 failed", engine.log())

    def test_a_server_that_does_not_answer(self):
        server = self.server()
        proxy = self.proxy(server)
        proxy.freeze()
        engine = self.send(server, [{"i": 1}], proxy.port, retries=1, timeout=0.5)
        engine.wait()
        self.assertIn("1 failed", engine.log())
        self.assertIn("no connection within 0.5 seconds", engine.log())

    def test_what_the_server_refuses_is_not_tried_again(self):
        server = self.server(authentication=True)
        engine = self.send(server, [{"i": 1}], channel="x" * 64)
        engine.wait()
        self.assertIn("channel name too long", engine.log())
        wrong = self.send(server, [{"i": 1}], dsn=server.dsn(password="wrong-password"))
        wrong.wait()
        self.assertIn("password authentication failed", wrong.log())
        for one in (engine, wrong):
            self.assertNotIn("trying again", one.log())
            self.assertNotIn("password=", one.log())


class Faults(Case):
    def test_a_peer_that_is_not_there_at_the_start(self):
        server = PostgreSQL()
        self.addCleanup(server.__exit__)
        engine = self.listen(server, wait=False)
        engine.wait_for_log("PostgreSQL connection failed (")
        self.assertIn("), reconnecting in 2 seconds", engine.log())
        server.start()
        engine.wait_for_log("PostgreSQL connection re-established")
        server.notify("Events", '{"i": 1}')
        engine.wait_for_lines(1)

    def test_a_peer_that_is_killed_and_restarted_in_mid_stream(self):
        server = self.server(authentication=True)
        engine = self.listen(server)
        server.notify("Events", '{"i": 1}', chunked("x" * 10_000)[0])
        engine.wait_for_lines(1)
        server.kill()
        engine.wait_for_log("PostgreSQL connection lost (")
        server.start()
        engine.wait_for_log("PostgreSQL connection re-established")
        server.notify("Events", '{"i": 2}')
        self.assertEqual([event["i"] for event in engine.wait_for_lines(2)], [1, 2])
        self.assertIn("1 of 2 chunks: the connection is lost", engine.log())
        self.assertNotIn(PASSWORD, engine.log())

    def test_a_connection_that_is_cut_or_ended_by_the_server(self):
        server = self.server()
        proxy = self.proxy(server)
        engine = self.listen(server, proxy.port)
        proxy.cut()
        engine.wait_for_log("PostgreSQL connection re-established")
        server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'millrace'")
        engine.wait_for_log("terminating connection due to administrator command")
        engine.wait_for_log("PostgreSQL connection re-established", times=2)
        server.notify("Events", '{"i": 1}')
        engine.wait_for_lines(1)

    def test_a_half_open_connection(self):
        server = self.server()
        proxy = self.proxy(server)
        engine = self.listen(server, proxy.port, probe_interval=0.5)
        proxy.freeze()
        engine.wait_for_log("PostgreSQL connection lost (the server does not answer), reconnecting in 2 seconds")
        proxy.cut()
        proxy.thaw()
        engine.wait_for_log("PostgreSQL connection re-established")
        server.notify("Events", '{"i": 1}')
        engine.wait_for_lines(1)
        server.pause()
        engine.wait_for_log("the server does not answer", times=2)
        self.assertLess(engine.stop(), 2)
        server.resume()

    def test_a_peer_that_takes_connections_and_is_silent(self):
        server = self.server()
        proxy = self.proxy(server)
        proxy.freeze()
        engine = self.listen(server, wait=False, dsn=server.dsn(proxy.port) + " connect_timeout=1")
        engine.wait_for_log("PostgreSQL connection failed (no connection within 1 seconds)")
        proxy.cut()
        proxy.thaw()
        engine.wait_for_log("PostgreSQL connection re-established")

    def test_an_outage_that_is_too_long(self):
        server = self.server()
        engine = self.listen(server, retry_attempts=1)
        server.kill()
        self.assertEqual(engine.wait(), 1)
        self.assertIn("PostgreSQL cannot be reached, all attempts have failed", engine.log())

    def test_bad_credentials(self):
        server = self.server(authentication=True)
        for dsn in (server.dsn(password="wrong-password"), server.dsn().partition(" password")[0]):
            engine = Engine(self, noting(listener(dsn=dsn)))
            self.assertEqual(engine.wait(), 1)
            self.assertRegex(engine.log(), r"password authentication failed for user|no password supplied")
            self.assertNotIn("wrong-password", engine.log())
            self.assertNotIn("reconnecting", engine.log())

    def test_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            files = (f"{folder}/cert.pem", f"{folder}/key.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2",
                            "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                            "-keyout", files[1], "-out", files[0]], check=True, capture_output=True)
            server = self.server(tls=files, authentication=True)
            trusting = {"host": "localhost", "sslmode": "verify-full", "sslrootcert": files[0]}
            engine = self.listen(server, postgres_params=trusting)
            server.notify("Events", '{"i": 1}')
            engine.wait_for_lines(1)
            self.assertEqual(server.sql("SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                                        "WHERE ssl AND application_name = 'millrace'"), ["1"])
            engine = self.listen(server, wait=False, postgres_params={"sslmode": "verify-full", "sslrootcert": "/nowhere"})
            engine.wait_for_log("root certificate file")


if __name__ == "__main__":
    unittest.main()
