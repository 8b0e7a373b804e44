"""Turns batches into frames (bytes with a checksum) and checked frames back into batches.

A frame of a stream is one batch. A frame of state may be many: Zstandard frames one after the other,
each a run of Arrow streams, so that frames are merged without reading their rows.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from footfall.core.errors import DamagedBatch
from footfall.core.events import Batch
from footfall.log.codecs.arrow import Compression, decode, encode
from footfall.log.embedded.segments import DIRECTORY, DamagedBytes, Range, check, checksum

_PACKED: Final = b"\x28\xb5\x2f\xfd"
"""How a Zstandard frame begins; an Arrow stream begins with four bytes FF."""
_END: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""How an Arrow stream ends."""
_ZSTD: Final = pa.Codec("zstd", compression_level=1)


@dataclass(frozen=True, slots=True)
class Frame:
    """A batch, or some of state, as it will be on disk."""

    data: pa.Buffer
    crc: int
    rows: int


def frame_of(batch: Batch, compression: Compression | None) -> Frame:
    """The frame of a batch."""
    data = encode(batch, compression=compression)
    return Frame(data, checksum(data), batch.num_rows)


def merged(frames: Sequence[pa.Buffer], rows: int) -> Frame:
    """One frame that holds the same batches in the same order. What is packed already is taken as it is."""
    parts: list[bytes] = []
    for packed, run in itertools.groupby(map(bytes, frames), key=_is_packed):
        some = list(run)
        parts += some if packed else [_ZSTD.compress(b"".join(_streams(some)), asbytes=True)]
    data = pa.py_buffer(b"".join(parts))
    return Frame(data, checksum(data), rows)


def batch_of(data: pa.Buffer, where: Range, rows: int) -> Batch:
    """The batch behind checked bytes. Raises DamagedBytes if they are not what was written."""
    check(data, where)
    try:
        batch = decode(data)
    except ValueError as error:
        raise DamagedBytes(str(error)) from error
    _check_rows(batch.num_rows, rows)
    return batch


def batches_of(data: pa.Buffer, where: Range, rows: int) -> Sequence[Batch]:
    """The batches behind checked bytes of state, in order. Raises DamagedBytes as ``batch_of`` does."""
    if not _is_packed(data.slice(0, min(len(_PACKED), data.size)).to_pybytes()):
        return [batch_of(data, where, rows)]
    check(data, where)
    try:
        batches = list(_unpacked(data))
    except (pa.ArrowException, OSError) as error:
        raise DamagedBytes(f"the bytes are not merged Arrow batches ({error})") from error
    _check_rows(sum(batch.num_rows for batch in batches), rows)
    return batches


def damaged(stream: str, partition: int, offset: int, path: str, why: object) -> DamagedBatch:
    """The error that names a damaged batch."""
    return DamagedBatch(stream=stream, partition=partition, offset=offset, file=f"{DIRECTORY}/{path}", why=str(why))


def _is_packed(data: bytes) -> bool:
    return data[: len(_PACKED)] == _PACKED


def _streams(frames: Iterable[bytes]) -> Iterator[bytes]:
    """Streams of one batch as streams of many: neighbours of the same schema become one stream.

    A stream is its schema, then dictionaries and rows, then the end; later dictionaries replace earlier ones.
    """
    for schema, some in itertools.groupby(frames, key=_schema):
        yield schema
        for data in some:
            yield data[len(schema) :].removesuffix(_END)
        yield _END


def _schema(data: bytes) -> bytes:
    """The first message of a stream: eight bytes that end with the length of what follows."""
    return data[: 8 + struct.unpack_from("<i", data, 4)[0]]


def _unpacked(data: pa.Buffer) -> Iterator[Batch]:
    with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as packed:
        streams = pa.BufferReader(packed.read_buffer())
    while streams.tell() < streams.size():
        yield from pa.ipc.open_stream(streams)


def _check_rows(found: int, rows: int) -> None:
    if found != rows:
        raise DamagedBytes(f"it holds {found} rows, the manifest says {rows}")
