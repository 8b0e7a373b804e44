"""Turns rows into what is known of each group: counts, sums and what follows from them, an array indexed by slot.

A slot is a group, a pane or a session: who owns the accumulators says which rows go where. Rows with NULL as their
argument never get here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.codes import grown
from footfall.core.events import Batch
from footfall.processors.base import Change
from footfall.processors.relational.integers import Ints, Slots

Fills = Mapping[str, tuple[Any, Any]]
"""Of each array of state the type of its numbers, and what a slot holds before the first row."""


class Arrays:
    """Arrays indexed by slot, with names under which they are saved."""

    def __init__(self, fills: Fills) -> None:
        self._fills = fills
        self._held: dict[str, npt.NDArray[Any]] = {name: np.zeros(0, dtype=kind) for name, (kind, _) in fills.items()}

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self._held[name]

    def grow(self, length: int) -> None:
        """Make room for slots below this."""
        for name, (_, fill) in self._fills.items():
            self._held[name] = grown(self._held[name], length, fill=fill)

    def clear(self, slots: Slots) -> None:
        """Make these slots as if there had never been a row."""
        for name, (_, fill) in self._fills.items():
            self._held[name][slots] = fill

    def columns(self, slots: Slots) -> dict[str, pa.Array]:
        """What is to be saved of these slots."""
        return {name: pa.array(array[slots]) for name, array in self._held.items()}

    def restore(self, slots: Slots, prefix: str, rows: Batch) -> None:
        """Take in what was saved of these slots, under names with this prefix."""
        for name, array in self._held.items():
            array[slots] = rows.column(prefix + name).to_numpy(zero_copy_only=False)


class Accumulator(Protocol):
    """What is known of one aggregate in each slot."""

    def grow(self, length: int) -> None:
        """Make room for slots below this."""
        ...

    def add(self, slots: Slots, signs: Ints | None, column: pa.Array | None) -> None:
        """Take rows: the slot of each, 1 or -1 for a row that is taken back (None: all are 1), and the argument."""
        ...

    def merge(self, source: Slots, target: Slots) -> None:
        """Add what is known of each source, in this order, to a target; a target is no source."""
        ...

    def results(self, slots: Slots) -> pa.Array:
        """The aggregate."""
        ...

    def clear(self, slots: Slots) -> None:
        """Make these slots as if there had never been a row."""
        ...

    def columns(self, slots: Slots) -> dict[str, pa.Array]:
        """What is to be saved of these slots."""
        ...

    def restore(self, slots: Slots, prefix: str, rows: Batch) -> None:
        """Take in what was saved of these slots."""
        ...

    def changes(self) -> list[Change]:
        """What is to be saved besides."""
        ...


class Counted:
    """State in arrays that add up."""

    def __init__(self, fills: Fills) -> None:
        self.state = Arrays(fills)
        self.names = tuple(fills)

    def grow(self, length: int) -> None:
        self.state.grow(length)

    def merge(self, source: Slots, target: Slots) -> None:
        for name in self.names:
            np.add.at(self.state[name], target, self.state[name][source])

    def settle(self, slots: Slots) -> None:
        """Bring into shape what was added up elsewhere; each slot is named once."""

    def clear(self, slots: Slots) -> None:
        self.state.clear(slots)

    def columns(self, slots: Slots) -> dict[str, pa.Array]:
        return self.state.columns(slots)

    def restore(self, slots: Slots, prefix: str, rows: Batch) -> None:
        self.state.restore(slots, prefix, rows)

    def changes(self) -> list[Change]:
        return []


class Count(Counted):
    """COUNT: rows, or values."""

    def __init__(self) -> None:
        super().__init__({"count": (np.int64, 0)})

    def add(self, slots: Slots, signs: Ints | None, column: pa.Array | None) -> None:  # noqa: ARG002 - values are alike
        np.add.at(self.state["count"], slots, 1 if signs is None else signs)

    def results(self, slots: Slots) -> pa.Array:
        return pa.array(self.state["count"][slots])


class Moments(Counted):
    """SUM, AVG, variances and standard deviations of numbers.

    Sums of whole numbers wrap around, and their averages are cut off, as Flink's are.
    """

    def __init__(self, function: str, argument: pa.DataType, result: pa.DataType) -> None:
        self._function = function
        self._result = result
        self._whole = pa.types.is_integer(argument)
        kind = np.int64 if self._whole else np.float64
        fills: dict[str, tuple[Any, Any]] = {"count": (np.int64, 0), "sum": (kind, 0)}
        self._squares = function not in SUMS
        if self._squares:
            fills["squares"] = (kind, 0)
        super().__init__(fills)

    def add(self, slots: Slots, signs: Ints | None, column: pa.Array | None) -> None:
        assert column is not None  # noqa: S101 - only COUNT has no argument
        values = column.cast(pa.int64() if self._whole else pa.float64()).to_numpy(zero_copy_only=False)
        np.add.at(self.state["count"], slots, 1 if signs is None else signs)
        np.add.at(self.state["sum"], slots, values if signs is None else values * signs)
        if self._squares:
            np.add.at(self.state["squares"], slots, values * values if signs is None else values * values * signs)

    def results(self, slots: Slots) -> pa.Array:
        count, total = self.state["count"][slots], self.state["sum"][slots]
        match self._function:
            case "SUM":
                found, known = total, count > 0
            case "SUM0" | "$SUM0":
                found, known = total, np.ones(len(count), dtype=np.bool_)
            case "AVG":
                found, known = _divided(total, np.maximum(count, 1), whole=self._whole), count > 0
            case _:
                found, known = self._spread(count, total, self.state["squares"][slots])
        return number_array(found, self._result, known)

    def _spread(self, count: Ints, total: npt.NDArray[Any], squares: npt.NDArray[Any]) -> tuple[Any, Any]:
        """VAR_POP, VAR_SAMP and their roots, by the steps that Flink takes."""
        apart = count - 1 if self._function.endswith("_SAMP") or self._function in {"STDDEV", "VARIANCE"} else count
        differences = squares - _divided(total * total, np.maximum(count, 1), whole=self._whole)
        found = _divided(differences, np.maximum(apart, 1), whole=self._whole)
        if self._function.startswith("STDDEV"):
            found = np.sqrt(np.maximum(found, 0) if self._whole else found)
        return found, apart > 0


SUMS: Final = ("SUM", "SUM0", "$SUM0", "AVG")


def _divided(numbers: npt.NDArray[Any], by: Ints, *, whole: bool) -> npt.NDArray[Any]:
    """Whole numbers are cut off towards zero."""
    if not whole:
        quotients: npt.NDArray[Any] = numbers / by
        return quotients
    truncated: npt.NDArray[Any] = np.sign(numbers) * (np.abs(numbers) // by)
    return truncated


def number_array(numbers: npt.NDArray[Any], kind: pa.DataType, known: npt.NDArray[np.bool_]) -> pa.Array:
    """Numbers as a column, NULL where nothing is known; whole ones wrap around, fractions are cut off."""
    mask = None if known.all() else ~known
    if pa.types.is_integer(kind):
        return pa.array(numbers.astype(kind.to_pandas_dtype()), type=kind, mask=mask)
    if pa.types.is_decimal(kind):
        return pa.array(numbers.astype(np.float64), mask=mask).cast(kind, safe=False)
    return pa.array(numbers, mask=mask).cast(kind, safe=False)
