# SPDX-License-Identifier: Apache-2.0
from peers.peer import Peer, need


class Mosquitto(Peer):
    """An MQTT broker. `options`: further lines of its configuration."""

    def __init__(self, options=()):
        super().__init__()
        self.options = list(options)

    def command(self):
        configuration = self.folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", "persistence true", f"persistence_location {self.folder}/"]
        if not any(line.startswith("allow_anonymous") for line in self.options):
            lines.append("allow_anonymous true")
        configuration.write_text("\n".join(lines + self.options) + "\n")
        return [need("mosquitto", "mosquitto"), "-c", configuration]
