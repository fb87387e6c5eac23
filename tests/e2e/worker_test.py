# SPDX-License-Identifier: Apache-2.0
"""The audit websocket and worker mode, against a server that refuses, drops and goes away."""
import io
import pathlib
import ssl
import subprocess
import tarfile
import tempfile
import unittest

from program import program
from peers.audit_server import AuditServer, TokenServer, encoded

COUNTING = """
- name: counting
  hosts: all
  sources:
    - ansible.eda.range:
        limit: {limit}
  rules:
    - name: each
      condition: event.i is defined
      action:
        none:
"""

SEVERAL = """
- name: several
  hosts: all
  sources:
    - ansible.eda.range:
        limit: 1000
        delay: 0.05
  rules:
    - name: first
      condition: event.i == 0
      actions:
        - none:
        - print_event:
            var_root: i
        - debug:
            msg: "{{ event.nosuch }}"
    - name: last
      condition: event.i == 1
      action:
        shutdown:
          delay: 1.5
          message: enough
"""

STUCK = """
- name: stuck
  hosts: all
  execution_strategy: parallel
  sources:
    - ansible.eda.range:
        limit: 1000
  rules:
    - name: each
      condition: event.i is defined
      action:
        exec:
          argv: [sleep, "60"]
"""

WORK = """
- name: work
  hosts: all
  surprise: not in the schema
  sources:
    - ansible.eda.range:
        limit: 1
  rules:
    - name: show
      condition: event.i == vars.number
      actions:
        - debug:
            msg: "number {{ number }}, file {{ eda.filename.notes }}"
        - exec:
            argv: ["/bin/sh", "-c", "cp $NOTES_FROM $NOTES_TO"]
"""


def tarball(files):
    """A compressed one, as a server sends projects."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as out:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            out.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


class Worker(unittest.TestCase):
    def setUp(self):
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.folder = pathlib.Path(kept.name)

    def run_program(self, *options, rulebook=None, timeout=60):
        command = [program(), "run", *options]
        if rulebook is not None:
            file = self.folder / "rulebook.yml"
            file.write_text(rulebook)
            command += ["-r", file]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=timeout)

    def test_actions_are_told_with_what_caused_them(self):
        with AuditServer() as server:
            done = self.run_program("-W", server.url, "--id", "7", rulebook=SEVERAL)
        self.assertEqual(done.returncode, 0, done.stderr)
        none, printed, failed, shutdown = server.of_type("Action")
        for message in server.of_type("Action"):
            self.assertEqual((message["activation_id"], message["activation_instance_id"]), ("7", "7"))
            self.assertEqual(message["ruleset"], "several")
            for key in ("action_uuid", "ruleset_uuid", "rule_uuid", "rule_run_at", "run_at"):
                self.assertTrue(message[key], key)
        self.assertEqual((none["action"], none["rule"], none["status"]), ("noop", "first", "successful"))
        self.assertEqual(none["matching_events"]["m"]["i"], 0)
        self.assertIn("uuid", none["matching_events"]["m"]["meta"])
        self.assertEqual(printed["action"], "print_event")
        self.assertEqual(failed["status"], "failed")
        self.assertIn("nosuch", failed["message"])
        self.assertNotIn("matching_events", failed)
        self.assertEqual((shutdown["delay"], shutdown["message"], shutdown["kind"]), (1.5, "enough", "graceful"))
        self.assertEqual(server.of_type("Shutdown"),
                         [{"type": "Shutdown", "message": "enough", "delay": 1.5, "source_plugin": "",
                           "kind": "graceful"}])
        self.assertEqual(server.of_type("SessionStats"), [])

    def test_nothing_is_lost_when_connections_break(self):
        with AuditServer(endings=[(20, 0), (35, 1001), (50, 1012)]) as server:
            done = self.run_program("-W", server.url, rulebook=COUNTING.format(limit=300))
        self.assertEqual(done.returncode, 0, done.stderr)
        seen = [message["matching_events"]["m"]["i"] for message in server.of_type("Action")]
        self.assertEqual(set(seen), set(range(300)))
        self.assertLessEqual(len(seen) - 300, 3 * 50, "more came twice than can have been under way")
        self.assertEqual(server.connections, 4)
        end, = {message["message"].rsplit(" at ", 1)[0] for message in server.of_type("Shutdown")}
        self.assertRegex(end, "^Source .*range initiated shutdown$")

    def test_a_server_that_comes_later_gets_everything(self):
        with AuditServer() as server:
            server.stop()
            running = subprocess.Popen(
                [program(), "run", "-r", self.written(COUNTING.format(limit=100)), "-W", server.url],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self.addCleanup(running.stderr.close)
            self.assertIn("trying again", running.stderr.readline())
            server.start()
            self.assertEqual(running.wait(60), 0)
        seen = [message["matching_events"]["m"]["i"] for message in server.of_type("Action")]
        self.assertEqual(seen, list(range(100)))

    def written(self, rulebook):
        file = self.folder / "rulebook.yml"
        file.write_text(rulebook)
        return file

    def test_a_refused_token_is_renewed(self):
        with AuditServer(tokens=["fresh"]) as server, TokenServer("fresh") as tokens:
            done = self.run_program(
                "-W", server.url, "--websocket-access-token", "stale-one", "--websocket-refresh-token", "again",
                "--websocket-token-url", tokens.url, "-vv", rulebook=COUNTING.format(limit=1))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(server.refused, ["stale-one"])
        self.assertEqual(tokens.requests, [{"refresh": "again"}])
        self.assertEqual(len(server.of_type("Action")), 1)
        for secret in ("stale-one", "fresh", "again\""):
            self.assertNotIn(secret, done.stderr + done.stdout)

    def test_a_token_that_stays_refused_ends_the_run(self):
        with AuditServer(tokens=["right"]) as server:
            done = self.run_program("-W", server.url, "--websocket-access-token", "wrong",
                                    rulebook=COUNTING.format(limit=1000))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("HTTP 403", done.stderr)

    def test_certificates_are_checked_as_asked(self):
        certificate, key = self.folder / "cert.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
                        "-out", certificate], check=True, capture_output=True)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        for verify, code in ((certificate, 0), ("no", 0), ("yes", 1), (self.folder / "none", 1)):
            with self.subTest(verify), AuditServer(tls=tls) as server:
                done = self.run_program("-W", server.url, "--websocket-ssl-verify", verify, "--shutdown-delay", "5",
                                        rulebook=COUNTING.format(limit=3))
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertEqual(len(server.of_type("Action")), 3 if code == 0 else 0)
                if code:
                    self.assertIn("certificate", done.stderr)

    def test_statistics_are_told_at_every_match_and_at_the_end(self):
        with AuditServer() as server:
            done = self.run_program("-W", server.url, "--heartbeat", "30", rulebook=COUNTING.format(limit=3))
        self.assertEqual(done.returncode, 0, done.stderr)
        told = server.of_type("SessionStats")
        self.assertEqual(len(told), 4)
        stats = told[-1]["stats"]
        self.assertEqual((stats["ruleSetName"], stats["eventsProcessed"], stats["eventsMatched"],
                          stats["rulesTriggered"], stats["lastRuleFired"]), ("counting", 3, 3, 3, "each"))
        self.assertGreater(stats["peakMemory"], 1_000_000)
        self.assertIn("reported_at", told[-1])

    def test_audit_events_can_be_left_out(self):
        with AuditServer() as server:
            done = self.run_program("-W", server.url, "--heartbeat", "30", "--skip-audit-events",
                                    rulebook=COUNTING.format(limit=3))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([message["type"] for message in server.messages], ["SessionStats", "Shutdown"])

    def test_the_heart_beats_into_the_log_without_a_server(self):
        done = self.run_program("--heartbeat", "30", "-v", rulebook=COUNTING.format(limit=1))
        self.assertIn('session statistics: {"start":', done.stderr)

    def test_reading_stops_while_the_queue_is_full_and_not_for_ever(self):
        with AuditServer() as server:
            server.stop()
            done = self.run_program("-W", server.url, "--max-reporting-queue-size", "5", "--shutdown-delay", "0.5",
                                    "--max-back-pressure-timeout", "1", rulebook=COUNTING.format(limit=10000))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("TimedOutReporting", done.stderr)
        self.assertRegex(done.stderr, r"(?m)^\d{1,2} events read")

    def test_concurrent_actions_that_never_end_end_the_run(self):
        done = self.run_program("-m", "2", "--max-actions-timeout", "1", "--shutdown-delay", "0.2",
                                rulebook=STUCK)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("TimedOutActions: all 2 concurrent actions", done.stderr)

    def test_a_worker_does_what_it_is_told(self):
        target = self.folder / "copied"
        source = self.folder / "notes"
        source.write_text("from the environment")
        project = tarball({"site.yml": "- hosts: all\n"})
        assignment = [
            {"type": "EnvVars", "data": encoded(f"NOTES_FROM: {source}\nNOTES_TO: {target}\n")},
            {"type": "ProjectData", "data": encoded(project[:7]), "more": True},
            {"type": "ProjectData", "data": encoded(project[7:]), "more": True},
            {"type": "ProjectData", "data": None, "more": False},
            {"type": "Rulebook", "data": encoded(WORK)},
            {"type": "ExtraVars", "data": encoded("number: 0\n")},
            {"type": "FileContents", "template_key": "template.notes", "data": encoded("some notes")},
            {"type": "VaultCollection", "data": [{"type": "VaultPassword", "label": "a", "password": "pppw"}]},
            {"type": "ControllerInfo", "url": "", "token": "tttk", "ssl_verify": "no", "username": "", "password": ""},
            {"type": "Unheard", "of": 1},
        ]
        with AuditServer(assignment) as server:
            done = self.run_program("--worker", "--id", "12", "-W", server.url, "-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(server.messages[0],
                         {"type": "Worker", "activation_id": "12", "activation_instance_id": "12"})
        self.assertIn("number 0, file /", done.stdout)
        file = pathlib.Path(done.stdout.split("file ")[1].split("\n")[0])
        self.assertFalse(file.parent.exists(), "the folder of what was sent stays behind")
        self.assertEqual(target.read_text(), "from the environment")
        self.assertIn("unknown key `surprise`", done.stderr)
        self.assertNotIn("pppw", done.stderr)
        self.assertNotIn("tttk", done.stderr)
        self.assertEqual({message["action"] for message in server.of_type("Action")}, {"debug", "exec"})

    def test_a_worker_asks_again_when_the_connection_breaks(self):
        assignment = [{"type": "Rulebook", "data": encoded(COUNTING.format(limit=1))}]
        with AuditServer(assignment, endings=[(1, 0)]) as server:
            done = self.run_program("--worker", "--id", "1", "-W", server.url)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(server.of_type("Worker")), 2)
        self.assertEqual(len(server.of_type("Action")), 1)

    def test_a_worker_without_a_rulebook_does_not_start(self):
        with AuditServer() as server:
            done = self.run_program("--worker", "--id", "1", "-W", server.url)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Terminating: the server gave no rulebook", done.stderr)

    def test_a_worker_needs_to_know_who_and_where(self):
        name = self.folder / "ansible-rulebook"
        name.symlink_to(program())
        done = subprocess.run([name, "--worker", "--id", "1"], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Worker mode needs an id and websocket url specfied", done.stderr)


if __name__ == "__main__":
    unittest.main()
