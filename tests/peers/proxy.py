# SPDX-License-Identifier: Apache-2.0
import selectors
import socket
import threading
import time

PIECE = 65536


class Proxy:
    """Stands between a client and a server of the loopback, and can behave badly. freeze(): connections stay open and nothing
    passes, as when a cable is pulled; thaw(); cut(): connections are reset, new ones are taken; slow(n): bytes a second, in
    each direction of each connection."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.connections = 0
        self._frozen = threading.Event()
        self._rate = None
        self._ending = False
        self._pairs = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def freeze(self):
        self._frozen.set()

    def thaw(self):
        self._frozen.clear()

    def slow(self, bytes_per_second):
        self._rate = bytes_per_second

    def cut(self):
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                self._reset(end)

    def stop(self):
        self._ending = True
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    @staticmethod
    def _reset(end):
        try:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        end.close()

    def _accept(self):
        self._listener.settimeout(0.1)
        while not self._ending:
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.target_port), 5)
        except OSError:
            self._reset(client)
            return
        with self._lock:
            self._pairs.append((client, server))
        try:
            self._pump(client, server)
        except (OSError, ValueError):
            pass
        finally:
            client.close()
            server.close()

    def _pump(self, client, server):
        with selectors.DefaultSelector() as waiting:
            waiting.register(client, selectors.EVENT_READ, server)
            waiting.register(server, selectors.EVENT_READ, client)
            while not self._ending:
                if self._frozen.is_set():
                    time.sleep(0.02)
                    continue
                for key, _ in waiting.select(0.05):
                    rate = self._rate
                    data = key.fileobj.recv(PIECE if rate is None else max(1, rate // 20))
                    if not data:
                        return
                    key.data.sendall(data)
                    if rate is not None:
                        time.sleep(len(data) / rate)
