# SPDX-License-Identifier: Apache-2.0
import collections
import http.server
import json
import socket
import threading
import time
import urllib.parse

PAGE = 10  # templates of one page


class Controller:
    """Plays the REST API of an automation controller, in a thread of the test: templates, labels, launches, running jobs.

    with Controller() as controller:
        controller.add_template("deploy", outcomes=["failed", "successful"])
        controller.fault("POST", "/launch/", 503, "drop")

    A fault is a status, "drop" (the connection ends without an answer), "half" (it ends in the middle of one), or a number
    of seconds as a float, after which the answer comes. Each serves one request."""

    def __init__(self, token="open-sesame", port=0):
        self.token = token
        self.port = port
        self.requests = []  # (method, path with query, body)
        self.templates = []
        self.labels = {}  # (name, organization): id
        self.jobs = {}
        self.looks = 2  # at a job, until it has ended
        self.most_launched = 0
        self._faults = collections.defaultdict(list)
        self._lock = threading.Lock()
        self._server = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        """On the port that it had before."""
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.controller = self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server.end_connections()
        self._server = None

    def add_template(self, name, outcomes=("successful",), kind="job_template", organization="Default", artifacts=None, **more):
        """The n-th job of it ends as the n-th of `outcomes` says, all later ones as the last."""
        number = len(self.templates) + 1
        self.templates.append({
            "id": number, "type": kind, "name": name, "outcomes": list(outcomes), "artifacts": artifacts or {},
            "summary_fields": {"organization": {"id": 7, "name": organization}},
            "related": {"launch": f"/api/v2/{kind}s/{number}/launch/"}, **more})

    def fault(self, method, part, *faults):
        """What happens to the next requests whose path has that part."""
        with self._lock:
            self._faults[method, part] += faults

    def bodies(self, part):
        return [body for method, path, body in list(self.requests) if method == "POST" and part in path]

    def paths(self, part):
        return [path for method, path, _ in list(self.requests) if method == "GET" and part in path]

    def take_fault(self, method, path):
        with self._lock:
            for (its_method, part), faults in self._faults.items():
                if its_method == method and part in path and faults:
                    return faults.pop(0)
        return None

    def answer(self, method, path, query, body):
        """(status, value) of a request."""
        with self._lock:
            if path == "/api/v2/config/":
                return 200, {"version": "4.5.0"}
            if path == "/api/v2/unified_job_templates/":
                return 200, self._find_templates(query)
            if path == "/api/v2/labels/":
                return self._make_label(body) if method == "POST" else (200, self._find_labels(query))
            if path.endswith("/launch/") and method == "POST":
                return self._launch(path, body)
            if path in ("/api/v2/jobs/", "/api/v2/workflow_jobs/"):
                return 200, self._look(query, workflow="workflow" in path)
        return 404, {"detail": "Not found."}

    def _find_templates(self, query):
        found = [entry for entry in self.templates if entry["name"] == query["name"][0]]
        begin = PAGE * (int(query.get("page", ["1"])[0]) - 1)
        following = None
        if begin + PAGE < len(found):
            following = "/api/v2/unified_job_templates/?" + urllib.parse.urlencode(
                {"name": query["name"][0], "page": begin // PAGE + 2})
        return {"count": len(found), "next": following, "previous": None, "results": found[begin:begin + PAGE]}

    def _find_labels(self, query):
        found = [{"id": number, "name": name, "organization": organization}
                 for (name, organization), number in self.labels.items() if name == query["name"][0]]
        return {"count": len(found), "next": None, "results": found}

    def _make_label(self, body):
        key = body["name"], body["organization"]
        if key in self.labels:
            return 400, {"__all__": ["Label with this Name and Organization already exists."]}
        self.labels[key] = len(self.labels) + 1
        return 201, {"id": self.labels[key], "name": key[0], "organization": key[1]}

    def _launch(self, path, body):
        (entry,) = [entry for entry in self.templates if entry["related"]["launch"] == path]
        outcomes = entry["outcomes"]
        number = len(self.jobs) + 1
        self.jobs[number] = {
            "id": number, "status": "pending", "created": "2026-11-21T10:00:00Z", "artifacts": {}, "looks": 0,
            "workflow": entry["type"].startswith("workflow"), "outcome": outcomes.pop(0) if len(outcomes) > 1 else outcomes[0],
            "result": entry["artifacts"], "arguments": body}
        running = [job for job in self.jobs.values() if job["status"] != job["outcome"]]
        self.most_launched = max(self.most_launched, len(running))
        return 201, self._shown(self.jobs[number])

    def _look(self, query, workflow):
        found = []
        for number in map(int, query["id__in"][0].split(",")):
            job = self.jobs.get(number)
            if job is None or job["workflow"] != workflow:
                continue
            job["looks"] += 1
            job["status"] = "running"
            if job["looks"] >= self.looks:
                job["status"] = job["outcome"]
                job["artifacts"] = job["result"]
            found.append(self._shown(job))
        return {"count": len(found), "next": None, "results": found[:int(query["page_size"][0])]}

    @staticmethod
    def _shown(job):
        return {key: job[key] for key in ("id", "status", "created", "artifacts")}


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.connections = set()

    def process_request(self, request, client_address):
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.connections.discard(request)
        super().shutdown_request(request)

    def end_connections(self):
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def handle_error(self, request, client_address):
        pass  # clients that go away are no news


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._serve()

    def do_POST(self):
        self._serve()

    def _serve(self):
        controller = self.server.controller
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
        controller.requests.append((self.command, self.path, body))
        fault = controller.take_fault(self.command, self.path)
        if fault in ("drop", "half"):
            if fault == "half":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
            self.close_connection = True
            return
        if isinstance(fault, float):
            time.sleep(fault)
        status, value = (fault, {"detail": "a fault of the test"}) if isinstance(fault, int) else self._answer(controller, body)
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _answer(self, controller, body):
        if self.headers.get("Authorization") != f"Bearer {controller.token}":
            return 401, {"detail": "Authentication credentials were not provided."}
        where = urllib.parse.urlsplit(self.path)
        return controller.answer(self.command, where.path, urllib.parse.parse_qs(where.query), body)
