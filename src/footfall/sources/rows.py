"""Turns one raw row of comma- or tab-separated text into the texts of its fields, strictly.

The rules: a row ends with LF or CRLF (a CR elsewhere is data). Fields between commas may be quoted (a quote inside
is doubled, line ends inside are data); between tabs, quotes are data. A quote that is not closed, or followed by
anything but the end of the field, costs its line, not the rows after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

from footfall.core.errors import Reason
from footfall.sources.fields import ROW_LIMIT, Problem
from footfall.sources.layouts import Layout

_QUOTED: Final = re.compile(rb'"[^"]*+(?:""[^"]*+)*+"')


@dataclass(frozen=True, slots=True)
class Row:
    """A row before its values are judged: the texts of its used fields, or what is wrong with its form."""

    line: int
    raw: bytes
    texts: Sequence[str] | Problem | None


@dataclass(frozen=True, slots=True)
class RowParser:
    """Splits raw rows into the texts of the fields that are used."""

    columns: int
    """How many fields a row has."""
    delimiter: str
    names: tuple[str, ...]
    """The fields that are used, in the file's order."""
    places: tuple[int, ...]
    """Which of a row's fields they are."""

    @classmethod
    def of(cls, layout: Layout) -> Self:
        """The parser of a delimited layout."""
        used = sorted((layout.columns.index(c), f) for c, f in layout.fields.items())
        return cls(len(layout.columns), layout.delimiter, tuple(f for _, f in used), tuple(p for p, _ in used))

    @property
    def quotes(self) -> bool:
        """Whether fields may be quoted."""
        return self.delimiter == ","

    @property
    def _delimiter(self) -> bytes:
        return self.delimiter.encode()

    def texts(self, raw: bytes) -> Sequence[str] | Problem:
        """The texts of the used fields, or what is wrong with the row."""
        if len(raw) > ROW_LIMIT:
            return Problem(
                Reason.FIELD_TOO_LONG, f"the row is longer than {ROW_LIMIT:,} bytes (the raw row holds its beginning)"
            )
        if b"\0" in raw:
            return Problem(Reason.BAD_ENCODING, f"a NUL byte at byte {raw.index(0) + 1} of the row")
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            return Problem(Reason.BAD_ENCODING, f"byte {error.start + 1} of the row is not UTF-8")
        if self.quotes and '"' in text:
            fields = self._unquoted(raw)
            if fields is None:
                return _UNCLOSED
        else:
            fields = text.split(self.delimiter)
        if len(fields) != self.columns:
            return Problem(Reason.COLUMN_COUNT, f"the row has {len(fields)} fields, the header {self.columns}")
        return [fields[i] for i in self.places]

    def _unquoted(self, raw: bytes) -> list[str] | None:
        """All fields of a row with quotes."""
        fields = []
        start = 0
        while True:
            end = self.field_end(raw, start, len(raw))
            if end is None:
                return None
            part = raw[start:end]
            fields.append((part[1:-1].replace(b'""', b'"') if part[:1] == b'"' else part).decode())
            if end == len(raw):
                return fields
            if raw[end : end + 1] != self._delimiter:
                return None
            start = end + 1

    def field_end(self, data: bytes, start: int, stop: int) -> int | None:
        """Where the field that begins here ends; None if its quote is not closed."""
        if data[start : start + 1] != b'"':
            ends = [e for e in (data.find(self._delimiter, start, stop), data.find(b"\n", start, stop)) if e >= 0]
            return min(ends, default=stop)
        found = _QUOTED.match(data, start, stop)
        return None if found is None else found.end()

    def record_end(self, data: bytes, start: int) -> int | None:
        """Where the record with quotes that begins here ends (after its line end), None if it is no record.

        Minus one stands for: not within these bytes.
        """
        place = start
        stop = min(len(data), start + ROW_LIMIT + 2)
        while True:
            end = self.field_end(data, place, stop)
            if end is None:
                return -1 if stop == len(data) else None
            if end == stop:
                return end if stop == len(data) else None
            after = data[end : end + 2]
            if after[:1] == b"\n":
                return end + 1
            if after == b"\r\n":
                return end + 2
            if after[:1] != self._delimiter:
                return len(data) if after == b"\r" else None
            place = end + 1

    def rows(self, data: bytes, *, last: bool, line: int) -> Iterator[Row]:
        """The rows of whole lines, the first of which has number ``line``; empty lines are left out.

        The last row has ``texts`` None when it goes on after these lines and there are more to come.
        """
        place = 0
        while place < len(data):
            end = (data.find(b"\n", place) + 1) or len(data)
            if self.quotes and data.find(b'"', place, end) >= 0 and end - place <= ROW_LIMIT:
                record = self.record_end(data, place)
                if record == -1 and not last:
                    yield Row(line, data[place:], None)
                    return
                end = record if record is not None and record >= 0 else end
            raw = without_line_end(data[place:end])
            if raw:
                yield Row(line, raw[:ROW_LIMIT], self.texts(raw))
            line += data.count(b"\n", place, end) if self.quotes else 1
            place = end


_UNCLOSED: Final = Problem(Reason.BAD_SYNTAX, "a quote is not closed, or something else than a comma follows it")


def without_line_end(raw: bytes) -> bytes:
    """A row without its LF or CRLF."""
    return raw.removesuffix(b"\n").removesuffix(b"\r")
