"""Turns events into cells: groups them by key and pane, and hands on the panes that the watermark has passed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.codes import Codes, Dictionary
from footfall.core.events import Batch
from footfall.core.hashing import U64, column_hashes, text_hashes
from footfall.processors.base import NO_TIME, Change, Flags, Frame, State, Times
from footfall.processors.window_cells import (
    ADD,
    NOTHING,
    Cells,
    Elements,
    Ints,
    Journal,
    Rows,
    distinct,
    joined,
    no_cells,
    no_elements,
)
from footfall.processors.window_model import Plan

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(list)
_SPACE: Final = 65_536
"""Numbers below this are told apart by a table, above by sorting."""
_PARTS: Final = 64
"""More frames' cells than this are put together."""


class Panes:
    """The panes of one partition that are not over yet."""

    def __init__(self, plan: Plan, state: State) -> None:
        self._plan = plan
        self._journal = Journal("panes", plan)
        self._parts: list[Cells] = []
        self._oldest = -NO_TIME
        """No pane that is held begins before this (ms)."""
        self.watermark = NO_TIME
        self.horizon = NO_TIME
        """Everything before this has been handed on (ms)."""
        self.late = 0
        """Events left out because they came too late."""
        for batch in state.get("clock", ()):
            self.watermark, self.horizon, self.late = (
                batch.column(name)[0].as_py() for name in ("watermark", "horizon", "late")
            )
        self._keep([self._journal.restore(state).where(self._waits)])

    # -- events -------------------------------------------------------------------------------------------

    def process(self, frame: Frame) -> None:
        """Count the frame's events that came in time, and note how far time has come."""
        rows = self._timely(frame)
        self.late += len(frame) - len(rows)
        if len(rows):
            cells = self._cells(frame, rows)
            self._journal.note(cells)
            self._parts.append(cells)
            self._oldest = min(self._oldest, int(cells.start.min()))
        self.watermark = max(self.watermark, frame.watermark)

    def _timely(self, frame: Frame) -> Rows:
        """Rows that count: the punctual ones, and those that are late by less than the grace.

        The watermark before a row is taken from the frame's rows before it, as the enrichment moved it.
        """
        every = np.arange(len(frame))
        if not frame.late.any():
            return every
        if not self._plan.grace:
            return every[~frame.late]
        counts = ~frame.late & (frame.times <= frame.high)
        moving = np.where(counts, frame.times - (frame.high - frame.watermark), NO_TIME)
        before = np.maximum.accumulate(np.concatenate([[self.watermark], moving[:-1]]))
        return every[~frame.late | (frame.times >= before - self._plan.grace)]

    def _cells(self, frame: Frame, rows: Rows) -> Cells:
        plan = self._plan
        wanted = {*plan.keys, *plan.sets, *(column for column in plan.columns if column)}
        batch = frame.batch.select(sorted(wanted))
        if len(rows) < len(frame):
            batch = batch.take(pa.array(rows))
        group_of_row, groups = self._groups(batch, len(rows))
        panes = frame.times[rows] // plan.pane
        first = int(panes.min())
        span = int(panes.max()) - first + 1
        sample, cell_of_row = told_apart(group_of_row * span + (panes - first), len(groups) * span)
        group, start = groups[group_of_row[sample]], panes[sample] * plan.pane
        values = np.empty((len(plan.kinds), len(sample)), dtype=np.int64)
        for index, (column, kind) in enumerate(zip(plan.columns, plan.kinds, strict=True)):
            values[index] = NOTHING[kind]
            if column is None:
                values[index] = np.bincount(cell_of_row, minlength=len(sample))
                continue
            numbers, present = _numbers(batch.column(column))
            ADD[kind].at(values[index], cell_of_row[present], numbers[present])
        cells = Cells(group, start, start, values, no_elements())
        members = [_members(cells, cell_of_row, batch.column(column), which) for which, column in enumerate(plan.sets)]
        return joined([cells, *members], plan) if members else cells

    def _groups(self, batch: Batch, rows: int) -> tuple[Ints, Codes]:
        """For each row the number of its group in this batch; for each number, the group's code."""
        of_row = np.zeros(rows, dtype=np.int64)
        sample: Ints = np.zeros(1, dtype=np.int64)
        keys = []
        for name in self._plan.keys:
            codes, values = _distinct(batch.column(name))
            keys.append((codes, [*values.to_pylist(), None]))
            size = len(values) + 1
            sample, of_row = told_apart(of_row * size + codes % size, len(sample) * size)
        columns = [[values[code] for code in codes[sample].tolist()] for codes, values in keys]
        texts = [text_of_keys(row) for row in zip(*columns, strict=True)] if keys else [text_of_keys(())]
        return of_row, self._journal.groups.add(texts)

    # -- panes that are over ------------------------------------------------------------------------------

    def ship(self) -> Cells | None:
        """Cells of the panes that time has passed since the last call; None if it has not moved on enough."""
        plan = self._plan
        if self.watermark == NO_TIME:
            return None
        horizon = (self.watermark - plan.grace) // plan.tick * plan.tick
        if horizon <= self.horizon:
            return None
        self.horizon = horizon
        if self._oldest + plan.pane > horizon:
            return no_cells(plan)
        due = [part.where(self._is_over) for part in self._parts]
        self._keep([part.where(self._waits) for part in self._parts])
        return joined(due, plan).reduced(plan.kinds)

    def _keep(self, parts: Sequence[Cells]) -> None:
        held = joined(parts, self._plan)
        self._parts = [held] if len(held) else []
        self._oldest = int(held.start.min()) if len(held) else -NO_TIME

    def _waits(self, starts: Times) -> Flags:
        waits: Flags = starts + self._plan.pane > self.horizon
        return waits

    def _is_over(self, starts: Times) -> Flags:
        return ~self._waits(starts)

    @property
    def groups(self) -> Dictionary:
        """The groups' texts, by code."""
        return self._journal.groups

    def changes(self) -> list[Change]:
        """The cells that were added, and the clock."""
        if len(self._parts) > _PARTS:
            self._parts = [joined(self._parts, self._plan).reduced(self._plan.kinds)]
        clock = {"watermark": [self.watermark], "horizon": [self.horizon], "late": [self.late]}
        clock_change = Change("clock", pa.RecordBatch.from_pydict(clock), reset=True)
        return [*self._journal.changes(self._parts, kept=self._waits), clock_change]


def text_of_keys(values: Sequence[Any]) -> str:
    """A group as text: its key values as a JSON list."""
    return _ENCODER.encode(values).decode()


def keys_of_text(text: str) -> list[Any]:
    """The key values again, dates as ISO texts."""
    values: list[Any] = _DECODER.decode(text)
    return values


def told_apart(numbers: Ints, space: int) -> tuple[Ints, Ints]:
    """A row for each different number, and for each row which of them it has. Numbers are below ``space``."""
    if space > max(_SPACE, 4 * len(numbers)):
        _, sample, which = np.unique(numbers, return_index=True, return_inverse=True)
        return sample, which
    row_of = np.full(space, -1, dtype=np.int64)
    row_of[numbers] = np.arange(len(numbers))
    present = np.flatnonzero(row_of >= 0)
    place = np.empty(space, dtype=np.int64)
    place[present] = np.arange(len(present))
    return row_of[present], place[numbers]


def _distinct(column: pa.Array) -> tuple[Ints, pa.Array]:
    """For each row the place of its value among those that occur (-1: null), and these."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    indices = column.indices
    codes = (indices.fill_null(-1) if column.null_count else indices).to_numpy(zero_copy_only=False).astype(np.int64)
    size = len(column.dictionary)
    if size <= len(codes):
        return codes, column.dictionary
    used = distinct(codes[codes >= 0])
    return np.where(codes < 0, -1, np.searchsorted(used, codes)), column.dictionary.take(pa.array(used))


def _numbers(column: pa.Array) -> tuple[Ints, Flags | slice]:
    """A column as whole numbers, and where it has one."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    numbers = column.cast(pa.int64())
    if not numbers.null_count:
        return numbers.to_numpy(zero_copy_only=False), slice(None)
    present = pc.is_valid(numbers).to_numpy(zero_copy_only=False)
    return numbers.fill_null(0).to_numpy(zero_copy_only=False), present


def _members(cells: Cells, cell_of_row: Ints, column: pa.Array, which: int) -> Cells:
    """No cells, but the members that this column adds to one of the sets."""
    codes, values = _distinct(column)
    size = max(len(values), 1)
    present = np.flatnonzero(codes >= 0)
    if len(present) < len(codes):
        codes, cell_of_row = codes[present], cell_of_row[present]
    packed = cell_of_row * size + codes
    space = len(cells) * size
    packed = packed[told_apart(packed, space)[0]] if space <= max(_SPACE, 4 * len(packed)) else distinct(packed)
    cell, code = np.divmod(packed, size)
    kinds = np.full(len(packed), which, dtype=np.int8)
    elements = Elements(cells.group[cell], cells.start[cell], kinds, _hashes(values)[code])
    none = np.zeros(0, dtype=np.int64)
    return Cells(none.astype(np.int32), none, none, cells.values[:, :0], elements)


def _hashes(values: pa.Array) -> U64:
    if pa.types.is_string(values.type):
        return text_hashes(values.to_pylist())
    if pa.types.is_fixed_size_binary(values.type):
        return text_hashes([value.hex() for value in values.to_pylist()])
    if pa.types.is_date(values.type):
        values = values.cast(pa.int32())
    return column_hashes(values)
