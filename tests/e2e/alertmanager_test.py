#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The source `alertmanager` with a real Prometheus Alertmanager that posts to it."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

from program import program
from peers.alertmanager import Alertmanager
from peers.peer import free_port


class AlertmanagerSource(unittest.TestCase):
    def setUp(self):
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.folder = pathlib.Path(kept.name)
        self.port = free_port()

    def start(self, **settings):
        (self.folder / "rulebook.yml").write_text(json.dumps([{
            "name": "alerts", "hosts": "all",
            "sources": [{"ansible.eda.alertmanager": {"host": "127.0.0.1", "port": self.port, **settings}}],
            "rules": [{"name": "whole", "condition": "event.payload is defined", "action": {"debug": {
                           "msg": "whole {{ event.payload.status }} {{ event.payload.version }} {{ event.meta.endpoint }}"}}},
                      {"name": "each", "condition": "event.alert is defined", "action": {"debug": {
                           "msg": "alert {{ event.alert.labels.alertname }} {{ event.alert.status }} "
                                  "{{ event.meta.hosts }}"}}}]}]))
        self.output = self.folder / "output"
        with open(self.output, "wb") as output:
            process = subprocess.Popen([program(), "run", "rulebook.yml", "-v"], cwd=self.folder, stdout=output,
                                       stderr=subprocess.STDOUT, env={**os.environ, "HOME": str(self.folder)})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.wait_for("listening on")
        return process

    def wait_for(self, *texts, seconds=20):
        end = time.monotonic() + seconds
        while True:
            said = self.output.read_text(errors="replace")
            if all(text in said for text in texts):
                return said
            self.assertLess(time.monotonic(), end, f"{texts} not in:\n{said}")
            time.sleep(0.05)

    def end(self, process):
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 130)
        self.assertLess(time.monotonic() - begin, 2)

    def test_alerts_arrive_and_are_resolved(self):
        process = self.start()
        with Alertmanager(f"http://127.0.0.1:{self.port}/alerts") as peer:
            labels = {"alertname": "disk", "instance": "web1:9100"}
            peer.alert({"labels": labels}, {"labels": {"alertname": "disk", "instance": "[::1]:9100"}})
            self.wait_for("whole firing 4 alerts", "alert disk firing ['web1']", "alert disk firing ['::1']")
            peer.alert({"labels": labels, "endsAt": "2020-01-01T00:00:00Z"})
            self.wait_for("alert disk resolved ['web1']")
        self.end(process)

    def test_only_alerts_with_the_token(self):
        process = self.start(token="open-sesame", skip_original_data=True)
        with Alertmanager(f"http://127.0.0.1:{self.port}/alerts", token="open-sesame") as peer:
            peer.alert({"labels": {"alertname": "cpu", "instance": "db:1"}})
            said = self.wait_for("alert cpu firing ['db']")
        self.assertNotIn("whole", said)
        self.assertNotIn("open-sesame", said)
        self.end(process)

    def test_a_notification_comes_again_after_a_restart(self):
        with Alertmanager(f"http://127.0.0.1:{self.port}/alerts") as peer:
            peer.alert({"labels": {"alertname": "late", "instance": "db:1"}})  # nobody listens yet
            process = self.start()
            self.wait_for("alert late firing ['db']")
        self.end(process)

    def test_the_root_tells_where_to_post(self):
        process = self.start()
        with Alertmanager(f"http://127.0.0.1:{self.port}/") as peer:
            peer.alert({"labels": {"alertname": "lost"}})
            end = time.monotonic() + 20
            while "unexpected status code 405" not in peer.log():
                self.assertLess(time.monotonic(), end, peer.log())
                time.sleep(0.05)
        self.end(process)


if __name__ == "__main__":
    unittest.main()
