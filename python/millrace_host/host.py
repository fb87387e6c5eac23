# SPDX-License-Identifier: Apache-2.0
"""The host: one process, any number of plugins, a socket from the engine (descriptor 3) and a pipe to it (4)."""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import os
import platform
import signal
import socket
import sys
from typing import Any, Callable, Dict, List, Optional, Union

from millrace.service import Service

from . import frames
from .actions import Requests, serve_action
from .calls import CallInstance, Serve, call_error
from .connection import Connection
from .failures import PluginError, describe
from .filters import legacy_filter, millrace_filter
from .limits import apply_limits, close_inherited_descriptors
from .loading import Deferred, LoadedFile, execute_legacy, load_file
from .logs import current_channel, log, route_logs
from .services import serve_service
from .sources import SourceInstance
from .tasks import make_task
from .template_service import TemplateService

_SOCKET = 3
_PIPE = 4
_STOP_GRACE = 5.0
_END_GRACE = 0.8  # "within a second", and some of it is for exiting

Instance = Union[SourceInstance, CallInstance]


class Host:
    """Takes frames, owns the instances. Loop thread only."""

    def __init__(self, sock: socket.socket) -> None:
        self._connection = Connection(sock, _PIPE, self._on_frame, self._on_end)
        self._requests = Requests(self._connection)
        self._files: Dict[str, LoadedFile] = {}
        self._instances: Dict[int, Instance] = {}
        self._deferred: List[Deferred] = []
        self._templates: Optional[TemplateService] = None
        self._stopping: Optional[asyncio.Task[None]] = None
        self._handlers: Dict[int, Callable[[int, bytes], None]] = {
            frames.CONFIGURE: self._configure,
            frames.LOAD: self._load,
            frames.START: self._start,
            frames.CREDIT: self._credit,
            frames.CANCEL: self._cancel,
            frames.CALL: self._call,
            frames.SETTLED: self._settled,
            frames.ANSWER: self._answer,
            frames.COMPILE: self._compile,
            frames.RENDER: self._render,
            frames.PING: self._ping,
            frames.STOP: self._stop,
            frames.STOP_CALL: self._stop_call,
            frames.LIVE: self._live,
        }

    def _on_frame(self, kind: int, channel: int, payload: bytes) -> None:
        handler = self._handlers.get(kind)
        if handler is None:
            log.warning("a frame of unknown type %d was ignored", kind)
            return
        try:
            handler(channel, payload)
        except Exception:  # noqa: BLE001  (the frames behind it are to be read all the same)
            log.exception("a frame of type %d could not be handled", kind)

    def _on_end(self) -> None:
        self._stop_within(_END_GRACE, 0)

    def _configure(self, _: int, payload: bytes) -> None:
        configuration = json.loads(payload)
        try:
            if configuration.get("protocol") != frames.PROTOCOL:
                raise ValueError(f"protocol {configuration.get('protocol')} is not spoken here")
            apply_limits(configuration)
        except Exception as error:  # noqa: BLE001
            self._fail(0, error)
            _exit(1)
        if self._connection.is_hung_up():  # an engine that died before now sends no signal
            _exit(1)
        route_logs(self._connection, configuration.get("log_level") or "info")
        self._templates = TemplateService(self._connection, configuration.get("variables") or {})
        hello = {
            "protocol": frames.PROTOCOL,
            "python": platform.python_version(),
            "executable": sys.executable,
            "pid": os.getpid(),
        }
        self._connection.send_json(frames.HELLO, 0, hello)

    def _load(self, channel: int, payload: bytes) -> None:
        request = json.loads(payload)
        kind = request.get("kind") or ""
        try:
            loaded = load_file(
                request["file"], request.get("name") or "", kind, request.get("configuration") or {}
            )
            self._connection.send_json(frames.LOADED, channel, loaded.describe(kind))
        except BaseException as error:  # noqa: BLE001  (also a file that exits)
            self._fail(channel, error)
            return
        self._keep(loaded)

    def _start(self, channel: int, payload: bytes) -> None:
        start = json.loads(payload)
        token = current_channel.set(channel)
        try:
            is_source = start["kind"] == "source"
            self._instances[channel] = (self._make_source if is_source else self._make_instance)(
                channel, start
            )
        except BaseException as error:  # noqa: BLE001
            self._fail(channel, error)
            return
        finally:
            current_channel.reset(token)
        if not is_source:
            self._connection.send(frames.make_frame(frames.STARTED, channel))

    def _make_source(self, channel: int, start: Dict[str, Any]) -> SourceInstance:
        if start.get("extension") is None:
            entry = self._legacy_namespace(start)["main"]
        else:
            entry = self._loaded(start).find("source", start["extension"]).made
        return SourceInstance(self._connection, channel, start, entry, self._forget)

    def _make_instance(self, channel: int, start: Dict[str, Any]) -> CallInstance:
        kind, settings = start["kind"], start.get("settings") or {}
        if start.get("extension") is None:
            if kind != "filter":
                raise PluginError("PluginError", f"a file without a millrace.Plugin cannot serve as {kind}")
            main = self._legacy_namespace(start)["main"]
            return self._calls(channel, legacy_filter(main, settings))
        loaded = self._loaded(start)
        extension = loaded.find(kind, start["extension"])
        if kind == "filter":
            return self._calls(channel, millrace_filter(extension.made, settings))
        if kind == "action":
            plugin = loaded.plugins[0].name
            return self._calls(channel, serve_action(extension.made, plugin, channel, self._requests))
        service = Service(extension, settings)
        return self._calls(channel, serve_service(service), service.close)

    def _calls(self, channel: int, serve: Serve, close: Optional[Callable[[], Any]] = None) -> CallInstance:
        return CallInstance(self._connection, channel, serve, self._forget, close)

    def _forget(self, channel: int) -> None:
        self._instances.pop(channel, None)

    def _loaded(self, start: Dict[str, Any]) -> LoadedFile:
        """A host that was started again may not have been asked to load."""
        path = start["file"]
        if path not in self._files:
            self._keep(load_file(path, start.get("name") or "", start["kind"], {}))
        return self._files[path]

    def _keep(self, loaded: LoadedFile) -> None:
        self._files[loaded.path] = loaded
        self._deferred += loaded.deferred
        if self._requests.is_live:
            self._run_deferred()

    def _legacy_namespace(self, start: Dict[str, Any]) -> Dict[str, Any]:
        """That of the load for the first instance, a new one for each that follows."""
        loaded = self._files.get(start["file"])
        if loaded is None or loaded.was_started or loaded.plugins:
            return execute_legacy(start["file"], start.get("name") or "", start["kind"])
        loaded.was_started = True
        return loaded.namespace

    def _credit(self, channel: int, payload: bytes) -> None:
        instance = self._instances.get(channel)
        if isinstance(instance, SourceInstance):
            instance.add_credits(*frames.CREDITS.unpack(payload))

    def _cancel(self, channel: int, _: bytes) -> None:
        instance = self._instances.get(channel)
        if instance is not None:
            instance.cancel()

    def _call(self, channel: int, payload: bytes) -> None:
        instance = self._instances.get(channel)
        call = json.loads(payload)
        if isinstance(instance, CallInstance):
            instance.call(call)
            return
        error = call_error(PluginError("LookupError", f"there is no instance {channel} to call"))
        self._connection.send_json(frames.RESULT, channel, {"id": call["id"], "error": error})

    def _stop_call(self, channel: int, payload: bytes) -> None:
        instance = self._instances.get(channel)
        if isinstance(instance, CallInstance):
            instance.stop_call(json.loads(payload)["id"])

    def _settled(self, channel: int, payload: bytes) -> None:
        instance = self._instances.get(channel)
        if isinstance(instance, SourceInstance):
            instance.settle(json.loads(payload))

    def _answer(self, _: int, payload: bytes) -> None:
        self._requests.answer(json.loads(payload))

    def _compile(self, _: int, payload: bytes) -> None:
        if self._templates is not None:
            self._templates.compile(payload)

    def _render(self, _: int, payload: bytes) -> None:
        if self._templates is not None:
            self._templates.render(payload)

    def _ping(self, _: int, __: bytes) -> None:
        self._connection.send(frames.make_frame(frames.PONG, 0))

    def _stop(self, _: int, __: bytes) -> None:
        self._stop_within(_STOP_GRACE, 0)

    def _live(self, _: int, __: bytes) -> None:
        self._requests.is_live = True
        self._run_deferred()

    def _run_deferred(self) -> None:
        deferred, self._deferred = self._deferred, []
        for plugin, function, arguments in deferred:
            try:
                result = function(*arguments)
                if asyncio.iscoroutine(result):
                    asyncio.get_running_loop().create_task(_watch(plugin, result))
            except BaseException:  # noqa: BLE001
                log.exception("plugin %s: what it had put off failed", plugin)

    def _fail(self, channel: int, error: BaseException) -> None:
        self._connection.send_json(frames.FAILED, channel, describe(error))

    def _stop_within(self, seconds: float, status: int) -> None:
        if self._stopping is not None and not self._connection.has_ended:
            return
        # Also when a plugin blocks the loop.
        signal.signal(signal.SIGALRM, lambda *_: os._exit(status))
        signal.setitimer(signal.ITIMER_REAL, seconds)
        if self._stopping is None:
            self._stopping = asyncio.get_running_loop().create_task(self._cancel_all(status))

    async def _cancel_all(self, status: int) -> None:
        instances = list(self._instances.values())
        for instance in instances:
            instance.cancel()
        for instance in instances:
            await instance.ended()
        if not self._connection.has_ended:
            await self._connection.sent()
        _exit(status)


async def _watch(plugin: str, work: Any) -> None:
    try:
        await work
    except BaseException:  # noqa: BLE001
        log.exception("plugin %s: what it had put off failed", plugin)


def _exit(status: int) -> None:
    """Without waiting for threads of plugins."""
    try:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001  (a closed pipe)
        pass
    os._exit(status)


def _prepare_process() -> socket.socket:
    if os.getpgrp() != os.getpid():
        try:
            os.setpgid(0, 0)
        except OSError:
            pass  # leads a session
    close_inherited_descriptors((_SOCKET, _PIPE))
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    sys.stderr.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    logging.raiseExceptions = False
    return socket.socket(fileno=_SOCKET)


def main() -> None:
    """Serves the engine until it says so, or goes."""
    sock = _prepare_process()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_task_factory(make_task)
    hosts: List[Host] = []  # keeps it
    loop.call_soon(lambda: hosts.append(Host(sock)))
    while True:
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt) as error:  # of a task that a plugin has made
            log.error("a task of a plugin raised %s: it is ignored", type(error).__name__)
