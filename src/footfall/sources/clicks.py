"""Turns columns of texts into a batch of clicks, and the rows that cannot be clicks into problems.

The work is done by columns, and once a distinct text of a block (see ``judged``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.codes import constant
from footfall.core.errors import Reason
from footfall.core.events import CLICK_SCHEMA, CODED, EARLIEST_MS, EVENT_ID, EVENT_TYPES, LATEST_MS, TIME, Batch
from footfall.core.hashing import ABSENT, U64, ids_of, text_hash
from footfall.sources.fields import (
    FIELDS,
    Problem,
    event_id_of,
    length_problem,
    product_of_url,
    seconds_ms,
    time_ms,
    value_problem,
    without_braces,
)
from footfall.sources.judged import Bools, Judged, as_coded, judge, text_problem, unchanged

Longs = npt.NDArray[np.int64]
NO_CLICKS: Final = pa.RecordBatch.from_pylist([], schema=CLICK_SCHEMA)
Columns = Mapping[str, Any]
"""A text column (plain or coded, without nulls) for each field that the file has."""

_IN_ID: Final = ("userId", "productId", "event_type", "ip", "userAgent")
_REST: Final = (*_IN_ID, "gender", "sessionId", "page", "referrer")
_BAD_TIME: Final = np.int64(-(1 << 62))
_NO_TIME: Final = np.int64(-(1 << 62) + 1)
_TIMES: Final = ("timestamp", "original_timestamp")
_DIGITS: Final = {"original_timestamp": (10, 1000), "timestamp": (13, 1)}
"""How many digits the time usually has, and how many milliseconds its unit is."""


CLEANERS: Final[Mapping[str, Callable[[str], str]]] = {"userId": without_braces, "productId": product_of_url}
"""What the template's layout does to a text before it is judged."""


@dataclass(slots=True)
class Clicks:
    """Makes batches of clicks from columns of texts."""

    cleaners: Mapping[str, Callable[[str], str]] = field(default_factory=dict)

    def build(self, columns: Columns) -> tuple[Batch, Bools | None]:
        """A row for each row of the columns, and a flag for those that are bad (None when all are good).

        Bad rows' values mean nothing: leave them out with ``only_good``.
        """
        rows = len(next(iter(columns.values())))
        judged = {name: self._judge(name, columns[name]) for name in _REST if name in columns}
        flags = [j.bad for j in judged.values() if j.bad is not None]
        times, seconds = _times(columns, flags)
        out: dict[str, Any] = {
            "timestamp": pa.array(times).view(TIME),
            "original_timestamp": seconds,
            "age": _ages(columns, flags, rows),
            "late": pa.repeat(pa.scalar(False), rows),
        }
        for name in _REST:
            out[name] = judged[name].column if name in judged else pa.nulls(rows, CODED)
        views = self._types(judged, out, rows)
        hashes = [times.view(np.uint64)]
        for name in _IN_ID:
            if name == "event_type":
                hashes.append(views)
            else:
                hashes.append(judged[name].hashes if name in judged else np.full(rows, ABSENT, dtype=np.uint64))
        out["event_id"] = _ids(columns, hashes, flags)
        batch = pa.RecordBatch.from_arrays([out[f.name] for f in CLICK_SCHEMA], schema=CLICK_SCHEMA)
        return batch, np.logical_or.reduce(flags) if flags else None

    def _judge(self, name: str, column: Any) -> Judged:
        return judge(name, as_coded(column), self.cleaners.get(name, unchanged))

    @staticmethod
    def _types(judged: Mapping[str, Judged], out: dict[str, Any], rows: int) -> U64:
        """Set the event types, ``view`` where the file says nothing; their numbers, one a row."""
        view = text_hash(EVENT_TYPES[0])
        given = judged.get("event_type")
        if given is None:
            out["event_type"] = constant(EVENT_TYPES[0], rows)
            return np.full(rows, view, dtype=np.uint64)
        if given.column.null_count:
            out["event_type"] = pc.fill_null(given.column.cast(pa.string()), EVENT_TYPES[0]).dictionary_encode()
        return np.where(given.hashes == np.uint64(ABSENT), np.uint64(view), given.hashes)

    def problem(self, texts: Mapping[str, str]) -> Problem:
        """What is wrong with a bad row's texts: the first in the order of FIELDS."""
        for name in FIELDS:
            found = text_problem(name, self.cleaners.get(name, unchanged), texts[name]) if name in texts else None
            if found is None and name == "original_timestamp" and not any(texts.get(n) for n in _TIMES):
                found = Problem(Reason.MISSING_FIELD, f"{' and '.join(n for n in _TIMES if n in texts)} empty: no time")
            if found is not None:
                return found
        return Problem(Reason.BAD_VALUE, "the row holds a value that is not allowed")


def only_good(batch: Batch, good: Bools) -> Batch:
    """The good rows; the texts of the others are not in the dictionaries any more."""
    kept = batch.filter(pa.array(good))
    columns = [c.cast(pa.string()).dictionary_encode() if pa.types.is_dictionary(c.type) else c for c in kept.columns]
    return pa.RecordBatch.from_arrays(columns, schema=CLICK_SCHEMA)


def _times(columns: Columns, flags: list[Bools]) -> tuple[Longs, Any]:
    """Event times (ms) and the column of Unix seconds; adds flags for bad and missing times."""
    own = _parsed("timestamp", columns["timestamp"]) if "timestamp" in columns else None
    given = _parsed("original_timestamp", columns["original_timestamp"]) if "original_timestamp" in columns else None
    parts = [t for t in (own, given) if t is not None]
    times = parts[0] if len(parts) == 1 else np.where(parts[0] == _NO_TIME, parts[1], parts[0])
    for part in parts:
        wrong = (part < EARLIEST_MS) | (part > LATEST_MS)
        if len(parts) == 2:
            wrong &= part != _NO_TIME
        if wrong.any():
            flags.append(wrong)
    missing = times == _NO_TIME
    if missing.any():
        flags.append(missing)
    if given is None:
        return times, pa.array(times // 1000)
    absent = given == _NO_TIME
    return times, pa.array(given // 1000, mask=absent if absent.any() else None)


def _parsed(name: str, column: Any) -> Longs:
    """Times in ms; ``_NO_TIME`` where the text is empty, ``_BAD_TIME`` where it is no time."""
    digits, factor = _DIGITS[name]
    if not pa.types.is_dictionary(column.type) and _all_digits(column, digits):
        whole: Longs = pc.cast(column, pa.int64()).to_numpy()
        return whole * factor if factor != 1 else whole
    read = seconds_ms if name == "original_timestamp" else time_ms
    column = as_coded(column)
    table = np.fromiter((_time_or_mark(read, t) for t in column.dictionary.to_pylist()), dtype=np.int64)
    parsed: Longs = table[column.indices.to_numpy()]
    return parsed


def _time_or_mark(read: Callable[[str], int | None], text: str) -> int:
    if not text:
        return int(_NO_TIME)
    ms = read(text)
    return int(_BAD_TIME) if ms is None or not EARLIEST_MS <= ms <= LATEST_MS else ms


def _all_digits(texts: pa.StringArray, digits: int) -> bool:
    """Whether every text is made of exactly this many decimal digits."""
    cut = _cut(texts, digits)
    return cut is not None and not bool(((cut - np.uint8(48)) > 9).any())


def _cut(texts: pa.StringArray, width: int) -> npt.NDArray[np.uint8] | None:
    """The bytes of texts of one width, (n, width); None when they have several widths."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return None
    places = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    if places[-1] - places[0] != width * len(texts) or not bool((np.diff(places) == width).all()):
        return None
    return np.frombuffer(data, dtype=np.uint8)[places[0] : places[-1]].reshape(-1, width)


def _ages(columns: Columns, flags: list[Bools], rows: int) -> Any:
    if "age" not in columns:
        return pa.nulls(rows, pa.int16())
    column = as_coded(columns["age"])
    texts = column.dictionary.to_pylist()
    bad = np.fromiter((value_problem("age", t) is not None for t in texts), dtype=np.bool_)
    codes = column.indices.to_numpy()
    if bad.any():
        flags.append(bad[codes])
    values = pa.array([None if not t or b else int(t) for t, b in zip(texts, bad, strict=True)], type=pa.int16())
    return values.take(column.indices)


def _ids(columns: Columns, hashes: Sequence[U64], flags: list[Bools]) -> Any:
    """The rows' own event ids, and ids from the content where there is none."""
    computed = ids_of(hashes)
    if "event_id" not in columns:
        return computed
    texts = columns["event_id"].cast(pa.string()).to_pylist()
    too_long = np.fromiter((length_problem("event_id", t) is not None for t in texts), dtype=np.bool_)
    if too_long.any():
        flags.append(too_long)
    own = [event_id_of(t) if t else c for t, c in zip(texts, computed.to_pylist(), strict=True)]
    return pa.array(own, type=EVENT_ID)
