# SPDX-License-Identifier: Apache-2.0
import pathlib
import subprocess
import tempfile

from peers.peer import need

BOOT = "0123456789abcdef0123456789abcdef"
BEGIN = 1_700_000_000_000_000  # microseconds


class Journal:
    """A journal in a folder of its own, written by systemd's own program.

    with Journal() as journal:
        journal.append({"MESSAGE": "one"}, {"MESSAGE": b"\\xff", "TAG": ["a", "b"]})
    """

    def __init__(self):
        self.writer = need("systemd-journal-remote", "systemd-journal-remote", ["/usr/lib/systemd", "/lib/systemd"])
        self._kept = tempfile.TemporaryDirectory(prefix="millrace-journal-")
        self.folder = pathlib.Path(self._kept.name)
        self.file = self.folder / "one.journal"
        self._entries = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._kept.cleanup()

    def append(self, *entries, file=None):
        """A second after the other; to another file of the folder, where one is named."""
        text = b""
        for entry in entries:
            self._entries += 1
            text += self._line("__REALTIME_TIMESTAMP", str(BEGIN + self._entries * 1_000_000))
            text += self._line("__MONOTONIC_TIMESTAMP", str(self._entries * 1_000_000))
            text += self._line("_BOOT_ID", BOOT)
            for name, values in entry.items():
                for value in values if isinstance(values, list) else [values]:
                    text += self._line(name, value)
            text += b"\n"
        subprocess.run([self.writer, "-o", self.folder / (file or self.file.name), "-"], input=text, check=True,
                       capture_output=True, timeout=30)

    @staticmethod
    def _line(name, value):
        data = value if isinstance(value, bytes) else str(value).encode()
        if b"\n" in data or isinstance(value, bytes):
            return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
        return name.encode() + b"=" + data + b"\n"
