"""Turns texts and columns into stable 64-bit numbers: event ids, partitions, fingerprints.

Stable means: the same on every machine and in every version, because the numbers are kept on disk.
The rules are published in docs/reference/message-format.md:

- a text's number is XXH3-64 (seed 0) of its UTF-8 bytes; an absent text counts as 0x9E3779B97F4A7C15;
- columns are combined left to right by ``mix(accumulated ^ number)``, where ``mix`` is the finaliser of
  SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014);
- a partition is CRC-32 (zlib) of the key's UTF-8 bytes, modulo the number of partitions.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

U64 = npt.NDArray[np.uint64]

ABSENT: Final = 0x9E3779B97F4A7C15
_M1: Final = np.uint64(0xBF58476D1CE4E5B9)
_M2: Final = np.uint64(0x94D049BB133111EB)
_GOLDEN: Final = np.uint64(ABSENT)
_SEEDS: Final = (np.uint64(0x243F6A8885A308D3), np.uint64(0x13198A2E03707344))
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)


def text_hash(text: str) -> int:
    """The 64-bit number of one text."""
    return xxhash.xxh3_64_intdigest(text.encode())


def text_hashes(texts: Iterable[str | None]) -> U64:
    """The 64-bit numbers of several texts; None counts as absent."""
    return np.array([ABSENT if t is None else text_hash(t) for t in texts], dtype=np.uint64)


def mix(values: U64) -> U64:
    """Spread the bits of each number over all 64 (SplitMix64's finaliser)."""
    z = values + _GOLDEN
    z = (z ^ (z >> _S30)) * _M1
    z = (z ^ (z >> _S27)) * _M2
    return z ^ (z >> _S31)


def column_hashes(column: pa.Array) -> U64:
    """A number a row: of each distinct text for coded columns, the value itself for integers and times."""
    if pa.types.is_dictionary(column.type):
        # Bytes are hashed as they are: three times faster than by way of Python texts.
        raw = column.dictionary.cast(pa.binary()).to_pylist()
        table = np.array([*map(xxhash.xxh3_64_intdigest, raw), ABSENT], dtype=np.uint64)
        codes = column.indices
        if column.null_count:
            codes = codes.fill_null(len(table) - 1)
        hashes: U64 = table[codes.to_numpy(zero_copy_only=False)]
        return hashes
    numbers = column.cast(pa.int64())
    present: U64 = numbers.fill_null(0).to_numpy(zero_copy_only=False).view(np.uint64)
    if not column.null_count:
        return present
    return np.where(column.is_null().to_numpy(zero_copy_only=False), np.uint64(ABSENT), present)


def row_hashes(columns: Sequence[U64], *, lane: int = 0) -> U64:
    """Combine one number a column into one number a row; ``lane`` 0 and 1 are independent of each other."""
    combined = mix(columns[0] ^ _SEEDS[lane])
    for column in columns[1:]:
        combined = mix(combined ^ column)
    return combined


def ids_of(columns: Sequence[U64]) -> pa.Array:
    """16-byte event ids of rows, from the numbers of their columns."""
    lanes = np.stack([row_hashes(columns, lane=0), row_hashes(columns, lane=1)], axis=1)
    return ids_from_lanes(np.ascontiguousarray(lanes))


def ids_from_lanes(lanes: U64) -> pa.Array:
    """Event ids from an (n, 2) array of little-endian 64-bit halves."""
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(lanes), [None, pa.py_buffer(lanes)])


def lanes_of(ids: pa.Array) -> U64:
    """The (n, 2) array of 64-bit halves behind a column of event ids, without a copy."""
    whole = np.frombuffer(ids.buffers()[1], dtype=np.uint64).reshape(-1, 2)
    return whole[ids.offset : ids.offset + len(ids)]


def id_from_text(text: str) -> bytes:
    """The event id of an id that a client chose: XXH3-128 of its UTF-8 bytes."""
    return xxhash.xxh3_128_digest(text.encode())


def partition_of(key: str, partitions: int) -> int:
    """The partition that a key belongs to."""
    return zlib.crc32(key.encode()) % partitions
