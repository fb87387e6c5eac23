# SPDX-License-Identifier: Apache-2.0
"""How many templates and filter calls a second a host answers, with many requests under way.

python3 python/bench/render_rate.py [requests]
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, List

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from engine import Engine, frames  # noqa: E402

EVENT = {"host": "web1.example", "port": 8080, "tags": ["a", "b"], "alert": {"labels": {"severity": "5"}}}
TEMPLATES = {
    "one path": "{{ event.alert.labels.severity }}",
    "text and paths": "host {{ event.host }}:{{ event.port }} is down",
    "filters": "{{ event.host | upper | replace('.', '-') }}",
    "loop": "{% for tag in event.tags %}{{ tag }} {% endfor %}{{ event.host }}",
}
FILTER = "def main(event, prefix):\n    event['host'] = prefix + event['host']\n    return event\n"
FILTER_BATCH = 64


def answers_a_second(engine: Engine, requests: List[bytes], weight: int = 1) -> float:
    """Sends from a thread of its own, so that requests and answers overlap."""
    sender = threading.Thread(target=engine.socket.sendall, args=(b"".join(requests),))
    began = time.perf_counter()
    sender.start()
    reader = frames.FrameReader()
    answered = 0
    while answered < len(requests):
        answered += len(reader.feed(os.read(engine.pipe, 1 << 20)))
    sender.join()
    return answered * weight / (time.perf_counter() - began)


def frame(kind: int, channel: int, payload: Any) -> bytes:
    return frames.make_frame(kind, channel, json.dumps(payload).encode())


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with Engine({"variables": {f"v{i}": i for i in range(50)}}) as engine:
        for number, (name, text) in enumerate(TEMPLATES.items()):
            engine.send(frames.COMPILE, 0, {"id": number, "text": text})
            engine.wait_for(frames.COMPILED, 0)
            scope = {"id": 1, "template": number, "scope": {"event": EVENT}}
            rate = answers_a_second(engine, [frame(frames.RENDER, 0, scope)] * count)
            print(f"{name:16} {rate:10,.0f} renders/s")
        path, _ = engine.load(FILTER, "filter")
        channel = engine.start(path, "filter", settings={"prefix": "x-"})
        call = frame(frames.CALL, channel, {"id": 1, "events": [EVENT] * FILTER_BATCH})
        rate = answers_a_second(engine, [call] * (count // FILTER_BATCH), FILTER_BATCH)
        print(f"{'legacy filter':16} {rate:10,.0f} events/s, {FILTER_BATCH} a call")


if __name__ == "__main__":
    main()
