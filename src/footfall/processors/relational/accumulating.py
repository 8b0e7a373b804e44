"""Turns the aggregates of a query into accumulators, and rows into what these take: FILTER, NULL and DISTINCT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.core.errors import UsageError
from footfall.core.events import Batch
from footfall.processors.base import Change, State, flags
from footfall.processors.relational.accumulators import SUMS, Accumulator, Count, Counted, Moments
from footfall.processors.relational.accumulators_decimal import DecimalSum
from footfall.processors.relational.accumulators_lists import Lists
from footfall.processors.relational.accumulators_values import Edge, ExtremeLeft, ExtremeNumber, ExtremeValue
from footfall.processors.relational.calls import AggregateCall
from footfall.processors.relational.integers import Ints, Slots
from footfall.processors.relational.values import Turns, ValueCounts

_SPREADS: Final = ("STDDEV", "VARIANCE", "STDDEV_POP", "STDDEV_SAMP", "VAR_POP", "VAR_SAMP")
FUNCTIONS: Final = frozenset(
    {"COUNT", *SUMS, *_SPREADS, "MIN", "MAX", "FIRST_VALUE", "LAST_VALUE", "LISTAGG", "ARRAY_AGG"}
)
"""The aggregates that there are."""
ADDING: Final = frozenset({"COUNT", *SUMS, *_SPREADS})
"""Those whose state in one row's slot and another's adds up, unless each value counts once."""


@dataclass(slots=True)
class _Part:
    """Accumulators that take the same rows: those of one argument and filter, all or each value once."""

    argument: str | None
    where: str | None
    plain: dict[int, Accumulator] = field(default_factory=dict)
    """By the place of the aggregate among all: those that take each row."""
    counts: ValueCounts | None = None
    once: dict[int, Accumulator] = field(default_factory=dict)
    """Those that take each value once."""
    left: dict[int, ExtremeLeft] = field(default_factory=dict)
    """Those that choose among the values that are there."""

    def accumulators(self) -> dict[int, Accumulator | ExtremeLeft]:
        return {**self.plain, **self.once, **self.left}


class Accumulators:
    """All aggregates of a query, in each slot."""

    def __init__(self, schema: pa.Schema, calls: Sequence[AggregateCall], state: State, *, updating: bool) -> None:
        """``updating`` says whether rows may be taken back; what was saved besides slots is taken from ``state``."""
        self._updating = updating
        self._parts: dict[tuple[str | None, str | None], _Part] = {}
        for place, call in enumerate(calls):
            if call.function not in FUNCTIONS:
                raise UsageError(
                    f"There is no aggregate {call.function}.", remedy=f"Use one of {', '.join(sorted(FUNCTIONS))}."
                )
            self._place(place, call, schema, state)
        self._all = dict(sorted(one for part in self._parts.values() for one in part.accumulators().items()))
        self._types = [call.type for call in calls]
        self._length = 0

    def _place(self, place: int, call: AggregateCall, schema: pa.Schema, state: State) -> None:
        part = self._parts.setdefault((call.argument, call.where), _Part(call.argument, call.where))
        kind = schema.field(call.argument).type if call.argument is not None else pa.null()
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        extreme = call.function in {"MIN", "MAX"}
        once = call.distinct and not extreme
        if (once or (extreme and self._updating)) and part.counts is None:
            part.counts = ValueCounts(kind, f"distinct{place}", state)
        if extreme and self._updating:
            assert part.counts is not None  # noqa: S101 - it was just made
            part.left[place] = ExtremeLeft(part.counts, greatest=call.function == "MAX")
            return
        target = part.once if once else part.plain
        target[place] = _accumulator(place, call, kind, state, updating=self._updating)

    @property
    def adding(self) -> list[Counted]:
        """All that are in ADDING, by place."""
        return [accumulator for accumulator in self._all.values() if isinstance(accumulator, Counted)]

    def grow(self, length: int) -> None:
        """Make room for slots below this."""
        if length > self._length:
            self._length = max(length, 2 * self._length)
            for accumulator in self._all.values():
                accumulator.grow(self._length)

    def add(self, slots: Slots, signs: Ints | None, batch: Batch) -> None:
        """Take rows: the slot of each, and 1, or -1 if it is taken back (None: all are 1)."""
        for part in self._parts.values():
            rows = _chosen(part, batch)
            own, own_signs = (slots, signs) if rows is None else (slots[rows], None if signs is None else signs[rows])
            column = None if part.argument is None else batch.column(part.argument)
            if column is not None and rows is not None:
                column = column.take(pa.array(rows))
            for accumulator in part.plain.values():
                accumulator.add(own, own_signs, column)
            if part.counts is not None and column is not None:
                self._turn(part, part.counts.add(own, own_signs, column))

    @staticmethod
    def _turn(part: _Part, turns: Turns) -> None:
        assert part.counts is not None  # noqa: S101 - it has turned
        if not len(turns.slots):
            return
        if part.once:
            signs = turns.signs if (turns.signs < 0).any() else None
            alike = all(isinstance(accumulator, Count) for accumulator in part.once.values())
            column = None if alike else part.counts.values.columns(turns.codes)[0]
            for accumulator in part.once.values():
                accumulator.add(turns.slots, signs, column)
        for extreme in part.left.values():
            extreme.turn(turns)

    def merge(self, source: Slots, target: Slots, *, keep: bool) -> None:
        """Add the sources to targets, in this order. Without ``keep``, targets are empty and soon cleared.

        With it, each source has one target and is cleared by the caller.
        """
        for part in self._parts.values():
            for accumulator in part.plain.values():
                accumulator.merge(source, target)
            if part.counts is not None:
                merge = part.counts.move if keep else part.counts.merged
                self._turn(part, merge(source, target))

    def results(self, slots: Slots) -> list[pa.Array]:
        """A column an aggregate."""
        columns = (accumulator.results(slots) for accumulator in self._all.values())
        return [
            column if column.type == kind else column.cast(kind)
            for column, kind in zip(columns, self._types, strict=True)
        ]

    def clear(self, slots: Slots) -> None:
        """Make these slots as if there had never been a row."""
        for part in self._parts.values():
            for accumulator in part.accumulators().values():
                accumulator.clear(slots)
            if part.counts is not None:
                part.counts.clear(slots)

    def columns(self, slots: Slots) -> dict[str, pa.Array]:
        """What is to be saved of these slots."""
        named = {f"aggregate{place}_": accumulator for place, accumulator in self._all.items()}
        return {prefix + name: one for prefix, held in named.items() for name, one in held.columns(slots).items()}

    def restore(self, slots: Slots, rows: Batch) -> None:
        """Take in what was saved of these slots."""
        for place, accumulator in self._all.items():
            accumulator.restore(slots, f"aggregate{place}_", rows)

    def changes(self) -> list[Change]:
        """What is to be saved besides."""
        counts = [part.counts for part in self._parts.values() if part.counts is not None]
        return [change for held in (*self._all.values(), *counts) for change in held.changes()]


def _accumulator(place: int, call: AggregateCall, kind: pa.DataType, state: State, *, updating: bool) -> Accumulator:
    table = f"aggregate{place}"
    match call.function:
        case "COUNT":
            return Count()
        case "MIN" | "MAX":
            greatest = call.function == "MAX"
            numbers = pa.types.is_primitive(kind) and not pa.types.is_dictionary(kind) and kind.bit_width <= 64
            if numbers:
                return ExtremeNumber(kind, greatest=greatest)
            return ExtremeValue(kind, table, state, greatest=greatest)
        case "FIRST_VALUE" | "LAST_VALUE" if not updating:
            return Edge(kind, table, state, last=call.function == "LAST_VALUE")
        case "FIRST_VALUE" | "LAST_VALUE" | "ARRAY_AGG":
            return Lists(call.function, kind, call.type)
        case "LISTAGG":
            return Lists(call.function, kind, call.type, *call.extra)
    if pa.types.is_decimal(kind) and call.function in SUMS:
        return DecimalSum(call.function, kind, call.type)
    return Moments(call.function, kind, call.type)


def _chosen(part: _Part, batch: Batch) -> Ints | None:
    """Rows for which the filter is true, and that have an argument; None for all."""
    chosen = None if part.where is None else flags(batch.column(part.where))
    if part.argument is not None and batch.column(part.argument).null_count:
        there = batch.column(part.argument).is_valid().to_numpy(zero_copy_only=False)
        chosen = there if chosen is None else chosen & there
    return None if chosen is None else np.flatnonzero(chosen)
