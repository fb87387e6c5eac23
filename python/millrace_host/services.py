# SPDX-License-Identifier: Apache-2.0
"""Monitors, triggers, hook classes, workers, config plugins, param processors: functions that are called."""

from __future__ import annotations

import inspect
from typing import Any, Awaitable, Dict

from millrace.service import Service

from .calls import Serve, encode


def serve_service(service: Service) -> Serve:
    def serve(payload: Dict[str, Any]) -> Any:
        value = service.find(payload.get("function", ""))(payload.get("argument"))
        return _awaited(value) if inspect.isawaitable(value) else encode(value)

    return serve


async def _awaited(value: Awaitable[Any]) -> bytes:
    return encode(await value)
