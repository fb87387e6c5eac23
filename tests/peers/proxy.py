# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy of the loopback that can be as bad as a network."""
import selectors
import socket
import threading
import time

TICK = 0.02  # seconds
PART = 65536


class Proxy:
    """Hands connections on to a port. While frozen, both sides stay connected and hear nothing; cut() ends all connections
    at once; slow() limits what passes in a second, in each direction of a connection (None: no limit).

    with Proxy(broker.port) as proxy:
        … proxy.port … proxy.freeze() … proxy.thaw() … proxy.cut()
    """

    def __init__(self, target_port):
        self.target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._pairs = []
        self._flows = threading.Event()
        self._flows.set()
        self._rate = None
        self._ended = False
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def freeze(self):
        """Also new connections: they are taken, and nothing passes."""
        self._flows.clear()

    def thaw(self):
        self._flows.set()

    def slow(self, bytes_per_second):
        self._rate = bytes_per_second

    def cut(self):
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                _shut(end)

    def close(self):
        self._ended = True
        _shut(self._listener)
        self._listener.close()
        self.cut()

    def _accept(self):
        while not self._ended:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.target_port))
        except OSError:
            client.close()
            return
        with self._lock:
            self._pairs.append((client, server))
        back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
        back.start()
        self._pump(client, server)
        back.join()
        client.close()
        server.close()

    def _pump(self, reader, writer):
        """Until one of the two has ended; then both have."""
        with selectors.DefaultSelector() as ready:
            ready.register(reader, selectors.EVENT_READ)
            try:
                while not self._ended:
                    if not self._flows.is_set() or not ready.select(TICK):
                        self._flows.wait(TICK)
                        continue
                    rate = self._rate
                    part = reader.recv(max(1, int(rate * TICK)) if rate else PART)
                    if not part:
                        break
                    writer.sendall(part)
                    if rate:
                        time.sleep(len(part) / rate)
            except OSError:
                pass
        _shut(reader)
        _shut(writer)


def _shut(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
