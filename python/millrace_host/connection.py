# SPDX-License-Identifier: Apache-2.0
"""The host's ends of the socket that frames come from and of the pipe that they go to."""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections import deque
from typing import Any, Callable, Deque, List, NoReturn, Tuple

from .encoding import make_encoder
from .frames import Frame, FrameError, FrameReader, make_frame

_READ_SIZE = 256 * 1024
_WRITE_SIZE = 1024 * 1024
_encode = make_encoder()
_TOO_MUCH_UNSENT = 8 * 1024 * 1024  # then what may be lost, is


def _give_up() -> NoReturn:
    """Without the memory to read, nobody could even ask it to end."""
    os.write(2, b"out of memory: the host cannot read what the engine sends\n")
    os._exit(1)


class Connection:
    """Sends frames at once where the pipe takes them, keeps the rest in order. Loop thread only."""

    def __init__(
        self,
        sock: socket.socket,
        pipe: int,
        on_frame: Callable[[int, int, bytes], None],
        on_end: Callable[[], None],
    ) -> None:
        self._socket = sock
        self._pipe = pipe
        self._on_frame = on_frame
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._reader = FrameReader()
        self._held: List[bytes] = []  # answers to the frames that are being read
        self._is_reading = False
        self._unsent = bytearray()
        self._sent = 0  # bytes of all that ever were unsent
        self._waiting: Deque[Tuple[int, asyncio.Future[None]]] = deque()
        self.has_ended = False
        sock.setblocking(False)
        os.set_blocking(pipe, False)
        self._loop.add_reader(sock.fileno(), self._read)

    def send(self, frame: bytes) -> bool:
        """True: all of it is in the pipe, where it stays even if this process dies."""
        if self._held:
            self._release()
        if self._unsent or self.has_ended:
            return self._keep(frame)
        try:
            sent = os.write(self._pipe, frame)
        except BlockingIOError:
            return self._keep(frame)
        except OSError:
            self._end()
            return False
        return sent == len(frame) or self._keep(frame[sent:])

    def send_json(self, kind: int, channel: int, value: Any) -> None:
        """Raises FrameError or Unencodable for what cannot be written."""
        self.send(make_frame(kind, channel, _encode(value)))

    def answer(self, frame: bytes) -> None:
        """As send(), but together with the answers to other frames that were read at the same time."""
        if self._is_reading:
            self._held.append(frame)
        else:
            self.send(frame)

    def is_behind(self) -> bool:
        """The engine does not read, and much is waiting for it."""
        return len(self._unsent) > _TOO_MUCH_UNSENT

    def is_hung_up(self) -> bool:
        """The engine has closed its end, or is dead. What it had sent may still be unread."""
        poll = select.poll()
        poll.register(self._socket, 0)
        return bool(poll.poll(0))

    def has_unsent(self) -> bool:
        return bool(self._unsent)

    async def sent(self) -> None:
        """All that was given to send() so far is in the pipe. Raises ConnectionError at its end."""
        if self.has_ended:
            raise ConnectionResetError("the engine has closed the connection")
        if self._unsent:
            future: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append((self._sent + len(self._unsent), future))
            await future

    def _release(self) -> None:
        held, self._held = self._held, []
        self.send(b"".join(held))

    def _keep(self, rest: bytes) -> bool:
        if not self.has_ended:
            if not self._unsent:
                self._loop.add_writer(self._pipe, self._write)
            self._unsent += rest
        return False

    def _write(self) -> None:
        try:
            with memoryview(self._unsent) as view:
                sent = os.write(self._pipe, view[:_WRITE_SIZE])
        except BlockingIOError:
            return
        except OSError:
            self._end()
            return
        del self._unsent[:sent]
        self._sent += sent
        if not self._unsent:
            self._loop.remove_writer(self._pipe)
        while self._waiting and self._waiting[0][0] <= self._sent:
            _settle(self._waiting.popleft()[1], None)

    def _read(self) -> None:
        try:
            data = self._socket.recv(_READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        except MemoryError:
            _give_up()
        frames = self._cut(data) if data else None
        if frames is None:
            self._end()
            return
        self._is_reading = True
        try:
            for kind, channel, payload in frames:
                self._on_frame(kind, channel, payload)
        finally:
            self._is_reading = False
        if self._held:
            self._release()

    def _cut(self, data: bytes) -> "List[Frame] | None":
        try:
            return self._reader.feed(data)
        except FrameError:
            return None
        except MemoryError:
            _give_up()

    def _end(self) -> None:
        if self.has_ended:
            return
        self.has_ended = True
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._pipe)
        self._unsent.clear()
        while self._waiting:
            _settle(self._waiting.popleft()[1], ConnectionResetError("the engine has closed the connection"))
        self._on_end()


def _settle(future: "asyncio.Future[None]", error: "Exception | None") -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
