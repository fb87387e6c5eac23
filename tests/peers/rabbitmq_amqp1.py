# SPDX-License-Identifier: Apache-2.0
import os

from peers.peer import Peer, free_port, need
from peers.service_bus import need_proton


class RabbitMqAmqp1(Peer):
    """RabbitMQ as a broker of AMQP 1.0, with the user guest; queues are named /queue/NAME."""

    def __init__(self):
        super().__init__()
        need_proton()
        self.names = free_port()  # of the Erlang daemon that knows the nodes' ports
        self.distribution = free_port()

    def command(self):
        server = need("rabbitmq-server", "rabbitmq-server", ["/usr/lib/rabbitmq/bin"])
        (self.folder / "plugins").write_text("[rabbitmq_amqp1_0].\n")
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nloopback_users.guest = true\n")
        # The daemon would start by itself, in a session of its own, and stay.
        return ["sh", "-c", f'epmd -address 127.0.0.1 -port {self.names} & exec "{server}"']

    def environment(self):
        folder = self.folder
        return {**os.environ, "HOME": str(folder), "RABBITMQ_NODENAME": f"millrace{self.port}@localhost",
                "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"), "RABBITMQ_MNESIA_BASE": str(folder / "data"),
                "RABBITMQ_LOG_BASE": str(folder / "logs"), "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
                "RABBITMQ_PID_FILE": str(folder / "pid"), "ERL_EPMD_ADDRESS": "127.0.0.1",
                "ERL_EPMD_PORT": str(self.names), "RABBITMQ_DIST_PORT": str(self.distribution),
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none"}

    def connection_string(self, password="guest"):
        return (f"Endpoint=sb://127.0.0.1:{self.port};SharedAccessKeyName=guest;SharedAccessKey={password};"
                "UseDevelopmentEmulator=true")

    def _connect(self):
        from proton.utils import BlockingConnection
        return BlockingConnection(f"amqp://guest:guest@127.0.0.1:{self.port}", timeout=20, allowed_mechs="PLAIN")

    def send(self, bodies, queue):
        from proton import Message
        connection = self._connect()
        try:
            sender = connection.create_sender(f"/queue/{queue}")
            for body in bodies:
                sender.send(Message(body=body, durable=True))
        finally:
            connection.close()

    def rest(self, queue):
        """Takes what is left in the queue; how many messages."""
        from proton import Timeout
        connection = self._connect()
        count = 0
        try:
            receiver = connection.create_receiver(f"/queue/{queue}", credit=100)
            while True:
                receiver.receive(timeout=1)
                receiver.accept()
                count += 1
        except Timeout:
            return count
        finally:
            connection.close()
