# SPDX-License-Identifier: Apache-2.0
"""The frames between the engine and a host: `u32 length · u8 type · u32 channel · payload`."""

from __future__ import annotations

import struct
from typing import List, Tuple

PROTOCOL = 1
HEADER = struct.Struct("<IBI")
NUMBER = struct.Struct("<Q")
CREDITS = struct.Struct("<IQ")  # events that may be sent besides; bytes of events that were taken
LONGEST_PAYLOAD = 64 * 1024 * 1024

# Engine to host.
CONFIGURE = 1
LOAD = 2
START = 3
CREDIT = 4
CANCEL = 5
CALL = 6
SETTLED = 7
ANSWER = 8
COMPILE = 9
RENDER = 10
PING = 11
STOP = 12
STOP_CALL = 13
LIVE = 14

# Host to engine.
HELLO = 65
LOADED = 66
FAILED = 67
ENDED = 68
EVENTS = 69
REFUSED = 70
RESULT = 71
LOG = 72
REQUEST = 73
COMPILED = 74
RENDERED = 75
PONG = 76
STARTED = 77

Frame = Tuple[int, int, bytes]  # type, channel, payload


class FrameError(Exception):
    """What came is not a frame."""


def make_frame(kind: int, channel: int, payload: bytes = b"") -> bytes:
    """Raises FrameError for a payload that is too long."""
    if len(payload) > LONGEST_PAYLOAD:
        raise FrameError(f"{len(payload)} bytes are more than a frame holds ({LONGEST_PAYLOAD})")
    return HEADER.pack(len(payload), kind, channel) + payload


class FrameReader:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> List[Frame]:
        """The frames that are complete now. Raises FrameError for one that is too long."""
        buffer = self._buffer
        buffer += data
        frames: List[Frame] = []
        at, end = 0, len(buffer)
        while end - at >= HEADER.size:
            length, kind, channel = HEADER.unpack_from(buffer, at)
            if length > LONGEST_PAYLOAD:
                raise FrameError(f"a frame of {length} bytes is too long")
            start = at + HEADER.size
            if end - start < length:
                break
            at = start + length
            frames.append((kind, channel, bytes(buffer[start:at])))
        if at:
            del buffer[:at]
        return frames
