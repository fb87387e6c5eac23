# SPDX-License-Identifier: Apache-2.0
"""The engine's side of the protocol, for tests: starts a real host and speaks to it, blocking."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

FOLDER = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(FOLDER))

from millrace_host import frames  # noqa: E402

TIMEOUT = 20.0
EVERYTHING: Dict[str, Any] = {
    "limits": {},
    "user": None,
    "seccomp": False,
    "log_level": "info",
    "variables": {},
}

Message = Tuple[int, int, Any]  # type, channel, payload (JSON, or bytes of EVENTS)


class HostIsGone(Exception):
    """The pipe has ended."""


def _give(sock: int, pipe: int) -> None:
    """As descriptors 3 and 4, whatever numbers they have."""
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10) for descriptor in (sock, pipe)]
    for number, descriptor in zip((3, 4), high):
        os.dup2(descriptor, number)


class Engine:
    """A host under test. `configure` are entries of CONFIGURE that differ from `EVERYTHING`."""

    def __init__(
        self,
        configure: Optional[Dict[str, Any]] = None,
        environment: Optional[Dict[str, str]] = None,
        interpreter: str = sys.executable,
    ) -> None:
        ours, theirs = socket.socketpair()
        self.pipe, its_pipe = os.pipe()
        self.folder = tempfile.TemporaryDirectory()
        self.socket = ours
        self.output = tempfile.TemporaryFile()
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [interpreter, str(FOLDER / "millrace_host")],
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.errors,
            env={**os.environ, **(environment or {})},
            close_fds=False,
            preexec_fn=lambda: _give(theirs.fileno(), its_pipe),
        )
        theirs.close()
        os.close(its_pipe)
        self.logs: List[Dict[str, Any]] = []
        self.events: Dict[int, List[Any]] = {}
        self.numbers: Dict[int, List[int]] = {}
        self._reader = frames.FrameReader()
        self._messages: List[Message] = []
        self._channel = 0
        self.send(frames.CONFIGURE, 0, {"protocol": 1, **EVERYTHING, **(configure or {})})

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: Any) -> None:
        self.socket.close()
        os.close(self.pipe)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()
        self.output.close()
        self.errors.close()

    def write_file(self, text: str, name: str = "plugin.py") -> str:
        path = Path(self.folder.name) / name
        path.write_text(textwrap.dedent(text), "utf-8")
        return str(path)

    def new_channel(self) -> int:
        self._channel += 1
        return self._channel

    def send(self, kind: int, channel: int, payload: Any = b"") -> None:
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.socket.sendall(frames.make_frame(kind, channel, data))

    def receive(self, timeout: float = TIMEOUT) -> Message:
        """The next message but LOG. Raises HostIsGone; AssertionError when nothing comes."""
        until = time.monotonic() + timeout
        while not self._messages:
            ready, _, _ = select.select([self.pipe], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise AssertionError(f"the host says nothing; it had printed: {self.printed()}")
            self._take(os.read(self.pipe, 1 << 20))
        return self._messages.pop(0)

    def wait_for(self, kind: int, channel: int, timeout: float = TIMEOUT) -> Any:
        """The payload of the next message of that type on the channel; others are dropped."""
        while True:
            got, on, payload = self.receive(timeout)
            if (got, on) == (kind, channel):
                return payload
            if got == frames.FAILED and on == channel:
                raise AssertionError(payload["traceback"])

    def wait_for_events(self, channel: int, count: int) -> List[Any]:
        while len(self.events.get(channel, [])) < count:
            self.receive()
        return self.events[channel]

    def load(self, text: str, kind: str = "", name: str = "plugin", **more: Any) -> Tuple[str, Any]:
        """The file, and the payload of LOADED or FAILED."""
        path = self.write_file(text, more.pop("file", "plugin.py"))
        channel = self.new_channel()
        self.send(
            frames.LOAD, channel, {"file": path, "name": name, "kind": kind, "configuration": {}, **more}
        )
        while True:
            got, on, payload = self.receive()
            if on == channel and got in (frames.LOADED, frames.FAILED):
                return path, payload

    def start(self, path: str, kind: str, extension: Optional[str] = None, **more: Any) -> int:
        channel = self.new_channel()
        start = {
            "file": path,
            "kind": kind,
            "extension": extension,
            "name": "plugin",
            "settings": {},
            "source": {"name": "s", "type": "t"},
            "feedback": False,
            "filtered": False,
            "credits": 1000,
            **more,
        }
        self.send(frames.START, channel, start)
        if kind != "source":
            self.wait_for(frames.STARTED, channel)
        return channel

    def start_source(self, text: str, **more: Any) -> int:
        return self.start(self.write_file(text), "source", **more)

    def end_of(self, channel: int, timeout: float = TIMEOUT) -> Tuple[int, Any]:
        """ENDED or FAILED of an instance."""
        while True:
            got, on, payload = self.receive(timeout)
            if on == channel and got in (frames.ENDED, frames.FAILED):
                return got, payload

    def add_credits(self, channel: int, credits: int, taken_bytes: int = 0) -> None:
        self.send(frames.CREDIT, channel, frames.CREDITS.pack(credits, taken_bytes))

    def call(self, channel: int, **payload: Any) -> Any:
        """The payload of RESULT."""
        self.send(frames.CALL, channel, {"id": 1, **payload})
        return self.wait_for(frames.RESULT, channel)

    def ping(self) -> None:
        self.send(frames.PING, 0)
        self.wait_for(frames.PONG, 0)

    def stop(self) -> int:
        self.send(frames.STOP, 0)
        try:
            while True:
                self.receive()
        except HostIsGone:
            return self.process.wait(TIMEOUT)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def printed(self) -> str:
        texts = []
        for file in (self.output, self.errors):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
        return "".join(texts)

    def _take(self, data: bytes) -> None:
        if not data:
            raise HostIsGone
        for kind, channel, payload in self._reader.feed(data):
            if kind == frames.LOG:
                self.logs.append({**json.loads(payload), "channel": channel})
                continue
            if kind == frames.EVENTS:
                self._take_events(channel, payload)
            body = payload if kind == frames.EVENTS or not payload else json.loads(payload)
            self._messages.append((kind, channel, body))

    def _take_events(self, channel: int, payload: bytes) -> None:
        first = frames.NUMBER.unpack_from(payload)[0]
        events = [json.loads(line) for line in payload[frames.NUMBER.size :].split(b"\n")[:-1]]
        self.events.setdefault(channel, []).extend(events)
        self.numbers.setdefault(channel, []).extend(range(first, first + len(events)))
