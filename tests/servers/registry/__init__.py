"""Turns Apicurio Registry into a schema registry of the tests', as clients of Confluent's know it."""

from __future__ import annotations

import http.client
import shutil
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

from tests.servers.process import HOST, Server, not_here

JARS: Final = Path(__file__).parents[3] / ".servers/registry"
"""Where `make servers` puts what pom.xml names."""


class Registry(Server):
    """A schema registry. Takes its properties: ``Registry({"quarkus.http.limits.max-body-size": "10K"})``.

    Unlike Confluent's it asks for no compatibility unless told to.
    """

    name: ClassVar = "Registry"
    package: ClassVar = "default-jre-headless"

    def __init__(self, properties: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.properties = dict(properties or {})

    @property
    def url(self) -> str:
        """What clients call schema.registry.url."""
        return f"http://{HOST}:{self.port}/apis/ccompat/v7"

    def program(self) -> Path | None:
        if not any(JARS.glob("*-runner.jar")):
            not_here(self.name, "`make servers` fetches it; it needs Maven (Debian's package maven)")
        java = shutil.which("java")
        return Path(java) if java else None

    def command(self, program: Path) -> Sequence[str | Path]:
        (jar,) = JARS.glob("*-runner.jar")
        properties = {
            "quarkus.http.host": HOST,
            "quarkus.http.port": str(self.port),
            "quarkus.datasource.jdbc.url": f"jdbc:h2:file:{self.folder}/data;FILE_LOCK=FS",
            "quarkus.datasource.jdbc.initial-size": "2",
            "quarkus.datasource.jdbc.min-size": "2",
            "java.io.tmpdir": str(self.folder),
            **self.properties,
        }
        set_all = [f"-D{name}={value}" for name, value in properties.items()]
        return (program, "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *set_all, "-jar", jar)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/subjects", timeout=2) as answer:  # noqa: S310 - http, our own
                return bool(answer.status == http.client.OK)
        except http.client.HTTPException:
            return False
