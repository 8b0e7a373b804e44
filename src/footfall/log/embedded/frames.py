"""Turns batches into frames (bytes with a checksum) and checked frames back into batches.

A frame of a stream is one batch. A frame of state may be many, packed (``log.packing``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from footfall.core.errors import DamagedBatch
from footfall.core.events import Batch
from footfall.log.codecs.arrow import Compression, decode, encode
from footfall.log.embedded.segments import DIRECTORY, DamagedBytes, Range, check, checksum
from footfall.log.packing import is_packed, pack, unpack


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
    data = pa.py_buffer(pack([bytes(frame) for frame in frames]))
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
    if not is_packed(data.slice(0, min(4, data.size)).to_pybytes()):
        return [batch_of(data, where, rows)]
    check(data, where)
    try:
        batches = list(unpack(data))
    except (pa.ArrowException, OSError) as error:
        raise DamagedBytes(f"the bytes are not merged Arrow batches ({error})") from error
    _check_rows(sum(batch.num_rows for batch in batches), rows)
    return batches


def damaged(stream: str, partition: int, offset: int, path: str, why: object) -> DamagedBatch:
    """The error that names a damaged batch."""
    return DamagedBatch(stream=stream, partition=partition, offset=offset, file=f"{DIRECTORY}/{path}", why=str(why))


def _check_rows(found: int, rows: int) -> None:
    if found != rows:
        raise DamagedBytes(f"it holds {found} rows, the manifest says {rows}")
