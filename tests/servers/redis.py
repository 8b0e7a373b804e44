"""Turns Debian's redis-server into a Redis of the tests'. It keeps nothing over a restart, unless told to."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from tests.servers.process import HOST, Server

_PING = b"PING\r\n"


class Redis(Server):
    """A Redis. Takes more arguments of redis-server: ``Redis("--appendonly", "yes", "--appendfsync", "always")``."""

    name: ClassVar = "Redis"
    package: ClassVar = "redis-server"

    def __init__(self, *arguments: str) -> None:
        super().__init__()
        self.arguments = arguments

    @property
    def url(self) -> str:
        """Its database 0."""
        return f"redis://{HOST}:{self.port}/0"

    def program(self) -> Path | None:
        found = shutil.which("redis-server")
        return Path(found) if found else None

    def command(self, program: Path) -> Sequence[str | Path]:
        place = ("--bind", HOST, "--port", str(self.port), "--dir", self.folder)
        return (program, *place, "--save", "", "--appendonly", "no", "--daemonize", "no", *self.arguments)

    def answers(self) -> bool:
        """It says LOADING, not PONG, while it reads its files."""
        with socket.create_connection((HOST, self.port), timeout=1) as connection:
            connection.sendall(_PING)
            return connection.recv(64).startswith(b"+PONG")
