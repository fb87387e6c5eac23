# SPDX-License-Identifier: Apache-2.0
import json
import urllib.error
import urllib.request

from peers.peer import Peer, need

CONFIGURATION = """
route: {{receiver: millrace, group_by: [alertname], group_wait: 100ms, group_interval: 1s, repeat_interval: 1h}}
receivers:
- name: millrace
  webhook_configs:
  - url: {url}
    send_resolved: true
    http_config: {{{options}}}
"""


class Alertmanager(Peer):
    """Prometheus' Alertmanager, which posts its notifications to `url`; with a `token`, that it shows."""

    def __init__(self, url, token=None):
        super().__init__()
        self.url = url
        self.token = token

    def command(self):
        options = f"authorization: {{credentials: {json.dumps(self.token)}}}" if self.token else ""
        (self.folder / "alertmanager.yml").write_text(CONFIGURATION.format(url=self.url, options=options))
        return [need("prometheus-alertmanager", "prometheus-alertmanager"), "--config.file", "alertmanager.yml",
                "--storage.path", self.folder / "data", f"--web.listen-address=127.0.0.1:{self.port}",
                "--cluster.listen-address="]

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False

    def alert(self, *alerts):
        """Gives it alerts, each a dictionary with `labels` at least."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v2/alerts", json.dumps(alerts).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()

    def log(self):
        return (self.folder / "log").read_text(errors="replace")
