# SPDX-License-Identifier: Apache-2.0
"""The `logging` of plugins goes to the engine's log, under the instance that logs."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextvars import ContextVar
from typing import Any, Dict

from . import frames
from .connection import Connection

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}

current_channel: ContextVar[int] = ContextVar("current_channel", default=0)

log = logging.getLogger("millrace.host")


class EngineLogHandler(logging.Handler):
    """Any thread. What the engine does not keep up with is counted and dropped."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = {
                "level": _level(record.levelno),
                "logger": record.name,
                "message": self.format(record),
            }
            if threading.get_ident() == self._loop_thread:
                self._send(current_channel.get(), message)
            else:
                self._loop.call_soon_threadsafe(self._send, current_channel.get(), message)
        except Exception:  # noqa: BLE001  (a log call never fails)
            self.handleError(record)

    def _send(self, channel: int, message: Dict[str, Any]) -> None:
        if self._connection.is_behind():
            self._dropped += 1
            return
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            text = f"{dropped} messages were dropped: the engine did not keep up"
            self._send(0, {"level": "warning", "logger": log.name, "message": text})
        self._connection.send_json(frames.LOG, channel, message)


def _level(number: int) -> str:
    for name, least in (("critical", 50), ("error", 40), ("warning", 30), ("info", 20)):
        if number >= least:
            return name
    return "debug"


def route_logs(connection: Connection, level: str) -> None:
    """From here on every logger of the process writes to the engine."""
    root = logging.getLogger()
    root.handlers[:] = [EngineLogHandler(connection)]
    root.setLevel(LEVELS.get(level, logging.INFO))
