# SPDX-License-Identifier: Apache-2.0
"""Files of plugins: legacy ones with a `main`, and those with a `millrace.Plugin`."""

from __future__ import annotations

import ast
import inspect
import pkgutil  # noqa: F401  (runpy imports it late, when another user may not read it)
import runpy
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Tuple

from millrace import Extension, LoadContext, Plugin
from millrace.phases import loading

from .failures import PluginError

Deferred = Tuple[str, Callable[..., Any], Tuple[Any, ...]]  # the plugin's name, what it put off


@dataclass
class LoadedFile:
    """A file that was executed."""

    path: str
    name: str
    namespace: Dict[str, Any]
    plugins: List[Plugin]
    configuration: Dict[str, Any] = field(default_factory=dict)
    deferred: List[Deferred] = field(default_factory=list)
    was_started: bool = False  # its namespace has served a legacy instance

    def find(self, kind: str, name: str) -> Extension:
        """Raises PluginError when the file does not declare it."""
        for plugin in self.plugins:
            extension = plugin.find(kind, name)
            if extension is not None:
                return extension
        raise PluginError("LookupError", f"{self.path} declares no {kind} {name}")

    def describe(self, kind: str) -> Dict[str, Any]:
        """The payload of LOADED."""
        legacy: Dict[str, Any] = {"kind": kind, "name": None, "aliases": [], "summary": ""}
        extensions = [e.describe() for plugin in self.plugins for e in plugin.extensions]
        return {
            "plugin": self.plugins[0].describe() if self.plugins else None,
            "extensions": extensions if self.plugins else [legacy],
            "patterns": [p.describe() for plugin in self.plugins for p in plugin.patterns],
            "configuration": self.configuration,
            "deferred": len(self.deferred),
        }


def load_file(path: str, name: str, kind: str, configuration: Dict[str, Any]) -> LoadedFile:
    """Executes the file, and its on_load functions if it has a plugin.

    Raises what the file raises, also SystemExit, and PluginError for one that is no plugin.
    """
    if _imports_millrace(path):
        with loading(name):
            namespace = runpy.run_path(path)
            loaded = LoadedFile(path, name, namespace, _plugins_in(namespace), configuration)
            for plugin in loaded.plugins:
                _run_loaders(plugin, loaded)
    else:
        loaded = LoadedFile(path, name, runpy.run_path(path), [], configuration)
    if not loaded.plugins:
        check_legacy(loaded.namespace, name, kind)
    return loaded


def execute_legacy(path: str, name: str, kind: str) -> Dict[str, Any]:
    """The namespace of a file with a `main`, executed anew."""
    namespace = runpy.run_path(path)
    check_legacy(namespace, name, kind)
    return namespace


def check_legacy(namespace: Mapping[str, Any], name: str, kind: str) -> None:
    """Raises PluginError unless the file can serve as what it is looked up as."""
    if kind == "source":
        _check_source(namespace.get("main"), name)
    elif kind == "filter":
        if not callable(namespace.get("main")):
            raise PluginError(
                "SourceFilterMainMissingException",
                f"Entrypoint missing. Filter module {name} must have function 'main'.",
            )
    else:
        raise PluginError("PluginError", f"{name}: the file has no millrace.Plugin at its top level")


def _check_source(main: Any, name: str) -> None:
    if main is None:
        raise PluginError(
            "SourcePluginMainMissingException",
            f"Entrypoint missing. Source module {name} must have function 'main'.",
        )
    if not is_coroutine_function(main):
        raise PluginError(
            "SourcePluginNotAsyncioCompatibleException",
            f"Entrypoint from {name} is not a coroutine function.",
        )


def is_coroutine_function(function: Any) -> bool:
    """Also what asyncio marks as one."""
    return inspect.iscoroutinefunction(function) or hasattr(function, "_is_coroutine")


def _imports_millrace(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read(), path)
    except (OSError, SyntaxError, ValueError):
        return False  # executing it tells what is wrong
    return any(_is_import_of_millrace(node) for node in ast.walk(tree))


def _is_import_of_millrace(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] == "millrace" for alias in node.names)
    return (
        isinstance(node, ast.ImportFrom)
        and node.level == 0
        and (node.module or "").split(".")[0] == "millrace"
    )


def _plugins_in(namespace: Mapping[str, Any]) -> List[Plugin]:
    plugins: List[Plugin] = []
    for value in namespace.values():
        if isinstance(value, Plugin) and not any(value is known for known in plugins):
            plugins.append(value)
    return plugins


def _run_loaders(plugin: Plugin, loaded: LoadedFile) -> None:
    for loader in plugin.loaders:
        context = LoadContext(plugin.name, loaded.configuration)
        loader(context)
        loaded.deferred += [(plugin.name, function, given) for function, given in context.deferred]
