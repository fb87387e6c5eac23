# SPDX-License-Identifier: Apache-2.0
"""While plugins are loaded nothing of them may run by itself: no threads, nothing published."""

from __future__ import annotations

import _thread
import threading
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Optional

from .errors import PhaseError


class _Loading:
    """The load under way, if there is one. Only the thread that loads is held to the rule."""

    def __init__(self) -> None:
        self.plugin: Optional[str] = None
        self.thread = 0

    def refuse(self, what: str) -> None:
        if self.plugin is not None and threading.get_ident() == self.thread:
            raise PhaseError(
                f"plugin {self.plugin}: {what} while plugins are loaded; put it off with call_soon"
            )


_loading = _Loading()


def name_loading_plugin(name: str) -> None:
    """From here on errors of the load under way call the plugin `name`."""
    if _loading.plugin is not None and threading.get_ident() == _loading.thread:
        _loading.plugin = name


def refuse_while_loading(what: str) -> None:
    """Raises PhaseError, "plugin <name>: <what> while plugins are loaded…", during a load."""
    _loading.refuse(what)


@contextmanager
def loading(plugin: str) -> Iterator[None]:
    """The phase in which a plugin's file and its on_load run."""
    originals = (threading.Thread.start, _thread.start_new_thread)
    _loading.plugin, _loading.thread = plugin, threading.get_ident()
    threading.Thread.start = _guarded(originals[0])  # type: ignore[method-assign]
    _thread.start_new_thread = _guarded(originals[1])
    try:
        yield
    finally:
        threading.Thread.start = originals[0]  # type: ignore[method-assign]
        _thread.start_new_thread = originals[1]
        _loading.plugin = None


def _guarded(start: Callable[..., Any]) -> Callable[..., Any]:
    def guarded_start(*arguments: Any, **named: Any) -> Any:
        _loading.refuse("no thread may be started")
        return start(*arguments, **named)

    return guarded_start
