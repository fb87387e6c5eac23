# SPDX-License-Identifier: Apache-2.0
"""What all real servers that tests start have in common: a folder and a free port of the loopback of their own, started
and stopped by process id. A server that is not installed skips the test; where CI is set, it fails it."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

STARTING = 60.0  # seconds
STOPPING = 20.0
GONE = 2.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def missing(what, package):
    text = f"{what} is missing: scripts/setup --develop installs {package}"
    if os.environ.get("CI"):
        raise AssertionError(text)
    raise unittest.SkipTest(text)


def need(program, package, folders=()):
    """The path of a program, which Debian's package has."""
    found = shutil.which(program, path=os.pathsep.join([*map(str, folders), os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))
    return found or missing(program, package)


class Peer:
    """A server. Subclasses say how to start it (command()) and when it is ready (is_ready()); what it writes is kept in
    folder/log, and shown when it does not start.

    with Mosquitto() as broker:
        … broker.port … broker.kill() … broker.start()
    """

    def __init__(self):
        self._kept = tempfile.TemporaryDirectory(prefix="millrace-peer-")
        self.folder = pathlib.Path(self._kept.name)
        self.port = free_port()
        self.process = None

    def command(self):
        raise NotImplementedError

    def is_ready(self):
        """Whether it answers; by default, whether its port is open."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def environment(self):
        return dict(os.environ)

    def user(self):
        """Who runs it; None: whoever runs the test."""
        return None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        self._kept.cleanup()

    def start(self):
        """Starts it, on the same port as before, and waits until it is ready."""
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, env=self.environment(), user=self.user(), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + STARTING
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                said = (self.folder / "log").read_text(errors="replace")[-4000:]
                raise AssertionError(f"{type(self).__name__} did not start:\n{said}")
            time.sleep(0.02)

    def stop(self):
        """In its own way, with everything that it has started."""
        self._end(signal.SIGTERM)

    def kill(self):
        """At once, as a crash would."""
        self._end(signal.SIGKILL)

    def pause(self):
        """Connections stay open, nobody answers."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.killpg(self.process.pid, signal.SIGCONT)

    def _end(self, how):
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGCONT)
            os.killpg(self.process.pid, how)
            self.process.wait(STOPPING)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            pass
        finally:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()
            self._wait_for_children(self.process.pid)
            self.process = None

    @staticmethod
    def _wait_for_children(group):
        """They die with it, but not at once: until then the port is theirs."""
        end = time.monotonic() + GONE
        while time.monotonic() < end:
            try:
                os.killpg(group, 0)
            except (ProcessLookupError, PermissionError):
                return
            time.sleep(0.01)
