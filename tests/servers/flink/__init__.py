"""Turns Apache Flink's jars into a cluster of the tests': one process, with JobManager, TaskManager and SQL Gateway."""

from __future__ import annotations

import http.client
import json
import shutil
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

from tests.servers.process import HOST, Server, free_port, not_here

JARS: Final = Path(__file__).parents[3] / ".servers/flink"
"""Where `make servers` puts what pom.xml names."""
ARCHIVE: Final = JARS / "flink.jsa"
"""The classes that a run loaded, made by `archive`; there need not be one."""
_PROGRAM: Final = Path(__file__).parent / "Cluster.java"
_SETTINGS: Final = {
    "jobmanager.rpc.address": HOST,
    "jobmanager.bind-host": HOST,
    "taskmanager.host": HOST,
    "taskmanager.bind-host": HOST,
    "jobmanager.execution.failover-strategy": "region",
    "rest.address": HOST,
    "rest.bind-address": HOST,
    "sql-gateway.endpoint.rest.address": HOST,
    "sql-gateway.endpoint.rest.bind-address": HOST,
    "execution.target": "remote",
    "taskmanager.numberOfTaskSlots": 8,
    "taskmanager.memory.managed.size": "128m",
    "taskmanager.memory.network.min": "64m",
    "taskmanager.memory.network.max": "64m",
    "parallelism.default": 1,
    "restart-strategy.type": "disable",
}
_OPENED: Final = ("lang", "net", "io", "nio", "util", "text", "time", "util.concurrent", "util.concurrent.atomic")
"""Packages of Java that Flink looks into, as its own scripts allow it."""
_JAVA: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true")
"""Made for a quick start."""


class Flink(Server):
    """A Flink. Takes settings of config.yaml: ``Flink({"parallelism.default": 2})``."""

    name: ClassVar = "Flink"
    package: ClassVar = "default-jre-headless"

    def __init__(
        self, settings: Mapping[str, object] | None = None, *, megabytes: int = 768, java: Sequence[str] = _JAVA
    ) -> None:
        super().__init__()
        self.settings = dict(settings or {})
        self.megabytes = megabytes
        self._options = java
        self._rest = free_port()

    @property
    def gateway(self) -> str:
        """The address of its SQL Gateway."""
        return f"http://{HOST}:{self.port}"

    @property
    def jobmanager(self) -> str:
        """The address of its JobManager's REST API."""
        return f"http://{HOST}:{self._rest}"

    def program(self) -> Path | None:
        if not any(JARS.glob("flink-runtime-*.jar")):
            not_here(self.name, "`make servers` fetches its jars; it needs Maven (Debian's package maven)")
        java = shutil.which("java")
        return Path(java) if java else None

    def prepare(self, program: Path) -> None:
        (self.folder / "tmp").mkdir()
        places = {
            "rest.port": self._rest,
            "sql-gateway.endpoint.rest.port": self.port,
            "io.tmp.dirs": str(self.folder / "tmp"),
            "execution.checkpointing.savepoint-dir": (self.folder / "savepoints").as_uri(),
        }
        settings = {**_SETTINGS, **places, **self.settings}
        lines = (f"{name}: {json.dumps(value)}\n" for name, value in settings.items())
        (self.folder / "config.yaml").write_text("".join(lines))

    def command(self, program: Path) -> Sequence[str | Path]:
        opened = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in _OPENED]
        archive = [f"-XX:SharedArchiveFile={ARCHIVE}"] if ARCHIVE.exists() else []
        options = (
            f"-Xmx{self.megabytes}m",
            *self._options,
            *archive,
            *opened,
            f"-Djava.io.tmpdir={self.folder / 'tmp'}",
        )
        return (program, *options, "-cp", JARS / "*", "org.codehaus.janino.SimpleCompiler", _PROGRAM, "Cluster")

    def environment(self) -> dict[str, str]:
        return {"FLINK_CONF_DIR": str(self.folder)}

    def answers(self) -> bool:
        return _is_ok(f"{self.gateway}/v1/info") and _is_ok(f"{self.jobmanager}/overview")


def _is_ok(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - http, our own
            return bool(answer.status == http.client.OK)
    except http.client.HTTPException:
        return False
