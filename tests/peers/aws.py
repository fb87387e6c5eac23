# SPDX-License-Identifier: Apache-2.0
"""Two services of Amazon, played: SQS with queues whose messages are hidden for a while, and CloudTrail with pages. Both verify
the signature of every request (SigV4), with botocore's code, too, where that is installed."""
import collections
import hashlib
import hmac
import http.server
import importlib.util
import json
import sys
import threading
import time
import uuid

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
REGION = "eu-test-1"


def canonical_request(method, path, headers, names, body):
    lines = [method, path, "", *(f"{name}:{' '.join(headers[name].split())}" for name in names), "", ";".join(names),
             hashlib.sha256(body).hexdigest()]
    return "\n".join(lines)


def signature_of(secret, scope, at, canonical):
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = "\n".join(["AWS4-HMAC-SHA256", at, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def botocore_signature(url, headers, names, body, scope):
    """What botocore makes of the same request; None without botocore."""
    if not importlib.util.find_spec("botocore"):
        sys.path.append("/usr/lib/python3/dist-packages")
    if not importlib.util.find_spec("botocore"):
        return None
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    _, region, service, _ = scope.split("/")
    request = AWSRequest("POST", url, {name: headers[name] for name in names}, body)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), service, region)
    return signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)


class Refusal(Exception):
    def __init__(self, name, status=400):
        super().__init__(name)
        self.status = status


class Aws:
    """Both services on one port of the loopback. `faults`: statuses with which the next requests are answered."""

    def __init__(self, queues=("orders",)):
        self.queues = {name: [] for name in queues}
        self.trail = []
        self.deleted = []
        self.faults = collections.deque()
        self.calls = collections.Counter()
        self.requests = []  # (time, operation, input)
        self.lock = threading.Lock()
        self.port = 0
        self.server = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """On the same port as before."""
        services = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                services.serve(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # clients may go at any time

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def settings(self):
        return {"endpoint_url": self.url(), "region": REGION, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY}

    def send(self, body, queue="orders"):
        with self.lock:
            self.queues[queue].append({"MessageId": str(uuid.uuid4()), "Body": body, "visible": 0.0, "receives": 0})

    def record(self, name, at):
        with self.lock:
            self.trail.append({"EventId": str(uuid.uuid4()), "EventName": name, "EventTime": at,
                               "CloudTrailEvent": json.dumps({"eventName": name})})

    # --- the wire

    def serve(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        status, answer = 200, {}
        try:
            if self.faults:
                raise Refusal("InternalFailure", self.faults.popleft())
            self.check_signature(handler.path, headers, body)
            operation = headers["x-amz-target"].split(".")[-1]
            answer = self.dispatch(operation, json.loads(body))
        except Refusal as refusal:
            self.calls[f"refused {refusal}"] += 1
            status, answer = refusal.status, {"__type": f"com.amazonaws#{refusal}", "message": "as played"}
        if self.server is None:  # connections that are still open end with the server
            handler.close_connection = True
            return
        text = json.dumps(answer).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def check_signature(self, path, headers, body):
        fields = dict(part.strip().split("=", 1) for part in headers["authorization"].split(" ", 1)[1].split(","))
        key, scope = fields["Credential"].split("/", 1)
        names = fields["SignedHeaders"].split(";")
        if key != ACCESS_KEY:
            raise Refusal("InvalidClientTokenId", 403)
        if not {"host", "x-amz-date", "x-amz-target", "content-type"} <= set(names) <= set(headers):
            raise Refusal("IncompleteSignature", 403)
        canonical = canonical_request("POST", path, headers, names, body)
        right = {signature_of(SECRET_KEY, scope, headers["x-amz-date"], canonical)}
        theirs = botocore_signature(f"http://{headers['host']}{path}", headers, names, body, scope)
        if right | {theirs or fields["Signature"]} != {fields["Signature"]}:
            raise Refusal("SignatureDoesNotMatch", 403)

    def dispatch(self, operation, given):
        with self.lock:
            self.calls[operation] += 1
            self.requests.append((time.monotonic(), operation, given))
        return getattr(self, operation)(**given)

    # --- SQS

    def queue_at(self, url):
        name = url.rsplit("/", 1)[-1]
        if name not in self.queues:
            raise Refusal("QueueDoesNotExist")
        return self.queues[name]

    def GetQueueUrl(self, QueueName):
        url = f"{self.url()}000000000000/{QueueName}"
        self.queue_at(url)
        return {"QueueUrl": url}

    def ReceiveMessage(self, QueueUrl, MaxNumberOfMessages, WaitTimeSeconds, VisibilityTimeout=30):
        end = time.monotonic() + WaitTimeSeconds
        while True:
            with self.lock:
                now = time.monotonic()
                found = [m for m in self.queue_at(QueueUrl) if m["visible"] <= now][:MaxNumberOfMessages]
                for message in found:
                    message["visible"] = now + VisibilityTimeout
                    message["receives"] += 1
                    message["receipt"] = f"{message['MessageId']}:{message['receives']}"
                if found:
                    return {"Messages": [{"MessageId": m["MessageId"], "Body": m["Body"], "ReceiptHandle": m["receipt"]}
                                         for m in found]}
            if now >= end or not self.server:
                return {}
            time.sleep(0.02)

    def for_each(self, url, entries, action):
        answer = {"Successful": [], "Failed": []}
        with self.lock:
            queue = self.queue_at(url)
            for entry in entries:
                found = [m for m in queue if m.get("receipt") == entry["ReceiptHandle"]]
                if found:
                    action(queue, found[0], entry)
                answer["Successful" if found else "Failed"].append({"Id": entry["Id"]})
        return answer

    def DeleteMessageBatch(self, QueueUrl, Entries):
        def delete(queue, message, _):
            queue.remove(message)
            self.deleted.append(message["Body"])
        return self.for_each(QueueUrl, Entries, delete)

    def ChangeMessageVisibilityBatch(self, QueueUrl, Entries):
        def hide(_, message, entry):
            message["visible"] = time.monotonic() + entry["VisibilityTimeout"]
        return self.for_each(QueueUrl, Entries, hide)

    # --- CloudTrail

    def LookupEvents(self, StartTime, NextToken="0", LookupAttributes=(), EventCategory=None):
        with self.lock:
            found = [event for event in self.trail if event["EventTime"] >= StartTime and
                     all(event.get(a["AttributeKey"]) == a["AttributeValue"] for a in LookupAttributes)]
        found.sort(key=lambda event: -event["EventTime"])
        begin = int(NextToken)
        answer = {"Events": found[begin:begin + 2]}
        if begin + 2 < len(found):
            answer["NextToken"] = str(begin + 2)
        return answer
