#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the engine beside its peers and limits, and prints one table of ratios.

Machines are noisy, so absolute figures mean little: engine and peer run in alternating pairs on one core, the first pair is
thrown away, and the median ratio is reported with its median absolute deviation. A figure counts only if what the engine
counted is what this script counts independently.

usage: bench/run.py [--trials N] [--only a,b,…] [--json]
"""
import argparse
import contextlib
import json
import os
import random
import re
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
MILLRACE = BUILD / "millrace"
EVENTS = 400_000
ROUNDS = 3


class Void(Exception):
    """The oracle disagrees, or a tool is missing: there is no figure."""


def pinned(command):
    return ["taskset", "-c", "0", *map(str, command)] if shutil.which("taskset") else list(map(str, command))


def timed(command, **options):
    begun = time.perf_counter()
    done = subprocess.run(pinned(command), check=True, capture_output=True, text=True, **options)
    return time.perf_counter() - begun, done.stdout


def alternate(trials, first, second):
    """Runs both in turn; the pairs but the first, which warms caches."""
    pairs = [(first(), second()) for _ in range(trials + 1)]
    return pairs[1:]


def median_of(values):
    middle = statistics.median(values)
    return middle, statistics.median(abs(value - middle) for value in values)


def row(key, what, value, peer, ratios, aim, at_least=True):
    middle, deviation = median_of(ratios)
    met = middle >= aim if at_least else middle <= aim
    return {"id": key, "what": what, "value": value, "peer": peer, "ratio": round(middle, 3), "mad": round(deviation, 3),
            "aim": f"{'>=' if at_least else '<='} {aim}", "met": met}


# --- workloads ---------------------------------------------------------------------------------------------------------------

def small_events(path):
    """JSON lines of about 220 bytes; returns them as objects, for the oracle."""
    rnd = random.Random(42)
    events = []
    with open(path, "w", encoding="utf-8") as out:
        for i in range(EVENTS):
            event = {"id": i, "ts": f"2026-01-01T00:00:{i % 60:02d}Z", "host": f"web{rnd.randrange(500)}",
                     "severity": "info" if rnd.randrange(5) else "critical",
                     "service": {"name": f"svc{rnd.randrange(40)}", "port": 1024 + rnd.randrange(60000)},
                     "tags": ["a", f"b{rnd.randrange(9)}", "prod"], "value": rnd.randrange(100000) / 100,
                     "message": f"disk usage on /var at {rnd.randrange(100)}% exceeds threshold", "ok": bool(rnd.randrange(2))}
            events.append(event)
            out.write(json.dumps(event, separators=(",", ":")) + "\n")
    return events


def hundred_rules():
    """(condition, the same in Python) of 100 rules of many kinds; together they fire for about one event in a hundred."""
    rules = []
    for i in range(10):
        rules.append((f'event.host == "web{i}" and event.severity == "critical" and event.value > 900',
                      lambda e, i=i: e["host"] == f"web{i}" and e["severity"] == "critical" and e["value"] > 900))
        rules.append((f'event.service.name == "svc{i}" and event.service.port < 1300',
                      lambda e, i=i: e["service"]["name"] == f"svc{i}" and e["service"]["port"] < 1300))
        rules.append((f'event.host in ["web{100 + i}", "db{i}"] and event.value > 950',
                      lambda e, i=i: e["host"] == f"web{100 + i}" and e["value"] > 950))
        rules.append((f'event.host == "web{200 + i}" and event.message is search("at 9{i}% exceeds")',
                      lambda e, i=i: e["host"] == f"web{200 + i}" and f"at 9{i}% exceeds" in e["message"]))
        rules.append((f'event.tags contains "never{i}"', lambda e: False))
        rules.append((f'event.service.port == {2000 + i} and not event.ok',
                      lambda e, i=i: e["service"]["port"] == 2000 + i and not e["ok"]))
        rules.append((f'event.missing.field{i} is defined', lambda e: False))
        rules.append((f'event.value > {999 + i}', lambda e, i=i: e["value"] > 999 + i))
        rules.append((f'event.id == {i * 7}', lambda e, i=i: e["id"] == i * 7))
        rules.append((f'event.severity == "critical" and event.host == "web{300 + i}" and event.tags contains "b{i % 9}"',
                      lambda e, i=i: e["severity"] == "critical" and e["host"] == f"web{300 + i}" and f"b{i % 9}" in e["tags"]))
    return rules


def rulebook(path, source, rules, multiple=False, action="none"):
    lines = ["- name: bench", "  hosts: all", f"  match_multiple_rules: {str(multiple).lower()}", "  sources:"]
    lines += ["    " + line for line in source] + ["  rules:"]
    for number, condition in enumerate(rules):
        lines += [f"    - name: r{number}", f"      condition: {json.dumps(condition, ensure_ascii=False)}",
                  "      action:", f"        {action}:"]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def run_engine(book, folder):
    stats = Path(folder) / "stats.json"
    seconds, _ = timed([MILLRACE, "run", book, "--stats", stats, "--quiet"])
    return seconds, json.loads(stats.read_text())


# --- the figures -------------------------------------------------------------------------------------------------------------

def throughput(folder, trials):
    data = Path(folder) / "small.jsonl"
    events = small_events(data)
    rules = hundred_rules()
    expected = ROUNDS * sum(1 for event in events if any(holds(event) for _, holds in rules))
    book = Path(folder) / "hundred.yml"
    rulebook(book, ["- jsonl:", f"    path: {data}", f"    loop: {ROUNDS}"], [condition for condition, _ in rules])
    speeds, peaks = [], []

    def engine():
        seconds, stats = run_engine(book, folder)
        fired = sum(stats["rules"]["bench"].values())
        if fired != expected or stats["events"] != EVENTS * ROUNDS:
            raise Void(f"{fired} firings of {stats['events']} events, expected {expected} of {EVENTS * ROUNDS}")
        speeds.append(EVENTS * ROUNDS / seconds)
        peaks.append(stats["peak_rss_bytes"])
        return seconds

    def limit():
        return timed([BUILD / "bench_parse_baseline", data, ROUNDS])[0]

    pairs = alternate(trials, engine, limit)
    speed = statistics.median(speeds)
    peer = f"simdjson, parsing only: {EVENTS * ROUNDS / statistics.median(b for _, b in pairs) / 1e6:.2f} M events/s"
    share = 100 * expected / (EVENTS * ROUNDS)
    yield row("a1", f"JSON lines through 100 rules, {share:.1f} % fire",
              f"{speed / 1e6:.2f} M events/s, {max(peaks) / 1e6:.0f} MB", peer, [b / a for a, b in pairs], 0.2)
    yield row("a2", "the same, against 1.5 M events/s", f"{speed / 1e6:.2f} M events/s", "the aim itself",
              [value / 1.5e6 for value in speeds[1:]], 1.0)


def scaling(kind, few, many):
    def cost(rules):
        out = json.loads(timed([BUILD / "bench_rules_scaling", kind, rules, 300_000])[1])
        if out["fired"] * 100 != out["events"]:
            raise Void(f"{out['fired']} firings of {out['events']} events with {rules} rules")
        return out["nanoseconds"]

    return lambda trials: alternate(trials, lambda: cost(many), lambda: cost(few))


def rule_counts(_, trials):
    for key, kind, few, many, aim in (("b1", "equality", 1, 1000, 1.3), ("b2", "mixed", 10, 10_000, 3.0)):
        pairs = scaling(kind, few, many)(trials)
        yield row(key, f"{many:,} {kind} rules, cost of an event", f"{statistics.median(a for a, _ in pairs):.0f} ns",
                  f"{few} rule{'s' if few > 1 else ''}: {statistics.median(b for _, b in pairs):.0f} ns",
                  [a / b for a, b in pairs], aim, at_least=False)


def forge_data():
    shared = Path(os.environ.get("MILLRACE_SHARED", ROOT.parent / "shared")) / "data" / "github-webhooks" / "events.jsonl"
    return shared if shared.exists() else ROOT / "tests" / "data" / "forge-events.jsonl"


def forge_events(folder, trials):
    data = forge_data()
    size, rounds = data.stat().st_size, 40
    book = Path(folder) / "forge.yml"
    rules = ['event.event == "pull_request" and event.payload.action == "opened"',
             'event.payload.check_run.conclusion == "failure"', 'event.payload.ref == "refs/heads/main"',
             'event.payload.sender.type == "Bot"', 'event.payload.issue.labels is selectattr("name", "==", "bug")',
             'event.payload.pull_request.title is search("(?i)fix")', "event.payload.commits[0].author.name is defined",
             'event.payload.pull_request.draft and event.payload.repository.private']
    rulebook(book, ["- jsonl:", f"    path: {data}", f"    loop: {rounds}"], rules, multiple=False)
    pairs = alternate(trials, lambda: run_engine(book, folder)[0],
                      lambda: timed([BUILD / "bench_parse_baseline", data, rounds])[0])
    name = "shipped code-forge events" if ROOT in data.parents else "real code-forge events"
    yield row("c", f"{name}, {size * rounds / 1e6:.0f} MB through {len(rules)} rules",
              f"{size * rounds / statistics.median(a for a, _ in pairs) / 1e6:.0f} MB/s",
              f"simdjson, parsing only: {size * rounds / statistics.median(b for _, b in pairs) / 1e6:.0f} MB/s",
              [b / a for a, b in pairs], 0.3)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def server(command, port):
    process = subprocess.Popen(pinned(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        process.wait()


def load(folder, port, connections):
    """Requests a second that a webhook answers."""
    if not shutil.which("wrk"):
        raise Void("wrk is not installed")
    script = Path(folder) / "post.lua"
    script.write_text('wrk.method = "POST"\nwrk.body = \'{"id": 7, "action": "opened", "sender": {"type": "User"}}\'\n'
                      'wrk.headers["Content-Type"] = "application/json"\n')
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", "-d2s", "-s", str(script), f"http://127.0.0.1:{port}/endpoint"],
                         check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise Void(out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def webhook(folder, trials):
    def rate(command, port):
        with server(command, port):
            return load(folder, port, 32)

    def engine():
        port = free_port()
        book = Path(folder) / "webhook.yml"
        rulebook(book, ["- webhook:", "    host: 127.0.0.1", f"    port: {port}"],
                 ['event.payload.action == "closed"', "event.payload.id == 8"])
        return rate([MILLRACE, "run", book, "--quiet"], port)

    def bare():
        port = free_port()
        return rate([BUILD / "bench_http_baseline", port], port)

    pairs = alternate(min(trials, 5), engine, bare)
    yield row("d", "webhook, requests accepted", f"{statistics.median(a for a, _ in pairs):,.0f}/s",
              f"bare Beast server: {statistics.median(b for _, b in pairs):,.0f}/s", [a / b for a, b in pairs], 0.7)


def journal(folder, trials):
    data, count = Path(folder) / "journal.jsonl", 1_000_000
    with open(data, "w", encoding="utf-8") as out:
        for i in range(count):
            out.write(json.dumps({"i": i, "name": "event", "text": "x" * 60}) + "\n")
    book = Path(folder) / "journal.yml"
    rulebook(book, ["- jsonl:", f"    path: {data}"], ["event.i == -1"])
    kept, speeds, commits = Path(folder) / "journal", [], []

    def engine():
        shutil.rmtree(kept, ignore_errors=True)
        stats = Path(folder) / "stats.json"
        seconds, _ = timed([MILLRACE, "run", book, "--stats", stats, "--quiet", "--journal", kept])
        found = json.loads(stats.read_text())
        if found["events"] != count or found["journal"]["inputs"] < count:
            raise Void(f"{found['events']} events, of {count}")
        speeds.append(count / seconds)
        commits.append(found["journal"])
        return seconds

    def bare():
        return timed([BUILD / "bench_append_baseline", Path(folder) / "bare", commits[-1]["bytes"], commits[-1]["commits"]])[0]

    pairs = alternate(trials, engine, bare)
    group = statistics.median(c["inputs"] / c["commits"] for c in commits)
    yield row("s", f"events taken with a journal, {group:,.0f} a commit", f"{statistics.median(speeds):,.0f} events/s",
              f"the same bytes and syncs alone: {count / statistics.median(b for _, b in pairs):,.0f}/s",
              [b / a for a, b in pairs], 0.5)


def webhook_with_journal(folder, trials):
    def rate(*arguments):
        port = free_port()
        book = Path(folder) / "kept.yml"
        rulebook(book, ["- webhook:", "    host: 127.0.0.1", f"    port: {port}"], ['event.payload.action == "closed"'])
        with server([MILLRACE, "run", book, "--quiet", *arguments], port):
            return load(folder, port, 64)

    pairs = alternate(min(trials, 5), lambda: rate("--journal", Path(folder) / "hooks"), rate)
    yield row("t", "webhook with a journal, 64 connections", f"{statistics.median(a for a, _ in pairs):,.0f}/s",
              f"without: {statistics.median(b for _, b in pairs):,.0f}/s", [a / b for a, b in pairs], 0.3)


def start_and_idle(folder, trials):
    book = Path(folder) / "first.yml"
    rulebook(book, ["- range:", "    limit: 1"], ["event.i == 0"], action="print_event")

    def first_firing():
        begun = time.perf_counter()
        process = subprocess.Popen([str(MILLRACE), "run", str(book), "--quiet"], stdout=subprocess.PIPE)
        select.select([process.stdout], [], [], 10)
        seconds = time.perf_counter() - begun
        if b"[event]" not in process.communicate()[0]:
            raise Void("nothing fired")
        return seconds

    def spawn_only():
        begun = time.perf_counter()
        subprocess.run(["/bin/true"], check=True)
        return time.perf_counter() - begun

    pairs = alternate(trials, first_firing, spawn_only)
    yield row("e1", "start to first firing, of 30 ms", f"{statistics.median(a for a, _ in pairs) * 1000:.1f} ms",
              f"starting /bin/true: {statistics.median(b for _, b in pairs) * 1000:.1f} ms", [a / 0.030 for a, _ in pairs],
              1.0, at_least=False)

    port = free_port()
    idle = Path(folder) / "idle.yml"
    rulebook(idle, ["- webhook:", "    host: 127.0.0.1", f"    port: {port}"], ["event.payload.id == 8"])
    with server([MILLRACE, "run", idle, "--quiet"], port) as process:
        time.sleep(0.5)
        status = Path(f"/proc/{process.pid}/status").read_text()
        resident = int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024
    yield row("e2", "resident memory of an idle engine, of 25 MB", f"{resident / 1e6:.1f} MB", "the aim itself",
              [resident / 25e6], 1.0, at_least=False)


def latency(_, trials):
    medians, tails = [], []
    for _ in range(min(trials, 5)):
        out = json.loads(timed([BUILD / "bench_action_latency", 20_000])[1])
        medians.append(out["median_us"])
        tails.append(out["p99_us"])
    yield row("f", "event accepted to action started, of 50 us", f"{statistics.median(medians):.1f} us",
              f"p99 {statistics.median(tails):.1f} us", [value / 50 for value in medians], 1.0, at_least=False)


def state(*arguments):
    out = json.loads(timed([BUILD / "bench_rule_state", *arguments])[1])
    if out["fired"] != out["expected"]:
        raise Void(f"{out['fired']} firings, expected {out['expected']} of {arguments}")
    return out


def waiting_events(_, trials):
    pairs = alternate(trials, lambda: state("join", 1_000_000, 100_000, 400_000)["nanoseconds"],
                      lambda: state("join", 100, 10, 400_000)["nanoseconds"])
    yield row("g", "join on a key, 1,000,000 events wait, cost of an event", f"{statistics.median(a for a, _ in pairs):.0f} ns",
              f"100 events wait: {statistics.median(b for _, b in pairs):.0f} ns", [b / a for a, b in pairs], 0.7)


def throttled_groups(_, trials):
    grown = []

    def many():
        out = state("once_within", 1_000_000, 1_000_000)
        grown.append(out["bytes_per_key"])
        return out["nanoseconds"]

    pairs = alternate(trials, many, lambda: state("once_within", 1, 1_000_000)["nanoseconds"])
    yield row("h1", "once_within by 1,000,000 keys, cost of an event", f"{statistics.median(a for a, _ in pairs):.0f} ns",
              f"one key: {statistics.median(b for _, b in pairs):.0f} ns", [b / a for a, b in pairs], 0.5)
    yield row("h2", "memory of a key besides itself, of 150 bytes", f"{statistics.median(grown):.0f} bytes", "the aim itself",
              [value / 150 for value in grown], 1.0, at_least=False)


def mixed_rules(count):
    """Rules of five kinds in turn, as YAML; few of them fire."""
    rules = []
    for i in range(count):
        throttle, condition = None, None
        if i % 5 == 0:
            condition = f"event.payload.repository.id == {i}"
        elif i % 5 == 1:
            condition = f"event.payload.pull_request.additions > {100_000 + i}"
        elif i % 5 == 2:
            condition = f'event.payload.pull_request.title is search("(?i)revert .*{i}[a-f]+")'
        elif i % 5 == 3:
            condition = {"all": [f'event.event == "push" and event.payload.repository.name == "r{i}"',
                                 f'event.payload.action == "closed{i}" and event.payload.repository.id == '
                                 "events.m_0.payload.repository.id"]}
        else:
            condition = f'event.payload.sender.login == "user{i}"'
            throttle = {"once_within": "1 minute", "group_by_attributes": ["event.payload.repository.id"]}
        rule = {"name": f"r{i}", "condition": condition, "action": {"none": None}}
        rules.append({**rule, "throttle": throttle} if throttle else rule)
    return rules


def many_rules(folder, trials):
    data = forge_data()

    def rate(count):
        book = Path(folder) / f"mixed{count}.yml"  # JSON is YAML
        book.write_text(json.dumps([{"name": "bench", "hosts": "all", "sources": [], "rules": mixed_rules(count)}]))
        out = json.loads(timed([MILLRACE, "bench", book, "--events", data, "--repeat", 4, "--json"])[1])
        return out["rule_sets"][0]["events_per_second"]

    pairs = alternate(min(trials, 5), lambda: rate(10_000), lambda: rate(10))
    yield row("i", "10,000 rules of mixed kinds over code-forge events", f"{statistics.median(a for a, _ in pairs):,.0f}/s",
              f"10 rules: {statistics.median(b for _, b in pairs):,.0f}/s", [a / b for a, b in pairs], 0.3)


def searches(_, trials):
    pairs = scaling("search", 1, 1000)(trials)
    yield row("j", "1,000 searches of one field, cost of an event", f"{statistics.median(a for a, _ in pairs):.0f} ns",
              f"one: {statistics.median(b for _, b in pairs):.0f} ns", [a / b for a, b in pairs], 5.0, at_least=False)


def an_hour(_, trials):
    runs = [json.loads(timed([BUILD / "bench_rule_state", "hour", 1000])[1]) for _ in range(min(trials, 3))]
    if any(run["partial_matches"] for run in runs):
        raise Void("something was left waiting")
    yield row("k1", "an hour of 1,000 events/s with windows, of 60 s", f"{statistics.median(r['seconds'] for r in runs):.1f} s",
              "a minute", [run["seconds"] / 60 for run in runs], 1.0, at_least=False)
    yield row("k2", "memory after that hour", f"{statistics.median(r['memory_grown'] for r in runs):.3f}",
              "after its first half", [run["memory_grown"] for run in runs], 1.02, at_least=False)


PYTHON_SOURCE = """
async def main(queue, args):
    for i in range(args["count"]):
        await queue.put({"i": i, "host": "web1"})
"""
BARE_QUEUE = """
import asyncio, sys, time

async def main(count, size):
    queue = asyncio.Queue(size)
    async def take():
        for _ in range(count):
            await queue.get()
    taking = asyncio.create_task(take())
    begun = time.perf_counter()
    for i in range(count):
        await queue.put({"i": i, "host": "web1"})
    await taking
    print(count / (time.perf_counter() - begun))

asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
"""


def plugin_speed(folder, source, count, *arguments):
    """Events/s from the start of the sources to the end of the run. Not on one core: a plugin is a process or a thread."""
    book, stats = Path(folder) / "plugin.yml", Path(folder) / "stats.json"
    rulebook(book, source, ['event.i == -1'])
    subprocess.run([MILLRACE, "run", book, "--stats", stats, "--quiet", *arguments], check=True, capture_output=True)
    told = json.loads(stats.read_text())
    if told["events"] != count:
        raise Void(f"{told['events']} events, expected {count}")
    return count / told["seconds"]


def python_source(folder, trials):
    count = 300_000
    (Path(folder) / "put.py").write_text(PYTHON_SOURCE)
    speeds = []

    def bare(size):
        done = subprocess.run([sys.executable, "-c", BARE_QUEUE, str(count), str(size)], check=True, capture_output=True, text=True)
        return float(done.stdout)

    def hosted():
        speeds.append(plugin_speed(folder, ["- put:", f"    count: {count}"], count, "-S", folder))
        return speeds[-1]

    trios = [(hosted(), bare(0), bare(1)) for _ in range(trials + 1)][1:]
    speed = statistics.median(speeds)
    yield row("l1", "events of a Python source, of 100,000/s", f"{speed:,.0f} events/s", "the aim of 100,000/s",
              [mine / 100_000 for mine, _, _ in trios], 1.0)
    yield row("l2", "the same, beside asyncio.Queue in one process", f"{speed:,.0f} events/s",
              f"unbounded: {statistics.median(t[1] for t in trios):,.0f}/s", [mine / theirs for mine, theirs, _ in trios], 0.3)
    yield row("l3", "the same, beside the original's queue of one", f"{speed:,.0f} events/s",
              f"Queue(1): {statistics.median(t[2] for t in trios):,.0f}/s", [mine / theirs for mine, _, theirs in trios], 1.0)


def native_source(folder, trials):
    count, plugins = 4_000_000, BUILD / "bench_plugins"
    if not (plugins / "count.so").exists():
        raise Void("build the target bench_count_plugin first")
    pairs = alternate(trials, lambda: plugin_speed(folder, ["- count:", f"    limit: {count}"], count, "--plugin-dir", plugins),
                      lambda: plugin_speed(folder, ["- range:", f"    limit: {count}"], count))
    yield row("m", "events of a native plugin's source", f"{statistics.median(p[0] for p in pairs) / 1e6:.2f} M events/s",
              f"the built-in range: {statistics.median(p[1] for p in pairs) / 1e6:.2f} M/s", [a / b for a, b in pairs], 0.7)


def templates(_, trials):
    rates = {}
    for _ in range(min(trials, 3)):
        done = subprocess.run([BUILD / "bench_python_source", "200000"], check=True, capture_output=True, text=True)
        for what, rate in re.findall(r"^(templates, \d+) at once: .* ([0-9]+)/s;", done.stdout, re.MULTILINE):
            rates.setdefault(what, []).append(int(rate))
    many, one = rates["templates, 64"], rates["templates, 1"]
    yield row("n", "templates rendered by Jinja2, 64 at a time", f"{statistics.median(many):,.0f}/s",
              f"the aim of 20,000/s (one at a time: {statistics.median(one):,.0f}/s)", [rate / 20_000 for rate in many], 1.0)


def kafka_source(folder, trials):
    """Both start, join a group, read a topic of 200-byte messages to its end, and end; the broker has the machine's other cores."""
    sys.path.insert(0, str(ROOT / "tests"))
    from peers.kafka import Kafka  # which skips where the broker cannot be had
    count, book, stats = 1_500_000, Path(folder) / "kafka.yml", Path(folder) / "stats.json"
    groups = iter(range(1_000_000))

    def engine(broker):
        source = ["- kafka:", "    host: 127.0.0.1", f"    port: {broker.port}", "    topic: bench", "    offset: earliest",
                  f"    group_id: engine{next(groups)}"]
        rulebook(book, source, [f"event.body.i == {count - 1}"], action="shutdown")
        begun = time.perf_counter()
        subprocess.run([MILLRACE, "run", book, "--stats", stats, "--quiet"], check=True, capture_output=True, timeout=300)
        if (told := json.loads(stats.read_text()))["events"] != count:
            raise Void(f"{told['events']} events, expected {count}")
        return count / (time.perf_counter() - begun)

    def bare(broker):
        begun = time.perf_counter()
        done = subprocess.run([BUILD / "bench_kafka_consumer", broker.address, "bench", str(count), f"bare{next(groups)}"],
                              check=True, capture_output=True, timeout=300)
        if json.loads(done.stdout)["messages"] != count:
            raise Void(done.stdout)
        return count / (time.perf_counter() - begun)

    try:
        with Kafka() as broker:
            broker.produce("bench", (f'{{"i":{i},"host":"web{i % 500}","text":"{"x" * 160}"}}' for i in range(count)))
            pairs = alternate(min(trials, 3), lambda: engine(broker), lambda: bare(broker))
    except (unittest.SkipTest, AssertionError) as why:
        raise Void(why) from why
    yield row("o", "events of the Kafka source, 200 bytes, one rule", f"{statistics.median(p[0] for p in pairs):,.0f}/s",
              f"bare librdkafka: {statistics.median(p[1] for p in pairs):,.0f}/s", [a / b for a, b in pairs], 0.7)


def amqp(folder, trials):
    """One queue is filled before each run. Wall time of a run, from start to end, the server on the other core."""
    sys.path.insert(0, str(ROOT / "tests"))
    from peers.rabbitmq import RabbitMQ, pika
    count, data = 200_000, Path(folder) / "small.jsonl"
    small_events(data)
    bodies = data.read_bytes().splitlines()[:count - 1] + [b'{"last": true}']

    def fill(server):
        with server.connect() as connection:
            channel = connection.channel()
            channel.queue_declare("bench", durable=True)
            channel.queue_purge("bench")
            properties = pika().BasicProperties(content_type="application/json")
            for body in bodies:
                channel.basic_publish("", "bench", body, properties)
            while channel.queue_declare("bench", passive=True).method.message_count < count:
                time.sleep(0.1)

    def engine(server):
        fill(server)
        book, stats = Path(folder) / "amqp.yml", Path(folder) / "amqp.json"
        rulebook(book, ["- amqp:", "    host: 127.0.0.1", f"    port: {server.port}", "    queue: bench"], ["event.body.last"],
                 action="shutdown")
        timed([MILLRACE, "run", book, "--stats", stats, "--quiet"])
        told = json.loads(stats.read_text())
        if told["events"] != count:
            raise Void(f"{told['events']} events, expected {count}")
        return count / told["seconds"]

    def bare(server):
        fill(server)
        told = json.loads(timed([BUILD / "bench_amqp_consumer", server.port, "bench", count])[1])
        if told["bytes"] != sum(map(len, bodies)):
            raise Void(f"{told['bytes']} bytes, expected {sum(map(len, bodies))}")
        return count / told["seconds"]

    with RabbitMQ() as server:
        pairs = alternate(min(trials, 3), lambda: engine(server), lambda: bare(server))
    yield row("p", "messages of a RabbitMQ queue, acknowledged when settled", f"{statistics.median(a for a, _ in pairs):,.0f}/s",
              f"bare rabbitmq-c: {statistics.median(b for _, b in pairs):,.0f}/s", [a / b for a, b in pairs], 0.7)


FIGURES = {"a": throughput, "b": rule_counts, "c": forge_events, "d": webhook, "e": start_and_idle, "f": latency,
           "g": waiting_events, "h": throttled_groups, "i": many_rules, "j": searches, "k": an_hour,
           "l": python_source, "m": native_source, "n": templates, "o": kafka_source, "p": amqp,
           "s": journal, "t": webhook_with_journal}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=5, help="pairs that count (default 5)")
    parser.add_argument("--only", default=",".join(FIGURES), help="which figures, of " + ",".join(FIGURES))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    rows, voids = [], []
    with tempfile.TemporaryDirectory() as folder:
        for key in options.only.split(","):
            if not options.json:
                print(f"measuring {key}…", file=sys.stderr)
            try:
                rows += FIGURES[key](folder, options.trials)
            except (Void, subprocess.CalledProcessError) as why:
                voids.append({"id": key, "why": str(why)})
    if options.json:
        print(json.dumps({"figures": rows, "void": voids}, indent=2))
    else:
        print(f"{'':3} {'figure':58} {'measured':26} {'peer or limit':46} {'ratio':>7} {'±':>6}  {'aim':8}")
        for line in rows:
            print(f"{line['id']:3} {line['what']:58} {line['value']:26} {line['peer']:46} {line['ratio']:7.3f} "
                  f"{line['mad']:6.3f}  {line['aim']:8} {'' if line['met'] else 'not met'}")
        for void in voids:
            print(f"{void['id']:3} void: {void['why']}")
    return 1 if voids else 0


if __name__ == "__main__":
    sys.exit(main())
