"""Turns the values of key columns into small codes that live on, so that what is held for a key can be an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.core.codes import Codes
from footfall.core.events import Batch
from footfall.processors.base import Change, Flags, State
from footfall.processors.relational.integers import IntegerIndex, Ints
from footfall.processors.relational.journal import Journal
from footfall.processors.relational.key_columns import KeyColumn, key_column

_LOW: Final = np.int64((1 << 32) - 1)
_SWEEP: Final = 1_024
"""So few keys that were released are not worth looking for values that nobody needs."""
_SPARE: Final = 100_000
"""So many keys that nobody needs now may stay: most come again."""


def packed(high: Ints | Codes, low: Ints | Codes) -> Ints:
    """Two codes as one number."""
    both: Ints = (high.astype(np.int64) << 32) | low
    return both


def unpacked(numbers: Ints) -> tuple[Codes, Codes]:
    """The two codes again."""
    return (numbers >> 32).astype(np.int32), (numbers & _LOW).astype(np.int32)


class KeyIndex:
    """Gives each distinct row of values of some columns a code from 0 up; NULL is a value like others.

    A code means the same until it is released; released codes are given out again. Without columns, the only
    code is 0. ``table`` names what it saves.
    """

    def __init__(self, types: Sequence[pa.DataType], table: str, state: State | None = None) -> None:
        self._types = types
        self._journal = Journal(table)
        self._saved: Flags = np.zeros(0, dtype=np.bool_)
        """Which codes were in use when they were saved last."""
        self._start()
        if state is not None:
            self._restore(*self._journal.restore(state))

    def _start(self) -> None:
        self._columns: list[KeyColumn] = [key_column(kind) for kind in self._types]
        self._pairs = [IntegerIndex() for _ in self._columns[1:]]
        """The first says the code of a pair of values, the next of such a code and a value, and so on."""
        self._released = 0

    def __len__(self) -> int:
        """How long an array indexed by code must be."""
        if self._pairs:
            return len(self._pairs[-1])
        return len(self._columns[0]) if self._columns else 1

    @property
    def live(self) -> int:
        """How many keys have a code now."""
        return self._pairs[-1].live if self._pairs else int(np.count_nonzero(self.is_live))

    @property
    def is_live(self) -> Flags:
        """For each code whether it is in use. That of a single NULL, and that of no columns, always are."""
        if self._pairs:
            return self._pairs[-1].is_live[: len(self)]
        return self._columns[0].is_live if self._columns else np.ones(1, dtype=np.bool_)

    def encode(self, batch: Batch, columns: Sequence[str]) -> Codes:
        """A code a row, new ones for keys that have none."""
        return self.encode_arrays([batch.column(name) for name in columns], batch.num_rows)

    def encode_arrays(self, arrays: Sequence[pa.Array], rows: int) -> Codes:
        """The same of columns that are not in a batch."""
        if not arrays:
            return np.zeros(rows, dtype=np.int32)
        codes = self._columns[0].encode(arrays[0])
        for pairs, column, array in zip(self._pairs, self._columns[1:], arrays[1:], strict=True):
            codes = pairs.add(packed(codes, column.encode(array)))
        return codes

    def columns(self, codes: Codes) -> list[pa.Array]:
        """The values of these codes, a column each, of the types that were given."""
        found = self._column_codes(codes)
        return [column.values(own) for column, own in zip(self._columns, found, strict=True)]

    def _column_codes(self, codes: Codes) -> list[Codes]:
        """For each column the codes of its values."""
        if not self._columns:
            return []
        found = []
        for pairs in reversed(self._pairs):
            codes, own = unpacked(pairs.numbers[codes])
            found.append(own)
        return [codes, *reversed(found)]

    def release(self, codes: Codes) -> None:
        """Forget these keys, each named once."""
        if not self._columns or not len(codes):
            return
        self._journal.touch(codes)
        self._released += len(codes)
        if not self._pairs:
            self._columns[0].release(codes)
            return
        self._pairs[-1].release(codes)
        if self._released > self._pairs[-1].live + _SWEEP:
            self._sweep()

    def release_others(self, used: Codes) -> None:
        """Forget all keys but these, if that is most of them."""
        held = self.is_live.copy()
        if np.count_nonzero(held) > 2 * len(used) + _SPARE:
            held[used] = False
            self.release(np.flatnonzero(held).astype(np.int32))

    def _sweep(self) -> None:
        """Forget values that are in no key any more."""
        self._released = 0
        codes = self._pairs[-1].codes()
        found = self._column_codes(codes)
        for column, own in zip(self._columns, found, strict=True):
            unused = column.is_live
            unused[own] = False
            column.release(np.flatnonzero(unused).astype(np.int32))
        self._pair(codes, found)

    def _pair(self, codes: Codes, found: Sequence[Codes]) -> None:
        """Build the pairs anew from the codes of the values."""
        self._pairs = [IntegerIndex() for _ in self._columns[1:]]
        so_far = found[0]
        for pairs, own in zip(self._pairs[:-1], found[1:-1], strict=True):
            so_far = pairs.add(packed(so_far, own))
        self._pairs[-1].restore(codes, packed(so_far, found[-1]))

    # -- state --------------------------------------------------------------------------------------------

    def changes(self) -> list[Change]:
        """Keys that are new, and codes that were released, since the last call."""
        if not self._columns:
            return []
        is_live = self.is_live
        saved = np.zeros(len(is_live), dtype=np.bool_)
        saved[: len(self._saved)] = self._saved[: len(is_live)]
        self._journal.touch(np.flatnonzero(is_live & ~saved))
        self._saved = is_live.copy()
        return self._journal.changes(is_live, self._rows)

    def _rows(self, codes: Codes) -> dict[str, pa.Array]:
        arrays = self.columns(codes)
        return {f"key{place}": _plain(array) for place, array in enumerate(arrays)}

    def _restore(self, codes: Codes, rows: Batch | None) -> None:
        if rows is None or not len(codes):
            return
        self._saved = np.zeros(int(codes.max()) + 1, dtype=np.bool_)
        self._saved[codes] = True
        arrays = [rows.column(f"key{place}") for place in range(len(self._columns))]
        if not self._pairs:
            self._columns[0].restore(codes, arrays[0])
            return
        found = [column.encode(array) for column, array in zip(self._columns, arrays, strict=True)]
        self._pair(codes, found)


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
