"""Turns blocks of NDJSON lines into a table's columns: DuckDB reads the lines, here is said what a value may be.

Each value comes as the JSON text it was, so that a text in quotes is told from a number; the casts are Arrow's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import cache
from queue import SimpleQueue
from tempfile import TemporaryFile
from typing import BinaryIO, Final, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.events import Batch
from footfall.sql.file_columns import NESTED, TIMES, WRONG, Columns, column_of, schema_of
from footfall.sql.types import Family, SqlType

_BYTES: Final = 16 << 20
"""Of lines that are read at a time."""
_LINE: Final = 4 << 20
"""Bytes of the longest line that is read here. DuckDB takes twice as much memory for it, whatever the lines are."""
_ROWS: Final = 1 << 20
"""At most in one piece: more than a block of usual lines has."""
_LOOK: Final = 1 << 16
_READERS: Final = 2
_QUOTE: Final = ord('"')
_BACKSLASH: Final = ord("\\")
_UNREADABLE: Final = (duckdb.Error, OSError, UnicodeDecodeError, *WRONG)
"""What DuckDB says comes as OSError through Arrow; and as the last one when it cuts a line in two to show it."""
_QUOTED: Final = {Family.STRING, Family.DATE}


class Block(NamedTuple):
    """Whole lines of a file: where they are, and the rows in them; None where a line needs a closer look."""

    begin: int
    end: int
    rows: Batch | None


def read_blocks(file: BinaryIO, columns: Columns) -> Iterator[Block]:
    """All lines of the file, in order; the next blocks are read while the caller is busy with one."""
    readers: SimpleQueue[_Reader] = SimpleQueue()
    for _ in range(_READERS):
        readers.put(_Reader(columns))
    coming: list[Future[Block]] = []

    def read(begin: int, end: int) -> Block:
        reader = readers.get()
        try:
            return Block(begin, end, reader.rows_of(file, begin, end))
        finally:
            readers.put(reader)

    try:
        with ThreadPoolExecutor(_READERS, thread_name_prefix="json") as pool:
            for begin, end in _whole_lines(file):
                coming.append(pool.submit(read, begin, end))
                if len(coming) > _READERS:
                    yield coming.pop(0).result()
            yield from (one.result() for one in coming)
    finally:
        while not readers.empty():
            readers.get().close()


def read_line(line: bytes, columns: Columns) -> Batch | None:
    """One line, as it is read in a block of good ones."""
    with closing(_Reader(columns)) as reader, TemporaryFile() as file:
        file.write(line)
        file.flush()
        return reader.rows_of(file, 0, len(line))


def _whole_lines(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Where blocks begin and end."""
    begin, size = 0, os.fstat(file.fileno()).st_size
    while begin < size:
        end = _line_end(file, min(begin + _BYTES, size), size)
        yield begin, end
        begin = end


def _line_end(file: BinaryIO, at: int, size: int) -> int:
    while at < size and (some := os.pread(file.fileno(), _LOOK, at)):
        found = some.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(some)
    return size


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One, and none of its own threads: those that read work for it."""
    return duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False})


class _Reader:
    """One thread's: DuckDB reads files, so the lines are put into one that is in memory alone."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._lines = os.memfd_create("lines")
        self._duckdb = _database().cursor()
        names = ", ".join(f"{_literal(name)}: 'JSON'" for name in columns)
        self._query = (
            # Without `records`, DuckDB looks at 20,000 lines first, twice, to find out whether they are objects.
            f"SELECT * FROM read_ndjson('/proc/self/fd/{self._lines}', columns={{{names}}}, "  # noqa: S608 - ours
            f"records=true, maximum_object_size={_LINE})"
        )

    def close(self) -> None:
        self._duckdb.close()
        os.close(self._lines)

    def rows_of(self, file: BinaryIO, begin: int, end: int) -> Batch | None:
        """The rows of these lines; None where one is none, or holds a value that only a closer look can tell."""
        if not self._columns or any(kind.family in NESTED for kind in self._columns.values()):
            return None
        os.ftruncate(self._lines, 0)
        os.lseek(self._lines, 0, os.SEEK_SET)
        while begin < end and (sent := os.sendfile(self._lines, file.fileno(), begin, end - begin)):
            begin += sent
        try:
            read = self._duckdb.sql(self._query).to_arrow_reader(_ROWS).read_all()
            arrays = [self._column(read.column(at), kind) for at, kind in enumerate(self._columns.values())]
        except _UNREADABLE:
            return None
        if any(array is None for array in arrays) or _empty_rows(arrays):
            return None
        return pa.RecordBatch.from_arrays(arrays, schema=schema_of(self._columns))

    def _column(self, read: pa.ChunkedArray, kind: SqlType) -> pa.Array | None:
        """Of JSON texts the column's values; None where one is of another kind."""
        texts = read.combine_chunks().cast(pa.string())
        if texts.null_count and not kind.nullable:
            return None
        there = texts.drop_null()
        quoted = _first_bytes(there) == _QUOTE
        if kind.family in _QUOTED or (kind.family in TIMES and quoted.any()):
            return column_of(self._unquoted(texts), kind) if quoted.all() else None
        if quoted.any():
            return None
        return _plain(texts, there, kind)

    def _unquoted(self, texts: pa.Array) -> pa.Array:
        if (_bytes(texts) == _BACKSLASH).any():
            table = pa.table({"text": texts})
            return self._duckdb.from_arrow(table).project("text ->> '$'").to_arrow_table().column(0).combine_chunks()
        return pc.binary_slice(texts.view(pa.binary()), 1, -1).view(pa.string())


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _plain(texts: pa.Array, there: pa.Array, kind: SqlType) -> pa.Array | None:
    """Numbers and truth values. Arrow's cast of a text takes more than JSON has, and that may not be."""
    if kind.family is Family.BOOLEAN:
        known = pc.all(pc.is_in(there, pa.array(["true", "false"]))).as_py()
        return None if known is False else texts.cast(pa.bool_())
    if kind.family in {Family.FLOAT, Family.DOUBLE}:
        return texts.cast(pa.float64()).cast(kind.arrow)
    return column_of(texts.cast(pa.int64()), kind)


def _bytes(texts: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    data = texts.buffers()[2]
    return np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)


def _first_bytes(texts: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Of texts of which none is empty or NULL."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts)]
    return _bytes(texts)[offsets]


def _empty_rows(arrays: list[pa.Array]) -> bool:
    """Whether nothing is in a row: its line may have been ``null``, which DuckDB takes for a row."""
    if any(array.null_count == 0 for array in arrays):
        return False
    nothing = arrays[0].is_null()
    for array in arrays[1:]:
        nothing = pc.and_(nothing, array.is_null())
    return bool(pc.any(nothing).as_py())
