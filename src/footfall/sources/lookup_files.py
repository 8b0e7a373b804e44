"""Turns a JSON array, JSON lines or CSV file into its rows: the fields of each, its line and its bytes."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from footfall.core.errors import Failure, Reason, UsageError

Fields = Mapping[str, object]


class Unusable(Exception):
    """Why a row cannot be used; becomes a BadRow."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as it stands in the file: its fields by their names here, or why they cannot be read."""

    line: int
    raw: bytes
    fields: Fields | Unusable


def raw_rows(path: Path, names: Mapping[str, str]) -> Iterator[RawRow]:
    """The file's rows, their fields renamed by ``names`` (lower case: name); other fields are left out."""
    data = _content(path)
    match data.lstrip()[:1]:
        case b"":
            raise UsageError(f"{path} is empty.", remedy="Give a JSON array, JSON lines or CSV file.")
        case b"[":
            return _array(path, data, names)
        case b"{":
            return _json_lines(data, names)
        case _:
            return _delimited(path, data, names)


def _content(path: Path) -> bytes:
    if path.is_dir():
        raise UsageError(f"{path} is a directory.", remedy="Name the file in it.")
    try:
        data = path.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}.", remedy="Check the name.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise Failure(f"{path} is damaged: it does not unpack to its end.", remedy="Copy it again.") from None
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.", remedy="Check the file's permissions.") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError(f"{path} is in UTF-16.", remedy="Save it as UTF-8.")
    if b"\0" in data[:4096]:
        raise UsageError(f"{path} is not a text file.", remedy="Give a JSON array, JSON lines or CSV file.")
    return data.removeprefix(b"\xef\xbb\xbf")


def _named(row: object, names: Mapping[str, str]) -> Fields | Unusable:
    if not isinstance(row, dict):
        return Unusable(Reason.BAD_SYNTAX, f"{shown(row)} is not a JSON object")
    return {names[name.lower()]: value for name, value in row.items() if name.lower() in names}


def _json(raw: bytes, names: Mapping[str, str]) -> Fields | Unusable:
    try:
        return _named(msgspec.json.decode(raw), names)
    except msgspec.DecodeError as error:
        return Unusable(Reason.BAD_SYNTAX, f"not JSON: {error}")
    except UnicodeDecodeError:
        return Unusable(Reason.BAD_ENCODING, "not UTF-8")
    except RecursionError:
        return Unusable(Reason.BAD_SYNTAX, "not JSON that can be read: nested too deeply")


def _json_lines(data: bytes, names: Mapping[str, str]) -> Iterator[RawRow]:
    for line, raw in enumerate(data.split(b"\n"), 1):
        text = raw.removesuffix(b"\r")
        if text.strip():
            yield RawRow(line, text, _json(text, names))


def _array(path: Path, data: bytes, names: Mapping[str, str]) -> Iterator[RawRow]:
    try:
        items = msgspec.json.decode(data, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(
            f"{path} is not a JSON array: {error}.", remedy="Correct it there, or use JSON lines."
        ) from None
    at, line = 0, 1
    for item in items:
        raw = bytes(item)
        found = data.index(raw, at)
        line += data.count(b"\n", at, found)
        at = found
        yield RawRow(line, raw, _json(raw, names))
        line += raw.count(b"\n")
        at += len(raw)


def _delimited(path: Path, data: bytes, names: Mapping[str, str]) -> Iterator[RawRow]:
    lines = [line.decode("utf-8", "surrogateescape") for line in data.splitlines(keepends=True)]
    first = next(place for place, line in enumerate(lines) if line.strip())
    separator = max(",;\t", key=lines[first].count)
    header = [names.get(name.strip().strip('"').lower(), "") for name in lines[first].split(separator)]
    needed = "userId" if "userId" in names.values() else "id"
    if needed not in header:
        raise UsageError(
            f"{path} has no column {needed}; its first line is {shown(lines[first].strip())}.",
            remedy=f"Name the columns in the first line: {', '.join(dict.fromkeys(names.values()))}.",
        )
    reader = csv.reader(lines[first + 1 :], delimiter=separator)
    done = 0
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            fields: Fields | Unusable = Unusable(Reason.BAD_SYNTAX, f"not CSV: {error}")
        else:
            if cells is None:
                return
            fields = _cells(cells, header)
        raw = "".join(lines[first + 1 + done : first + 1 + reader.line_num])
        line, done = first + 2 + done, reader.line_num
        if raw.strip():
            yield RawRow(line, raw.rstrip("\r\n").encode("utf-8", "surrogateescape"), fields)


def _cells(cells: Sequence[str], header: Sequence[str]) -> Fields | Unusable:
    if len(cells) != len(header):
        return Unusable(Reason.COLUMN_COUNT, f"{len(cells)} fields, but the header has {len(header)}")
    if any("\udc80" <= mark <= "\udcff" for cell in cells if not cell.isascii() for mark in cell):
        return Unusable(Reason.BAD_ENCODING, "not UTF-8")
    return {name: cell or None for name, cell in zip(header, cells, strict=True) if name}


def shown(value: object) -> str:
    """A value as it may stand in a message: short, without control characters."""
    text = ascii(value)
    return text if len(text) <= 80 else text[:79] + "…"
