"""Turns a large row of state into pieces that Redis takes one by one, and a reference that is saved in its stead.

A script's arguments are copied a few times while nobody else is served: 32 MB held Redis up for 0.2 to 0.6 s.
Pieces come before the save, under a key of their own that goes by itself in an hour; the save makes it stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from footfall.servers.redis import RedisServer

PIECE: Final = 1024 * 1024
"""A row of more bytes is kept in pieces of so many."""
_SECONDS: Final = 3_600
"""How long pieces are kept that no save has named."""
_BEGINS: Final = b"large "
"""How a reference begins. It is shorter than any row of Arrow's."""


@dataclass(frozen=True, slots=True)
class Large:
    """A reference to pieces."""

    key: str
    pieces: int
    size: int

    @classmethod
    def read(cls, data: bytes) -> Large | None:
        """The reference in a row's place; None if it is the row itself."""
        if not data.startswith(_BEGINS):
            return None
        key, pieces, size = data.removeprefix(_BEGINS).decode().split()
        return cls(key, int(pieces), int(size))

    def __bytes__(self) -> bytes:
        return _BEGINS + f"{self.key} {self.pieces} {self.size}".encode()


def send(server: RedisServer, data: pa.Buffer) -> Large:
    """Send the pieces of a row."""
    large = Large(f"footfall:large:{server.new_id()}", -(-data.size // PIECE), data.size)
    for number in range(large.pieces):
        piece = memoryview(data)[number * PIECE : (number + 1) * PIECE]
        server.ask(("HSET", large.key, number, piece), ("EXPIRE", large.key, _SECONDS))
    return large


def fetch(server: RedisServer, large: Large) -> bytes | None:
    """The row; None if it is gone by now."""
    pieces: list[bytes] = []
    for number in range(large.pieces):
        [piece] = server.ask(("HGET", large.key, number))
        if piece is None:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def forget(server: RedisServer, keys: list[str]) -> None:
    """Remove pieces that a save did not take."""
    if keys:
        server.ask(("UNLINK", *keys))
