"""Turns lines on standard input into readers of offers: many connections of one process, some of which never read.

Each line is a JSON object with ``do``: ``open`` (with ``paths``, and ``stall``), ``storm`` (all that read go, and come
back), ``report`` or ``close``. Each is answered with one JSON object when it is done.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import sys
import time
from typing import Any, Final

import uvloop

AT_ONCE: Final = 100
"""Connections that are being made at the same time."""
STALLED_BYTES: Final = 2_048
"""What the system may hold for a reader that never reads."""
AGAIN_SECONDS: Final = 0.2
PATIENCE: Final = 5.0


class Reader(asyncio.Protocol):
    """One connection that reads. Notes the id of each offer, and when it came."""

    def __init__(self, readers: Readers, path: str) -> None:
        self.readers = readers
        self.path = path
        self.begun = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        transport.write(request(self.path))  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"id: "):
                self.readers.received.append((self.path, line[4:].decode(), now))
            elif line.startswith(b"retry: ") and not self.begun.done():
                self.begun.set_result(None)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.begun.done():
            self.begun.set_exception(ConnectionError("lost before it began"))
        elif self.readers.open.get(self.path) is self:
            self.readers.lost += 1


class Readers:
    """All connections of this process."""

    def __init__(self, port: int) -> None:
        self.address = ("127.0.0.1", port)
        self.open: dict[str, Reader] = {}
        self.stalled: list[socket.socket] = []
        self.received: list[tuple[str, str, float]] = []
        self.lost = 0

    async def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        match command["do"]:
            case "open":
                await self._all(command["paths"], stall=command["stall"])
            case "storm":
                paths = list(self.open)
                self._drop()
                await self._all(paths, stall=False)
            case "close":
                self._drop()
                for each in self.stalled:
                    each.close()
                self.stalled.clear()
            case "report":
                received, self.received = self.received, []
                return {"received": received, "lost": self.lost}
        return {}

    async def _all(self, paths: list[str], *, stall: bool) -> None:
        free = asyncio.Semaphore(AT_ONCE)

        async def one(path: str) -> None:
            async with free:
                await (self._stall(path) if stall else self._read(path))

        await asyncio.gather(*(one(path) for path in paths))

    async def _read(self, path: str) -> None:
        loop = asyncio.get_running_loop()
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                _, reader = await loop.create_connection(lambda: Reader(self, path), *self.address)
                await reader.begun
            except OSError:
                if time.monotonic() > deadline:
                    self.lost += 1
                    return
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                self.open[path] = reader
                return

    async def _stall(self, path: str) -> None:
        loop = asyncio.get_running_loop()
        stalled = socket.socket()
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, STALLED_BYTES)
        stalled.setblocking(False)
        await loop.sock_connect(stalled, self.address)
        await loop.sock_sendall(stalled, request(path))
        self.stalled.append(stalled)

    def _drop(self) -> None:
        dropped, self.open = self.open, {}
        for reader in dropped.values():
            if reader.transport is not None:
                reader.transport.abort()


def request(path: str) -> bytes:
    """The request for a stream."""
    return f"GET {path} HTTP/1.1\r\nHost: shop\r\nAccept: text/event-stream\r\n\r\n".encode()


async def main() -> None:
    """Obey until standard input ends."""
    readers = Readers(int(sys.argv[1]))
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await readers.obey(json.loads(line))), flush=True)


if __name__ == "__main__":
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(main())
