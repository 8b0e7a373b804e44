"""Turns counts of the same group and time into one: cells, which add up in any order and in any portions.

A cell is what is known of one group in one stretch of time: additive values, and sets of distinct values.
The sets are rows of their own (elements), each a 64-bit number at a time of the group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.codes import Codes, Dictionary, coded
from footfall.core.hashing import U64, row_hashes
from footfall.processors.base import Change, Flags, State, Times
from footfall.processors.window_model import Kind, Plan

Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[Any]

ADD: Final[dict[Kind, np.ufunc]] = {"sum": np.add, "min": np.minimum, "max": np.maximum}
"""How two values become one."""
NOTHING: Final[dict[Kind, int]] = {"sum": 0, "min": 2**63 - 1, "max": -(2**63)}
"""What each kind of aggregate is before the first value."""


@dataclass(slots=True)
class Elements:
    """Members of the sets, one a row."""

    group: Codes
    time: Times
    """Somewhere in the stretch of the cell that it belongs to."""
    which: npt.NDArray[np.int8]
    """Which of the sets."""
    value: U64

    def rows(self, which: Rows) -> Elements:
        """Some of them."""
        return Elements(self.group[which], self.time[which], self.which[which], self.value[which])

    def unique(self) -> Elements:
        """Each member once a time."""
        if not len(self.value):
            return self
        columns = [self.group.astype(np.uint64), self.time.view(np.uint64), self.which.astype(np.uint64), self.value]
        return self.rows(np.unique(row_hashes(columns), return_index=True)[1])


@dataclass(slots=True)
class Cells:
    """Cells, one a row, and the members of their sets. Times are ms, both ends inclusive."""

    group: Codes
    start: Times
    end: Times
    values: Ints
    """(additive aggregates, cells)."""
    elements: Elements

    def __len__(self) -> int:
        return len(self.group)

    @property
    def size(self) -> int:
        """Rows in all."""
        return len(self.group) + len(self.elements.group)

    def rows(self, which: Rows, elements: Rows) -> Cells:
        """Some of the cells, and some of the members."""
        part = self.elements.rows(elements)
        return Cells(self.group[which], self.start[which], self.end[which], self.values[:, which], part)

    def where(self, chosen: Callable[[Times], Flags]) -> Cells:
        """The cells whose start is chosen, and the members whose time is."""
        return self.rows(np.flatnonzero(chosen(self.start)), np.flatnonzero(chosen(self.elements.time)))

    def of(self, groups: Flags) -> Cells:
        """The cells of some groups: a flag for each code."""
        return self.rows(np.flatnonzero(groups[self.group]), np.flatnonzero(groups[self.elements.group]))

    def sorted(self) -> Cells:
        """By group and start."""
        order = np.lexsort((self.start, self.group))
        return Cells(self.group[order], self.start[order], self.end[order], self.values[:, order], self.elements)

    def gathered(self, begins: Ints, kinds: Sequence[Kind]) -> Cells:
        """Sorted cells put together: each run that begins at one of these rows becomes one cell."""
        if not len(begins):
            return self
        values = [ADD[kind].reduceat(row, begins) for kind, row in zip(kinds, self.values, strict=True)]
        ends = np.maximum.reduceat(self.end, begins)
        stacked = np.stack(values) if values else np.zeros((0, len(begins)), dtype=np.int64)
        return Cells(self.group[begins], self.start[begins], ends, stacked, self.elements)

    def reduced(self, kinds: Sequence[Kind]) -> Cells:
        """Sorted, with one cell for each group and start, and each member once."""
        held = self.sorted()
        held.elements = held.elements.unique()
        if not len(held):
            return held
        new = (np.diff(held.group) != 0) | (np.diff(held.start) != 0)
        return held.gathered(np.flatnonzero(np.concatenate([[True], new])), kinds)

    def located(self) -> Ints:
        """For each member, which of the sorted cells it belongs to: the group's last that begins before it."""
        starts = distinct(self.start)
        cells = self.group.astype(np.int64) * len(starts) + np.searchsorted(starts, self.start)
        times = np.searchsorted(starts, self.elements.time, side="right") - 1
        members = self.elements.group.astype(np.int64) * len(starts) + times
        return np.searchsorted(cells, members, side="right") - 1


def distinct(numbers: Ints) -> Ints:
    """Each number once, sorted: four times as fast as numpy's ``unique``, which builds a hash table."""
    ordered = np.sort(numbers)
    new = np.ones(len(ordered), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    return ordered[new]


def no_elements() -> Elements:
    """No members."""
    codes, times = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64)
    return Elements(codes, times, np.zeros(0, dtype=np.int8), np.zeros(0, dtype=np.uint64))


def no_cells(plan: Plan) -> Cells:
    """No cells."""
    times = np.zeros(0, dtype=np.int64)
    return Cells(np.zeros(0, np.int32), times, times, np.zeros((len(plan.kinds), 0), np.int64), no_elements())


def joined(parts: Sequence[Cells], plan: Plan) -> Cells:
    """All cells in one, not added up yet."""
    held = [part for part in parts if part.size]
    if len(held) < 2:
        return held[0] if held else no_cells(plan)
    elements = Elements(
        np.concatenate([part.elements.group for part in held]),
        np.concatenate([part.elements.time for part in held]),
        np.concatenate([part.elements.which for part in held]),
        np.concatenate([part.elements.value for part in held]),
    )
    return Cells(
        np.concatenate([part.group for part in held]),
        np.concatenate([part.start for part in held]),
        np.concatenate([part.end for part in held]),
        np.concatenate([part.values for part in held], axis=1),
        elements,
    )


def renamed(cells: Cells, texts: Sequence[str], into: Dictionary) -> Cells:
    """Cells whose groups are places in ``texts``, with codes of another dictionary instead."""
    codes = into.add(texts)
    elements = cells.elements
    moved = Elements(codes[elements.group], elements.time, elements.which, elements.value)
    return Cells(codes[cells.group], cells.start, cells.end, cells.values, moved)


def named(cells: Cells, groups: Dictionary) -> tuple[Cells, list[str]]:
    """Cells whose groups are places in a list of texts, and that list."""
    present = np.zeros(len(groups), dtype=np.bool_)
    present[cells.group] = True
    present[cells.elements.group] = True
    used = np.flatnonzero(present)
    place = np.cumsum(present, dtype=np.int32) - np.int32(1)
    part = cells.elements
    elements = Elements(place[part.group], part.time, part.which, part.value)
    texts = [groups.text(code) for code in used.tolist()]
    return Cells(place[cells.group], cells.start, cells.end, cells.values, elements), texts


class Journal:
    """Saves cells as they come, and all that are held once that is shorter. Restored, they only need adding up."""

    def __init__(self, name: str, plan: Plan) -> None:
        self._name = name
        self._plan = plan
        self.groups = Dictionary()
        self._unsaved: list[Cells] = []
        self._saved_rows = 0

    def note(self, cells: Cells) -> None:
        """These were added."""
        self._unsaved.append(cells)

    def changes(self, held: Sequence[Cells], *, kept: Callable[[Times], Flags]) -> list[Change]:
        """What to save, given all cells that are held. Those not ``kept`` by their start need not be saved."""
        fresh = joined(self._unsaved, self._plan).where(kept)
        self._unsaved.clear()
        reset = self._saved_rows + fresh.size > 2 * sum(part.size for part in held) + 10_000
        if reset:
            fresh, self._saved_rows = joined(held, self._plan), 0
        self._saved_rows += fresh.size
        if not fresh.size and not reset:
            return []
        cells, texts = named(fresh, self.groups)
        if reset:
            self._release(fresh)
        columns = {"group": coded(cells.group, texts), "start": pa.array(cells.start), "end": pa.array(cells.end)}
        columns |= {f"value{index}": pa.array(row) for index, row in enumerate(cells.values)}
        part = cells.elements
        members = {
            "group": coded(part.group, texts),
            "time": pa.array(part.time),
            "which": pa.array(part.which),
            "value": pa.array(part.value),
        }
        return [
            Change(f"{self._name}_cells", pa.RecordBatch.from_pydict(columns), reset),
            Change(f"{self._name}_elements", pa.RecordBatch.from_pydict(members), reset),
        ]

    def _release(self, held: Cells) -> None:
        """Give back the codes of all other groups."""
        used = np.zeros(len(self.groups), dtype=np.bool_)
        used[held.group] = True
        codes = self.groups.codes()
        self.groups.release(codes[~used[codes]].tolist())

    def restore(self, state: State) -> Cells:
        """All cells that were saved and not dropped since, not added up."""
        parts = []
        for batch in state.get(f"{self._name}_cells", ()):
            values = [batch.column(f"value{index}").to_numpy() for index in range(len(self._plan.kinds))]
            stacked = np.stack(values) if values else np.zeros((0, batch.num_rows), dtype=np.int64)
            group = self.groups.encode(batch.column("group"))
            parts.append(
                Cells(group, batch.column("start").to_numpy(), batch.column("end").to_numpy(), stacked, no_elements())
            )
        for batch in state.get(f"{self._name}_elements", ()):
            members = no_cells(self._plan)
            members.elements = Elements(
                self.groups.encode(batch.column("group")),
                *(batch.column(column).to_numpy() for column in ("time", "which", "value")),
            )
            parts.append(members)
        cells = joined(parts, self._plan)
        self._saved_rows = cells.size
        return cells
