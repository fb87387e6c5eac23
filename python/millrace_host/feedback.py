# SPDX-License-Identifier: Apache-2.0
"""The feedback queue: a source gets its own events back when all that they caused has ended."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections import deque
from datetime import datetime, timezone
from typing import Any, Deque, Dict, List, Mapping

from .logs import log

_DEFAULT_TIMEOUT = 5.0


def insert_meta_info(event: Dict[str, Any], source: Mapping[str, Any]) -> None:
    """What the engine would add, so that the source knows its events again. Raises TypeError."""
    meta = event.setdefault("meta", {})
    origin = meta.setdefault("source", {}) if isinstance(meta, dict) else None
    if not isinstance(origin, dict):
        raise TypeError("an event's meta and meta.source must be dicts")
    origin.setdefault("name", source.get("name"))
    origin.setdefault("type", source.get("type"))
    now = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
    meta.setdefault("received_at", now)
    meta.setdefault("uuid", str(uuid.uuid4()))


class Feedback:
    """Loop thread only."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue(1)
        self._source = source
        self._timeout = float(os.environ.get("EDA_MAX_FEEDBACK_TIMEOUT") or _DEFAULT_TIMEOUT)
        self._unsettled: Dict[int, Any] = {}
        self._settled: Deque[Any] = deque()
        self._arrived = asyncio.Event()

    def stamp(self, number: int, event: Any) -> None:
        if isinstance(event, dict):
            insert_meta_info(event, self._source)
        self._unsettled[number] = event

    def settle(self, numbers: List[int]) -> None:
        for number in numbers:
            if number in self._unsettled:
                self._settled.append(self._unsettled.pop(number))
        self._arrived.set()

    async def run(self) -> None:
        """Hands settled events over, one after the other, until it is cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._settled:
                await self._hand_over(self._settled.popleft())

    async def _hand_over(self, event: Any) -> None:
        try:
            await asyncio.wait_for(self.queue.put(event), self._timeout)
        except asyncio.TimeoutError:
            log.warning("the source has not taken feedback within %g s: it is dropped", self._timeout)
