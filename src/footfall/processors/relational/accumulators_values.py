"""Turns rows into the least, the greatest, the first or the last value of each group."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.codes import Codes
from footfall.core.events import Batch
from footfall.processors.base import Change, State
from footfall.processors.relational.accumulators import Arrays
from footfall.processors.relational.integers import Ints, Slots
from footfall.processors.relational.key_columns import bits, from_bits
from footfall.processors.relational.keys import KeyIndex
from footfall.processors.relational.values import Turns, ValueCounts

_NONE: Final = -1
_LARGEST: Final = 2**63 - 1


class Held:
    """State in arrays."""

    state: Arrays

    def grow(self, length: int) -> None:
        self.state.grow(length)

    def clear(self, slots: Slots) -> None:
        self.state.clear(slots)

    def columns(self, slots: Slots) -> dict[str, pa.Array]:
        return self.state.columns(slots)

    def restore(self, slots: Slots, prefix: str, rows: Batch) -> None:
        self.state.restore(slots, prefix, rows)

    def changes(self) -> list[Change]:
        return []


class ExtremeNumber(Held):
    """MIN and MAX of numbers and times that are never taken back."""

    def __init__(self, argument: pa.DataType, *, greatest: bool) -> None:
        self._kind = argument
        self._floating = pa.types.is_floating(argument)
        self._better = (np.fmax if greatest else np.fmin) if self._floating else np.maximum if greatest else np.minimum
        worst: float = (-_LARGEST - 1) if greatest else _LARGEST
        if self._floating:
            worst = -np.inf if greatest else np.inf
        self.state = Arrays(
            {"count": (np.int64, 0), "value": (np.float64 if self._floating else np.int64, worst)},
        )

    def add(self, slots: Slots, signs: Ints | None, column: pa.Array | None) -> None:  # noqa: ARG002 - none go
        assert column is not None  # noqa: S101 - MIN has an argument
        np.add.at(self.state["count"], slots, 1)
        self._better.at(self.state["value"], slots, self._numbers(column))

    def _numbers(self, column: pa.Array) -> npt.NDArray[np.float64] | Ints:
        if not self._floating:
            return bits(column)
        floats: npt.NDArray[np.float64] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return floats

    def merge(self, source: Slots, target: Slots) -> None:
        np.add.at(self.state["count"], target, self.state["count"][source])
        self._better.at(self.state["value"], target, self.state["value"][source])

    def results(self, slots: Slots) -> pa.Array:
        found, missing = self.state["value"][slots], self.state["count"][slots] == 0
        if self._floating:
            return pa.array(found, mask=missing).cast(self._kind)
        return from_bits(found, self._kind, missing)


class Extreme(Held):
    """MIN and MAX of anything that has an order, by codes of the values."""

    def __init__(self, values: KeyIndex, *, greatest: bool) -> None:
        self.values = values
        self._order = "descending" if greatest else "ascending"
        self.state = Arrays({"value": (np.int64, _NONE)})

    def improve(self, slots: Slots, codes: Codes | Ints) -> None:
        """Take a value for each of these slots, if it is better than the one that it has."""
        touched, which = np.unique(slots, return_inverse=True)
        held = self.state["value"][touched]
        there = held != _NONE
        which = np.concatenate([which, np.flatnonzero(there)])
        known, places = np.unique(np.concatenate([codes, held[there]]), return_inverse=True)
        column = self.values.columns(known.astype(np.int32))[0]
        order = pc.sort_indices(column, sort_keys=[("", self._order)]).to_numpy()
        rank = np.empty(len(known), dtype=np.int64)
        rank[order] = np.arange(len(known))
        best = np.full(len(touched), _LARGEST)
        np.minimum.at(best, which, rank[places])
        self.state["value"][touched] = known[order[best]]

    def merge(self, source: Slots, target: Slots) -> None:
        held = self.state["value"][source]
        there = held != _NONE
        self.improve(target[there], held[there])

    def results(self, slots: Slots) -> pa.Array:
        return values_of(self.values, self.state["value"][slots])


class ExtremeValue(Extreme):
    """MIN and MAX of what is never taken back."""

    def __init__(self, argument: pa.DataType, table: str, state: State, *, greatest: bool) -> None:
        super().__init__(KeyIndex([argument], f"{table}_values", state), greatest=greatest)

    def add(self, slots: Slots, signs: Ints | None, column: pa.Array | None) -> None:  # noqa: ARG002 - none go
        self.improve(slots, self.values.encode_arrays([column], len(slots)))

    def changes(self) -> list[Change]:
        self.values.release_others(_used(self.state["value"]))
        return self.values.changes()


class ExtremeLeft(Extreme):
    """MIN and MAX of values that come and go: ``counts`` knows which are left, and is saved by who owns it."""

    def __init__(self, counts: ValueCounts, *, greatest: bool) -> None:
        super().__init__(counts.values, greatest=greatest)
        self._counts = counts

    def turn(self, turns: Turns) -> None:
        """Values have come and gone."""
        came = turns.signs > 0
        gone = ~came & (self.state["value"][turns.slots] == turns.codes)
        again = np.unique(turns.slots[gone])
        self.state["value"][again] = _NONE
        slots, codes = self._counts.of(again)
        self.improve(np.concatenate([turns.slots[came], slots]), np.concatenate([turns.codes[came], codes]))


class Edge(Held):
    """FIRST_VALUE and LAST_VALUE of rows that are never taken back, by arrival."""

    def __init__(self, argument: pa.DataType, table: str, state: State, *, last: bool) -> None:
        self._values = KeyIndex([argument], f"{table}_values", state)
        self._better = np.maximum if last else np.minimum
        self.state = Arrays({"value": (np.int64, _NONE), "place": (np.int64, -1 if last else _LARGEST)})
        self._rows = 0
        """Higher than the place of any row that counts."""

    def restore(self, slots: Slots, prefix: str, rows: Batch) -> None:
        super().restore(slots, prefix, rows)
        there = self.state["value"][slots] != _NONE
        self._rows = int(self.state["place"][slots][there].max(initial=-1)) + 1

    def add(self, slots: Slots, signs: Ints | None, column: pa.Array | None) -> None:  # noqa: ARG002 - none go
        assert column is not None  # noqa: S101 - FIRST_VALUE has an argument
        places = np.arange(self._rows, self._rows + len(slots))
        self._rows += len(slots)
        self._better.at(self.state["place"], slots, places)
        won = np.flatnonzero(self.state["place"][slots] == places)
        self.state["value"][slots[won]] = self._values.encode_arrays([column.take(pa.array(won))], len(won))

    def merge(self, source: Slots, target: Slots) -> None:
        self._better.at(self.state["place"], target, self.state["place"][source])
        won = (self.state["place"][target] == self.state["place"][source]) & (self.state["value"][source] != _NONE)
        self.state["value"][target[won]] = self.state["value"][source[won]]

    def results(self, slots: Slots) -> pa.Array:
        return values_of(self._values, self.state["value"][slots])

    def changes(self) -> list[Change]:
        self._values.release_others(_used(self.state["value"]))
        return self._values.changes()


def values_of(values: KeyIndex, codes: Ints) -> pa.Array:
    """The values of these codes; -1 is NULL."""
    there = np.flatnonzero(codes != _NONE)
    column = values.columns(codes[there].astype(np.int32))[0]
    if len(there) == len(codes):
        return column
    places = np.zeros(len(codes), dtype=np.int64)
    places[there] = np.arange(len(there))
    return column.take(pa.array(places, mask=codes == _NONE))


def _used(codes: Ints) -> Codes:
    return np.unique(codes[codes != _NONE]).astype(np.int32)
