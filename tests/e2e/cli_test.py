#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program from its command line: what users type, what they see, and how it ends."""

import fcntl
import http.client
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import textwrap
import time
import unittest
import xml.etree.ElementTree

from program import ROOT, program

LIMIT = 120  # seconds; far beyond what anything here takes, also with sanitizers on a busy machine

COUNTING = """
- name: Counting
  hosts: all
  sources:
    - range: {limit: 3}
  rules:
    - name: Two
      condition: event.i == 2
      action:
        debug: {msg: "two is here"}
"""

PRINT_ALL = """
- name: Printing
  hosts: all
  sources:
    - range: {limit: %d}
  rules:
    - name: Every
      condition: event.i >= 0
      action:
        debug: {msg: "number {{ event.i }}"}
"""

DISKS = """
- name: Disk watch
  hosts: all
  sources:
    - range: {limit: 1}
  rules:
    - name: Disk nearly full
      condition: event.disk.used > 90
      action: {debug: {msg: full}}
    - name: Deploy failed
      condition: event.type == "deploy" and event.ok == false
      action: {debug: {msg: failed}}
    - name: Any deploy
      condition: event.type == "deploy"
      action: {debug: {msg: deploy}}
    - name: Asleep
      condition: event.type == "deploy"
      enabled: false
      action: {debug: {msg: never}}
"""


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="millrace-cli-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        if isinstance(content, str):
            content = textwrap.dedent(content).encode()
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    @staticmethod
    def environment(extra=None):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("EDA_", "ANSIBLE_"))}
        return {**kept, **(extra or {})}

    @staticmethod
    def program(name="millrace"):
        return str(program()) if name == "millrace" else str(program().with_name(name))

    def call(self, *arguments, name="millrace", environment=None, **more):
        more.setdefault("stdout", subprocess.PIPE)
        return subprocess.run([self.program(name), *arguments], stderr=subprocess.PIPE, text=True, timeout=LIMIT,
                              env=self.environment(environment), **more)

    def start(self, *arguments, name="millrace"):
        process = subprocess.Popen([self.program(name), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=self.environment())
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def read_until(self, stream, text):
        """Waits for the text on a pipe."""
        seen = b""
        end = time.monotonic() + LIMIT
        while text.encode() not in seen:
            ready, _, _ = select.select([stream], [], [], max(0, end - time.monotonic()))
            chunk = os.read(stream.fileno(), 65536) if ready else b""
            if not chunk:
                self.fail(f"{text!r} never came; seen: {seen!r}")
            seen += chunk
        return seen

    def await_file(self, path):
        end = time.monotonic() + LIMIT
        while not os.path.exists(path):
            self.assertLess(time.monotonic(), end, f"{path} never came")
            time.sleep(0.01)

    def stats(self, *arguments, **more):
        """Runs a rulebook; the result of the call and what --stats says."""
        result = self.call("run", *arguments, "--stats", self.path("stats.json"), **more)
        with open(self.path("stats.json"), encoding="utf-8") as file:
            return result, json.load(file)


class Run(Case):
    def test_a_small_rulebook_from_end_to_end(self):
        result, stats = self.stats(self.write("r.yml", COUNTING))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"\n\*\* \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \[debug\] \*+\ntwo is here\n\*{80}\n")
        self.assertEqual(result.stdout.count("[debug]"), 1)
        self.assertIn("3 events read, 1 matched", result.stderr)
        self.assertEqual(stats["events"], 3)
        self.assertEqual(stats["matched"], 1)
        self.assertEqual(stats["refused"], 0)
        self.assertEqual(stats["rules"], {"Counting": {"Two": 1}})
        self.assertEqual(stats["actions"], {"ok": 1, "failed": 0})
        self.assertGreater(stats["seconds"], 0)
        self.assertGreater(stats["peak_rss_bytes"], 0)

    def test_quiet_writes_no_summary(self):
        result = self.call("run", "-q", "-r", self.write("r.yml", COUNTING))
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_print_events_shows_what_comes_in(self):
        result = self.call("run", "--print-events", self.write("r.yml", COUNTING))
        self.assertEqual(result.stdout.count("[received event]"), 3)
        by_environment = self.call("run", self.path("r.yml"), environment={"EDA_PRINT_EVENTS": "true"})
        self.assertEqual(by_environment.stdout.count("[received event]"), 3)

    def test_variables_of_a_file_and_of_the_environment_are_seen(self):
        rulebook = self.write("r.yml", COUNTING.replace("== 2", "== vars.wanted").replace("two is here", "{{ WHO }}"))
        result = self.call("run", rulebook, "-e", self.write("v.yml", "wanted: 1\n"), "-E", "WHO",
                           environment={"WHO": "somebody"})
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("\nsomebody\n", result.stdout)

    def test_an_option_without_meaning_is_taken_in_silence(self):
        result = self.call("run", self.write("r.yml", COUNTING), "-q", "--gc-after", "10")
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_log_lines_can_be_json(self):
        result = self.call("run", self.write("r.yml", COUNTING), "-q", "-v", "--log-format", "json")
        lines = [json.loads(line) for line in result.stderr.splitlines()]
        self.assertTrue(lines)
        self.assertIn("level", lines[0])

    def test_what_keeps_it_from_starting_is_told(self):
        good = self.write("r.yml", COUNTING)
        for arguments, text in [
            ([self.path("none.yml")], "Could not find rulebook"),
            ([self.folder], "is a directory"),
            ([good, "--vars", self.path("none.yml")], "Variables file does not exist"),
            ([good, "-E", "MILLRACE_SURELY_NOT_SET"], "Could not find environment variable 'MILLRACE_SURELY_NOT_SET'"),
            ([good, "-i", self.path("hosts")], f"Inventory {self.path('hosts')} not found"),
            ([self.write("bad.yml", COUNTING.replace("debug:", "debgu:"))], "debgu"),
        ]:
            with self.subTest(text):
                result = self.call("run", *arguments)
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertIn(text, result.stderr)
                self.assertEqual(result.stdout, "")

    def test_a_port_in_use_is_told(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            result = self.call("run", self.write("r.yml", f"""
                - name: Listening
                  hosts: all
                  sources:
                    - webhook: {{host: 127.0.0.1, port: {port}}}
                  rules:
                    - name: Any
                      condition: event.payload is defined
                      action: {{debug: {{msg: x}}}}
                """))
        self.assertEqual(result.returncode, 1)
        self.assertIn("in use", result.stderr)

    def test_one_port_for_two_sources_is_told(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        source = f"- webhook: {{host: 127.0.0.1, port: {port}}}"
        result = self.call("run", self.write("r.yml", f"""
            - name: Listening twice
              hosts: all
              sources:
                {source}
                {source}
              rules:
                - name: Any
                  condition: event.payload is defined
                  action: {{debug: {{msg: x}}}}
            """))
        self.assertEqual(result.returncode, 1)
        self.assertIn("in use", result.stderr)

    def test_events_that_cannot_be_read_are_counted(self):
        lines = [
            b'{"n": 1}',
            b'{"s": "\xff\xfe"}',
            b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
            b'{"s": "' + b"x" * (17 << 20) + b'"}',
            b"not json",
            b"[1, 2]",
            b'{"n": 2}',
        ]
        events = self.write("events.jsonl", b"\n".join(lines) + b"\n")
        result, stats = self.stats(self.write("r.yml", f"""
            - name: Reading
              hosts: all
              sources:
                - jsonl: {{path: {events}}}
              rules:
                - name: Numbered
                  condition: event.n > 0
                  action: {{debug: {{msg: "n {{{{ event.n }}}}"}}}}
            """))
        self.assertEqual(result.returncode, 0, result.stderr[:2000])
        self.assertEqual((stats["events"], stats["refused"], stats["matched"]), (2, 5, 2))
        self.assertLess(len(result.stderr), 10_000, "refused texts must not flood the log")

    def test_events_that_a_filter_cannot_handle_are_refused_and_the_source_goes_on(self):
        events = self.write("events.jsonl", "".join(json.dumps(event) + "\n" for event in (
            {"parts": [{"host": "a"}, {"host": "b"}]},
            {"parts": 5},
            {"parts": [{"host": "c"}, {"host": 7}]},
            {"other": "x" * 100_000},
            {"parts": [{"host": "d"}]})))
        rulebook = self.write("r.yml", f"""
            - name: Filtering
              hosts: all
              sources:
                - jsonl: {{path: {events}}}
                  filters:
                    - event_splitter: {{splitter_key: parts}}
                    - insert_hosts_to_meta: {{host_path: host, raise_error: true, log_error: false}}
              rules:
                - name: Any
                  condition: event.host is defined
                  action: {{debug: {{msg: "on {{{{ event.meta.hosts[0] }}}}"}}}}
            """)
        result, stats = self.stats(rulebook)
        self.assertEqual(result.returncode, 0, result.stderr[:2000])
        self.assertEqual((stats["events"], stats["refused"]), (3, 3))
        self.assertEqual(re.findall(r"on \w", result.stdout), ["on a", "on b", "on d"])
        self.assertIn("event 2: refused: filter event_splitter: 'int' object is not iterable", result.stderr)
        self.assertIn("event 3: refused: filter insert_hosts_to_meta: 7 is not a valid hostname", result.stderr)
        self.assertRegex(result.stderr, r"event 4: refused: filter insert_hosts_to_meta: Event {'other': 'x+\.\.\.\n")
        self.assertLess(len(result.stderr), 10_000, "refused texts must not flood the log")
        self.assertEqual(self.call("-r", rulebook, name="ansible-rulebook").returncode, 0)

    def test_a_pattern_that_backtracks_for_ever_is_given_up(self):
        text = "a" * 40 + "!"
        events = self.write("events.jsonl", "".join(json.dumps({"s": text, "n": n}) + "\n" for n in range(20)))
        begun = time.monotonic()
        result, stats = self.stats(self.write("r.yml", f"""
            - name: Slow pattern
              hosts: all
              sources:
                - jsonl: {{path: {events}}}
              rules:
                - name: Greedy
                  condition: event.s is match("(a+)+$", ignorecase=true)
                  action: {{debug: {{msg: x}}}}
            """))
        self.assertLess(time.monotonic() - begun, 30)
        self.assertEqual((result.returncode, stats["events"], stats["matched"]), (0, 20, 0))
        self.assertIn("given up", result.stderr)


class End(Case):
    TICKING = """
        - name: Ticking
          hosts: all
          sources:
            - tick: {delay: 0.01}
          rules:
            - name: Any
              condition: event.meta is defined
              action:
                %s
        """

    def test_an_interruption_ends_it_in_order(self):
        process = self.start("run", self.write("r.yml", self.TICKING % 'debug: {msg: "tock"}'))
        self.read_until(process.stdout, "tock")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 130)
        self.assertIn(b"events read", errors)

    def test_a_request_to_terminate_ends_it_in_order(self):
        process = self.start("run", self.write("r.yml", self.TICKING % 'debug: {msg: "tock"}'))
        self.read_until(process.stdout, "tock")
        process.terminate()
        process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 143)

    def slow(self, *arguments):
        started = self.path("started")
        action = f'exec: {{command: "touch {started}; exec sleep 30"}}'
        process = self.start("run", "-v", self.write("r.yml", self.TICKING % action), *arguments)
        self.await_file(started)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        return process, begun

    def test_an_interruption_waits_no_longer_than_the_shutdown_delay(self):
        process, begun = self.slow("--shutdown-delay", "1")
        process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 130)
        self.assertLess(time.monotonic() - begun, 20)

    def test_a_second_interruption_ends_it_at_once(self):
        process, begun = self.slow()
        self.read_until(process.stderr, "another one ends at once")
        process.send_signal(signal.SIGINT)
        process.wait(timeout=LIMIT)
        self.assertEqual(process.returncode, 130)
        self.assertLess(time.monotonic() - begun, 20)

    def test_a_reader_that_goes_away_ends_it_with_one_line(self):
        process = self.start("run", "-q", self.write("r.yml", PRINT_ALL % 1_000_000))
        self.read_until(process.stdout, "number 0")
        process.stdout.close()
        errors = process.stderr.read().decode()
        process.wait(timeout=LIMIT)
        self.assertEqual(process.returncode, 1, errors)
        self.assertEqual(len(errors.splitlines()), 1, errors)
        self.assertIn("standard output is closed", errors)

    def test_a_full_disk_fails_actions_and_nothing_else(self):
        with open("/dev/full", "wb") as full:
            result, stats = self.stats(self.write("r.yml", PRINT_ALL % 3), stdout=full)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(stats["events"], 3)
        self.assertEqual(stats["actions"], {"ok": 0, "failed": 3})
        self.assertIn("No space left", result.stderr)

    def test_results_that_cannot_be_written_are_an_error(self):
        rulebook = self.write("r.yml", COUNTING)
        for command in (["check", rulebook], ["plugin", "list"], ["--help"], ["completion", "bash"]):
            with self.subTest(command), open("/dev/full", "wb") as full:
                result = self.call(*command, stdout=full)
                self.assertEqual(result.returncode, 1)
                self.assertIn("No space left", result.stderr)


class WebhookAtTheEnd(Case):
    """What senders are told whose requests are in hand when the run ends."""

    RULEBOOK = """
        - name: Listening
          hosts: all
          sources:
            - webhook: {host: 127.0.0.1, port: 0}
          rules:
            - name: Work
              condition: event.payload.do == "work"
              action:
                exec: {command: "touch %s; until test -e %s; do sleep 0.05; done"}
            - name: End
              condition: event.payload.do == "end"
              action:
                shutdown: {%s}
            - name: Other
              condition: event.payload.do == "other"
              action:
                none:
        """

    def listen(self, shutdown=""):
        process = self.start("run", "-v", self.write("r.yml", self.RULEBOOK % (self.path("working"), self.path("go"), shutdown)))
        seen = self.read_until(process.stderr, "listening on 127.0.0.1:")
        while True:
            port = re.search(rb"listening on 127\.0\.0\.1:(\d+)\n", seen)
            if port:
                return process, int(port[1])
            seen += self.read_until(process.stderr, "\n")

    def send(self, port, what):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
        self.addCleanup(connection.close)
        connection.request("POST", "/", json.dumps({"do": what}))
        return connection

    @staticmethod
    def answer(connection):
        try:
            return connection.getresponse().status
        except ConnectionError:
            return None  # the program ended before it had seen the request

    def test_the_request_that_ends_the_run_is_answered_as_accepted(self):
        for kind in ("", "kind: now", "delay: 1"):
            with self.subTest(kind):
                process, port = self.listen(kind)
                self.assertEqual(self.send(port, "end").getresponse().status, 200)
                process.communicate(timeout=LIMIT)
                self.assertEqual(process.returncode, 0)

    def test_each_request_that_is_acted_upon_is_answered_as_accepted_and_no_other(self):
        process, port = self.listen()
        requests = [self.send(port, "work")]
        self.await_file(self.path("working"))
        requests += [self.send(port, "end"), *(self.send(port, "other") for _ in range(30))]
        self.write("go", "")
        answers = [self.answer(request) for request in requests]
        _, errors = process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(answers[:2], [200, 200])
        self.assertLessEqual(set(answers), {200, 503, None})
        self.assertIn(f"\n{answers.count(200)} events read, {answers.count(200)} matched".encode(), errors)


class Progress(Case):
    """What a terminal shows while a run goes on."""

    PACED = """
        - name: Reading
          hosts: all
          sources:
            - jsonl: {path: %s, rate: 20, loop: 2, batch_bytes: 1}
          rules:
            - name: Every
              condition: event.n >= 0
              action: {none: }
        """
    NOISY = """
        - name: Ticking
          hosts: all
          sources:
            - tick: {delay: 0.03}
          rules:
            - name: Noisy
              condition: event.meta is defined
              actions:
                - debug: {msg: "tock"}
                - set_fact: {ruleset: nowhere, fact: {a: 1}}
        """

    def paced(self):
        events = self.write("events.jsonl", "".join(json.dumps({"n": n}) + "\n" for n in range(10)))
        return self.write("paced.yml", self.PACED % events)

    def open_terminal(self, columns=100):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        self.addCleanup(os.close, ours)
        return ours, theirs

    def start_on(self, terminal, *arguments, name="millrace", term="xterm", **more):
        streams = {"stdin": subprocess.DEVNULL, "stdout": terminal, "stderr": terminal, **more}
        process = subprocess.Popen([self.program(name), *arguments], env=self.environment({"TERM": term}), **streams)
        os.close(terminal)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def read_terminal(self, terminal, until=None):
        """What comes before the text, or before the program has let the terminal go."""
        seen = b""
        end = time.monotonic() + LIMIT
        while until is None or not re.search(until, seen):
            ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
            self.assertTrue(ready, f"nothing more came; seen: {seen!r}")
            try:
                chunk = os.read(terminal, 65536)
            except OSError:  # Linux's way to say that nobody writes any more
                chunk = b""
            if not chunk:
                self.assertIsNone(until, f"seen: {seen!r}")
                break
            seen += chunk
        return seen

    def show(self, *arguments, columns=100, **more):
        """Runs on a terminal to the end; all that was written there."""
        ours, theirs = self.open_terminal(columns)
        process = self.start_on(theirs, *arguments, **more)
        seen = self.read_terminal(ours)
        self.assertEqual(process.wait(timeout=LIMIT), 0, seen)
        return seen.decode()

    @staticmethod
    def lines_of(written):
        """The lines that somebody sees at the end."""
        lines = [[]]
        column = 0
        for piece in re.findall(r"\x1b\[K|\x1b\[[\d;]*m|.", written, re.DOTALL):
            if piece == "\r":
                column = 0
            elif piece == "\n":
                lines.append([])
            elif piece == "\x1b[K":
                del lines[-1][column:]
            elif not piece.startswith("\x1b"):
                lines[-1][column:column + 1] = [piece]
                column += 1
        return ["".join(line) for line in lines]

    def test_one_line_tells_how_the_run_goes_on_and_is_gone_at_the_end(self):
        written = self.show("run", self.paced())
        states = re.findall(r"\r(\d+)% read, (\d+) events, (\d+)/s, (\d+) fired, (\d+) waiting\x1b\[K", written)
        self.assertGreaterEqual(len(states), 2, written)
        self.assertLessEqual(len(states), 10, "one second")
        self.assertEqual(states, sorted(states, key=lambda state: (int(state[0]), int(state[1]))))
        self.assertTrue(0 < int(states[0][0]) < 100, states)
        lines = self.lines_of(written)
        self.assertTrue(lines[0].startswith("20 events read, 20 matched"), lines)
        self.assertNotIn("waiting", "".join(lines))

    def test_it_fits_into_a_narrow_terminal(self):
        written = self.show("run", self.paced(), columns=20)
        states = re.findall(r"\r([^\r\n]+)\x1b\[K", written)
        self.assertTrue(states)
        self.assertEqual({len(state) for state in states}, {19})

    def test_what_else_is_written_does_not_run_into_it(self):
        ours, theirs = self.open_terminal()
        process = self.start_on(theirs, "run", self.write("r.yml", self.NOISY))
        written = self.read_terminal(ours, until=rb"(?s)(waiting\x1b\[K.*){4}")
        process.send_signal(signal.SIGINT)
        written = (written + self.read_terminal(ours)).decode()
        self.assertEqual(process.wait(timeout=LIMIT), 130)
        lines = self.lines_of(written)
        end = next(at for at, line in enumerate(lines) if "events read" in line)
        allowed = (r"", r"\*\* [\d :.-]+ \[debug\] \*+", r"tock", r"\*{100}",
                   r"[\d :.-]+ ERROR rules\.Ticking: Error calling action set_fact, err Ruleset nowhere not found")
        for line in lines[:end]:
            self.assertRegex(line, "^(" + "|".join(allowed) + ")$")
        self.assertGreater(lines[:end].count("tock"), 10)

    def test_a_second_interruption_leaves_no_line_behind(self):
        started = self.path("started")
        rulebook = self.write("r.yml", f"""
            - name: Slow
              hosts: all
              sources:
                - tick: {{delay: 0.01}}
              rules:
                - name: Any
                  condition: event.meta is defined
                  action:
                    exec: {{command: "touch {started}; exec sleep 30"}}
            """)
        ours, theirs = self.open_terminal()
        process = self.start_on(theirs, "run", "-v", rulebook)
        written = self.read_terminal(ours, until=rb"waiting\x1b\[K")
        process.send_signal(signal.SIGINT)
        written += self.read_terminal(ours, until=rb"(?s)another one ends at once.*waiting\x1b\[K")
        process.send_signal(signal.SIGINT)
        written += self.read_terminal(ours)
        self.assertEqual(process.wait(timeout=LIMIT), 130)
        self.assertNotIn("waiting", "".join(self.lines_of(written.decode())))

    def test_there_is_none_where_it_is_not_wanted(self):
        for arguments, more in (
            (["run", self.paced(), "--no-progress"], {}),
            (["run", self.paced(), "--log-format", "json"], {}),
            (["run", self.paced()], {"term": "dumb"}),
            (["-r", self.paced()], {"name": "ansible-rulebook"}),
        ):
            with self.subTest(arguments):
                written = self.show(*arguments, **more)
                self.assertNotIn("\x1b", written)
                self.assertNotIn("waiting", written)

    def test_a_redirected_standard_error_has_no_escape_sequences(self):
        ours, theirs = self.open_terminal()
        process = self.start_on(theirs, "run", "-vv", self.paced(), stderr=subprocess.PIPE)
        _, errors = process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 0)
        self.assertIn(b"20 events read", errors)
        self.assertNotIn(b"\x1b", errors)
        self.assertNotIn(b"\r", errors)
        self.assertEqual(self.read_terminal(ours), b"")

    def test_a_redirected_standard_output_has_none_either(self):
        ours, theirs = self.open_terminal()
        process = self.start_on(theirs, "run", self.write("r.yml", self.NOISY), stdout=subprocess.PIPE)
        self.read_terminal(ours, until=rb"(?s)(waiting\x1b\[K.*){2}")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=LIMIT)
        self.assertIn(b"tock", output)
        self.assertNotIn(b"\x1b", output)


class Check(Case):
    BROKEN = textwrap.dedent("""\
        - name: Broken
          hosts: all
          sources:
            - rangee: {limit: 3}
          rules:
            - name: Wrong
              condition: event.i == == 2
              action: {debug: {msg: x}}
            - name: Wrong too
              condition: event.i == 2
              action: {debugg: {msg: x}}
        """)

    def test_a_good_rulebook_is_one_line(self):
        rulebook = self.write("r.yml", DISKS)
        result = self.call("check", rulebook)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(result.stdout, f"{rulebook}: ok, 4 rules in 1 rule set\n")

    def test_faults_come_with_their_places(self):
        rulebook = self.write("r.yml", self.BROKEN)
        result = self.call("check", "--json", rulebook)
        self.assertEqual(result.returncode, 1)
        answer = json.loads(result.stdout)
        self.assertFalse(answer["ok"])
        self.assertTrue(answer["diagnostics"])
        for item in answer["diagnostics"]:
            self.assertEqual(set(item), {"severity", "code", "file", "line", "column", "length", "message", "hint"})
        first = next(item for item in answer["diagnostics"] if item["line"] == 7)
        self.assertEqual((first["severity"], first["file"]), ("error", rulebook))
        self.assertEqual(self.BROKEN.splitlines()[6][first["column"] - 1 :][:2], "==")

    def test_faults_are_shown_with_the_line(self):
        result = self.call("check", self.write("r.yml", self.BROKEN))
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn(f"{self.path('r.yml')}:7:", result.stderr)
        self.assertIn("condition: event.i == == 2", result.stderr)
        self.assertIn("^", result.stderr)

    def test_names_and_settings_of_extensions_are_checked(self):
        result = self.call("check", "--json", self.write("r.yml", self.BROKEN.replace("== ==", "==")))
        found = json.loads(result.stdout)["diagnostics"]
        errors = {(item["code"], item["line"]) for item in found if item["severity"] == "error"}
        self.assertEqual(errors, {("unknown-source", 4), ("unknown-action", 11)})

    def test_what_a_run_must_be_given_is_a_warning(self):
        rulebook = self.write("r.yml", COUNTING + """
    - name: Template
      condition: event.i == 1
      action:
        run_workflow_template: {name: repair, organization: operations}
""")
        checked = self.call("check", rulebook)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertIn("2 rules in 1 rule set, 1 warning", checked.stdout)
        self.assertIn("warning", checked.stderr)
        self.assertEqual(self.call("run", rulebook).returncode, 1)

    def advice(self, *arguments):
        result = self.call("check", "--json", *arguments)
        return result.returncode, [
            (item["code"], item["severity"], item["line"], item["column"]) for item in json.loads(result.stdout)["diagnostics"]
        ]

    def test_what_can_never_fire_is_a_warning(self):
        rulebook = self.write("r.yml", COUNTING.replace("event.i == 2", "event.i == 2 and event.i > 5"))
        self.assertEqual(self.advice(rulebook), (0, [("contradiction", "warning", 8, 35)]))
        text = self.call("check", rulebook).stderr
        self.assertIn("`event.i == 2` and `event.i > 5` never hold together", text)

    def test_paths_are_compared_with_sample_events(self):
        rulebook = self.write("r.yml", COUNTING.replace("event.i == 2", "event.severty == 2"))
        events = self.write("e.jsonl", '{"severity": 1}\n{"severity": 2}\n')
        self.assertEqual(self.advice(rulebook), (0, []))
        self.assertEqual(self.advice(rulebook, "--events", events), (0, [("misspelt-path", "warning", 8, 18)]))
        for content in ("not json\n", "[1]\n", ""):
            with self.subTest(content):
                code, found = self.advice(rulebook, "--events", self.write("bad.jsonl", content))
                self.assertEqual((code, [item[0] for item in found]), (1, ["unreadable-events"]))

    def test_several_rulebooks_are_checked_in_one_go(self):
        result = self.call("check", self.write("a.yml", COUNTING), self.write("b.yml", self.BROKEN))
        self.assertEqual(result.returncode, 1)
        self.assertIn("a.yml: ok", result.stdout)
        self.assertNotIn("b.yml: ok", result.stdout)

    def test_files_that_cannot_be_read_are_faults(self):
        for arguments in ([self.path("none.yml")], [self.write("r.yml", COUNTING), "--vars", self.path("v.yml")]):
            with self.subTest(arguments):
                result = self.call("check", "--json", *arguments)
                self.assertEqual(result.returncode, 1)
                self.assertFalse(json.loads(result.stdout)["ok"])

    def test_text_that_is_no_yaml_is_a_fault_with_a_place(self):
        for content in (b"- name: [unclosed\n", b"\xff\xfe\x00", b"\t- x: 1\n", b""):
            with self.subTest(content):
                result = self.call("check", "--json", self.write("r.yml", content))
                self.assertEqual(result.returncode, 1)
                self.assertFalse(json.loads(result.stdout)["ok"])


class Explain(Case):
    def explain(self, event, *arguments):
        result = self.call("explain", self.write("r.yml", DISKS), "--event", self.write("e.json", event), *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_the_tests_that_decided_are_shown_with_their_values(self):
        text = self.explain('{"type": "deploy", "ok": false, "disk": {"used": 45}}')
        self.assertIn("✗ Disk nearly full\n    event.disk.used > 90  no: event.disk.used is 45\n", text)
        self.assertRegex(text, r'✓ Deploy failed\n    event\.type == "deploy"  yes\n    event\.ok == false       yes\n')
        self.assertIn("✓ Any deploy: does not run, `Deploy failed` comes first", text)
        self.assertIn("- Asleep: disabled", text)
        self.assertNotIn("\x1b", text)

    def test_missing_paths_and_types_are_told(self):
        self.assertIn("event.disk is missing", self.explain('{"host": "a"}'))
        self.assertIn("cannot compare str and int", self.explain('{"disk": {"used": "95"}}'))

    def test_json_says_the_same(self):
        answer = json.loads(self.explain('{"type": "deploy", "ok": false}', "--json"))
        rules = {rule["rule"]: rule for rule in answer["events"][0]["rule_sets"][0]["rules"]}
        self.assertEqual(rules["Deploy failed"]["verdict"], "matched")
        self.assertTrue(rules["Deploy failed"]["runs"])
        self.assertFalse(rules["Any deploy"]["runs"])
        self.assertEqual(rules["Asleep"]["verdict"], "disabled")
        self.assertEqual(rules["Disk nearly full"]["tests"],
                         [{"test": "event.disk.used > 90", "holds": False,
                           "finding": "event.disk is missing, event has type, ok"}])

    def test_each_line_is_an_event(self):
        text = self.explain('{"type": "x"}\n\n{"type": "deploy"}\n')
        self.assertIn("e.json:1:", text)
        self.assertIn("e.json:3:", text)

    def test_an_event_over_several_lines_is_one(self):
        self.assertIn("✓ Any deploy", self.explain('{\n  "type": "deploy"\n}\n'))

    def test_standard_input_is_a_dash(self):
        result = self.call("explain", self.write("r.yml", DISKS), "--event", "-", input='{"type": "deploy"}')
        self.assertIn("✓ Any deploy", result.stdout)

    def test_what_is_no_event_is_told_with_its_line(self):
        rulebook = self.write("r.yml", DISKS)
        for content, text in (('{"a": 1}\nnonsense\n', "e.json:2:"), ("[1]\n", "must be a JSON object"), ("", "no event")):
            with self.subTest(content):
                result = self.call("explain", rulebook, "--event", self.write("e.json", content))
                self.assertEqual(result.returncode, 1)
                self.assertIn(text, result.stderr)

    def test_what_rules_wait_for_after_the_events_is_told(self):
        rulebook = self.write("r.yml", Try.RULES)
        events = self.write("events.jsonl", "\n".join(json.dumps({**event, "meta": {"received_at": f"2026-11-21T10:00:{s:02}Z"}})
                                                      for s, event in [(0, {"kind": "login", "user": "ann"}), (2, {"kind": "beat", "n": 1}),
                                                                       (5, {"kind": "sudo", "user": "bob"})]))
        told = self.call("explain", rulebook, "--events", events)
        self.assertEqual(told.returncode, 0, told.stderr)
        after = told.stdout.split("after these events:")[1]
        self.assertIn("No heartbeat waits, 7 s left", after)
        self.assertIn('event.user == events.login.user  no: event.user is "bob"; events.login.user is "ann"', after)
        pairs, beats = json.loads(self.call("explain", rulebook, "--events", events, "--json").stdout)["waiting"]
        self.assertEqual([(b["binding"], b["events"]) for b in pairs["bound"]], [("login", 1), ("m_1", 1)])
        self.assertEqual((beats["rule"], beats["seconds_left"]), ("No heartbeat", 7.0))


class Record(Case):
    RULES = """
        - name: Watch
          hosts: all
          sources:
            - jsonl: {path: %s}
          rules:
            - name: Hot
              condition: event.t > 90
              throttle: {once_within: 5 minutes, group_by_attributes: [event.host]}
              action: {set_fact: {fact: {hot: "{{ event.host }}"}}}
            - name: Said
              condition: fact.hot is defined
              action: {none: }
            - name: Pair
              condition:
                all:
                  - events.a << event.k == 1
                  - events.b << event.k == 2 and event.host == events.a.host
              action: {post_event: {event: {pair: "{{ events.a.host }}"}}}
            - name: Posted
              condition: event.pair is defined and event.meta.source.type == "internal"
              action: {retract_fact: {fact: {hot: "{{ event.pair }}"}, partial: true}}
        """

    def record(self, *more, events=500):
        source = "".join(json.dumps({"host": f"h{n * 7 % 11}", "t": n * 31 % 100, "k": n * 13 % 5}) + "\n"
                         for n in range(events))
        self.rulebook = self.write("r.yml", textwrap.dedent(self.RULES) % self.write("events.jsonl", source))
        return self.stats(self.rulebook, "--record", self.path("run.zst"), *more)

    def replay(self, *more, record="run.zst", rulebook="r.yml"):
        return self.call("replay", self.path(record), self.path(rulebook), *more)

    def test_a_replay_fires_what_the_run_has_fired(self):
        ran, stats = self.record()
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("inputs recorded", ran.stderr)
        self.assertEqual(stats["record"]["failed"], False)
        result = self.replay()
        self.assertEqual(result.returncode, 0, result.stderr)
        fired = [json.loads(line) for line in result.stdout.splitlines()]
        counts = {}
        for firing in fired:
            self.assertEqual((firing["rule_set"], sorted(firing)), ("Watch", ["at", "match", "rule", "rule_set"]))
            counts[firing["rule"]] = counts.get(firing["rule"], 0) + 1
        self.assertEqual(counts, stats["rules"]["Watch"])
        self.assertEqual(set(counts), {"Hot", "Said", "Pair", "Posted"})
        self.assertRegex(result.stderr, r"^\d+ inputs replayed, %d firings: the same as recorded\n$" % len(fired))
        self.assertEqual([self.replay().stdout for _ in range(3)], [result.stdout] * 3)

    def test_the_examples_can_be_recorded(self):
        root = pathlib.Path(__file__).resolve().parents[2]
        arguments = ["examples/deployments/rulebook.yml", "-e", "examples/deployments/vars.yml"]
        ran, stats = self.stats(*arguments, "--record", self.path("run.zst"), cwd=root)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        result = self.call("replay", self.path("run.zst"), *arguments, cwd=root)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(result.stdout.splitlines()), sum(stats["rules"]["Platform watch"].values()))

    def test_other_rules_show_the_first_difference(self):
        self.record()
        text = pathlib.Path(self.rulebook).read_text(encoding="utf-8")
        self.write("other.yml", text.replace("event.t > 90", "event.t > 80"))
        result = self.replay(rulebook="other.yml")
        self.assertEqual(result.returncode, 1)
        lines = result.stderr.splitlines()
        self.assertRegex(lines[0], r"run\.zst:\d+: something else fires$")
        self.assertEqual(lines[1], "  expected: nothing")
        self.assertEqual(json.loads(lines[2].removeprefix("  came:     "))["fired"], "Hot")
        self.assertRegex(lines[3], r"\d+ inputs replayed, \d+ firings; \d+ inputs not as recorded$")
        answer = json.loads(self.replay("--json", rulebook="other.yml").stdout.splitlines()[-1])["result"]
        self.assertEqual(answer["first_difference"]["expected"], None)
        self.assertGreater(answer["differing"], 0)

    def test_other_rule_sets_are_left_out(self):
        self.record()
        result = self.replay(rulebook=os.path.basename(self.write("c.yml", COUNTING)))
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("no rule set of the record is in the rulebook", result.stderr)
        both = self.call("replay", self.path("run.zst"), self.path("c.yml"), self.path("r.yml"))
        self.assertEqual(both.returncode, 0, both.stderr)

    def test_a_damaged_record_is_replayed_up_to_the_damage(self):
        self.record(events=20_000)
        with open(self.path("run.zst"), "rb") as file:
            content = file.read()
        self.write("cut.zst", content[: len(content) * 2 // 3])
        result = self.replay(record="cut.zst")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, r"the record is damaged, what follows is left out: after .*cut\.zst:\d+: it is cut short")
        self.assertIn("so far the same as recorded", result.stderr)
        self.assertTrue(self.replay().stdout.startswith(result.stdout))
        self.assertTrue(result.stdout)

    def test_a_run_that_was_killed_leaves_a_record(self):
        rulebook = self.write("r.yml", textwrap.dedent(End.TICKING) % "none:")
        process = self.start("run", rulebook, "--record", self.path("run.zst"))
        self.await_file(self.path("run.zst"))
        end = time.monotonic() + LIMIT
        while os.path.getsize(self.path("run.zst")) == 0:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        process.kill()
        process.wait()
        result = self.replay()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn('"rule":"Any"', result.stdout)

    def test_a_part_of_it_can_be_replayed(self):
        self.write("events.jsonl", "".join(json.dumps({"n": n}) + "\n" for n in range(40)))
        rulebook = self.write("r.yml", f"""
            - name: Slowly
              hosts: all
              sources:
                - jsonl: {{path: {self.path("events.jsonl")}, rate: 100}}
              rules:
                - name: Every
                  condition: event.n >= 0
                  action: {{none: }}
            """)
        self.call("run", rulebook, "--record", self.path("run.zst"))
        whole = [json.loads(line) for line in self.replay().stdout.splitlines()]
        part = self.replay("--from", "100 milliseconds", "--to", "300 milliseconds")
        self.assertEqual(part.returncode, 0)
        self.assertEqual([json.loads(line) for line in part.stdout.splitlines()],
                         [firing for firing in whole if 100 <= firing["at"] < 300])
        self.assertIn("not compared: --from leaves out what came before", part.stderr)
        begun = time.monotonic()
        self.assertIn("the same as recorded", self.replay("--to", "300 milliseconds", "--speed", "real").stderr)
        self.assertGreater(time.monotonic() - begun, 0.25)
        for wrong in (["--from", "soon"], ["--speed", "fast"], ["--speed", "0"]):
            with self.subTest(wrong):
                self.assertEqual(self.replay(*wrong).returncode, 2)

    def test_it_is_bounded_and_rotated(self):
        _, stats = self.record("--record-max-size", "40K", "--record-keep", "2", events=20_000)
        self.assertEqual(sorted(name for name in os.listdir(self.folder) if name.startswith("run.zst")),
                         ["run.zst", "run.zst.1", "run.zst.2"])
        self.assertGreater(stats["record"]["bytes"], 120_000)
        result = self.replay()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("not compared: the record lacks the run's start", result.stderr)
        self.record("--record-max-size", "1M", "--record-keep", "20", events=20_000)
        result = self.replay()
        self.assertIn("the same as recorded", result.stderr)

    def test_a_full_disk_ends_the_record_and_not_the_run(self):
        rulebook = self.write("r.yml", COUNTING)
        result, stats = self.stats(rulebook, "--record", "/dev/full")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual((stats["events"], stats["record"]["failed"]), (3, True))
        self.assertEqual(result.stderr.count("No space left"), 1)
        nowhere = self.call("run", rulebook, "--record", self.path("none/run.zst"))
        self.assertEqual(nowhere.returncode, 1)
        self.assertIn("cannot write", nowhere.stderr)
class Test(Case):
    CASES = """
        rulebook: r.yml
        cases:
          - name: a full disk
            events:
              - event: {host: a, disk: {used: 91}}
              - {at: 5 seconds, event: {host: b, disk: {used: 95}}}
            expect:
              - {rule: Disk nearly full, at: 0, match: {m: {host: a}}}
              - {rule: Disk nearly full, match: {m: {disk: {used: 95}}}}
          - name: a deployment <&> "more"
            events:
              - {at: 1 minute, event: {type: deploy, ok: true}}
              - {at: 1 day, event: {type: deploy, ok: false, id: 7}}
            expect:
              - {rule: Any deploy, at: 1 minute}
              - {rule: Deploy failed, at: 23 hours, match: {m: {id: 8}}}
        """

    def cases(self):
        self.write("r.yml", DISKS)
        return self.write("r.test.yml", self.CASES)

    def test_cases_pass(self):
        result = self.call("test", self.cases(), "--filter", "full disk")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout, r"^✓ a full disk\n\n1 passed, 0 failed \(virtual time 5 seconds in [\d.]+ ms\)\n$")

    def test_failures_are_shown_as_differences(self):
        file = self.cases()
        result = self.call("test", file)
        self.assertEqual((result.returncode, result.stderr), (1, ""))
        self.assertIn(f"""✗ a deployment <&> "more" ({file}:11)
      1 minute  Any deploy     m={{"type":"deploy","ok":true}}
    - 23 hours  Deploy failed  m={{"id":8}}
    + 1 day     Deploy failed  m={{"type":"deploy","ok":false,"id":7}}
        at 1 day, not at 23 hours; m.id is 7, not 8

1 passed, 1 failed (virtual time 1 day 5 seconds in """, result.stdout)

    def test_json_says_the_same(self):
        result = self.call("test", self.cases(), "--json")
        self.assertEqual((result.returncode, result.stderr), (1, ""))
        answer = json.loads(result.stdout)
        self.assertEqual((answer["ok"], answer["passed"], answer["failed"], answer["virtual_seconds"]), (False, 1, 1, 86405))
        good, bad = answer["files"][0]["cases"]
        self.assertEqual((good["name"], good["passed"], good["diff"]), ("a full disk", True, []))
        self.assertEqual([(line["kind"], line["rule"], line["at"]) for line in bad["diff"]],
                         [("as_expected", "Any deploy", 60_000), ("missing", "Deploy failed", 82_800_000),
                          ("unexpected", "Deploy failed", 86_400_000)])

    def test_junit_is_xml(self):
        bad = self.write("bad.test.yml", "cases: <&>\n")
        result = self.call("test", self.cases(), bad, "--junit", self.path("out.xml"))
        self.assertEqual(result.returncode, 1)
        root = xml.etree.ElementTree.parse(self.path("out.xml")).getroot()
        self.assertEqual([root.get(key) for key in ("tests", "failures", "errors")], ["3", "1", "1"])
        good, wrong = root[0]
        self.assertEqual((good.get("name"), len(good)), ("a full disk", 0))
        self.assertEqual((wrong.get("name"), wrong.get("line")), ('a deployment <&> "more"', "11"))
        self.assertIn('    - 23 hours  Deploy failed  m={"id":8}\n', wrong.find("failure").text)
        self.assertIn('must be a list, not the text "<&>"', root[1][0].find("error").text)

    def test_bad_files_are_told_with_all_faults(self):
        self.write("r.yml", DISKS)
        bad = self.write("bad.test.yml", """\
            rulebook: r.yml
            cases:
              - name: a full disk
                events:
                  - {at: soon, event: {}}
                expect:
                  - {rule: Disk nearly ful, macth: {}}
            """)
        result = self.call("test", bad, self.path("none.yml"))
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"{bad}:5:14: error: `at` must be a time such as", result.stderr)
        self.assertIn('''    7 |       - {rule: Disk nearly ful, macth: {}}
      |                ^^^^^^^^^^^^^^^
        hint: did you mean `Disk nearly full`?
''', result.stderr)
        self.assertIn("7:33: error: unknown key `macth`", result.stderr)
        self.assertIn("none.yml: error: ", result.stderr)
        self.assertIn("0 passed, 0 failed, 2 bad files", result.stdout)

    def test_a_filter_that_fits_nothing_is_an_error(self):
        result = self.call("test", self.cases(), "--filter", "nothing")
        self.assertEqual(result.returncode, 1)
        self.assertIn("no case has `nothing` in its name", result.stderr)

    def test_a_day_of_events_takes_no_time(self):
        events = "".join(f"      - {{at: {i} minutes, event: {{disk: {{used: {i % 50}}}}}}}\n" for i in range(1440))
        self.write("r.yml", DISKS)
        file = self.write("day.yml", f"rulebook: r.yml\ncases:\n  - name: a day\n    expect: []\n    events:\n{events}".encode())
        answer = json.loads(self.call("test", file, "--json").stdout)
        self.assertEqual((answer["passed"], answer["virtual_seconds"]), (1, 86340))
        self.assertLess(answer["files"][0]["cases"][0]["milliseconds"], 1000)

    def test_examples_do_what_they_say(self):
        files = sorted(str(path) for path in ROOT.glob("examples/**/*.test.yml"))
        self.assertTrue(files)
        result = self.call("test", *files)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)


class Try(Case):
    RULES = """
- name: Pairs
  hosts: all
  sources: []
  rules:
    - name: Login and sudo
      condition:
        all:
          - events.login << event.kind == "login"
          - event.kind == "sudo" and event.user == events.login.user
        timeout: 1 minute
      action: {debug: }
    - name: No heartbeat
      condition:
        not_all: [event.kind == "beat", event.kind == "beat" and event.n > events.m_0.n]
        timeout: 10 seconds
      action: {debug: }
"""

    def try_lines(self, *commands, arguments=()):
        rulebook = self.write("r.yml", self.RULES)
        tried = self.call("try", rulebook, *arguments, input="".join(c + "\n" for c in commands))
        return tried, [json.loads(line) for line in tried.stdout.splitlines()]

    def test_commands_from_a_pipe_are_answered_in_order(self):
        tried, answers = self.try_lines(
            '{"event": {"kind": "login", "user": "ann", "meta": {"uuid": "x"}}}', "",
            '{"advance": "30 seconds"}', '{"event": {"kind": "sudo", "user": "bob"}}',
            '{"event": {"kind": "sudo", "user": "ann"}}', '{"facts": null}')
        self.assertEqual(tried.returncode, 0, tried.stderr)
        self.assertEqual(answers, [
            {"ok": True}, {"ok": True}, {"ok": True},
            {"rule": "Login and sudo", "at": 30000,
             "match": {"login": {"kind": "login", "user": "ann"}, "m_1": {"kind": "sudo", "user": "ann"}}},
            {"ok": True},
            {"facts": [{"kind": "sudo", "user": "bob"}]}, {"ok": True}])

    def test_the_end_of_a_window_fires_at_its_own_time(self):
        tried, answers = self.try_lines('{"event": {"kind": "beat", "n": 1}}', '{"advance": "1 minute"}')
        self.assertEqual(answers[1], {"rule": "No heartbeat", "at": 10000, "match": {"m_0": {"kind": "beat", "n": 1}}})

    def test_facts_are_set_and_retracted(self):
        _, answers = self.try_lines(
            '{"fact": {"kind": "login", "user": "ann"}}', '{"retract_fact": {"user": "ann"}, "partial": true}',
            '{"fact": {"kind": "login", "user": "ann"}}', '{"retract_fact": {"user": "ann"}, "partial": false}',
            '{"facts": null}')
        self.assertEqual(answers[4], {"facts": [{"kind": "login", "user": "ann"}]})

    def test_what_is_no_command_is_told_and_the_rest_goes_on(self):
        tried, answers = self.try_lines('{"evnt": {}}', "{", '{"advance": "5 lightyears"}', '{"event": 5}',
                                        '{"event": {}, "fact": {}}', '{"advance": "1 hour"}')
        self.assertEqual(tried.returncode, 1)
        self.assertEqual([list(answer) for answer in answers], [["error"]] * 5 + [["ok"]])

    def test_the_rule_set_must_be_told_when_there_are_several(self):
        rulebook = self.write("two.yml", self.RULES + self.RULES.replace("Pairs", "Others"))
        asked = self.call("try", rulebook, input="")
        self.assertEqual(asked.returncode, 1)
        self.assertIn("Pairs, Others", asked.stderr)
        self.assertEqual(self.call("try", rulebook, "--ruleset", "Others", input="").returncode, 0)
        self.assertIn("did you mean `Others`", self.call("try", rulebook, "--ruleset", "Other", input="").stderr)

    def test_a_terminal_gets_a_prompt_with_words(self):
        rulebook = self.write("r.yml", self.RULES)
        master, slave = pty.openpty()
        process = subprocess.Popen([self.program(), "try", rulebook], stdin=slave, stdout=slave, stderr=slave,
                                   env=self.environment({"TERM": "dumb"}), close_fds=True)
        os.close(slave)
        self.addCleanup(os.close, master)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        class Stream:
            def fileno(self):
                return master

        self.read_until(Stream(), "millrace> ")
        os.write(master, b'event {"kind": "beat", "n": 7}\n')
        self.read_until(Stream(), '{"ok":true}')
        os.write(master, b"advance 10 seconds\n")
        self.read_until(Stream(), '"No heartbeat"')
        os.write(master, b"quit\n")
        self.assertEqual(process.wait(LIMIT), 0)


class Tools(Case):
    def test_bench_measures_rule_sets_beside_parsing(self):
        events = self.write("e.jsonl", "".join(json.dumps({"type": "deploy", "ok": n % 2 == 0}) + "\n" for n in range(500)))
        arguments = ["bench", self.write("r.yml", DISKS), "--events", events, "--repeat", "2"]
        answer = json.loads(self.call(*arguments, "--json").stdout)
        self.assertEqual(answer["parse_only"]["events"], 500)
        rule_set = answer["rule_sets"][0]
        self.assertEqual((rule_set["name"], rule_set["matched"]), ("Disk watch", 500))
        self.assertGreater(rule_set["events_per_second"], 0)
        text = self.call(*arguments).stdout
        self.assertIn("parse only", text)
        self.assertIn("Disk watch: 3 rules, 100.0% matched", text)

    def test_plugins_are_listed_and_documented(self):
        self.assertIn("webhook", self.call("plugin", "list").stdout)
        listed = json.loads(self.call("plugin", "list", "--json").stdout)
        self.assertIn("range", [item["name"] for item in listed if item["kind"] == "source"])
        doc = self.call("plugin", "doc", "ansible.eda.webhook").stdout
        self.assertRegex(doc, r"port +integer +required")
        settings = json.loads(self.call("plugin", "doc", "webhook", "--json").stdout)[0]["settings"]
        self.assertTrue(next(s for s in settings if s["name"] == "port")["required"])
        wrong = self.call("plugin", "doc", "webhok")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("did you mean `webhook`?", wrong.stderr)

    def test_completion_scripts_are_sound(self):
        script = self.call("completion", "bash").stdout
        self.assertEqual(subprocess.run(["bash", "-n"], input=script, text=True, timeout=LIMIT).returncode, 0)
        if shutil.which("zsh"):
            script = self.call("completion", "zsh").stdout
            self.assertEqual(subprocess.run(["zsh", "-n"], input=script, text=True, timeout=LIMIT).returncode, 0)

    def test_exit_codes_and_streams_of_the_command_line(self):
        nothing = self.call()
        self.assertEqual((nothing.returncode, nothing.stderr), (1, ""))
        self.assertIn("run rulebooks until their sources end", nothing.stdout)
        self.assertEqual(self.call("--help").returncode, 0)
        self.assertRegex(self.call("--version").stdout, r"^millrace \d+\.\d+\.\d+\n$")
        for arguments, text in (
            (["chek"], "unknown command `chek`; did you mean `check`?"),
            (["run", "x.yml", "--var"], "unknown option --var; did you mean `--vars`?"),
            (["run"], "no rulebook was given"),
            (["run", "x.yml", "--shutdown-delay", "soon"], "option --shutdown-delay: `soon`"),
            (["check"], "RULEBOOK is required"),
            (["test"], "TESTS is required"),
            (["test", "x.yml", "--filtre", "y"], "unknown option --filtre; did you mean `--filter`?"),
        ):
            with self.subTest(arguments):
                result = self.call(*arguments)
                self.assertEqual((result.returncode, result.stdout), (2, ""))
                self.assertIn(text, result.stderr)
                self.assertEqual(len(result.stderr.splitlines()), 1)


class AnsibleRulebook(Case):
    def call(self, *arguments, **more):
        more.setdefault("name", "ansible-rulebook")
        return super().call(*arguments, **more)

    def test_a_good_run_writes_results_and_nothing_else(self):
        result = self.call("--rulebook", self.write("r.yml", COUNTING))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("\ntwo is here\n", result.stdout)

    def test_verbose_lines_go_to_standard_output(self):
        result = self.call("-vr", self.write("r.yml", COUNTING))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout, r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - ansible_rulebook\.\w+ - INFO - ")

    def test_without_arguments_it_prints_help(self):
        result = self.call()
        self.assertEqual((result.returncode, result.stderr), (1, ""))
        self.assertIn("--rulebook", result.stdout)

    def test_the_version_has_nine_lines(self):
        result = self.call("--version")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(
            [re.split(r" = | \[", line)[0].strip() for line in result.stdout.splitlines()],
            ["ansible-rulebook", "Executable location", "Drools_jpy version", "Java home", "Java version",
             "Ansible core version", "Python version", "Python executable", "Platform"])

    def test_what_keeps_it_from_starting_is_logged_in_the_known_words(self):
        good = self.write("r.yml", COUNTING)
        for arguments, text in (
            (["-e", "x"], "Rulebook must be specified in non worker mode"),
            (["--worker"], "Worker mode needs an id and websocket url specfied"),
            (["-r", "none.yml"], "Could not find rulebook none.yml"),
            (["-r", good, "-e", "none.yml"], "Variables file does not exist: none.yml"),
            (["-r", good, "-E", "MILLRACE_SURELY_NOT_SET"],
             "Could not find environment variable 'MILLRACE_SURELY_NOT_SET'"),
            (["-r", good, "-i", "none"], "Inventory none not found"),
        ):
            with self.subTest(text):
                result = self.call(*arguments)
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                self.assertRegex(result.stderr, r"- ansible_rulebook\.cli - ERROR - Terminating: " + re.escape(text) + "$")

    def test_a_rulebook_of_the_wrong_form_is_called_invalid(self):
        result = self.call("-r", self.write("r.yml", COUNTING.replace("rules:", "rulez:")))
        self.assertEqual(result.returncode, 1)
        lines = result.stderr.splitlines()
        self.assertIn("- ERROR - Invalid rulebook: ", lines[0])
        self.assertIn("- ERROR - Terminating: ", lines[-1])

    def test_a_source_that_fails_terminates_it(self):
        result = self.call("-r", self.write("r.yml", COUNTING.replace("range: {limit: 3}", "jsonl: {path: /none/none}")))
        self.assertEqual(result.returncode, 1)
        self.assertIn("ansible_rulebook.engine - ERROR - Source error: ", result.stderr)
        self.assertIn("Terminating: One of the source plugins failed", result.stderr.splitlines()[-1])

    def test_wrong_options_exit_with_two(self):
        for arguments in (["--nonsense"], ["-r"], ["-r", "x", "--execution-strategy", "odd"], ["-r", "x", "y"]):
            with self.subTest(arguments):
                result = self.call(*arguments)
                self.assertEqual((result.returncode, result.stdout), (2, ""))
                self.assertTrue(result.stderr.startswith("ansible-rulebook: error: "))


if __name__ == "__main__":
    unittest.main()
