# SPDX-License-Identifier: Apache-2.0
"""A websocket server that audits runs and hands out work, on threads of this process. It keeps every message, and can
refuse tokens, drop and close connections, and go away for a while."""
import asyncio
import base64
import http
import http.server
import json
import threading

from peers.peer import free_port, missing

try:
    import websockets
except ImportError:
    websockets = None


def encoded(text):
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


class AuditServer:
    """`assignment`: messages for workers, before EndOfResponse. `tokens`: those that are let in; None: everybody.
    `tls`: an ssl.SSLContext. `endings`: for each connection in turn, (after how many messages, close code); 0: it is dropped.

    with AuditServer() as server:
        … server.url … server.messages …
    """

    def __init__(self, assignment=(), tokens=None, endings=(), tls=None):
        if websockets is None:
            missing("the Python module websockets", "python3-websockets")
        self.assignment = list(assignment)
        self.tokens = tokens
        self.endings = list(endings)
        self.port = free_port()
        self._tls = tls
        self.url = f"{'wss' if tls else 'ws'}://127.0.0.1:{self.port}/api/ws"
        self.messages = []
        self.refused = []
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._server = None
        self._thread = None

    def __enter__(self):
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def start(self):
        self._call(self._start())

    def stop(self):
        """Goes away, with its connections (1001)."""
        if self._server is not None:
            self._call(self._stop())

    def of_type(self, name):
        return [message for message in list(self.messages) if message["type"] == name]

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    async def _start(self):
        self._server = await websockets.serve(self._serve, "127.0.0.1", self.port, ssl=self._tls,
                                              process_request=self._let_in)

    async def _stop(self):
        self._server.close()
        await self._server.wait_closed()
        self._server = None

    async def _let_in(self, _path, headers):
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        if self.tokens is None or token in self.tokens:
            return None
        self.refused.append(token)
        return http.HTTPStatus.FORBIDDEN, [], b"no\n"

    async def _serve(self, socket, _path=None):
        self.connections += 1
        count, code = self.endings.pop(0) if self.endings else (None, 0)
        taken = 0
        try:
            async for text in socket:
                message = json.loads(text)
                self.messages.append(message)
                taken += 1
                if count is not None and taken >= count:
                    return await self._end(socket, code)
                if message["type"] == "Worker":
                    await self._assign(socket)
        except websockets.ConnectionClosed:
            pass

    async def _end(self, socket, code):
        """What was read, and perhaps acknowledged, before the end is kept."""
        if code:
            await socket.close(code)
        else:
            socket.transport.abort()
        try:
            while True:
                self.messages.append(json.loads(await socket.recv()))
        except websockets.ConnectionClosed:
            pass

    async def _assign(self, socket):
        for part in self.assignment:
            await socket.send(json.dumps(part))
        await socket.send(json.dumps({"type": "EndOfResponse"}))


class TokenServer:
    """Renews access tokens: answers every POST with `access`."""

    def __init__(self, access, status=200):
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                size = int(self.headers.get("Content-Length", 0))
                owner.requests.append(json.loads(self.rfile.read(size)))
                body = json.dumps({"access": access}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.requests = []
        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/token"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
