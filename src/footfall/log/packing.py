"""Turns many small rows of state into one, packed: when it is time to, the bytes, and the batches back.

For all that keep state as rows of Arrow streams. Rows are packed without reading what is in them: a packed row is
Zstandard frames one after the other, each a run of Arrow streams, so what is packed already is taken as it is.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import pyarrow as pa

from footfall.core.events import Batch

_PACKED: Final = b"\x28\xb5\x2f\xfd"
"""How a Zstandard frame begins; an Arrow stream begins with four bytes FF."""
_END: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""How an Arrow stream ends."""
_ZSTD: Final = pa.Codec("zstd", compression_level=1)


def block_of(number: int, rows: int) -> int:
    """How many rows the largest block has that ends with this one: 1, or a power of ``rows``."""
    block = 1
    while rows > 1 and (number + 1) % (block * rows) == 0:
        block *= rows
    return block


def pack(rows: Sequence[bytes]) -> bytes:
    """One row that holds the same batches in the same order."""
    parts: list[bytes] = []
    for packed, run in itertools.groupby(rows, key=is_packed):
        some = list(run)
        parts += some if packed else [_ZSTD.compress(b"".join(_streams(some)), asbytes=True)]
    return b"".join(parts)


def unpack(data: pa.Buffer) -> Iterator[Batch]:
    """The batches of a packed row. Raises an error of Arrow's, or OSError, if it does not hold any."""
    with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as packed:
        streams = pa.BufferReader(packed.read_buffer())
    while streams.tell() < streams.size():
        yield from pa.ipc.open_stream(streams)


def is_packed(data: bytes) -> bool:
    """Whether these bytes (the first four will do) are those of a packed row."""
    return data[: len(_PACKED)] == _PACKED


def _streams(rows: Iterable[bytes]) -> Iterator[bytes]:
    """Streams of one batch as streams of many: neighbours of the same schema become one stream.

    A stream is its schema, then dictionaries and rows, then the end; later dictionaries replace earlier ones.
    """
    for schema, some in itertools.groupby(rows, key=_schema):
        yield schema
        for data in some:
            yield data[len(schema) :].removesuffix(_END)
        yield _END


def _schema(data: bytes) -> bytes:
    """The first message of a stream: eight bytes that end with the length of what follows."""
    return data[: 8 + struct.unpack_from("<i", data, 4)[0]]
