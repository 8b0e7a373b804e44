"""Turns rows into the list of values of each group, in their order, for aggregates that need all of it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from footfall.core.events import Batch
from footfall.processors.base import Change
from footfall.processors.relational.integers import Ints, Slots


class Lists:
    """LISTAGG, ARRAY_AGG, and FIRST_VALUE and LAST_VALUE of rows that may be taken back.

    What is taken back is the first value that equals it, as in Flink. It goes row by row.
    """

    def __init__(self, function: str, argument: pa.DataType, result: pa.DataType, separator: str = ",") -> None:
        self._function = function
        self._result = result
        self._separator = separator
        plain = argument.value_type if pa.types.is_dictionary(argument) else argument
        self._kind = pa.list_(plain)
        self._held: dict[int, list[Any]] = {}

    def grow(self, length: int) -> None:
        pass

    def add(self, slots: Slots, signs: Ints | None, column: pa.Array | None) -> None:
        assert column is not None  # noqa: S101 - a list has elements
        held, taken = self._held, [] if signs is None else signs.tolist()
        for row, (slot, value) in enumerate(zip(slots.tolist(), column.to_pylist(), strict=True)):
            values = held.setdefault(slot, [])
            if not taken or taken[row] > 0:
                values.append(value)
            elif value in values:
                values.remove(value)

    def merge(self, source: Slots, target: Slots) -> None:
        for one, other in zip(source.tolist(), target.tolist(), strict=True):
            self._held.setdefault(other, []).extend(self._held.get(one, ()))

    def results(self, slots: Slots) -> pa.Array:
        held = [self._held.get(slot) for slot in slots.tolist()]
        return pa.array([self._result_of(values) if values else None for values in held], type=self._result)

    def _result_of(self, values: list[Any]) -> Any:
        match self._function:
            case "FIRST_VALUE":
                return values[0]
            case "LAST_VALUE":
                return values[-1]
            case "LISTAGG":
                return self._separator.join(values)
            case _:
                return values

    def clear(self, slots: Slots) -> None:
        for slot in slots.tolist():
            self._held.pop(slot, None)

    def columns(self, slots: Slots) -> dict[str, pa.Array]:
        return {"values": pa.array([self._held.get(slot, []) for slot in slots.tolist()], type=self._kind)}

    def restore(self, slots: Slots, prefix: str, rows: Batch) -> None:
        for slot, values in zip(slots.tolist(), rows.column(prefix + "values").to_pylist(), strict=True):
            if values:
                self._held[slot] = values

    def changes(self) -> list[Change]:
        return []
