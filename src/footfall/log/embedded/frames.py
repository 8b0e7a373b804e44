"""Turns batches into frames (bytes with a checksum) and checked frames back into batches."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from footfall.core.errors import DamagedBatch
from footfall.core.events import Batch
from footfall.log.codecs.arrow import Compression, decode, encode
from footfall.log.embedded.segments import DIRECTORY, DamagedBytes, Range, check, checksum


@dataclass(frozen=True, slots=True)
class Frame:
    """A batch as it will be on disk."""

    data: pa.Buffer
    crc: int
    rows: int


def frame_of(batch: Batch, compression: Compression | None) -> Frame:
    """The frame of a batch."""
    data = encode(batch, compression=compression)
    return Frame(data, checksum(data), batch.num_rows)


def batch_of(data: pa.Buffer, where: Range, rows: int) -> Batch:
    """The batch behind checked bytes. Raises DamagedBytes if they are not what was written."""
    check(data, where)
    try:
        batch = decode(data)
    except ValueError as error:
        raise DamagedBytes(str(error)) from error
    if batch.num_rows != rows:
        raise DamagedBytes(f"it holds {batch.num_rows} rows, the manifest says {rows}")
    return batch


def damaged(stream: str, partition: int, offset: int, path: str, why: object) -> DamagedBatch:
    """The error that names a damaged batch."""
    return DamagedBatch(stream=stream, partition=partition, offset=offset, file=f"{DIRECTORY}/{path}", why=str(why))
