"""Turns lines of JSON objects into blocks of clicks.

A value may be a text or a number; null and a missing key mean that there is no value. Other keys are ignored, and
empty lines are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from footfall.core.errors import Reason
from footfall.sources.base import BadRow, Block
from footfall.sources.clicks import NO_CLICKS, Clicks, only_good
from footfall.sources.fields import ROW_LIMIT, Problem, shown
from footfall.sources.judged import plain
from footfall.sources.layouts import Layout, recognise_keys
from footfall.sources.lines import BOM, Carry, pieces
from footfall.sources.rows import without_line_end

_SAFE: Final = 1 << 63


def open_ndjson(path: Path, first_line: str, *, mapping: Mapping[str, str], block_bytes: int) -> Ndjson:
    """A reader for a file of JSON objects, of the layout that its first one has."""
    try:
        keys = list(msgspec.json.decode(first_line, type=dict[str, Any]))
    except (msgspec.MsgspecError, RecursionError):
        keys = []
    return Ndjson(path, recognise_keys(keys, mapping, where=str(path)), block_bytes)


@dataclass(frozen=True, slots=True)
class Ndjson:
    """A file with a JSON object a line."""

    path: Path
    known: Layout
    block_bytes: int

    @property
    def layout(self) -> str:
        """What ``layouts.parse_row`` needs to parse a row again."""
        return self.known.text()

    def blocks(self) -> Iterator[Block]:
        """The file's rows, from its beginning."""
        parser = JsonParser(self.known)
        line = 1
        for data, _ in pieces(self.path, self.block_bytes, Carry()):
            lines = data.removeprefix(BOM if line == 1 else b"").split(b"\n")
            if not lines[-1]:
                lines.pop()
            block = parser.block(lines, line)
            line += len(lines)
            if block.rows:
                yield block


class JsonParser:
    """Parses JSON objects of one layout."""

    def __init__(self, layout: Layout) -> None:
        self._names = tuple(layout.fields.values())
        keys = tuple(layout.fields)
        record = msgspec.defstruct(
            "Record", [(f"f{i}", Any, None) for i in range(len(keys))], rename={f"f{i}": k for i, k in enumerate(keys)}
        )
        self._decode = msgspec.json.Decoder(record).decode
        self._clicks = Clicks(layout.cleaners)

    def block(self, lines: Sequence[bytes], first: int) -> Block:
        """The clicks and bad rows of these lines, the first of which has number ``first``."""
        rows: list[Sequence[str]] = []
        at: list[int] = []
        bad: list[BadRow] = []
        for i, line in enumerate(lines):
            raw = without_line_end(line)
            if not raw:
                continue
            texts = self._texts(raw)
            if isinstance(texts, Problem):
                bad.append(BadRow(first + i, texts.reason, texts.detail, raw[:ROW_LIMIT]))
            else:
                rows.append(texts)
                at.append(i)
        batch = NO_CLICKS
        if rows:
            columns = {n: plain(t) for n, t in zip(self._names, zip(*rows, strict=True), strict=True)}
            batch, flags = self._clicks.build(columns)
            if flags is not None:
                for j in np.flatnonzero(flags).tolist():
                    problem = self._clicks.problem(dict(zip(self._names, rows[j], strict=True)))
                    raw = without_line_end(lines[at[j]])
                    bad.append(BadRow(first + at[j], problem.reason, problem.detail, raw))
                batch = only_good(batch, ~flags)
        return Block(batch, sorted(bad, key=lambda row: row.line), first + len(lines) - 1)

    def _texts(self, raw: bytes) -> Sequence[str] | Problem:
        """The texts of an object's fields, or what is wrong with it."""
        if len(raw) > ROW_LIMIT:
            return Problem(
                Reason.FIELD_TOO_LONG, f"the row is longer than {ROW_LIMIT:,} bytes (the raw row holds its beginning)"
            )
        if b"\0" in raw:
            return Problem(Reason.BAD_ENCODING, f"a NUL byte at byte {raw.index(0) + 1} of the row")
        try:
            values = msgspec.structs.astuple(self._decode(raw))
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            return _syntax_problem(raw, error)
        texts = [v if isinstance(v, str) else _text(v) for v in values]
        for name, value, text in zip(self._names, values, texts, strict=True):
            if text is None:
                given = msgspec.json.encode(value).decode(errors="replace")
                return Problem(Reason.BAD_VALUE, f"{name} {shown(given)} is not a text or a whole number")
            if "\0" in text or not _is_text(text):
                return Problem(Reason.BAD_ENCODING, f"{name} holds a NUL or half a character")
        return [t or "" for t in texts]


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(value: Any) -> str | None:
    """A JSON value as a CSV file would hold it; None for what is neither text, whole number nor null."""
    match value:
        case None:
            return ""
        case bool():
            return None
        case int() if -_SAFE <= value < _SAFE:
            return str(value)
        case float() if value.is_integer() and -_SAFE <= value < _SAFE:
            return str(int(value))
    return None


def _syntax_problem(raw: bytes, error: Exception) -> Problem:
    try:
        raw.decode()
    except UnicodeDecodeError as found:
        return Problem(Reason.BAD_ENCODING, f"byte {found.start + 1} of the row is not UTF-8")
    return Problem(Reason.BAD_SYNTAX, f"not a JSON object: {str(error)[:120]}")


def json_row(layout: Layout, raw: bytes) -> Block:
    """Parse one raw JSON object of a layout."""
    return JsonParser(layout).block([raw], 1)
