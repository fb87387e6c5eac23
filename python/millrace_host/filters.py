# SPDX-License-Identifier: Apache-2.0
"""Filters: legacy `main(event, **settings)` and those of the millrace package."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, Callable, Dict, List

from .calls import Serve, call_error, encode
from .loading import is_coroutine_function

Apply = Callable[[Any], Any]


def legacy_filter(main: Callable[..., Any], settings: Dict[str, Any]) -> Serve:
    """Raises TypeError for settings that `main` does not take, as calling it would."""
    try:
        inspect.signature(main).bind({}, **settings)
    except TypeError as error:
        raise TypeError(f"main() {error}") from None
    except ValueError:
        pass  # a function without a signature: calling it tells
    return _server(main, lambda event: main(event, **settings), drops_none=False)


def millrace_filter(made: Callable[..., Any], settings: Dict[str, Any]) -> Serve:
    return _server(made, lambda event: made(event, settings), drops_none=True)


def _server(function: Callable[..., Any], apply: Apply, drops_none: bool) -> Serve:
    def serve(payload: Dict[str, Any]) -> bytes:
        return _listed([_outcome(apply, event, drops_none) for event in payload["events"]])

    async def serve_waiting(payload: Dict[str, Any]) -> bytes:
        return _listed([await _outcome_waiting(apply, event, drops_none) for event in payload["events"]])

    return serve_waiting if _has_to_wait(function) else serve


def _has_to_wait(function: Callable[..., Any]) -> bool:
    """Also an object whose `__call__` is a coroutine function."""
    return is_coroutine_function(function) or is_coroutine_function(type(function).__call__)


def _outcome(apply: Apply, event: Any, drops_none: bool) -> bytes:
    try:
        return _made(apply(event), drops_none)
    except BaseException as error:  # noqa: BLE001  (whatever a plugin raises, also SystemExit)
        return _refused(error)


async def _outcome_waiting(apply: Apply, event: Any, drops_none: bool) -> bytes:
    try:
        return _made(await apply(event), drops_none)
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001
        return _refused(error)


def _made(made: Any, drops_none: bool) -> bytes:
    if made is None and drops_none:
        return b'{"events":[]}'
    return b'{"events":%b}' % encode(made if isinstance(made, list) else [made])


def _refused(error: BaseException) -> bytes:
    return b'{"error":%b}' % encode(call_error(error))


def _listed(outcomes: List[bytes]) -> bytes:
    return b"[%b]" % b",".join(outcomes)
