# SPDX-License-Identifier: Apache-2.0
"""Runs what a plugin declares in a test, without an engine.

    from millrace import testing
    from weather import plugin

    def test_weather():
        run = testing.run_source(plugin, "weather", {"city": "Oslo"}, events=2)
        assert run.events[0]["city"] == "Oslo"

Settings are checked against the declaration and completed with its defaults, as the engine does it:
what is wrong raises InvalidSettings. A name that the plugin does not declare raises LookupError.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from . import phases
from .contexts import ActionCall, LoadContext
from .errors import EngineError
from .plugin import Extension, Plugin
from .service import Service as _Service
from .settings import check_settings

Event = Dict[str, Any]

_TIMEOUT = 5.0
_UNBOUNDED = 1 << 30


def find(plugin: Plugin, kind: str, name: str) -> Extension:
    """The declaration. Raises LookupError."""
    extension = plugin.find(kind, name)
    if extension is None:
        raise LookupError(f"plugin {plugin.name} declares no {kind} {name}")
    return extension


def settings_of(extension: Extension, given: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    """What the extension gets. Raises InvalidSettings."""
    return check_settings(extension.settings, given or {}, extension.unknown)


class FakeQueue:
    """Takes events while there is room; `room` is how many more."""

    maxsize = 1

    def __init__(self) -> None:
        self.events: List[Any] = []
        self.room = _UNBOUNDED
        self._changed = asyncio.Event()  # an event was taken, or there is room

    async def put(self, data: Any) -> None:
        for event in _checked(data):
            while self.room <= 0:
                await self._change()
            self._take(event)
        await asyncio.sleep(0)

    def put_nowait(self, data: Any) -> None:
        events = _checked(data)
        if self.room < len(events):
            raise asyncio.QueueFull
        for event in events:
            self._take(event)

    def full(self) -> bool:
        return self.room <= 0

    def empty(self) -> bool:
        return True

    def qsize(self) -> int:
        return 0

    def set_room(self, room: int) -> None:
        self.room = room
        self._changed.set()

    async def has(self, count: int) -> None:
        """Waits for `count` events in all."""
        while len(self.events) < count:
            await self._change()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _take(self, event: Any) -> None:
        self.events.append(json.loads(json.dumps(event, default=str)))  # as it is now, not as it becomes
        self.room -= 1
        self._changed.set()


class Source:
    """A source that runs while its block does: `async with Source(plugin, "weather", {…}) as source:`."""

    def __init__(self, plugin: Plugin, name: str, settings: Optional[Mapping[str, Any]] = None) -> None:
        self._extension = find(plugin, "source", name)
        self._settings = settings_of(self._extension, settings)
        self._queue: Optional[FakeQueue] = None
        self._task: Optional[asyncio.Task[None]] = None

    async def __aenter__(self) -> Source:
        self._queue = FakeQueue()
        self._task = asyncio.ensure_future(self._extension.made(self._queue, self._settings))
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.cancel()

    @property
    def events(self) -> List[Any]:
        """What the engine has taken so far."""
        assert self._queue is not None, "the source runs inside its block only"
        return self._queue.events

    async def take(self, count: int, timeout: float = _TIMEOUT) -> List[Any]:
        """The first `count` events; waits for them.

        Raises what the source raises, asyncio.TimeoutError, and EOFError when it ends with fewer.
        """
        assert self._queue is not None and self._task is not None
        waiting = asyncio.ensure_future(self._queue.has(count))
        try:
            await asyncio.wait({waiting, self._task}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if len(self.events) >= count:
                return self.events[:count]
            if not self._task.done():
                raise asyncio.TimeoutError(f"{len(self.events)} of {count} events within {timeout:g} s")
            self._task.result()
            raise EOFError(f"the source ended after {len(self.events)} of {count} events")
        finally:
            waiting.cancel()

    async def ended(self, timeout: float = _TIMEOUT) -> None:
        """Waits for its own end. Raises what the source raises, asyncio.TimeoutError."""
        assert self._task is not None
        await asyncio.wait_for(asyncio.shield(self._task), timeout)

    def hold_events(self) -> None:
        """The engine is behind: put() waits, put_nowait() raises asyncio.QueueFull."""
        self.take_more(0)

    def take_more(self, count: int = _UNBOUNDED) -> None:
        """The engine takes so many more, and is behind then."""
        assert self._queue is not None
        self._queue.set_room(count)

    async def cancel(self, grace: float = _TIMEOUT) -> bool:
        """As the engine ends a source; whether it has ended within the grace."""
        assert self._task is not None
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=grace)
        return self._task.done()


@dataclass
class SourceRun:
    """How a source went."""

    events: List[Any]
    was_cancelled: bool  # it had not ended by itself


def run_source(
    plugin: Plugin,
    name: str,
    settings: Optional[Mapping[str, Any]] = None,
    *,
    events: Optional[int] = None,
    timeout: float = _TIMEOUT,
) -> SourceRun:
    """Runs a source until it ends, or has put `events` events: then it is cancelled.

    Raises what the source raises, EOFError when it ends too early, asyncio.TimeoutError.
    """

    async def run() -> SourceRun:
        async with Source(plugin, name, settings) as source:
            if events is None:
                await source.ended(timeout)
                return SourceRun(source.events, False)
            return SourceRun(await source.take(events, timeout), True)

    return asyncio.run(run())


def run_filter(
    plugin: Plugin, name: str, event: Any, settings: Optional[Mapping[str, Any]] = None
) -> List[Any]:
    """What becomes of an event: [] when it is dropped. Raises what the filter raises."""
    extension = find(plugin, "filter", name)
    made = _waited_for(extension.made(event, settings_of(extension, settings)))
    if made is None:
        return []
    return made if isinstance(made, list) else [made]


@dataclass
class FakeEngine:
    """What an action has asked for. `known` are facts it will find; `refusals` maps a method to an error."""

    known: List[Event] = field(default_factory=list)
    refusals: Dict[str, EngineError] = field(default_factory=dict)
    requests: List[Tuple[str, Dict[str, Any]]] = field(default_factory=list)

    async def request(self, method: str, arguments: Dict[str, Any]) -> Any:
        self.requests.append((method, arguments))
        if method in self.refusals:
            raise self.refusals[method]
        return list(self.known) if method == "facts" else None

    def arguments_of(self, method: str) -> List[Dict[str, Any]]:
        """Of each request of that method, in order."""
        return [arguments for asked, arguments in self.requests if asked == method]

    @property
    def posted_events(self) -> List[Event]:
        return [arguments["event"] for arguments in self.arguments_of("post_event")]


def run_action(
    plugin: Plugin,
    name: str,
    settings: Optional[Mapping[str, Any]] = None,
    *,
    event: Optional[Event] = None,
    engine: Optional[FakeEngine] = None,
    **context: Any,
) -> FakeEngine:
    """Calls an action once; what it asked for is in the engine that is returned.

    `context` are further entries of the call: `events`, `rule`, `rule_set`, `hosts`, `run_at`…
    Raises what the action raises.
    """
    extension = find(plugin, "action", name)
    asked = engine or FakeEngine()
    given = {"action": name, "rule": "rule", "rule_set": "rule set", "event": event, **context}
    call = ActionCall(settings_of(extension, settings), given, asked.request)
    _waited_for(extension.made(call))
    return asked


class Service:
    """An instance of a monitor, trigger, hook class, worker, config plugin or param processor."""

    def __init__(
        self, plugin: Plugin, kind: str, name: str, settings: Optional[Mapping[str, Any]] = None
    ) -> None:
        extension = find(plugin, kind, name)
        self._service = _Service(extension, settings_of(extension, settings))

    def call(self, function: str, argument: Any = None) -> Any:
        """The value. Raises Unsupported, and what the function raises."""
        return _waited_for(self._service.find(function)(argument))

    def close(self) -> None:
        _waited_for(self._service.close())


@dataclass
class Loaded:
    """What a load has left."""

    configuration: Dict[str, Any]
    deferred: List[Tuple[Callable[..., Any], Tuple[Any, ...]]]

    def go_live(self) -> None:
        """Runs what was put off, in order. Raises what it raises."""
        for function, arguments in self.deferred:
            _waited_for(function(*arguments))


def load(plugin: Plugin, configuration: Optional[Dict[str, Any]] = None) -> Loaded:
    """Runs the on_load functions, under the rules of that phase. Raises PhaseError and what they raise."""
    loaded = Loaded(configuration if configuration is not None else {}, [])
    with phases.loading(plugin.name):
        for loader in plugin.loaders:
            context = LoadContext(plugin.name, loaded.configuration)
            loader(context)
            loaded.deferred += context.deferred
    return loaded


def _checked(data: Any) -> List[Any]:
    events = data if isinstance(data, list) else [data]
    for event in events:
        if not isinstance(event, Mapping):
            raise TypeError(f"an event must be a dict, not {type(event).__name__}")
    return list(events)


def _waited_for(value: Any) -> Any:
    if not inspect.isawaitable(value):
        return value

    async def wait() -> Any:
        return await value

    return asyncio.run(wait())
