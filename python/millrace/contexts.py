# SPDX-License-Identifier: Apache-2.0
"""What plugins are handed: the queue of a source, a call of an action, the context of a load."""

from __future__ import annotations

import logging
from typing import Any, Awaitable, Callable, Dict, List, Mapping, Optional, Protocol, Tuple, Union

from . import phases
from .errors import PhaseError

Event = Dict[str, Any]
Request = Callable[[str, Dict[str, Any]], Awaitable[Any]]


class Queue(Protocol):
    """Where a source puts its events."""

    async def put(self, data: Union[Event, List[Event]]) -> None:
        """Hands one event, or a list of them, to the engine; waits while the engine is behind.

        Raises TypeError for an event that is not a dict, unless filters follow.
        """

    def put_nowait(self, data: Union[Event, List[Event]]) -> None:
        """As put(), but raises asyncio.QueueFull where that would wait."""


class Configuration:
    """The engine's configuration while plugins are loaded: a tree, its keys joined by dots."""

    def __init__(self, tree: Dict[str, Any]) -> None:
        self._tree = tree

    def get(self, key: str, default: Any = None) -> Any:
        """The value at "a.b", or `default` where there is none. Lists are entered by index."""
        at: Any = self._tree
        for part in key.split("."):
            if isinstance(at, list) and part.isdigit() and int(part) < len(at):
                at = at[int(part)]
            elif isinstance(at, dict) and part in at:
                at = at[part]
            else:
                return default
        return at

    def set(self, key: str, value: Any) -> None:
        """Puts `value` at "a.b"; makes the mappings on the way.

        Raises ValueError where something that is not a mapping is in the way.
        """
        *way, last = key.split(".")
        at = self._tree
        for part in way:
            at = at.setdefault(part, {})
            if not isinstance(at, dict):
                raise ValueError(f"configuration: {part} of {key} is not a mapping")
        at[last] = value

    def remove(self, key: str) -> None:
        """Takes "a.b" away, if it is there."""
        way, _, last = key.rpartition(".")
        parent = self.get(way) if way else self._tree
        if isinstance(parent, dict):
            parent.pop(last, None)

    def __contains__(self, key: str) -> bool:
        nothing = object()
        return self.get(key, nothing) is not nothing

    def as_dict(self) -> Dict[str, Any]:
        """The tree itself."""
        return self._tree


class LoadContext:
    """Handed to on_load functions: the phase before anything runs.

    No threads, nothing published: both raise PhaseError. Put such work off with call_soon().
    """

    def __init__(self, plugin: str, configuration: Dict[str, Any]) -> None:
        self.plugin = plugin
        self.configuration = Configuration(configuration)
        self.log = logging.getLogger(plugin)
        self.deferred: List[Tuple[Callable[..., Any], Tuple[Any, ...]]] = []

    def call_soon(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Puts `function` off until the engine is live; it may be a coroutine function."""
        self.deferred.append((function, arguments))

    def __getattr__(self, name: str) -> Any:
        if name in ("post_event", "set_fact", "retract_fact", "shut_down"):
            return self._refusing(name)
        raise AttributeError(name)

    def _refusing(self, method: str) -> Callable[..., None]:
        def refuse(*_: Any, **__: Any) -> None:
            phases.refuse_while_loading(f"{method} is refused")
            raise PhaseError(f"plugin {self.plugin}: only an action's call may {method}")

        return refuse


class ActionCall:
    """One call of an action: why it is made, and what the action may ask of the engine.

    The requests are for this call: they raise PhaseError when it has ended, EngineError when the
    engine refuses (code "not_found": no such rule set).
    """

    def __init__(self, settings: Dict[str, Any], context: Mapping[str, Any], request: Request) -> None:
        self.settings = settings
        self.action: str = context.get("action", "")
        self.rule_set: str = context.get("rule_set", "")
        self.rule_set_id: str = context.get("rule_set_id", "")
        self.rule: str = context.get("rule", "")
        self.rule_id: str = context.get("rule_id", "")
        self.run_at: str = context.get("run_at", "")  # ISO 8601
        self.hosts: List[str] = list(context.get("hosts") or [])
        self.event: Optional[Event] = context.get("event")  # of a match of one event
        self.events: Dict[str, Event] = context.get("events") or _by_binding(self.event)
        self.log = logging.getLogger(self.action or "action")
        self._request = request

    async def post_event(self, event: Event, rule_set: Optional[str] = None) -> None:
        """Gives the event to a rule set, by default the one whose rule fired."""
        await self._ask("post_event", event=event, ruleset=rule_set)

    async def set_fact(self, fact: Event, rule_set: Optional[str] = None) -> None:
        """An event that stays until it is retracted."""
        await self._ask("set_fact", fact=fact, ruleset=rule_set)

    async def retract_fact(self, fact: Event, rule_set: Optional[str] = None, partial: bool = True) -> None:
        """Takes facts away: those that have all entries of `fact`; if not `partial`, no others either."""
        await self._ask("retract_fact", fact=fact, ruleset=rule_set, partial=partial)

    async def facts(self, rule_set: Optional[str] = None) -> List[Event]:
        """Facts and waiting events of a rule set, oldest first."""
        return list(await self._ask("facts", ruleset=rule_set) or [])

    async def shut_down(
        self, message: str = "", delay: Optional[float] = None, kind: str = "graceful"
    ) -> None:
        """Ends the run: "graceful" waits up to `delay` seconds for running actions, "now" does not."""
        await self._ask("shut_down", message=message, delay=delay, kind=kind)

    async def print(self, text: str) -> None:
        """A text on the engine's standard output."""
        await self._ask("print", text=text)

    async def banner(self, name: str, text: str) -> None:
        """A text on the engine's standard output, below a banner as actions print it."""
        await self._ask("banner", name=name, text=text)

    async def _ask(self, method: str, **arguments: Any) -> Any:
        phases.refuse_while_loading(f"{method} is refused")
        given = {name: value for name, value in arguments.items() if value is not None}
        return await self._request(method, given)


def _by_binding(event: Optional[Event]) -> Dict[str, Event]:
    return {} if event is None else {"m": event}
