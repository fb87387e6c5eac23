# SPDX-License-Identifier: Apache-2.0
"""Running sources."""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable, Dict, List, Optional

from . import frames
from .connection import Connection
from .failures import describe
from .feedback import Feedback
from .logs import current_channel
from .source_queue import SourceQueue
from .tasks import cancel_tasks_of

_LEFTOVER_GRACE = 1.0  # seconds for the tasks that a source leaves behind

Entry = Callable[[SourceQueue, Dict[str, Any]], Awaitable[None]]


class SourceInstance:
    """One `main` that runs. Tells ENDED or FAILED when it, and the tasks that it left, have ended."""

    def __init__(
        self,
        connection: Connection,
        channel: int,
        start: Dict[str, Any],
        entry: Entry,
        forget: Callable[[int], None],
    ) -> None:
        self._connection = connection
        self._forget = forget
        self._channel = channel
        self._entry = entry
        self._settings: Dict[str, Any] = start.get("settings") or {}
        self._queue = SourceQueue(connection, channel, start.get("credits") or 0, bool(start.get("filtered")))
        self._feedback: Optional[Feedback] = None
        self._was_cancelled = False
        if start.get("feedback"):
            self._feedback = Feedback(start.get("source") or {})
            self._queue.stamp_with(self._feedback.stamp)
            self._settings["eda_feedback_queue"] = self._feedback.queue
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._main: Optional[asyncio.Task[None]] = None

    def add_credits(self, credits: int, taken_bytes: int) -> None:
        self._queue.add_credits(credits, taken_bytes)

    def settle(self, numbers: List[int]) -> None:
        if self._feedback is not None:
            self._feedback.settle(numbers)

    def cancel(self) -> None:
        self._was_cancelled = True
        if self._main is not None:
            self._main.cancel()

    async def ended(self) -> None:
        """The instance has told its end."""
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        current_channel.set(self._channel)
        loop = asyncio.get_running_loop()
        feedback = loop.create_task(self._feedback.run()) if self._feedback is not None else None
        self._main = loop.create_task(self._run_main())
        if self._was_cancelled:
            self._main.cancel()
        await asyncio.wait([self._main])
        error = None if self._main.cancelled() else self._main.exception()
        if self._main.cancelled():
            self._was_cancelled = True
        if feedback is not None:
            feedback.cancel()
        await cancel_tasks_of(self._channel, _LEFTOVER_GRACE)
        self._queue.end()
        self._tell_end(error)
        self._forget(self._channel)

    async def _run_main(self) -> None:
        try:
            await self._entry(self._queue, self._settings)
        except (SystemExit, KeyboardInterrupt) as error:  # asyncio would end the loop
            raise _Exit(error) from None
        await self._queue.emptied()

    def _tell_end(self, error: Optional[BaseException]) -> None:
        if error is None:
            ended = {"cancelled": self._was_cancelled}
            self._connection.send_json(frames.ENDED, self._channel, ended)
            return
        cause = error.cause if isinstance(error, _Exit) else error
        self._connection.send_json(frames.FAILED, self._channel, describe(cause))


class _Exit(Exception):
    """Carries what a task must not raise."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__()
        self.cause = cause
