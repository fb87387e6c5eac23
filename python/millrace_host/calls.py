# SPDX-License-Identifier: Apache-2.0
"""Instances that answer calls: what filters, actions and services have in common."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, Awaitable, Callable, Dict, Optional

from millrace import InvalidEvent, Unsupported

from . import frames
from .connection import Connection
from .encoding import Unencodable, make_encoder
from .failures import describe
from .frames import FrameError
from .logs import current_channel, log
from .tasks import cancel_tasks_of

_CLOSE_GRACE = 1.0  # seconds for calls and tasks of an instance that is closed

Serve = Callable[[Dict[str, Any]], Any]  # the payload of a CALL to JSON in bytes, or an awaitable of it

encode = make_encoder(on_not_finite=lambda: log.warning("NaN or an infinity was written as null"))


def call_error(error: BaseException) -> Dict[str, Any]:
    """As it stands in a RESULT."""
    code = "failed"
    if isinstance(error, asyncio.CancelledError):
        code = "cancelled"
    elif isinstance(error, (InvalidEvent, Unencodable, FrameError)):
        code = "invalid_event"
    elif isinstance(error, Unsupported):
        code = "unsupported"
    return {"code": code, **describe(error)}


class CallInstance:
    """Answers CALLs: at once, or in a task for each that has to wait. Loop thread only.

    `close` is the plugin's own, called when the instance is closed.
    """

    def __init__(
        self,
        connection: Connection,
        channel: int,
        serve: Serve,
        forget: Callable[[int], None],
        close: Optional[Callable[[], Any]] = None,
    ) -> None:
        self._connection = connection
        self._channel = channel
        self._serve = serve
        self._forget = forget
        self._close_plugin = close
        self._calls: Dict[int, asyncio.Task[None]] = {}
        self._closing: Optional[asyncio.Task[None]] = None

    def call(self, payload: Dict[str, Any]) -> None:
        number = payload["id"]
        token = current_channel.set(self._channel)
        try:
            value = self._serve(payload)
            if isinstance(value, bytes):
                self._answer(number, value)
            else:
                self._calls[number] = asyncio.get_running_loop().create_task(self._wait(number, value))
        except BaseException as error:  # noqa: BLE001  (whatever a plugin raises, also SystemExit)
            self._answer_error(number, error)
        finally:
            current_channel.reset(token)

    def stop_call(self, number: int) -> None:
        if number in self._calls:
            self._calls[number].cancel()

    def cancel(self) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())

    async def ended(self) -> None:
        """The instance has told its end, if it was cancelled."""
        if self._closing is not None:
            await asyncio.wait([self._closing])

    async def _wait(self, number: int, value: Awaitable[bytes]) -> None:
        try:
            self._answer(number, await value)
        except BaseException as error:  # noqa: BLE001
            self._answer_error(number, error)
        finally:
            self._calls.pop(number, None)

    async def _close(self) -> None:
        current_channel.set(self._channel)
        calls = list(self._calls.values())
        for task in calls:
            task.cancel()
        if calls:
            await asyncio.wait(calls, timeout=_CLOSE_GRACE)
        try:
            closed = self._close_plugin() if self._close_plugin is not None else None
            if inspect.isawaitable(closed):
                await closed
        except BaseException:  # noqa: BLE001
            log.exception("close() failed")
        await cancel_tasks_of(self._channel, _CLOSE_GRACE)
        self._connection.send_json(frames.ENDED, self._channel, {"cancelled": True})
        self._forget(self._channel)

    def _answer(self, number: int, value: bytes) -> None:
        payload = b'{"id":%d,"value":%b}' % (number, value)
        self._connection.answer(frames.make_frame(frames.RESULT, self._channel, payload))

    def _answer_error(self, number: int, error: BaseException) -> None:
        result = {"id": number, "error": call_error(error)}
        self._connection.send_json(frames.RESULT, self._channel, result)
