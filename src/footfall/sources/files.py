"""Turns the path of a file into a reader of its clicks, whatever its layout and form."""

from __future__ import annotations

import csv
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from footfall.core.errors import UsageError
from footfall.sources.base import Reader
from footfall.sources.delimited import Delimited
from footfall.sources.fields import ROW_LIMIT
from footfall.sources.layouts import recognise
from footfall.sources.lines import BOM, GZIP, cannot_read, opened
from footfall.sources.rows import without_line_end

BLOCK_BYTES: Final = 8 << 20
_PARQUET: Final = b"PAR1"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_JSON_ENDINGS: Final = (".ndjson", ".jsonl", ".json")


def open_reader(path: Path, *, mapping: Mapping[str, str] | None = None, block_bytes: int = BLOCK_BYTES) -> Reader:
    """A reader for the file, chosen by its header and its content.

    ``mapping`` says for columns of the file which field they are. Raises UsageError when the file cannot be read
    or its layout is not known.
    """
    path = Path(path)
    chosen = dict(mapping or {})
    begin = _beginning(path)
    if begin.startswith(_PARQUET):
        from footfall.sources.parquet import open_parquet

        return open_parquet(path, mapping=chosen, block_bytes=block_bytes)
    line = _first_line(path, begin)
    if _is_json(path, line):
        from footfall.sources.ndjson import open_ndjson

        return open_ndjson(path, line, mapping=chosen, block_bytes=block_bytes)
    delimiter = "\t" if line.count("\t") > line.count(",") else ","
    columns = _columns(line, delimiter, path)
    return Delimited(
        path, recognise(columns, chosen, form="delimited", delimiter=delimiter, where=str(path)), block_bytes
    )


def _columns(line: str, delimiter: str, path: Path) -> list[str]:
    """The names in a header."""
    if delimiter == "\t":
        return [name.strip() for name in line.split(delimiter)]
    try:
        return [name.strip() for name in next(csv.reader([line]), [])]
    except csv.Error as error:
        raise UsageError(
            f"{path}, line 1: the header is not comma-separated text ({error}).",
            remedy="Give the file a header: the names of its columns, separated by commas.",
        ) from error


def _beginning(path: Path) -> bytes:
    """The first bytes of the content, unpacked; also checks that it is a file that can be read."""
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError
        if not stat.S_ISREG(kind):
            raise UsageError(f"{path} is not a regular file.", remedy="Save its content in a file first.")
        with path.open("rb") as file:
            magic = file.read(len(GZIP))
    except OSError as error:
        raise cannot_read(path, error) from error
    if path.suffix == ".gz" and magic and magic != GZIP:
        raise UsageError(
            f"{path} ends in .gz but is not a gzip file.", remedy="Rename it, or pack it again with `gzip`."
        )
    begin = b""
    for data in opened(path, 1 << 16):
        begin += data
        if b"\n" in data or len(begin) > ROW_LIMIT:
            break
    if not begin.removeprefix(BOM):
        raise UsageError(f"{path} is empty: it has no header.", remedy="Give a file with clicks.")
    return begin


def _first_line(path: Path, begin: bytes) -> str:
    """The header, or the first record of a file of JSON objects."""
    if begin.startswith(_UTF16):
        raise UsageError(
            f"{path} is written in UTF-16.",
            remedy=f"Convert it: iconv -f UTF-16 -t UTF-8 {path.name} > utf8-{path.name}",
        )
    line = without_line_end(begin.removeprefix(BOM).partition(b"\n")[0])
    try:
        text = line[:ROW_LIMIT].decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text or len(line) > ROW_LIMIT:
        raise UsageError(
            f"{path} is not a text file in UTF-8: its first line is binary, or longer than {ROW_LIMIT:,} bytes.",
            remedy="Footfall reads CSV, TSV, NDJSON (each also as .gz) and Parquet.",
        )
    return text


def _is_json(path: Path, line: str) -> bool:
    endings = path.suffixes[-2:]
    return line.lstrip().startswith("{") or any(e.lower() in _JSON_ENDINGS for e in endings)
