"""

watchdog.py

An ansible-events event source module for watching file system changes.

Arguments:
    path: The directory to watch

"""
import asyncio
from typing import Any, Dict


async def main(queue: asyncio.Queue, args: Dict[str, Any] = {"a": (1, 2)}):
    await queue.put(dict(x=f"{args['path']}"))

if __name__ == "__main__":
    class MockQueue:
        async def put(self, event):
            print(event)
    asyncio.run(main(MockQueue(), {"path": "/tmp"}))
