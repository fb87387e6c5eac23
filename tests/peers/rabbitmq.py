# SPDX-License-Identifier: Apache-2.0
import importlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys

from peers.peer import Peer, free_port, missing

SCRIPTS = pathlib.Path("/usr/lib/rabbitmq/bin")


class RabbitMQ(Peer):
    """A RabbitMQ server; `guest` with password `guest` may do everything. `options`: further lines of its configuration.
    With `certificate` and `key` (PEM files) it speaks TLS on tls_port, too. Names of its own in Erlang's world: it starts its
    own port mapper, and stops it."""

    def __init__(self, options=(), certificate=None, key=None):
        super().__init__()
        self.options = list(options)
        self.certificate, self.key = certificate, key
        self.mapper_port = free_port()
        self.distribution_port = free_port()
        self.tls_port = free_port()

    def command(self):
        if not (SCRIPTS / "rabbitmq-server").exists():
            missing("rabbitmq-server", "rabbitmq-server")
        lines = [f"listeners.tcp.1 = 127.0.0.1:{self.port}", "loopback_users = none", "log.console = true",
                 "log.file = false", "disk_free_limit.absolute = 1MB", "vm_memory_high_watermark.relative = 0.9"]
        if self.certificate:
            lines += [f"listeners.ssl.1 = 127.0.0.1:{self.tls_port}", f"ssl_options.certfile = {self.certificate}",
                      f"ssl_options.cacertfile = {self.certificate}", f"ssl_options.keyfile = {self.key}",
                      "ssl_options.verify = verify_none"]
        (self.folder / "rabbitmq.conf").write_text("\n".join(lines + self.options) + "\n")
        (self.folder / "enabled_plugins").write_text("[].\n")
        return [SCRIPTS / "rabbitmq-server"]

    def environment(self):
        loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
        return {
            **os.environ,
            "HOME": str(self.folder),  # where Erlang's cookie goes
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.mapper_port),
            "RABBITMQ_NODENAME": f"millrace{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": loopback + " +S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
        }

    def start(self):
        # Of its own, so that its process id is known; rabbitmq-server finds it running.
        mapper = shutil.which("epmd")
        if mapper is None:
            missing("epmd", "rabbitmq-server")
        self._mapper = subprocess.Popen([mapper], env=self.environment(), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        super().start()

    def _end(self, how):
        super()._end(how)
        mapper, self._mapper = getattr(self, "_mapper", None), None
        if mapper is not None:
            mapper.send_signal(signal.SIGKILL)
            mapper.wait()

    def control(self, *arguments):
        """rabbitmqctl, which takes a second or two."""
        subprocess.run([SCRIPTS / "rabbitmqctl", *arguments], env=self.environment(), check=True, capture_output=True,
                       timeout=60)

    def connect(self):
        """A connection of pika, another client."""
        parameters = pika().ConnectionParameters("127.0.0.1", self.port, heartbeat=600)
        return pika().BlockingConnection(parameters)


def pika():
    """The module, which Debian's Python has."""
    try:
        return importlib.import_module("pika")
    except ImportError:
        sys.path.append("/usr/lib/python3/dist-packages")
    try:
        return importlib.import_module("pika")
    except ImportError:
        return missing("pika", "python3-pika")
