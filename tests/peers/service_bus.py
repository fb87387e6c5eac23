# SPDX-License-Identifier: Apache-2.0
"""A namespace of Azure Service Bus, played: the public service cannot be reached from a test. It has the node $cbs, which
verifies signed tokens; queues with locks that run out; $management, which renews and settles by lock token; a queue of dead
letters beside each queue. Run as a program it is the server, and takes orders as lines of JSON on a port of their own."""
import base64
import collections
import hashlib
import hmac
import importlib.util
import json
import pathlib
import queue
import socket
import sys
import threading
import time
import urllib.parse
import uuid

from peers.peer import Peer, free_port, missing

KEY_NAME = "RootManageSharedAccessKey"
KEY = base64.b64encode(b"a key of these tests only").decode()
DEAD = "/$deadletterqueue"


def need_proton():
    """Makes the module importable: Debian's Python has it, which need not be the one that runs the tests."""
    if not importlib.util.find_spec("proton"):
        sys.path.append("/usr/lib/python3/dist-packages")
    if not importlib.util.find_spec("proton"):
        missing("proton", "python3-qpid-proton")


class ServiceBus(Peer):
    """`lock`: seconds that a message stays locked. `certificate`: PEM file with a key; turns TLS on."""

    def __init__(self, queues=("orders",), lock=30.0, certificate=None):
        super().__init__()
        self.queues = queues
        self.lock = lock
        self.certificate = certificate
        self.control = free_port()

    def command(self):
        need_proton()
        settings = {"port": self.port, "control": self.control, "queues": self.queues, "lock": self.lock,
                    "certificate": self.certificate}
        return [sys.executable, "-B", "-m", "peers.service_bus", json.dumps(settings)]

    def environment(self):
        return {**super().environment(), "PYTHONPATH": str(pathlib.Path(__file__).resolve().parent.parent)}

    def is_ready(self):
        try:
            self.ask("state")
            return super().is_ready()
        except OSError:
            return False

    def connection_string(self, key=KEY, host="127.0.0.1"):
        emulator = "" if self.certificate else ";UseDevelopmentEmulator=true"
        return f"Endpoint=sb://{host}:{self.port}/;SharedAccessKeyName={KEY_NAME};SharedAccessKey={key}{emulator}"

    def ask(self, what, **more):
        with socket.create_connection(("127.0.0.1", self.control), timeout=20) as connection:
            connection.sendall(json.dumps({"what": what, **more}).encode() + b"\n")
            return json.loads(connection.makefile().readline())

    def send(self, body, name="orders", **more):
        """`kind`: value (as AMQP value), data (a text, as bytes), hex (bytes), raw (hex; no message at all), large (that many
        bytes)."""
        self.ask("send", queue=name, body=body, **more)

    def state(self):
        return self.ask("state")


def serve(settings):
    """The server's process."""
    need_proton()
    from proton import Condition, Delivery, Message, int32, symbol, timestamp
    from proton.handlers import MessagingHandler
    from proton.reactor import ApplicationEvent, Container, EventInjector

    class Lock:
        def __init__(self, message, delivery, entity):
            self.message = message
            self.delivery = delivery
            self.entity = entity
            self.tag = uuid.uuid4().hex[:16]  # the binding takes texts only
            self.token = uuid.UUID(bytes_le=self.tag.encode())
            self.until = 0.0

    def path_of(address):
        path = urllib.parse.urlparse(address).path if "://" in address else address
        return path.lstrip("/").lower()

    def refusal_of(properties, token):
        """What a token is answered, and until when it is valid."""
        if properties.get("operation") != "put-token" or properties.get("type") != "servicebus.windows.net:sastoken":
            return 400, "bad request", 0
        if not isinstance(token, str) or not token.startswith("SharedAccessSignature "):
            return 401, "InvalidSignature: no token", 0
        fields = dict(part.split("=", 1) for part in token.split(" ", 1)[1].split("&"))
        signed = f"{fields['sr']}\n{fields['se']}".encode()
        right = base64.b64encode(hmac.new(KEY.encode(), signed, hashlib.sha256).digest()).decode()
        if fields.get("skn") != KEY_NAME or urllib.parse.unquote(fields["sig"]) != right:
            return 401, "InvalidSignature: The token has an invalid signature.", 0
        if int(fields["se"]) < time.time():
            return 401, "ExpiredToken: The token is expired.", 0
        if urllib.parse.unquote(fields["sr"]) != properties.get("name"):
            return 401, "InvalidAudience: The token is for something else.", 0
        return 202, "Accepted", int(fields["se"])

    class Namespace(MessagingHandler):
        def __init__(self):
            super().__init__(prefetch=0, auto_accept=False, auto_settle=False)
            self.waiting = {name.lower(): collections.deque() for name in settings["queues"]}
            for name in list(self.waiting):
                self.waiting[name + DEAD] = collections.deque()
            self.claims = {}  # connection: {path: valid until}
            self.replies = {}  # (connection, path): link
            self.receivers = {}  # link: path
            self.locks = {}  # token: Lock
            self.refused = {}  # link: condition
            self.completed = []
            self.counts = collections.Counter()

        def on_start(self, event):
            self.container = event.container
            if settings["certificate"]:
                event.container.ssl.server.set_credentials(settings["certificate"], settings["certificate"], None)
            scheme = "amqps" if settings["certificate"] else "amqp"
            event.container.listen(f"{scheme}://127.0.0.1:{settings['port']}")
            self.injector = EventInjector()
            event.container.selectable(self.injector)
            threading.Thread(target=self.take_orders, daemon=True).start()
            event.container.schedule(0.1, self)

        # --- orders of the test: a thread reads them, the container's thread obeys

        def take_orders(self):
            with socket.create_server(("127.0.0.1", settings["control"])) as listener:
                while True:
                    connection = listener.accept()[0]
                    with connection:
                        line = connection.makefile().readline()
                        if not line:
                            continue
                        answers = queue.Queue()
                        self.injector.trigger(ApplicationEvent("order", subject=(json.loads(line), answers)))
                        connection.sendall(json.dumps(answers.get()).encode() + b"\n")

        def on_order(self, event):
            order, answers = event.subject
            answers.put(getattr(self, "obey_" + order.pop("what"))(**order))
            self.pump()

        def obey_send(self, queue, body, kind="value", **more):  # pylint: disable=redefined-outer-name
            if kind == "raw":
                message = bytes.fromhex(body)
            else:
                body = {"value": lambda: body, "data": lambda: body.encode(), "hex": lambda: bytes.fromhex(body),
                        "large": lambda: b"x" * int(body)}[kind]()
                message = Message(body=body, inferred=kind != "value", id=more.get("id", str(uuid.uuid4())))
                message.annotations = {symbol("x-opt-enqueued-time"): timestamp(int(time.time() * 1000))}
            self.waiting[queue.lower()].append(message)

        def obey_state(self):
            return {"waiting": {name: len(messages) for name, messages in self.waiting.items()},
                    "locked": len(self.locks), "completed": self.completed, "counts": self.counts,
                    "receivers": len(self.receivers)}

        def obey_detach(self):
            for link in list(self.receivers):
                link.condition = Condition("amqp:link:detach-forced", "The link was idle.")
                link.close()
                del self.receivers[link]

        def obey_drop(self):
            for connection in {link.connection for link in self.receivers}:
                connection.condition = Condition("amqp:connection:forced", "The node goes down.")
                connection.close()

        # --- links

        def on_link_opening(self, event):
            link = event.link
            address = (link.remote_source if link.is_sender else link.remote_target).address
            path = path_of(address or "")
            condition = self.condition_for(link, path)
            if condition:
                self.refused[link] = condition
                return
            link.source.copy(link.remote_source)
            link.target.copy(link.remote_target)
            link.snd_settle_mode = link.remote_snd_settle_mode
            link.rcv_settle_mode = link.remote_rcv_settle_mode
            if link.is_receiver:
                link.flow(1000)
            elif path == "$cbs" or path.endswith("/$management"):
                self.replies[link.connection, path] = link
            else:
                self.receivers[link] = path
                self.counts["attached"] += 1

        def condition_for(self, link, path):
            if path == "$cbs":
                return None
            if not self.is_authorized(link.connection, path):
                return Condition("amqp:unauthorized-access", "Unauthorized access. 'Listen' claim(s) are required.")
            if path not in self.waiting and path.removesuffix("/$management") not in self.waiting:
                return Condition("amqp:not-found", f"The messaging entity '{path}' could not be found.")
            return None

        def is_authorized(self, connection, path):
            return any((path + "/").startswith(claimed + "/") and until > time.time()
                       for claimed, until in self.claims.get(connection, {}).items())

        def on_link_local_open(self, event):
            if event.link in self.refused:
                event.link.condition = self.refused.pop(event.link)
                event.link.close()

        def on_link_closed(self, event):
            self.receivers.pop(event.link, None)

        def on_connection_closed(self, event):
            self.forget(event.connection)

        def on_disconnected(self, event):
            self.forget(event.connection)

        def forget(self, connection):
            self.receivers = {link: path for link, path in self.receivers.items() if link.connection != connection}
            self.claims.pop(connection, None)
            for lock in [lock for lock in self.locks.values() if lock.delivery.connection == connection]:
                self.unlock(lock)
            self.pump()

        # --- requests

        def on_message(self, event):
            path = path_of(event.receiver.remote_target.address)
            event.delivery.update(Delivery.ACCEPTED)
            event.delivery.settle()
            event.receiver.flow(1)
            if path == "$cbs":
                self.put_token(event.connection, event.message)
            else:
                self.manage(event.connection, path, event.message)

        def put_token(self, connection, request):
            status, text, until = refusal_of(request.properties, request.body)
            self.counts[f"token {status}"] += 1
            if until:
                self.claims.setdefault(connection, {})[path_of(request.properties["name"])] = until
            answer = Message(properties={"status-code": int32(status), "status-description": text})
            answer.correlation_id = request.id
            self.replies[connection, "$cbs"].send(answer)

        def manage(self, connection, path, request):
            operation = request.properties["operation"]
            locks = [self.locks.get(token) for token in request.body["lock-tokens"].elements]
            body = {}
            status = 410
            if all(locks):
                status = 200
                if operation == "com.microsoft:renew-lock":
                    body = {"expirations": [self.renew(lock) for lock in locks]}
                else:
                    assert request.body["disposition-status"] in ("completed", "suspended"), request.body
                    for lock in locks:
                        self.settle(lock, request.body["disposition-status"] == "completed")
            self.counts[f"{operation} {status}"] += 1
            answer = Message(body=body, properties={"statusCode": int32(status), "statusDescription": ""})
            answer.correlation_id = request.id
            self.replies[connection, path].send(answer)

        # --- messages

        def on_sendable(self, event):
            self.pump()

        def renew(self, lock):
            lock.until = time.time() + settings["lock"]
            return timestamp(int(lock.until * 1000))

        def pump(self):
            for link, path in list(self.receivers.items()):
                while self.waiting[path] and link.credit > 0:
                    self.deliver(link, path, self.waiting[path].popleft())

        def deliver(self, link, path, message):
            lock = Lock(message, None, path)
            until = self.renew(lock)
            self.counts["delivered"] += 1
            lock.delivery = link.delivery(lock.tag)
            if isinstance(message, Message):
                message.annotations = {**message.annotations, symbol("x-opt-locked-until"): until}
                link.stream(message.encode())
            else:
                link.stream(message)
            link.advance()
            self.locks[lock.token] = lock

        def unlock(self, lock):
            self.locks.pop(lock.token)
            if isinstance(lock.message, Message):
                lock.message.delivery_count += 1
            self.waiting[lock.entity].appendleft(lock.message)

        def settle(self, lock, is_done):
            self.locks.pop(lock.token)
            if is_done:
                self.completed.append(lock.message.id if isinstance(lock.message, Message) else "raw")
            else:
                self.waiting[lock.entity.removesuffix(DEAD) + DEAD].append(lock.message)

        def on_delivery(self, event):
            delivery = event.delivery
            if not delivery.link.is_sender or not delivery.updated:
                return
            state = delivery.remote_state
            lock = next((lock for lock in self.locks.values() if lock.delivery == delivery), None)
            if path_of(delivery.link.remote_source.address or "") in self.waiting and state and not lock:
                self.counts["too late"] += 1
                delivery.local.condition = Condition("com.microsoft:message-lock-lost", "The lock has run out.")
                delivery.update(Delivery.REJECTED)
            elif lock and state in (Delivery.ACCEPTED, Delivery.REJECTED):
                self.settle(lock, state == Delivery.ACCEPTED)
                delivery.update(state)
            elif lock:
                self.counts["released"] += 1
                self.unlock(lock)
                delivery.update(state)
            delivery.settle()
            self.pump()

        def on_timer_task(self, event):
            now = time.time()
            for lock in [lock for lock in self.locks.values() if lock.until < now]:
                self.counts["ran out"] += 1
                self.unlock(lock)
            for link, path in list(self.receivers.items()):
                if not self.is_authorized(link.connection, path):
                    self.counts["expired"] += 1
                    link.condition = Condition("amqp:unauthorized-access", "ExpiredToken: The token is expired.")
                    link.close()
                    del self.receivers[link]
            self.pump()
            event.container.schedule(0.1, self)

    Container(Namespace()).run()


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
