"""Turns the values of one column into small codes that live on, and back; 0 is NULL."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.codes import Codes, grown
from footfall.processors.base import Flags
from footfall.processors.relational.integers import IntegerIndex, Ints

NULL: Final = 0
_UNKNOWN: Final = -1


class KeyColumn(Protocol):
    """The values of a column that have a code."""

    def __len__(self) -> int:
        """How long an array indexed by code must be."""
        ...

    def encode(self, column: pa.Array) -> Codes:
        """A code a row."""
        ...

    def values(self, codes: Codes) -> pa.Array:
        """The values of these codes."""
        ...

    def restore(self, codes: Codes, values: pa.Array) -> None:
        """Take in what was saved, on an empty column. Values of the code 0 need not be there."""
        ...

    def release(self, codes: Codes) -> None:
        """Forget these codes' values, each named once; 0 stays."""
        ...

    @property
    def is_live(self) -> Flags:
        """Which codes have a value."""
        ...


def key_column(kind: pa.DataType) -> KeyColumn:
    """What codes values of this type."""
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_primitive(inner) and inner.bit_width <= 64:
        return Numbers(inner)
    return Values(kind, inner)


class Numbers:
    """Values of at most 64 bits: numbers, times and truth values, told apart by their bits."""

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind
        self._index = IntegerIndex()

    def __len__(self) -> int:
        return len(self._index) + 1

    def encode(self, column: pa.Array) -> Codes:
        numbers = bits(column)
        if not column.null_count:
            return self._index.add(numbers) + np.int32(1)
        codes = np.zeros(len(column), dtype=np.int32)
        present = column.is_valid().to_numpy(zero_copy_only=False)
        codes[present] = self._index.add(numbers[present]) + np.int32(1)
        return codes

    def values(self, codes: Codes) -> pa.Array:
        return from_bits(self._index.numbers[codes - 1], self._kind, codes == NULL)

    def restore(self, codes: Codes, values: pa.Array) -> None:
        there = codes != NULL
        self._index.restore(codes[there] - np.int32(1), bits(values)[there])

    def release(self, codes: Codes) -> None:
        self._index.release(codes[codes != NULL] - np.int32(1))

    @property
    def is_live(self) -> Flags:
        return np.concatenate([[True], self._index.is_live[: len(self._index)]])


class Values:
    """Texts and all else, kept as Python objects: each distinct value of a batch is looked up once."""

    def __init__(self, kind: pa.DataType, inner: pa.DataType) -> None:
        self._kind = kind
        self._inner = inner
        self._code_of: dict[Hashable, int] = {None: NULL}
        self._values: list[Any] = [None]
        self._free: list[int] = []
        self._live = np.ones(1, dtype=np.bool_)
        self._last: tuple[pa.Array, Codes] | None = None
        """The dictionary of the last batch, and the codes of its values as far as known: the next one often has it."""

    def __len__(self) -> int:
        return len(self._values)

    def encode(self, column: pa.Array) -> Codes:
        if pa.types.is_nested(self._inner):
            return self._add(column.to_pylist())
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        indices = column.indices
        missing = indices.null_count
        places = (indices.fill_null(0) if missing else indices).to_numpy(zero_copy_only=False)
        if not len(column.dictionary):
            return np.zeros(len(places), dtype=np.int32)
        codes = self._of_dictionary(places, column.dictionary)
        if missing:
            codes[~indices.is_valid().to_numpy(zero_copy_only=False)] = NULL
        return codes

    def _of_dictionary(self, places: Ints, dictionary: pa.Array) -> Codes:
        """A code a row, given the places of its values in a batch's dictionary."""
        if self._last is None or not _same(self._last[0], dictionary):
            self._last = dictionary, np.full(len(dictionary), _UNKNOWN, dtype=np.int32)
        table = self._last[1]
        codes: Codes = table[places]
        unknown = places[codes == _UNKNOWN]
        if len(unknown):
            used = np.flatnonzero(np.bincount(unknown, minlength=len(dictionary)))
            table[used] = self._add(dictionary.take(pa.array(used)).to_pylist())
            codes = table[places]
        return codes

    def _add(self, values: list[Any]) -> Codes:
        keys = values if not pa.types.is_nested(self._inner) else [_hashable(value) for value in values]
        found = list(map(self._code_of.get, keys))
        if None in found:
            fresh = [place for place, code in enumerate(found) if code is None]
            for place in fresh:
                found[place] = self._code(keys[place], values[place])
            self._live = grown(self._live, len(self._values))
            self._live[np.array([found[place] for place in fresh], dtype=np.int32)] = True
        return np.array(found, dtype=np.int32)

    def _code(self, key: Hashable, value: Any) -> int:
        code = self._code_of.get(key)
        if code is not None:
            return code
        if self._free:
            code = self._free.pop()
            self._values[code] = value
        else:
            code = len(self._values)
            self._values.append(value)
        self._code_of[key] = code
        return code

    def values(self, codes: Codes) -> pa.Array:
        held = self._values
        if len(codes) < 2 * len(held) and not pa.types.is_dictionary(self._kind):
            return pa.array([held[code] for code in codes.tolist()], type=self._inner)
        used, places = np.unique(codes, return_inverse=True)
        dictionary = pa.array([held[code] for code in used.tolist()], type=self._inner)
        if not pa.types.is_dictionary(self._kind):
            return dictionary.take(pa.array(places))
        absent = used[places] == NULL
        shift = 1 if len(used) and used[0] == NULL else 0
        indices = pa.array(places - shift, type=pa.int32(), mask=absent if shift else None)
        return pa.DictionaryArray.from_arrays(indices, dictionary[shift:]).cast(self._kind)

    def restore(self, codes: Codes, values: pa.Array) -> None:
        self._values = [None] * (max(int(codes.max(initial=0)), 0) + 1)
        self._live = np.zeros(len(self._values), dtype=np.bool_)
        self._live[NULL] = True
        self._live[codes] = True
        for code, value in zip(codes.tolist(), values.to_pylist(), strict=True):
            if code != NULL:
                self._values[code] = value
                self._code_of[_hashable(value) if pa.types.is_nested(self._inner) else value] = code
        self._free = np.flatnonzero(~self._live).tolist()

    def release(self, codes: Codes) -> None:
        nested, gone = pa.types.is_nested(self._inner), codes[codes != NULL]
        for code in gone.tolist():
            value = self._values[code]
            del self._code_of[_hashable(value) if nested else value]
            self._values[code] = None
        self._free.extend(gone.tolist())
        self._live[gone] = False
        self._last = None

    @property
    def is_live(self) -> Flags:
        return self._live[: len(self._values)].copy()


def bits(column: pa.Array) -> Ints:
    """Values of at most 64 bits as int64; where there is NULL, any number."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if column.null_count:
        column = pc.fill_null(column, pa.scalar(0, pa.int64()).cast(_plain(column.type)).cast(column.type))
    kind = column.type
    if pa.types.is_floating(kind):
        floats = column.cast(pa.float64()).to_numpy(zero_copy_only=False) + 0.0  # -0.0 becomes 0.0
        return np.where(np.isnan(floats), np.nan, floats).view(np.int64)
    plain = column if pa.types.is_integer(kind) or pa.types.is_boolean(kind) else column.cast(_plain(kind))
    numbers: Ints = plain.cast(pa.int64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers


def from_bits(numbers: Ints, kind: pa.DataType, missing: Flags | None = None) -> pa.Array:
    """The values again."""
    mask = missing if missing is not None and missing.any() else None
    if pa.types.is_floating(kind):
        return pa.array(numbers.view(np.float64), mask=mask).cast(kind)
    plain = pa.array(numbers, mask=mask).cast(_plain(kind), safe=False)
    return plain if plain.type == kind else plain.cast(kind)


def _plain(kind: pa.DataType) -> pa.DataType:
    """The numbers that hold a time."""
    if pa.types.is_date32(kind) or pa.types.is_time32(kind):
        return pa.int32()
    if pa.types.is_temporal(kind):
        return pa.int64()
    return kind


def _same(one: pa.Array, other: pa.Array) -> bool:
    """Whether two dictionaries are the same memory."""
    if one.offset != other.offset or len(one) != len(other) or one.type != other.type:
        return False
    mine, others = ([buffer and buffer.address for buffer in array.buffers()] for array in (one, other))
    return mine == others


def _hashable(value: Any) -> Hashable:
    if isinstance(value, dict):
        return tuple((name, _hashable(one)) for name, one in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return tuple(_hashable(one) for one in value)
    held: Hashable = value
    return held
