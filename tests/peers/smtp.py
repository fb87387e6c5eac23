# SPDX-License-Identifier: Apache-2.0
import email
import email.policy
import json
import pathlib
import subprocess
import sys

from peers.peer import Peer, missing


class SmtpServer(Peer):
    """A mail server. `security`: none, starttls or tls, with a `certificate` (PEM files: certificate, key); `user`: who may
    send, a name and a password; `answers`: to the first mails, instead of 250; `hang` is none."""

    def __init__(self, security="none", certificate=None, user=None, answers=()):
        super().__init__()
        self.options = {"security": security, "certificate": certificate, "user": user, "answers": list(answers),
                        "port": self.port}

    def command(self):
        # The distribution's Python has the distribution's packages.
        for python in dict.fromkeys([sys.executable, "/usr/bin/python3"]):
            if subprocess.run([python, "-c", "import aiosmtpd"], capture_output=True, check=False).returncode == 0:
                program = pathlib.Path(__file__).with_name("smtp_server.py")
                return [python, "-B", program, json.dumps(self.options)]
        return missing("aiosmtpd", "python3-aiosmtpd")

    def _lines(self, name):
        file = self.folder / name
        return [json.loads(line) for line in file.read_text("ascii").splitlines()] if file.exists() else []

    def tries(self):
        return self._lines("tries")

    def mails(self):
        """What was taken: envelopes, and the parsed message under `message`."""
        mails = self._lines("mails")
        for mail in mails:
            mail["message"] = email.message_from_string(mail["content"], policy=email.policy.default)
        return mails
