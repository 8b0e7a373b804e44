"""Turns a field's column of texts into a coded column of clean texts, their numbers, and which rows are bad.

The work is done once a distinct text of a block. Nothing is remembered from block to block: measured, a look-up in
a large dict costs five times as much as hashing a text anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_64_intdigest

from footfall.core.codes import coded
from footfall.core.hashing import ABSENT, U64
from footfall.sources.fields import FIELD_LIMIT, Problem, length_problem, value_problem, without_braces

Bools = npt.NDArray[np.bool_]

_OPTIONAL: Final = ("event_type", "ip", "userAgent", "gender", "sessionId", "page", "referrer")
_IPV4: Final = r"^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\z"
_SPACE, _DELETE = np.uint8(32), np.uint8(127)


def unchanged(text: str) -> str:
    """The text as it is."""
    return text


@dataclass(frozen=True, slots=True)
class Judged:
    """A field's column: the good texts of a block coded, and which rows are not good."""

    column: pa.DictionaryArray
    hashes: U64
    """A number a row, for the event id (``core.hashing``)."""
    bad: Bools | None
    """A flag a row; None when all are good."""


def judge(name: str, column: pa.DictionaryArray, clean: Callable[[str], str] = unchanged) -> Judged:
    """Clean and judge each distinct text of a field's column once."""
    codes: npt.NDArray[np.int32] = column.indices.to_numpy()
    raw = column.dictionary
    texts, places = _cleaned(raw, clean)
    bad = _bad_texts(name, raw, texts, places, clean)
    row_bad = None if bad is None else bad[codes]
    if places is not None:
        codes = places[codes]
    hashes = _hashes(texts)
    if name in _OPTIONAL:
        empty = pc.index(texts, "").as_py()
        if empty >= 0:
            hashes[empty] = ABSENT
            numbers = hashes[codes]
            return Judged(coded(np.where(codes == empty, np.int32(-1), codes), texts), numbers, row_bad)
    return Judged(coded(codes, texts), hashes[codes], row_bad)


def _cleaned(raw: pa.StringArray, clean: Callable[[str], str]) -> tuple[pa.StringArray, npt.NDArray[np.int32] | None]:
    """The distinct clean texts, and the place of each raw text among them (None: the same place)."""
    if clean is unchanged:
        return raw, None
    if clean is without_braces and _all_in_braces(raw):
        return pc.utf8_slice_codeunits(raw, 1, -1), None
    cleaned = plain(list(map(clean, raw.to_pylist()))).dictionary_encode()
    return cleaned.dictionary, cleaned.indices.to_numpy()


def _bad_texts(
    name: str,
    raw: pa.StringArray,
    texts: pa.StringArray,
    places: npt.NDArray[np.int32] | None,
    clean: Callable[[str], str],
) -> Bools | None:
    """A flag for each raw text: whether it is bad. None when all are good.

    Most texts are seen to be good by columns; the others are judged one by one.
    """
    doubtful = _doubtful(name, texts)
    if places is not None:
        doubtful = doubtful[places]
    doubtful |= pc.binary_length(raw).to_numpy() > FIELD_LIMIT
    if not doubtful.any():
        return None
    for i in np.flatnonzero(doubtful).tolist():
        doubtful[i] = text_problem(name, clean, raw[i].as_py()) is not None
    return doubtful if doubtful.any() else None


def _doubtful(name: str, texts: pa.StringArray) -> Bools:
    """Which texts may be bad."""
    if name in {"userId", "productId"}:  # all but those that begin with a visible ASCII character
        begin = _first_bytes(texts)
        found: Bools = (begin <= _SPACE) | (begin >= _DELETE)
        return found
    if name == "ip":
        matched: Bools = pc.match_substring_regex(texts, _IPV4).to_numpy(zero_copy_only=False)
        return ~matched
    return np.full(len(texts), name == "event_type")


def _first_bytes(texts: pa.StringArray) -> npt.NDArray[np.uint8]:
    """The first byte of each text; 0 for an empty one."""
    _, offsets, data = texts.buffers()
    places = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    if data is None or not data.size:
        return np.zeros(len(texts), dtype=np.uint8)
    begin = np.frombuffer(data, dtype=np.uint8)[np.minimum(places[:-1], data.size - 1)]
    return np.where(places[1:] > places[:-1], begin, np.uint8(0))


def _hashes(texts: pa.StringArray) -> U64:
    """The numbers of texts, as ``hashing.text_hashes`` gives them, without a Python text for each."""
    return np.fromiter(map(xxh3_64_intdigest, texts.cast(pa.binary()).to_pylist()), dtype=np.uint64, count=len(texts))


def _all_in_braces(texts: pa.StringArray) -> bool:
    opened = pc.all(pc.starts_with(texts, "{"), min_count=0).as_py()
    # Texts of one character would lose it twice.
    return bool(
        opened
        and pc.all(pc.ends_with(texts, "}"), min_count=0).as_py()
        and (len(texts) == 0 or pc.min(pc.binary_length(texts)).as_py() >= 2)
    )


def text_problem(name: str, clean: Callable[[str], str], text: str) -> Problem | None:
    """What is wrong with a field's text as it stands in the file, if anything."""
    return length_problem(name, text) or value_problem(name, clean(text))


def as_coded(column: Any) -> pa.DictionaryArray:
    """The column with a code a row."""
    return column if pa.types.is_dictionary(column.type) else column.dictionary_encode()


def plain(texts: Sequence[str]) -> pa.StringArray:
    """A column of texts."""
    return pa.array(texts, type=pa.string())
