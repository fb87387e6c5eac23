#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The action `http` with Python's HTTP server, which at times fails."""
import http.server
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import unittest

from program import program
from peers.peer import free_port


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        fault = self.server.faults.pop(0) if self.server.faults else None
        if fault == "drop":
            self.close_connection = True
            return
        text = json.dumps({"answer": len(self.server.requests)}).encode()
        self.send_response(fault or 200)
        if fault == 429:
            self.send_header("Retry-After", "3600")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve


class HttpAction(unittest.TestCase):
    def setUp(self):
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.folder = pathlib.Path(kept.name)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.requests = []
        self.server.faults = []
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def run_action(self, settings, events=None, code=0):
        rules = [{"name": "act", "condition": "event.i is defined", "actions": [{"http": {"retry_max_delay": 0.05, **settings}}]},
                 {"name": "tell", "condition": "event.http is defined",
                  "action": {"debug": {"msg": "answer {{ event.http.status }} {{ event.http.body.answer }}"}}}]
        (self.folder / "rulebook.yml").write_text(json.dumps([
            {"name": "calls", "hosts": "all", "sources": [{"generic": {"payload": events or [{"i": 1}]}}], "rules": rules}]))
        (self.folder / "vars.yml").write_text("secret: open-sesame\n")
        done = subprocess.run([program(), "run", "rulebook.yml", "--vars", "vars.yml", "--stats", "stats.json", "-vv"],
                              cwd=self.folder, capture_output=True, text=True, timeout=60,
                              env={**os.environ, "HOME": str(self.folder), "no_proxy": "127.0.0.1"})
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertNotIn("open-sesame", done.stdout + done.stderr)
        self.failed = json.loads((self.folder / "stats.json").read_text())["actions"]["failed"]
        return done

    def test_templates_become_a_request(self):
        done = self.run_action(
            {"url": self.url + "/things", "token": "{{ secret }}", "post_events": True,
             "query": {"name": "{{ event.name }}"}, "headers": {"X-Level": "{{ event.i }}"},
             "body": {"text": "{{ event.name }} is {{ event.i }}", "event": "{{ event }}"}},
            [{"i": 7, "name": "a&b c"}])
        ((method, path, headers, body),) = self.server.requests
        self.assertEqual((method, path), ("POST", "/things?name=a%26b%20c"))
        self.assertEqual(headers["Authorization"], "Bearer open-sesame")
        self.assertEqual(headers["X-Level"], "7")
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual(json.loads(body)["text"], "a&b c is 7")
        self.assertEqual(json.loads(body)["event"]["name"], "a&b c")
        self.assertIn("answer 200 1", done.stdout)

    def test_faults_are_overcome_under_one_key(self):
        self.server.faults += [503, "drop", 429]
        done = self.run_action({"url": self.url, "body": "x", "set_facts": True})
        self.assertIn("answer 200 4", done.stdout)
        self.assertEqual(self.failed, 0)
        self.assertEqual(len({headers["Idempotency-Key"] for _, _, headers, _ in self.server.requests}), 1)
        self.assertEqual(len(self.server.requests), 4)

    def test_each_call_has_a_key_of_its_own(self):
        self.run_action({"url": self.url, "method": "PUT", "body": "x"}, [{"i": i} for i in range(20)])
        self.assertEqual(len({headers["Idempotency-Key"] for _, _, headers, _ in self.server.requests}), 20)

    def test_a_refusal_fails_the_action_at_once(self):
        self.server.faults += [400]
        done = self.run_action({"url": self.url, "body": "x", "post_events": True})
        self.assertIn("Error calling action http, err POST: status 400", done.stderr)
        self.assertIn("answer 400 1", done.stdout)
        self.assertEqual((self.failed, len(self.server.requests)), (1, 1))

    def test_the_last_attempt_is_the_last(self):
        self.server.faults += [503] * 10
        self.run_action({"url": self.url, "retries": 2})
        self.assertEqual((self.failed, len(self.server.requests)), (1, 3))

    def test_nobody_listens(self):
        done = self.run_action({"url": f"http://127.0.0.1:{free_port()}/", "retries": 1})
        self.assertIn("; again in", done.stderr)
        self.assertEqual(self.failed, 1)

    def test_a_form_and_basic_authentication(self):
        self.run_action({"url": self.url, "form": {"a": "ä b"}, "username": "alice", "password": "{{ secret }}"})
        ((_, _, headers, body),) = self.server.requests
        self.assertEqual(body, "a=%C3%A4%20b")
        self.assertEqual(headers["Authorization"], "Basic YWxpY2U6b3Blbi1zZXNhbWU=")


if __name__ == "__main__":
    unittest.main()
