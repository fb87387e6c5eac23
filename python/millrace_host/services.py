# SPDX-License-Identifier: Apache-2.0
"""Monitors, triggers, hook classes, workers, config plugins, param processors: functions that are called."""

from __future__ import annotations

import inspect
from typing import Any, Awaitable, Callable, Dict, Optional

from millrace import Extension, Unsupported
from millrace.plugin import SERVICE_FUNCTIONS

from .calls import Serve, encode

_OWN = ("close",)  # methods of a class that nobody calls by name


class Service:
    """One instance: a class's methods are its functions; a function serves its kind's only one."""

    def __init__(self, extension: Extension, settings: Dict[str, Any]) -> None:
        self._extension = extension
        self._settings = settings
        self._instance: Any = None
        if inspect.isclass(extension.made):
            self._instance = extension.made(settings) if _takes_settings(extension.made) else extension.made()

    def find(self, function: str) -> Callable[[Any], Any]:
        """Raises Unsupported."""
        if self._instance is None:
            if function == SERVICE_FUNCTIONS[self._extension.kind]:
                return self._plain_function()
        elif not function.startswith("_") and function not in _OWN:
            method = getattr(self._instance, function, None)
            if callable(method):
                return method
        raise Unsupported(f"{self._extension.kind} {self._extension.name} has no function {function}")

    def close(self) -> Any:
        close = getattr(self._instance, "close", None)
        return close() if callable(close) else None

    def _plain_function(self) -> Callable[[Any], Any]:
        made = self._extension.made
        return lambda argument: made(argument, self._settings)


def serve_service(service: Service) -> Serve:
    def serve(payload: Dict[str, Any]) -> Any:
        value = service.find(payload.get("function", ""))(payload.get("argument"))
        return _awaited(value) if inspect.isawaitable(value) else encode(value)

    return serve


async def _awaited(value: Awaitable[Any]) -> bytes:
    return encode(await value)


def _takes_settings(made: Callable[..., Any]) -> bool:
    signature: Optional[inspect.Signature] = None
    try:
        signature = inspect.signature(made)
        signature.bind({})
    except (TypeError, ValueError):
        return signature is None
    return True
