"""Turns comma- or tab-separated text into blocks of clicks.

Most pieces of a file are clean and are parsed by columns. A piece with anything unusual is parsed row by row (see
``rows``), which is slower but knows each row's line number and bytes. Both judge values by the same functions.
Empty lines are skipped and not counted as rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from footfall.core.events import CODED
from footfall.sources.base import BadRow, Block
from footfall.sources.clicks import NO_CLICKS, Clicks, only_good
from footfall.sources.fields import ROW_LIMIT, Problem
from footfall.sources.judged import plain
from footfall.sources.layouts import Layout
from footfall.sources.lines import BOM, Carry, pieces
from footfall.sources.rows import Row, RowParser, without_line_end

_SLOW_PIECE: Final = 1 << 20
"""A piece with something unusual is cut into pieces of this many bytes, so that most of it is still parsed fast."""
_UNCODED: Final = ("timestamp", "original_timestamp", "event_id")
_LF, _CR, _QUOTE = 10, 13, 34
_CACHED: Final = 1 << 18

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Delimited:
    """A file of comma- or tab-separated text with a header."""

    path: Path
    known: Layout
    block_bytes: int

    @property
    def layout(self) -> str:
        """What ``layouts.parse_row`` needs to parse a row again."""
        return self.known.text()

    def blocks(self) -> Iterator[Block]:
        """The file's rows, from its beginning."""
        parser = BlockParser.of(self.known)
        carry = Carry()
        line = 1
        for data, last in pieces(self.path, self.block_bytes, carry):
            body = data
            if line == 1:
                body = data[(data.find(b"\n") + 1) or len(data) :]
                line = 2
            for block, left in parser.blocks(body, last=last, line=line):
                carry.left = left
                line = block.last_line + 1
                if block.rows:
                    yield block


@dataclass(frozen=True, slots=True)
class BlockParser:
    """Parses whole lines of one layout."""

    rows: RowParser
    clicks: Clicks
    names: tuple[str, ...]
    """A name for each column of the file: the field, or a number for those that are not used."""

    @classmethod
    def of(cls, layout: Layout) -> BlockParser:
        """The parser of a delimited layout."""
        names = tuple(layout.fields.get(c, str(i)) for i, c in enumerate(layout.columns))
        return cls(RowParser.of(layout), Clicks(layout.cleaners), names)

    def blocks(self, data: bytes, *, last: bool, line: int) -> Iterator[tuple[Block, bytes]]:
        """Blocks of these lines, each with the bytes of a row that begins in them and ends in later lines."""
        block = self._fast(data, line)
        if block is not None:
            yield block, b""
            return
        left = b""
        for part, final in _cut(data):
            piece = left + part
            block = self._fast(piece, line) if len(piece) < len(data) else None
            block, left = (block, b"") if block is not None else self._slow(piece, last=last and final, line=line)
            line = block.last_line + 1
            yield block, left

    def _fast(self, data: bytes, line: int) -> Block | None:
        """Parse by columns; None when that would not be exact."""
        if not data:
            return Block(NO_CLICKS, last_line=line - 1)
        if not self._is_regular(data):
            return None
        data = data if data.endswith(b"\n") else data + b"\n"
        lines = _line_feeds(data)
        wrong_count: list[int] = []
        columns = self._columns(data, wrong_count)
        if columns is None:
            return None
        rows = len(next(iter(columns.values())))
        batch, flags = self.clicks.build(columns) if rows else (NO_CLICKS, None)
        last_line = line + lines - 1
        if flags is None and not wrong_count:
            return Block(batch, last_line=last_line)
        if rows + len(wrong_count) != lines:  # there are empty lines: which row stands where is not known
            return None
        bad = np.ones(lines, dtype=np.bool_)
        bad[np.delete(np.arange(lines), wrong_count)] = False if flags is None else flags
        found = self._bad_rows(data, np.flatnonzero(bad), line)
        return Block(batch if flags is None else only_good(batch, ~flags), found, last_line)

    def _is_regular(self, data: bytes) -> bool:
        """Whether the fast parser and the strict one agree on where rows and fields end."""
        if b"\0" in data or data.startswith(BOM) or not _is_utf8(data) or _has_long_line(data):
            return False
        if b"\r" in data and data.count(b"\r") != data.count(b"\r\n") + data.endswith(b"\r"):
            return False
        return not self.rows.quotes or b'"' not in data or _quotes_are_regular(data, ord(self.rows.delimiter))

    def _columns(self, data: bytes, wrong_count: list[int]) -> dict[str, Any] | None:
        """The used columns of regular lines, without rows of too many or too few fields: their places are added."""
        names = self.rows.names

        def leave_out(row: Any) -> str:
            wrong_count.append(row.number - 1)
            return "skip"

        try:
            table = pa.csv.read_csv(
                pa.py_buffer(data),
                read_options=pa.csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=self.names),
                parse_options=pa.csv.ParseOptions(
                    delimiter=self.rows.delimiter,
                    quote_char='"' if self.rows.quotes and b'"' in data else False,
                    invalid_row_handler=leave_out,
                ),
                convert_options=pa.csv.ConvertOptions(
                    include_columns=names,
                    column_types={n: pa.string() if n in _UNCODED else CODED for n in names},
                    check_utf8=False,
                ),
            )
        except pa.ArrowInvalid:
            return None
        return {n: table.column(n).chunk(0) if table.num_rows else plain([]) for n in names}

    def _bad_rows(self, data: bytes, which: Places, line: int) -> list[BadRow]:
        ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == _LF)
        found = []
        for i in which.tolist():
            raw = without_line_end(data[ends[i - 1] + 1 if i else 0 : ends[i] + 1])
            texts = self.rows.texts(raw)
            problem = texts if isinstance(texts, Problem) else self._problem(texts)
            found.append(BadRow(line + i, problem.reason, problem.detail, raw))
        return found

    def _slow(self, data: bytes, *, last: bool, line: int) -> tuple[Block, bytes]:
        """Parse row by row; also returns the bytes of a row that is not complete."""
        rows: list[Row] = []
        bad: list[BadRow] = []
        left = b""
        lines = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
        for row in self.rows.rows(data, last=last, line=line):
            if row.texts is None:
                left, lines = row.raw, row.line - line
            elif isinstance(row.texts, Problem):
                bad.append(BadRow(row.line, row.texts.reason, row.texts.detail, row.raw))
            else:
                rows.append(row)
        return self.judged(rows, bad, line + lines - 1), left

    def judged(self, rows: list[Row], bad: list[BadRow], last_line: int) -> Block:
        """The block of rows whose form is right, some of which may have wrong values."""
        if not rows:
            return Block(NO_CLICKS, bad, last_line)
        texts = zip(*(r.texts or () for r in rows), strict=True)
        columns = {n: plain(t) for n, t in zip(self.rows.names, texts, strict=True)}
        batch, flags = self.clicks.build(columns)
        if flags is not None:
            for i in np.flatnonzero(flags).tolist():
                problem = self._problem(rows[i].texts or ())
                bad.append(BadRow(rows[i].line, problem.reason, problem.detail, rows[i].raw))
            batch = only_good(batch, ~flags)
        return Block(batch, sorted(bad, key=lambda row: row.line), last_line)

    def _problem(self, texts: Any) -> Problem:
        return self.clicks.problem(dict(zip(self.rows.names, texts, strict=True)))


def delimited_row(layout: Layout, raw: bytes) -> Block:
    """Parse one raw row of a delimited layout."""
    parser = BlockParser.of(layout)
    texts = parser.rows.texts(raw)
    if not raw:
        return Block(NO_CLICKS, last_line=1)
    if isinstance(texts, Problem):
        return Block(NO_CLICKS, [BadRow(1, texts.reason, texts.detail, raw)], last_line=1)
    return parser.judged([Row(1, raw, texts)], [], 1)


def _cut(data: bytes) -> Iterator[tuple[bytes, bool]]:
    """The data in smaller pieces of whole lines, and whether a piece is the last."""
    start = 0
    while start < len(data):
        end = (data.find(b"\n", start + _SLOW_PIECE) + 1) or len(data)
        yield data[start:end], end == len(data)
        start = end


def _line_feeds(data: bytes) -> int:
    """How many line feeds there are: counted in pieces that fit into the processor's cache."""
    view = np.frombuffer(data, dtype=np.uint8)
    starts = range(0, len(view), _CACHED)
    return sum(int(np.count_nonzero(view[start : start + _CACHED] == _LF)) for start in starts)


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _has_long_line(data: bytes) -> bool:
    """Whether a line may be longer than ROW_LIMIT (never False when one is)."""
    start = 0
    while len(data) - start > ROW_LIMIT:
        end = data.rfind(b"\n", start, start + ROW_LIMIT)
        if end < start:
            return True
        start = end + 1
    return False


def _quotes_are_regular(data: bytes, delimiter: int) -> bool:
    """Whether each quote opens a field, closes one or is doubled, and no line ends inside of quotes."""
    text = np.frombuffer(b"\n" + data + b"\n\n", dtype=np.uint8)
    quotes = np.flatnonzero(text == _QUOTE)
    if len(quotes) % 2:
        return False
    opens, closes = quotes[0::2], quotes[1::2]
    doubled = np.flatnonzero(opens[1:] == closes[:-1] + 1)
    before, after = text[opens - 1], text[closes + 1]
    begins = (before == delimiter) | (before == _LF)
    ends = (after == delimiter) | (after == _LF) | ((after == _CR) & (text[closes + 2] == _LF))
    begins[doubled + 1] = True
    ends[doubled] = True
    if not (begins.all() and ends.all()):
        return False
    line_ends = np.flatnonzero(text == _LF)
    return bool((np.searchsorted(line_ends, opens) == np.searchsorted(line_ends, closes)).all())
