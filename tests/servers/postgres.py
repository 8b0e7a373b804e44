"""Turns Debian's PostgreSQL into a cluster of the tests', with an empty database for each who asks."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import psycopg

from tests.servers.process import HOST, Server

USER: Final = "footfall"
PASSWORD: Final = "open-sesame"  # noqa: S105 - of a server that is gone in a minute
_PLACES: Final = Path("/usr/lib/postgresql")
"""Where Debian keeps each version's programs."""
_SETTINGS: Final = {
    "fsync": "off",  # a killed process loses nothing by it, only a machine would
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "unix_socket_directories": "",
}


class Postgres(Server):
    """A PostgreSQL. Takes settings of postgresql.conf: ``Postgres(fsync="on", max_connections=5)``."""

    name: ClassVar = "PostgreSQL"
    package: ClassVar = "postgresql"
    user: ClassVar = "postgres"  # it refuses root
    polite: ClassVar = signal.SIGINT  # SIGTERM would wait for the clients

    def __init__(self, **settings: object) -> None:
        super().__init__()
        self.settings: Mapping[str, object] = {**_SETTINGS, **settings}
        self._databases = 0

    @property
    def url(self) -> str:
        """A database that all tests share; `database` gives one of your own."""
        return self._url("postgres")

    def database(self) -> str:
        """The URL of a new, empty database."""
        self._databases += 1
        name = f"test_{self._databases}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgresql://{USER}:{PASSWORD}@{HOST}:{self.port}/{database}"

    def program(self) -> Path | None:
        found = shutil.which("postgres")
        installed = sorted(_PLACES.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
        return Path(found) if found else installed[-1] if installed else None

    def prepare(self, program: Path) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        who = ("--username", USER, "--pwfile", secret, "--auth", "scram-sha-256")
        text = ("--encoding", "UTF8", "--locale", "C.UTF-8")
        self.run(program.with_name("initdb"), "--no-sync", "--pgdata", self.folder / "data", *who, *text)

    def command(self, program: Path) -> Sequence[str | Path]:
        settings = {**self.settings, "port": self.port, "listen_addresses": HOST}
        options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        return (program, "-D", self.folder / "data", *options)

    def answers(self) -> bool:
        """It refuses while it recovers."""
        try:
            with psycopg.connect(self.url, connect_timeout=2) as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False
