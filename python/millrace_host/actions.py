# SPDX-License-Identifier: Apache-2.0
"""Actions, and what they ask of the engine while they are called."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, Callable, Dict

from millrace import ActionCall, EngineError, PhaseError

from . import frames
from .calls import Serve, encode
from .connection import Connection


class Requests:
    """REQUESTs under way; each waits for its ANSWER. Loop thread only."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: Dict[int, asyncio.Future[Any]] = {}
        self._next = 1
        self.is_live = False

    async def ask(self, channel: int, call: int, method: str, arguments: Dict[str, Any]) -> Any:
        """Raises EngineError; ValueError for arguments that are no JSON."""
        number = self._next
        self._next += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        payload = encode({"id": number, "call": call, "method": method, "arguments": arguments})
        self._connection.send(frames.make_frame(frames.REQUEST, channel, payload))
        self._waiting[number] = future
        try:
            return await future
        finally:
            del self._waiting[number]

    def answer(self, payload: Dict[str, Any]) -> None:
        future = self._waiting.get(payload["id"])
        if future is None or future.done():
            return
        error = payload.get("error")
        if error is None:
            future.set_result(payload.get("value"))
        else:
            future.set_exception(EngineError(error.get("code", ""), error.get("message", "")))


def serve_action(made: Callable[..., Any], plugin: str, channel: int, requests: Requests) -> Serve:
    """`made` is called with an ActionCall."""

    async def serve(payload: Dict[str, Any]) -> bytes:
        is_over = False

        async def request(method: str, arguments: Dict[str, Any]) -> Any:
            if not requests.is_live:
                raise PhaseError(f"plugin {plugin}: {method} is refused before the engine is live")
            if is_over:
                raise PhaseError(f"plugin {plugin}: {method} is refused: the call has ended")
            return await requests.ask(channel, payload["id"], method, arguments)

        call = ActionCall(payload.get("settings") or {}, payload.get("context") or {}, request)
        try:
            result = made(call)
            if inspect.isawaitable(result):
                await result
        finally:
            is_over = True
        return b"null"

    return serve
