# SPDX-License-Identifier: Apache-2.0
"""Which tasks belong to which instance, so that none outlives it."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any, Dict

from .logs import current_channel

_tasks: Dict[int, "weakref.WeakSet[asyncio.Task[Any]]"] = {}


def make_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> "asyncio.Task[Any]":
    """A task factory that notes tasks under the instance that makes them."""
    task = asyncio.Task(coroutine, loop=loop, **options)
    channel = current_channel.get()
    if channel:
        _tasks.setdefault(channel, weakref.WeakSet()).add(task)
    return task


async def cancel_tasks_of(channel: int, grace: float) -> None:
    """Cancels what the instance has left running, and waits up to `grace` seconds for it."""
    current = asyncio.current_task()
    left = [task for task in _tasks.pop(channel, ()) if task is not current and not task.done()]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=grace)
