# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that does to connections what networks do."""
import socket
import threading
import time

from peers.peer import free_port

BLOCK = 65536
TICK = 0.02  # seconds


class Proxy:
    """Forwards connections to its port to a port of the loopback.

    with Proxy(server.port) as proxy:
        … proxy.port … proxy.freeze() … proxy.thaw() … proxy.cut() … proxy.slow(1000)
    """

    def __init__(self, target_port):
        self.target_port = target_port
        self.port = free_port()
        self.connections = 0  # so far
        self._rate = None
        self._flowing = threading.Event()
        self._flowing.set()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._sockets = set()
        self._threads = []
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.settimeout(TICK)
        self._start(self._accept)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def freeze(self):
        """Connections stay open and new ones are taken; nothing gets through."""
        self._flowing.clear()

    def thaw(self):
        self._flowing.set()

    def cut(self):
        """Ends all connections at once, with a reset; new ones are taken."""
        with self._lock:
            ended, self._sockets = self._sockets, set()
        for one in ended:
            self._reset(one)

    def slow(self, bytes_per_second):
        """In each direction of each connection from now on; None: as fast as it goes."""
        self._rate = bytes_per_second

    def close(self):
        self._ended.set()
        self._flowing.set()
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join()

    def _start(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.connections += 1
            try:
                server = socket.create_connection(("127.0.0.1", self.target_port))
            except OSError:
                self._reset(client)
                continue
            with self._lock:
                self._sockets |= {client, server}
            self._start(self._forward, client, server)
            self._start(self._forward, server, client)

    def _forward(self, reader, writer):
        try:
            while not self._ended.is_set():
                rate = self._rate
                block = reader.recv(BLOCK if rate is None else max(1, int(rate * TICK)))
                self._flowing.wait()
                if not block:
                    writer.shutdown(socket.SHUT_WR)
                    return
                writer.sendall(block)
                if rate is not None:
                    time.sleep(len(block) / rate)
        except OSError:
            self._end(reader)
            self._end(writer)

    def _end(self, one):
        with self._lock:
            self._sockets.discard(one)
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        one.close()

    @staticmethod
    def _reset(one):
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            one.shutdown(socket.SHUT_RDWR)  # wakes whoever reads from it
        except OSError:
            pass
        one.close()
