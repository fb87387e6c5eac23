# SPDX-License-Identifier: Apache-2.0
import os
import subprocess

from peers.peer import Peer, free_port, need


class Mosquitto(Peer):
    """An MQTT broker. `options`: further lines of its configuration; `users`: passwords by name, then nobody else gets in.
    With `certificate` and `key` (PEM files) it speaks TLS on tls_port, too."""

    def __init__(self, options=(), users=None, certificate=None, key=None):
        super().__init__()
        self.options = list(options)
        self.users = users or {}
        self.certificate, self.key = certificate, key
        self.tls_port = free_port()

    def command(self):
        configuration = self.folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", "persistence true", f"persistence_location {self.folder}/"]
        if os.getuid() == 0:
            lines.append("user root")  # or it changes to a user who may not read its files
        if self.certificate:
            lines += [f"listener {self.tls_port} 127.0.0.1", f"certfile {self.certificate}", f"keyfile {self.key}"]
        if self.users:
            lines += [f"password_file {self.write_passwords()}", "allow_anonymous false"]
        elif not any(line.startswith("allow_anonymous") for line in self.options):
            lines.append("allow_anonymous true")
        configuration.write_text("\n".join(lines + self.options) + "\n")
        return [need("mosquitto", "mosquitto"), "-c", configuration]

    def write_passwords(self):
        file = self.folder / "passwords"
        file.write_text("".join(f"{name}:{password}\n" for name, password in self.users.items()))
        subprocess.run([need("mosquitto_passwd", "mosquitto"), "-U", file], check=True)
        return file
