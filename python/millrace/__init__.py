# SPDX-License-Identifier: Apache-2.0
"""Write plugins for Millrace.

    import millrace

    plugin = millrace.Plugin("weather", version="1.0", summary="Tells the weather.")

    @plugin.source("weather", settings=[millrace.Setting("city", "string", "which city", required=True)])
    async def weather(queue, settings):
        await queue.put({"city": settings["city"], "rain": True})

`millrace.testing` runs what a plugin declares without an engine.
"""

from .contexts import ActionCall, Configuration, LoadContext, Queue
from .errors import EngineError, InvalidEvent, InvalidSettings, PhaseError, Unsupported
from .plugin import Extension, Pattern, Plugin
from .settings import Setting, check_settings

__all__ = [
    "ActionCall",
    "Configuration",
    "EngineError",
    "Extension",
    "InvalidEvent",
    "InvalidSettings",
    "LoadContext",
    "Pattern",
    "PhaseError",
    "Plugin",
    "Queue",
    "Setting",
    "Unsupported",
    "check_settings",
]
