# SPDX-License-Identifier: Apache-2.0
import fcntl
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from peers.peer import STARTING, Peer, missing, need

PROGRAMS = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
TEMPLATES = pathlib.Path(__file__).resolve().parents[2] / "build/peers"
SUPERUSER = "postgres"
PASSWORD = "right-password"  # of the superuser


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


class PostgreSQL(Peer):
    """A database server: user `postgres`, database `postgres`. With `authentication`, connections need PASSWORD; with `tls`, a
    pair of PEM files (certificate, key), it offers TLS."""

    def __init__(self, authentication=False, tls=None, options=()):
        super().__init__()
        self.password = PASSWORD if authentication else None
        self.tls = tls
        self.options = list(options)
        self.data = self.folder / "data"
        self._make()

    def user(self):
        """PostgreSQL does not run as root."""
        if os.geteuid() != 0:
            return None
        try:
            return pwd.getpwnam(SUPERUSER).pw_name
        except KeyError:
            return missing("the user postgres", "postgresql-15")

    def dsn(self, port=None, password=None):
        """For libpq; `port` of a proxy before it."""
        text = f"host=127.0.0.1 port={port or self.port} user={SUPERUSER} dbname=postgres"
        password = password or self.password
        return f"{text} password={password}" if password else text

    def command(self):
        settings = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}",
                    "fsync=off", "max_connections=20", "shared_buffers=16MB", "log_min_messages=warning", *self.options]
        if self.tls:
            settings += ["ssl=on", "ssl_cert_file=server.crt", "ssl_key_file=server.key"]
        return [need("postgres", "postgresql-15", PROGRAMS), "-D", self.data,
                *[word for setting in settings for word in ("-c", setting)]]

    def is_ready(self):
        return subprocess.run([need("pg_isready", "postgresql-15", PROGRAMS), "-q", "-h", "127.0.0.1", "-p", str(self.port)],
                              check=False).returncode == 0

    def stop(self):
        """Without waiting for clients to go."""
        self._end(signal.SIGINT)

    def pause(self):
        self._signal(signal.SIGSTOP)

    def resume(self):
        self._signal(signal.SIGCONT)

    def _signal(self, number):
        """Every process: each is in a session of its own."""
        parent = self.process.pid
        os.kill(parent, number)
        for child in pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split():
            os.kill(int(child), number)

    def sql(self, *statements):
        """Each in a transaction of its own; the answer's lines."""
        done = subprocess.run(
            [need("psql", "postgresql-client-15"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.dsn()],
            input=";\n".join(statements) + ";\n", capture_output=True, text=True, encoding="utf-8", timeout=STARTING)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout.splitlines()

    def notify(self, channel, *payloads):
        self.sql(*(f"SELECT FROM pg_notify({quoted(channel)}, {quoted(payload)})" for payload in payloads))

    def _own(self, path):
        if self.user() is not None:
            owner = pwd.getpwnam(self.user())
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def _make(self):
        """A data folder that is a copy: to make one takes seconds."""
        initdb = need("initdb", "postgresql-15", PROGRAMS)
        TEMPLATES.mkdir(parents=True, exist_ok=True)
        template = TEMPLATES / f"postgresql-{pathlib.Path(initdb).parts[-3]}-{self.user() or os.geteuid()}.tar"
        with open(TEMPLATES / "postgresql.lock", "a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not template.exists():
                self._make_template(initdb, template)
        self._own(self.folder)
        subprocess.run(["tar", "--extract", "--preserve-permissions", "--file", template], cwd=self.folder, check=True)
        method = "trust" if self.password is None else "scram-sha-256"
        (self.data / "pg_hba.conf").write_text(
            f"local all all trust\nhost all all 127.0.0.1/32 {method}\n", encoding="ascii")
        for source, name in zip(self.tls or (), ("server.crt", "server.key")):
            copy = self.data / name
            shutil.copy(source, copy)
            copy.chmod(0o600)
            self._own(copy)

    def _make_template(self, initdb, template):
        with tempfile.TemporaryDirectory(prefix="millrace-peer-") as folder:
            self._own(folder)
            password = pathlib.Path(folder, "password")
            password.write_text(f"{PASSWORD}\n", encoding="ascii")
            self._own(password)
            subprocess.run([initdb, "-D", "data", "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync",
                            "--pwfile", password], cwd=folder, user=self.user(), stdout=subprocess.DEVNULL, check=True)
            partial = template.with_suffix(".partial")
            subprocess.run(["tar", "--create", "--file", partial, "data"], cwd=folder, check=True)
            partial.rename(template)
