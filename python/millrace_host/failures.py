# SPDX-License-Identifier: Apache-2.0
"""Exceptions of plugins as the engine is told of them."""

from __future__ import annotations

import os
import runpy
import traceback
from types import TracebackType
from typing import Any, Dict, List, Optional

_MOST_FRAMES = 40  # those of an endless recursion say nothing new
_MOST_TEXT = 256 * 1024

_HERE = os.path.dirname(os.path.abspath(__file__))
_MACHINERY = (_HERE + os.sep, runpy.__file__ or "<frozen runpy>", "<frozen runpy>")


class PluginError(Exception):
    """A fault of a plugin that the host found itself; `kind` is what the engine calls its type."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def describe(error: BaseException) -> Dict[str, Any]:
    """`{"type", "message", "frames", "traceback"}`, frames innermost first, without the host's own."""
    if isinstance(error, MemoryError):
        traceback.clear_frames(error.__traceback__)  # what the plugin held is needed to go on
    start = _plugin_part(error.__traceback__)
    return {
        "type": error.kind if isinstance(error, PluginError) else type(error).__name__,
        "message": _message(error),
        "frames": _frames(error, start),
        "traceback": _cut("".join(traceback.format_exception(type(error), error, start))),
    }


def _plugin_part(trace: Optional[TracebackType]) -> Optional[TracebackType]:
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_MACHINERY):
        trace = trace.tb_next
    return trace


def _message(error: BaseException) -> str:
    try:
        return _cut(str(error))
    except Exception:  # noqa: BLE001  (a plugin's __str__)
        return ""


def _frames(error: BaseException, start: Optional[TracebackType]) -> List[str]:
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(start)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append(f"{error.filename}:{error.lineno} <module>")
    frames.reverse()
    left_out = len(frames) - _MOST_FRAMES
    if left_out > 0:
        half = _MOST_FRAMES // 2
        frames[half:-half] = [f"… {left_out} more"]
    return frames


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + "…"
