# SPDX-License-Identifier: Apache-2.0
import fcntl
import pathlib
import shutil
import subprocess

from peers.peer import Peer, free_port, missing, need

HERE = pathlib.Path(__file__).resolve().parent
JARS = HERE.parent.parent / "build" / "peers" / "kafka"
FETCHING = 600  # seconds
CLUSTER = "bWlsbHJhY2UtdGVzdHMtMQ"
JAVA = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-XX:-UsePerfData",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]


def jars():
    """The folder with the broker's jars: Maven brings them once, however many tests ask at a time."""
    maven = need("mvn", "maven")
    JARS.parent.mkdir(parents=True, exist_ok=True)
    with open(JARS.parent / "kafka.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if JARS.exists():
            return JARS
        unfinished = JARS.with_name("kafka.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        fetched = subprocess.run(
            [maven, "-q", "-B", "-f", HERE / "kafka" / "pom.xml", "dependency:copy-dependencies", "-DincludeScope=runtime",
             f"-DoutputDirectory={unfinished}"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=FETCHING)
        if fetched.returncode != 0:
            missing("Apache Kafka", "maven, which needs a way to its repository: " + fetched.stdout[-500:])
        unfinished.rename(JARS)
    return JARS


class Kafka(Peer):
    """Apache Kafka, one node. Listeners: PLAINTEXT at `port`; SASL_PLAINTEXT (PLAIN and SCRAM-SHA-256) at `sasl_port`, with
    `users`; SSL and SASL_SSL at `tls_port` and `sasl_tls_port`, with `certificate`, a PEM file of certificate and key, and
    `authorities`, which makes clients show theirs. `advertised` is the port that clients of PLAINTEXT are told to come to.
    Topics are made when they are
    first asked for, of `partitions` partitions. `options`: further settings."""

    def __init__(self, users=None, certificate=None, authorities=None, advertised=None, partitions=1, options=()):
        super().__init__()
        self.users = dict(users or {})
        self.certificate = certificate
        self.authorities = authorities
        self.advertised = advertised
        self.partitions = partitions
        self.options = list(options)
        self.controller_port = free_port()
        self.sasl_port = free_port() if users else None
        self.tls_port = free_port() if certificate else None
        self.sasl_tls_port = free_port() if users and certificate else None

    def command(self):
        java, folder = need("java", "default-jre-headless"), jars()
        base = [java, *JAVA, "-cp", f"{folder}/*"]
        if not (self.folder / "data").exists():
            (self.folder / "server.properties").write_text("\n".join(self._properties()) + "\n")
            format_it = [*base, "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", self.folder / "server.properties"]
            for user, password in self.users.items():
                format_it += ["--add-scram", f"SCRAM-SHA-256=[name={user},password={password}]"]
            subprocess.run(format_it, check=True, capture_output=True, cwd=self.folder)
        return [*base, "kafka.Kafka", self.folder / "server.properties"]

    def is_ready(self):
        """The port opens late in the start, but a moment before the broker answers."""
        if not super().is_ready():
            return False
        asked = subprocess.run(["kcat", "-b", self.address, "-L", "-m", "2"], capture_output=True, text=True)
        return asked.returncode == 0 and "1 brokers" in asked.stdout

    @property
    def address(self):
        return f"127.0.0.1:{self.advertised or self.port}"

    def _listeners(self):
        """name, port, port that clients are told."""
        all_listeners = [("PLAINTEXT", self.port, self.advertised or self.port), ("SASL_PLAINTEXT", self.sasl_port, None),
                         ("SSL", self.tls_port, None), ("SASL_SSL", self.sasl_tls_port, None)]
        return [(name, port, told or port) for name, port, told in all_listeners if port]

    def _properties(self):
        listeners = self._listeners()
        lines = [
            "process.roles=broker,controller", "node.id=1", f"controller.quorum.voters=1@127.0.0.1:{self.controller_port}",
            "controller.listener.names=CONTROLLER", "inter.broker.listener.name=PLAINTEXT",
            "listeners=" + ",".join([f"{name}://127.0.0.1:{port}" for name, port, _ in listeners] +
                                    [f"CONTROLLER://127.0.0.1:{self.controller_port}"]),
            "advertised.listeners=" + ",".join(f"{name}://127.0.0.1:{told}" for name, _, told in listeners),
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT," + ",".join(f"{name}:{name}" for name, _, _ in listeners),
            f"log.dirs={self.folder}/data", f"num.partitions={self.partitions}", "offsets.topic.replication.factor=1",
            "offsets.topic.num.partitions=1", "transaction.state.log.replication.factor=1",
            "transaction.state.log.num.partitions=1", "transaction.state.log.min.isr=1",
            "group.initial.rebalance.delay.ms=0", "group.min.session.timeout.ms=1000", "num.network.threads=2",
            "num.io.threads=2", "background.threads=2", "log.cleaner.enable=false", "initial.broker.registration.timeout.ms=60000",
            "controlled.shutdown.enable=false", "broker.heartbeat.interval.ms=500", "broker.session.timeout.ms=3000",
        ]
        if self.users:
            entries = " ".join(f'user_{user}="{password}"' for user, password in self.users.items())
            lines.append("sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256")
            for name in ("sasl_plaintext", "sasl_ssl"):
                lines += [
                    f"listener.name.{name}.plain.sasl.jaas.config="
                    f"org.apache.kafka.common.security.plain.PlainLoginModule required {entries};",
                    f"listener.name.{name}.scram-sha-256.sasl.jaas.config="
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;"]
        if self.certificate:
            lines += ["ssl.keystore.type=PEM", f"ssl.keystore.location={self.certificate}"]
        if self.authorities:
            lines += ["ssl.truststore.type=PEM", f"ssl.truststore.location={self.authorities}", "ssl.client.auth=required"]
        return lines + self.options

    # --- what tests do with it

    def produce(self, topic, messages, *options):
        """Sends texts or bytes, a line each."""
        lines = b"".join((m if isinstance(m, bytes) else m.encode()) + b"\n" for m in messages)
        subprocess.run([need("kcat", "kcat"), "-q", "-b", self.address, "-t", topic, "-P", *options], input=lines, check=True,
                       timeout=60)

    def produce_whole(self, topic, body, *options):
        """One message of any bytes."""
        file = self.folder / "message"
        file.write_bytes(body)
        subprocess.run([need("kcat", "kcat"), "-q", "-b", self.address, "-t", topic, "-P", *options, str(file)], check=True,
                       timeout=60)

    def consume(self, topic, *options):
        """Everything that the topic holds, as lines."""
        read = subprocess.run([need("kcat", "kcat"), "-q", "-b", self.address, "-t", topic, "-C", "-e", "-o", "beginning",
                               *options], capture_output=True, check=True, timeout=60)
        return read.stdout.decode().splitlines()
