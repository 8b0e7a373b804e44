"""Turns Apache Kafka's jars into a broker of the tests': one process, which is broker and controller (KRaft)."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.servers.process import HOST, Server, free_port, not_here

JARS: Final = Path(__file__).parents[3] / ".servers/kafka"
"""Where `make servers` puts what pom.xml names."""
_CLUSTER: Final = "Zm9vdGZhbGwtdGVzdHM_Pw"
_SETTINGS: Final = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "num.partitions": 1,
    "offsets.topic.num.partitions": 4,
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.num.partitions": 2,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 500,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "log.cleaner.dedupe.buffer.size": 8 << 20,
}
_JAVA: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true")
"""Made for a quick start."""


class Kafka(Server):
    """A Kafka. Takes settings of server.properties: ``Kafka({"message.max.bytes": 10_000})``."""

    name: ClassVar = "Kafka"
    package: ClassVar = "default-jre-headless"

    def __init__(self, settings: Mapping[str, object] | None = None) -> None:
        super().__init__()
        self.settings = dict(settings or {})
        self._controller = free_port()

    @property
    def address(self) -> str:
        """What clients call bootstrap.servers."""
        return f"{HOST}:{self.port}"

    def program(self) -> Path | None:
        if not any(JARS.glob("kafka_*.jar")):
            not_here(self.name, "`make servers` fetches its jars; it needs Maven (Debian's package maven)")
        java = shutil.which("java")
        return Path(java) if java else None

    def prepare(self, program: Path) -> None:
        settings = {**_SETTINGS, **self._places(), **self.settings}
        self._file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        format_it = ("kafka.tools.StorageTool", "format", "--cluster-id", _CLUSTER, "--config", self._file)
        self.run(*self._java(program, 128), *format_it)

    def command(self, program: Path) -> Sequence[str | Path]:
        return (*self._java(program, 512), "kafka.Kafka", self._file)

    def answers(self) -> bool:
        with socket.create_connection((HOST, self.port), timeout=1):
            pass
        asking: dict[str, str | int | float | bool] = {
            "bootstrap.servers": self.address,
            "log_level": 0,
            "socket.timeout.ms": 2000,
        }
        try:
            return bool(AdminClient(asking).list_topics(timeout=2).brokers)
        except KafkaException:
            return False

    @property
    def _file(self) -> Path:
        return self.folder / "server.properties"

    def _places(self) -> dict[str, object]:
        controller = f"{HOST}:{self._controller}"
        return {
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "controller.quorum.voters": f"1@{controller}",
            "log.dirs": self.folder / "data",
        }

    def _java(self, program: Path, megabytes: int) -> Sequence[str | Path]:
        temporary = f"-Djava.io.tmpdir={self.folder}"  # native libraries are unpacked there
        return (program, f"-Xmx{megabytes}m", *_JAVA, temporary, "-cp", JARS / "*")
