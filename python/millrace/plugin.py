# SPDX-License-Identifier: Apache-2.0
"""What a plugin's file declares: extensions, named patterns, and what is to be done at load."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Sequence, TypeVar

from . import phases
from .contexts import LoadContext
from .settings import Setting

Made = TypeVar("Made", bound=Callable[..., Any])
OnLoad = TypeVar("OnLoad", bound=Callable[[LoadContext], None])

# Kinds whose work is to answer calls, and the function that a plain Python function serves as;
# None: callers choose among several functions, so only a class can serve them.
SERVICE_FUNCTIONS: Dict[str, Optional[str]] = {
    "monitor": "line",
    "trigger": "event",
    "hook_class": None,
    "worker": "handle",
    "config_plugin": None,
    "param_processor": "process",
}


@dataclass(frozen=True)
class Extension:
    """One source, filter, action or service as it was declared."""

    kind: str
    name: str
    made: Callable[..., Any]
    summary: str = ""
    settings: Sequence[Setting] = ()
    aliases: Sequence[str] = ()
    unknown: str = "error"  # what a setting is that nobody declared: "error" or "warning"

    def describe(self) -> Dict[str, Any]:
        """The declaration as the engine reads it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "aliases": list(self.aliases),
            "summary": self.summary,
            "settings": [setting.describe() for setting in self.settings],
            "unknown": self.unknown,
        }


@dataclass(frozen=True)
class Pattern:
    """A regular expression (PCRE) with a name, for the filters of monitors."""

    name: str
    pattern: str
    summary: str = ""

    def describe(self) -> Dict[str, str]:
        """The declaration as the engine reads it."""
        return {"name": self.name, "pattern": self.pattern, "summary": self.summary}


@dataclass
class Plugin:
    """A plugin: a module-level object of the plugin's file.

    Each decorator takes the extension's name, `summary` (one sentence; the docstring's first line if
    left out), `settings`, `aliases` (other names users call it by) and `unknown` ("error" or "warning":
    what a setting is that nobody declared). It returns what it decorates unchanged. All raise
    ValueError for a name that the plugin has declared already, TypeError for what cannot serve.
    """

    name: str
    version: str = ""
    summary: str = ""
    extensions: List[Extension] = field(default_factory=list, init=False)
    patterns: List[Pattern] = field(default_factory=list, init=False)
    loaders: List[Callable[[LoadContext], None]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        phases.name_loading_plugin(self.name)

    def source(self, name: str, **declared: Any) -> Callable[[Made], Made]:
        """`async def f(queue, settings)`: puts events (dicts, or lists of them) until it is cancelled.

        Returning ends the run, raising fails it.
        """

        def declare(made: Made) -> Made:
            if not inspect.iscoroutinefunction(made):
                raise TypeError(f"source {name} must be a coroutine function (async def)")
            return self._declare("source", name, made, declared)

        return declare

    def filter(self, name: str, **declared: Any) -> Callable[[Made], Made]:
        """`def f(event, settings)`, also async: the event, a list of events, or None to drop it.

        InvalidEvent refuses the one event; any other exception ends the source.
        """
        return lambda made: self._declare("filter", name, made, declared)

    def action(self, name: str, **declared: Any) -> Callable[[Made], Made]:
        """`async def f(call)`, with an ActionCall; what it returns is ignored, an exception is logged."""
        return lambda made: self._declare("action", name, made, declared)

    def monitor(self, name: str, **declared: Any) -> Callable[[Made], Made]:
        """`line({"line", "source"})` returns a list of `{"name", "data"}`: named events."""
        return self._service("monitor", name, declared)

    def trigger(self, name: str, **declared: Any) -> Callable[[Made], Made]:
        """`event({"name", "data"})` returns a list of `{"name", "data"}`: named events."""
        return self._service("trigger", name, declared)

    def hook_class(self, name: str, **declared: Any) -> Callable[[Made], Made]:
        """A class; its method with the hook's name gets `{"event", "arguments", "result"}` and returns the result."""
        return self._service("hook_class", name, declared)

    def worker(self, name: str, **declared: Any) -> Callable[[Made], Made]:
        """`handle(message)`; an exception means: try again."""
        return self._service("worker", name, declared)

    def config_plugin(self, name: str, **declared: Any) -> Callable[[Made], Made]:
        """A class; its method with the position's name gets `{"parent", "keys"}` and returns `{"keys"}`."""
        return self._service("config_plugin", name, declared)

    def param_processor(self, name: str, **declared: Any) -> Callable[[Made], Made]:
        """`process({"name", "value", "setting"})` returns the value."""
        return self._service("param_processor", name, declared)

    def pattern(self, name: str, pattern: str, summary: str = "") -> None:
        """A regular expression (PCRE) that the filters of monitors may use by name."""
        if any(known.name == name for known in self.patterns):
            raise ValueError(f"plugin {self.name} has declared the pattern {name} already")
        self.patterns.append(Pattern(name, pattern, summary))

    def on_load(self, function: OnLoad) -> OnLoad:
        """`def load(context)`, with a LoadContext: called once, before anything runs; no coroutine."""
        if inspect.iscoroutinefunction(function):
            raise TypeError("on_load takes a plain function; put off what waits with call_soon")
        self.loaders.append(function)
        return function

    def find(self, kind: str, name: str) -> Optional[Extension]:
        """The extension that answers to `name`, or None."""
        for extension in self.extensions:
            if extension.kind == kind and (extension.name == name or name in extension.aliases):
                return extension
        return None

    def describe(self) -> Dict[str, str]:
        """The declaration as the engine reads it."""
        return {"name": self.name, "version": self.version, "summary": self.summary}

    def _service(self, kind: str, name: str, declared: Dict[str, Any]) -> Callable[[Made], Made]:
        def declare(made: Made) -> Made:
            if SERVICE_FUNCTIONS[kind] is None and not inspect.isclass(made):
                raise TypeError(f"{kind} {name} must be a class: its methods are what is called")
            return self._declare(kind, name, made, declared)

        return declare

    def _declare(self, kind: str, name: str, made: Made, declared: Dict[str, Any]) -> Made:
        if not callable(made):
            raise TypeError(f"{kind} {name} must be callable")
        if self.find(kind, name) is not None:
            raise ValueError(f"plugin {self.name} has declared the {kind} {name} already")
        document = (made.__doc__ or "").strip().splitlines()
        declared.setdefault("summary", document[0] if document else "")
        self.extensions.append(Extension(kind, name, made, **declared))
        return made
