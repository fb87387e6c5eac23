# SPDX-License-Identifier: Apache-2.0
"""The queue that a source's `main` gets.

An event for which put() has returned is in the pipe, so that it outlives this process. Room is told
by credits, which the engine hands out; without any, put() waits and put_nowait() raises. So it is while
many bytes are on their way: credits are of events, and the next may be larger than those before.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import struct
import threading
import time
from collections import deque
from typing import Any, Callable, Deque, List, Mapping, Optional

from .connection import Connection
from .encoding import Unencodable, lines_of, make_encoder
from .frames import EVENTS, LONGEST_PAYLOAD, NUMBER, REFUSED
from .logs import log

_EVENTS_A_FRAME = 1024
_BYTES_A_FRAME = 1024 * 1024
_MOST_BYTES_UNTAKEN = 16 * 1024 * 1024  # the engine tells of each MiB that it has taken
_HEADER = struct.Struct("<IBIQ")  # of a frame, and the number of its first event
_AROUND = NUMBER.size + 1  # bytes in a frame of one event: the number, a line feed
_PUTS_BEFORE_LOOK = 7  # a mask: at the clock, which costs
_PUTS_BEFORE_YIELD = 64
_SECONDS_BEFORE_YIELD = 0.002
_FOREIGN_THREAD_WAIT = 5.0  # seconds put_nowait() waits for the loop when another thread calls it

Stamp = Callable[[int, Any], None]


class SourceQueue:
    """Loop thread; put_nowait() from any thread."""

    maxsize = 1

    def __init__(self, connection: Connection, channel: int, credits: int, filtered: bool) -> None:
        self._connection = connection
        self._channel = channel
        self._credits = credits
        self._untaken = 0  # bytes that the engine has not told of
        self._filtered = filtered
        self._next = 1
        self._waiting: Deque[asyncio.Future[None]] = deque()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._encode = make_encoder(on_not_finite=self._warn_not_finite)
        self._warned_not_finite = False
        self._puts = 0
        self._yielded_at = time.monotonic()
        self._plain = True  # a dict needs nothing but to be written
        self.stamp: Optional[Stamp] = None
        self._ended = False

    async def put(self, data: Any) -> None:
        """A dict, or a list of them. Raises TypeError for anything else unless filters follow."""
        self._puts += 1
        if not self._puts & _PUTS_BEFORE_LOOK and self._is_time_to_yield():
            await asyncio.sleep(0)
            self._yielded_at = time.monotonic()
        has_room = self._credits > 0 and self._untaken < _MOST_BYTES_UNTAKEN  # written out: it is quicker
        if has_room and type(data) is dict and self._plain and not self._waiting:
            try:
                text = self._encode(data)
            except Unencodable as error:
                self._refuse(error)
                return
            if len(text) < _BYTES_A_FRAME:
                number = self._next
                self._next = number + 1
                self._credits -= 1
                self._untaken += len(text) + 1
                header = _HEADER.pack(len(text) + _AROUND, EVENTS, self._channel, number)
                if not self._connection.send(b"%b%b\n" % (header, text)):
                    await self._connection.sent()
                return
        await self._put_any(data)

    def put_nowait(self, data: Any) -> None:
        """Raises asyncio.QueueFull where put() would wait; then nothing of a list is put."""
        if threading.get_ident() != self._thread:
            self._put_from_thread(data)
            return
        events = self._checked(data)
        self._check_open()
        is_full = self._credits < len(events) or not self._has_room()
        if is_full or self._waiting or self._connection.has_unsent():
            raise asyncio.QueueFull
        for event in events:
            text = self._encoded(event)
            if text is not None:
                self._send(text + b"\n", 1)

    def full(self) -> bool:
        return not self._has_room()

    def empty(self) -> bool:
        return True

    def qsize(self) -> int:
        return 0

    def add_credits(self, credits: int, taken_bytes: int) -> None:
        self._credits += credits
        self._untaken -= taken_bytes
        self._wake()

    async def emptied(self) -> None:
        """No put() is waiting any more, also none of tasks that were just made."""
        await asyncio.sleep(0)
        while self._waiting:
            await asyncio.wait([self._waiting[-1]])
            await asyncio.sleep(0)
        if self._connection.has_unsent():
            await self._connection.sent()

    def end(self) -> None:
        """What is put from now on is refused, and what waits to be put."""
        self._ended = True
        self._plain = False
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    def stamp_with(self, stamp: Stamp) -> None:
        """`stamp` is called with each event's number before it is written."""
        self.stamp = stamp
        self._plain = False

    def _has_room(self) -> bool:
        return self._credits > 0 and self._untaken < _MOST_BYTES_UNTAKEN

    def _is_time_to_yield(self) -> bool:
        """So that others run, and that the source can be cancelled."""
        if self._puts < _PUTS_BEFORE_YIELD and time.monotonic() - self._yielded_at < _SECONDS_BEFORE_YIELD:
            return False
        self._puts = 0
        return True

    def _send(self, lines: bytes, count: int) -> bool:
        number = self._next
        self._next = number + count
        self._credits -= count
        self._untaken += len(lines)
        header = _HEADER.pack(len(lines) + NUMBER.size, EVENTS, self._channel, number)
        return self._connection.send(header + lines)

    async def _put_any(self, data: Any) -> None:
        if self.stamp is not None:
            await self._put_stamped(self._checked(data))
            return
        texts = [text for text in map(self._encoded, self._checked(data)) if text is not None]
        at = 0
        while at < len(texts):
            await self._room()
            count = self._fitting(texts, at)
            self._send(lines_of(texts[at : at + count]), count)
            at += count
            await self._connection.sent()
        self._wake()

    async def _put_stamped(self, events: List[Any]) -> None:
        for event in events:
            await self._room()
            text = self._encoded(event)
            if text is not None:
                self._send(text + b"\n", 1)
                await self._connection.sent()
        self._wake()

    def _fitting(self, texts: List[bytes], at: int) -> int:
        most = min(self._credits, len(texts) - at, _EVENTS_A_FRAME)
        size = len(texts[at])
        count = 1
        while count < most and size + len(texts[at + count]) < _BYTES_A_FRAME:
            size += len(texts[at + count])
            count += 1
        return count

    def _checked(self, data: Any) -> List[Any]:
        events = data if isinstance(data, list) else [data]
        if not self._filtered:
            for event in events:
                if not isinstance(event, Mapping):
                    raise TypeError(f"an event must be a dict, not {type(event).__name__}")
        return events

    def _encoded(self, event: Any) -> Optional[bytes]:
        try:
            if self.stamp is not None:
                self.stamp(self._next, event)
            text = self._encode(event)
        except Unencodable as error:
            self._refuse(error)
            return None
        if len(text) > LONGEST_PAYLOAD - NUMBER.size - 1:
            self._refuse(Unencodable(f"its {len(text)} bytes are more than {LONGEST_PAYLOAD}"))
            return None
        return text

    def _refuse(self, error: Exception) -> None:
        self._connection.send_json(REFUSED, self._channel, {"message": f"an event was refused: {error}"})

    def _warn_not_finite(self) -> None:
        if not self._warned_not_finite:
            self._warned_not_finite = True
            log.warning("NaN or an infinity in an event was written as null")

    def _check_open(self) -> None:
        if self._ended:
            raise RuntimeError("the source has ended")
        if self._connection.has_ended:
            raise ConnectionResetError("the engine has closed the connection")

    async def _room(self) -> None:
        """There is a credit, and whoever waited before has had one."""
        self._check_open()
        if not self._waiting and self._has_room():
            return
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(future)
        try:
            self._wake()
            await future
        except asyncio.CancelledError:
            self._leave(future)
            self._wake()
            raise
        self._leave(future)
        self._check_open()

    def _leave(self, future: "asyncio.Future[None]") -> None:
        if self._waiting and self._waiting[0] is future:
            self._waiting.popleft()
        elif future in self._waiting:
            self._waiting.remove(future)

    def _wake(self) -> None:
        """The first in line goes on, and wakes the next when it has put what it has."""
        if self._waiting and not self._waiting[0].done() and self._has_room():
            self._waiting[0].set_result(None)

    def _put_from_thread(self, data: Any) -> None:
        async def put() -> None:
            self.put_nowait(data)

        try:
            asyncio.run_coroutine_threadsafe(put(), self._loop).result(_FOREIGN_THREAD_WAIT)
        except concurrent.futures.TimeoutError:
            raise asyncio.QueueFull from None
