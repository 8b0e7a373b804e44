"""Turns Debian's rabbitmq-server into a broker of the tests', apart from any other on the machine."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from tests.servers.process import HOST, Server, free_port, until

_GREETING: Final = b"AMQP\x00\x00\x09\x01"
_START: Final = 1
"""The type of the frame in which a broker introduces itself."""
_SCRIPT: Final = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""Debian's own; the one on the PATH would change to another user and to its folders."""
_ERLANG: Final = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
"""Waits without using the processor, and listens to this machine alone."""


class RabbitMQ(Server):
    """A RabbitMQ. Takes lines of rabbitmq.conf: ``RabbitMQ("channel_max = 10")``."""

    name: ClassVar = "RabbitMQ"
    package: ClassVar = "rabbitmq-server"

    def __init__(self, *lines: str) -> None:
        super().__init__()
        self.lines = lines
        self._peers = free_port()
        self._names = free_port()
        self._name_server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its default virtual host, as the default user."""
        return f"amqp://guest:guest@{HOST}:{self.port}/"

    def program(self) -> Path | None:
        return _SCRIPT if _SCRIPT.is_file() and shutil.which("epmd") else None

    def prepare(self, program: Path) -> None:
        lines = ("disk_free_limit.absolute = 50MB", "vm_memory_high_watermark.absolute = 512MB", *self.lines)
        (self.folder / "rabbitmq.conf").write_text("".join(f"{line}\n" for line in lines))
        (self.folder / "plugins").write_text("[].\n")

    def environment(self) -> dict[str, str]:
        folder = str(self.folder)
        return {
            "HOME": folder,  # nodes that share a cookie talk to each other
            "ERL_EPMD_PORT": str(self._names),
            "ERL_EPMD_ADDRESS": HOST,
            "RABBITMQ_NODENAME": "footfall@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._peers),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_LOG_BASE": f"{folder}/logs",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG,
            "RUNNING_UNDER_SYSTEMD": "1",  # then the process is the broker, with no shell above it
        }

    def command(self, program: Path) -> Sequence[str | Path]:
        if self._name_server is None:  # left to itself, the broker would start one that outlives it
            self._name_server = self.spawn(("epmd", "-port", str(self._names), "-address", HOST))
            until(lambda: listens(self._names), what="epmd answers")
        return (program,)

    def answers(self) -> bool:
        with socket.create_connection((HOST, self.port), timeout=2) as connection:
            connection.sendall(_GREETING)
            return connection.recv(1) == bytes([_START])

    def stop(self) -> None:
        super().stop()
        self._stop_name_server()

    def close(self) -> None:
        super().close()
        self._stop_name_server()

    def _stop_name_server(self) -> None:
        if self._name_server is not None:
            self._name_server.kill()
            self._name_server.wait()
            self._name_server = None


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False
