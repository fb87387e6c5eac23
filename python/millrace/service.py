# SPDX-License-Identifier: Apache-2.0
"""Instances of monitors, triggers, hook classes, workers, config plugins and param processors."""

from __future__ import annotations

import inspect
from typing import Any, Callable, Dict

from .errors import Unsupported
from .plugin import SERVICE_FUNCTIONS, Extension

_OWN = ("close",)  # methods of a class that nobody calls by name


class Service:
    """A class's methods are its functions; a plain function serves its kind's only one.

    A class is made with the settings, or without if it takes none; a function gets them after its
    argument. The optional method `close` is called when the instance is no longer needed.
    """

    def __init__(self, extension: Extension, settings: Dict[str, Any]) -> None:
        self._extension = extension
        self._settings = settings
        self._instance: Any = None
        made = extension.made
        if inspect.isclass(made):
            self._instance = _construct(made, settings)

    def find(self, function: str) -> Callable[[Any], Any]:
        """Takes the argument. Raises Unsupported."""
        if self._instance is None:
            if function == SERVICE_FUNCTIONS[self._extension.kind]:
                return lambda argument: self._extension.made(argument, self._settings)
        elif not function.startswith("_") and function not in _OWN:
            method: Any = getattr(self._instance, function, None)
            if callable(method):
                return method  # type: ignore[no-any-return]
        raise Unsupported(f"{self._extension.kind} {self._extension.name} has no function {function}")

    def close(self) -> Any:
        """May return an awaitable."""
        close = getattr(self._instance, "close", None)
        return close() if callable(close) else None


def _construct(made: Callable[..., Any], settings: Dict[str, Any]) -> Any:
    return made(settings) if _takes_one(made) else made()


def _takes_one(made: Callable[..., Any]) -> bool:
    try:
        inspect.signature(made).bind({})
    except TypeError:
        return False
    except ValueError:  # no signature is known
        return True
    return True
