"""Turns columns of values out of messages into Arrow columns, and says which rows need a closer look.

The rules are those of ``values``, applied to whole columns: each distinct text of a coded column is checked once.
A row is in doubt when a value of it breaks a rule or has an unusual form; what its columns hold then means nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.events import EVENT_ID, EVENT_TYPES, Batch
from footfall.log.codecs.rare import is_milliseconds, is_text
from footfall.log.codecs.rows import as_array
from footfall.log.codecs.unusable import Unusable
from footfall.log.codecs.values import LONGEST_TEXT, plain_integers, value_of

Flags = npt.NDArray[np.bool_]
Column = tuple[pa.Array, Flags | None]
"""The column, and the rows in doubt; None: no row is."""

_TOO_LARGE: Final = (1 << 63) - 1
_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4: Final = rf"^{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}$"
_EVENT_TYPES: Final = pa.array(EVENT_TYPES)
_FIRST_DAY: Final = -719_162
"""0001-01-01: Python knows no day before it."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How a column is read."""

    plain: pa.DataType | None
    """What its values are gathered as; None: as they are."""
    check: Callable[[Any], Column]
    """Gathered values into the column."""


@lru_cache(maxsize=256)
def readers_of(schema: pa.Schema) -> tuple[Reader, ...]:
    """What reads each column of the schema."""
    return tuple(map(_reader_of, schema))


def gathered(reader: Reader, values: Sequence[Any]) -> Any:
    """Some values of a column as an array of a plain type, if it has one. None stands for null."""
    if reader.plain is None:
        return values
    try:
        return pa.array(values, reader.plain)
    except (pa.ArrowException, OverflowError):  # an integer that is certainly too large
        return pa.array([value if _fits(value) else _TOO_LARGE for value in values], reader.plain)


def _fits(value: Any) -> bool:
    """Whether a value goes into a column of numbers. One that does not is looked at by itself."""
    return value is None or (isinstance(value, int | float) and -_TOO_LARGE < value < _TOO_LARGE)


def checked(columns: Sequence[Sequence[Any]], schema: pa.Schema, *, rows: int) -> tuple[Batch, Flags]:
    """The gathered pieces of each column as a batch, and which of its rows are in doubt."""
    doubtful = np.zeros(rows, dtype=np.bool_)
    arrays = []
    for reader, pieces in zip(readers_of(schema), columns, strict=True):
        if reader.plain is None:
            array, doubts = reader.check([value for piece in pieces for value in piece])
        else:
            array, doubts = reader.check(pa.concat_arrays(pieces or [pa.array([], reader.plain)]))
        arrays.append(array)
        if doubts is not None:
            doubtful |= doubts
    return Batch.from_arrays(arrays, schema=schema), doubtful


def _reader_of(field: pa.Field) -> Reader:
    kind = field.type
    if is_text(kind):
        coded = pa.types.is_dictionary(kind)
        return Reader(pa.string(), _needed(field, _coded_texts(field) if coded else _texts(field)))
    if pa.types.is_integer(kind) or is_milliseconds(kind):
        return Reader(pa.int64(), _needed(field, _integers(field)))
    if kind == EVENT_ID:
        return Reader(pa.string(), _ids(field))
    if pa.types.is_boolean(kind):
        return Reader(pa.bool_(), _needed(field, lambda flags: (flags, None)))
    if pa.types.is_date32(kind):
        return Reader(pa.string(), _needed(field, _dates(field)))
    return Reader(None, lambda values: _one_by_one(values, field))


def _needed(field: pa.Field, check: Callable[[pa.Array], Column]) -> Callable[[pa.Array], Column]:
    """The same check, and a null is in doubt where the field must have a value."""
    if field.nullable:
        return check

    def check_all(values: pa.Array) -> Column:
        column, doubtful = check(values)
        if not values.null_count:
            return column, doubtful
        missing = _numpy(values.is_null())
        return column, missing if doubtful is None else doubtful | missing

    return check_all


def _integers(field: pa.Field) -> Callable[[pa.Array], Column]:
    low, high = plain_integers(field)

    def check(numbers: pa.Array) -> Column:
        if numbers.null_count == len(numbers):
            return numbers.cast(field.type), None
        ends = pc.min_max(numbers)
        if ends["min"].as_py() >= low and ends["max"].as_py() <= high:
            return numbers.cast(field.type), None
        outside = pc.or_(pc.less(numbers, low), pc.greater(numbers, high))
        return pc.if_else(outside, None, numbers).cast(field.type), _numpy(outside)

    return check


def _texts(field: pa.Field) -> Callable[[pa.Array], Column]:
    return lambda texts: (texts.cast(field.type), _breaking_a_rule(texts, field))


def _coded_texts(field: pa.Field) -> Callable[[pa.Array], Column]:
    def check(texts: pa.Array) -> Column:
        if texts.null_count == len(texts):
            return pa.nulls(len(texts), field.type), None
        coded = texts.dictionary_encode()
        bad = _breaking_a_rule(coded.dictionary, field)
        doubtful = None
        if bad is not None:
            doubtful = np.append(bad, [False])[coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
        return coded.cast(field.type), doubtful

    return check


def _breaking_a_rule(texts: pa.Array, field: pa.Field) -> Flags | None:
    """Which texts may break a rule of the field."""
    if texts.null_count == len(texts):
        return None
    found: list[pa.Array] = []
    lengths = pc.binary_length(texts)
    ends = pc.min_max(lengths)
    if ends["max"].as_py() > LONGEST_TEXT:
        found.append(pc.greater(lengths, LONGEST_TEXT))
    if not ends["min"].as_py():
        found.append(pc.equal(lengths, 0))  # some fields may be empty; that is not for us to judge
    data = texts.buffers()[2]
    if data and not np.frombuffer(data, dtype=np.uint8).all():
        found.append(pc.match_substring(texts, "\0"))
    if field.name == "event_type":
        found.append(pc.invert(pc.is_in(texts, _EVENT_TYPES)))
    elif field.name == "ip":
        found.append(pc.invert(pc.match_substring_regex(texts, _IPV4)))
    suspects = np.zeros(len(texts), dtype=np.bool_)
    for each in found:
        suspects |= _numpy(each)
    return _judged(texts, suspects, field) if suspects.any() else None


def _judged(texts: pa.Array, suspects: Flags, field: pa.Field) -> Flags | None:
    """Which of the suspects do break a rule: what is seldom is looked at text by text."""
    places = np.flatnonzero(suspects)
    for place, text in zip(places.tolist(), texts.take(pa.array(places)).to_pylist(), strict=True):
        suspects[place] = not _is_usable(text, field)
    return suspects if suspects.any() else None


def _is_usable(value: object, field: pa.Field) -> bool:
    try:
        value_of(value, field)
    except Unusable:
        return False
    return True


def _ids(field: pa.Field) -> Callable[[pa.Array], Column]:
    size = EVENT_ID.byte_width

    def check(texts: pa.Array) -> Column:
        starts, data = texts.buffers()[1:]
        if data and not texts.null_count:
            ends = np.frombuffer(starts, dtype=np.int32)[: len(texts) + 1]
            if not texts.offset and (np.diff(ends) == 2 * size).all():
                try:
                    packed = bytes.fromhex(data.to_pybytes().decode("ascii"))
                except ValueError:
                    packed = b""
                if len(packed) == size * len(texts):
                    return pa.FixedSizeBinaryArray.from_buffers(
                        EVENT_ID, len(texts), [None, pa.py_buffer(packed)]
                    ), None
        return _one_by_one(texts.to_pylist(), field)

    return check


def _dates(field: pa.Field) -> Callable[[pa.Array], Column]:
    def check(texts: pa.Array) -> Column:
        if texts.null_count == len(texts):
            return pa.nulls(len(texts), field.type), None
        lengths = pc.min_max(pc.binary_length(texts))
        try:
            dates = texts.cast(field.type)
        except pa.ArrowInvalid:  # a 30th of February, or another way to write a day
            return _one_by_one(texts.to_pylist(), field)
        first = pc.min(dates.cast(pa.int32())).as_py()
        if (lengths["min"].as_py(), lengths["max"].as_py()) != (10, 10) or first < _FIRST_DAY:
            return _one_by_one(texts.to_pylist(), field)
        return dates, None

    return check


def _one_by_one(values: Sequence[Any], field: pa.Field) -> Column:
    found, doubtful = [], np.zeros(len(values), dtype=np.bool_)
    for row, value in enumerate(values):
        try:
            found.append(value_of(value, field))
        except Unusable:
            found.append(None)
            doubtful[row] = True
    return as_array(found, field), doubtful


def _numpy(flags: pa.Array) -> Flags:
    found: Flags = pc.fill_null(flags, fill_value=False).to_numpy(zero_copy_only=False)
    return found
