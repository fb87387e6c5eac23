# SPDX-License-Identifier: Apache-2.0
"""How many events a second a source puts into the socket, beside a bare asyncio.Queue in one process.

python3 python/bench/put_rate.py [events]
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from engine import Engine, frames  # noqa: E402

SOURCE = """
async def main(queue, args):
    for i in range(args["events"]):
        await queue.put({"i": i})
"""


def host_rate(events: int, pause: float) -> float:
    """The reader parses nothing. `pause` seconds between its reads let frames gather."""
    with Engine() as engine:
        engine.wait_for(frames.HELLO, 0)
        path, _ = engine.load(SOURCE, "source")
        began = time.perf_counter()
        channel = engine.start(path, "source", settings={"events": events}, credits=events)
        engine.add_credits(channel, 0, 1 << 40)  # nor does the number of bytes hold it up
        marker = frames.HEADER.pack(0, frames.ENDED, channel)[4:] + b'{"cancelled"'
        left = b""
        while True:
            data = os.read(engine.pipe, 1 << 20)
            if marker in left + data:
                return events / (time.perf_counter() - began)
            left = data[-len(marker) :]
            if pause:
                time.sleep(pause)


def queue_rate(events: int, size: int) -> float:
    async def run() -> float:
        queue: asyncio.Queue = asyncio.Queue(size)

        async def produce() -> None:
            for i in range(events):
                await queue.put({"i": i})

        began = time.perf_counter()
        task = asyncio.create_task(produce())
        for _ in range(events):
            await queue.get()
        await task
        return events / (time.perf_counter() - began)

    return asyncio.run(run())


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    print(f"host, read at once:         {host_rate(events, 0):10,.0f} events/s")
    host = host_rate(events, 0.0001)
    print(f"host, read every 0.1 ms:    {host:10,.0f} events/s")
    for size, name in ((0, "unbounded"), (1, "of size 1")):
        rate = queue_rate(events, size)
        print(f"asyncio.Queue {name}:    {rate:10,.0f} events/s  (host/queue {host / rate:.2f})")


if __name__ == "__main__":
    main()
