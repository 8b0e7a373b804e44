"""Passes bytes between a client and a PostgreSQL server, and loses the answers to COMMIT that it is told to lose."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from enum import StrEnum
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

COMMIT: Final = b"COMMIT\x00"
"""How a query of that text ends on the wire."""


class Loss(StrEnum):
    """What is lost when a line is cut at a COMMIT."""

    ANSWER = "answer"
    """The server has committed, and said so to nobody."""
    SIGHT = "sight"
    """The server got it; what became of it is open when the client sees the cut."""
    QUESTION = "question"
    """The server never got it."""


class Cutter:
    """A line to a server that can be cut at the next COMMIT. As a context manager, it ends with the block."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "", parts.port or 0)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = url.replace(f":{parts.port}/", f":{self._door.getsockname()[1]}/")
        self.next: Loss | None = None
        """What the next COMMIT loses. None: nothing."""
        self.lost = 0
        """How many times something was lost."""
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        for thread in self._threads:
            thread.join()

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                self._start(self._pass, client)

    def _pass(self, client: socket.socket) -> None:
        """Both ways, until one side ends it or it is cut."""
        with client, contextlib.suppress(OSError), socket.create_connection(self._server) as server:
            tail = b""
            while True:
                ready, _, _ = select.select([client, server], [], [])
                if client in ready:
                    if not (data := client.recv(1 << 16)):
                        return
                    tail = (tail + data)[-len(COMMIT) :]
                    if self.next is not None and tail == COMMIT:
                        self._cut(server, data)
                        return
                    server.sendall(data)
                if server in ready:
                    if not (data := server.recv(1 << 16)):
                        return
                    client.sendall(data)

    def _cut(self, server: socket.socket, data: bytes) -> None:
        if self.next is not Loss.QUESTION:
            server.sendall(data)
        if self.next is Loss.ANSWER:
            server.recv(1 << 16)
        self.next, self.lost = None, self.lost + 1
