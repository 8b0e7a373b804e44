"""Plain rows into the rows that operators take, and what operators put out into tables of plain rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from footfall.processors.base import NO_TIME, Change
from footfall.processors.relational.rows import Kind, Relation, Rows, RunningRelation

Plain = tuple[Any, ...]
"""The values of a row."""
Event = tuple[Kind, Plain]
"""What happens to a table."""


def as_rows(
    schema: pa.Schema,
    events: Sequence[Event],
    *,
    marks: Sequence[int] | None = None,
    coded: bool = False,
    now: int = 0,
) -> Rows:
    """Events as one batch; ``coded`` says whether texts are."""
    columns = []
    for place, field in enumerate(schema):
        column = pa.array([values[place] for _, values in events], type=field.type)
        columns.append(column.dictionary_encode() if coded and pa.types.is_string(field.type) else column)
    kinds = np.array([kind for kind, _ in events], dtype=np.int8)
    before = np.full(len(events), NO_TIME) if marks is None else np.array(marks, dtype=np.int64)
    batch = pa.RecordBatch.from_arrays(columns, names=schema.names)
    return Rows(batch, before, kinds if kinds.any() else None, now)


def plain(rows: Rows) -> list[Event]:
    """What an operator put out, row by row."""
    kinds = [Kind.INSERT] * len(rows) if rows.kinds is None else [Kind(kind) for kind in rows.kinds.tolist()]
    columns = [column.to_pylist() for column in rows.batch.columns]
    return list(zip(kinds, zip(*columns, strict=True), strict=True))


def applied(events: Iterable[Event]) -> Counter[Plain]:
    """The table that changes make up; no row may be taken back that is not there."""
    table: Counter[Plain] = Counter()
    for kind, values in events:
        if kind in {Kind.INSERT, Kind.UPDATE_AFTER}:
            table[values] += 1
        else:
            assert table[values] > 0, f"{values} is taken back, but is not there"
            table[values] -= 1
    return +table


class Saved(dict[str, list[pa.RecordBatch]]):
    """State tables as an engine keeps them."""

    def take(self, changes: Sequence[Change]) -> None:
        for change in changes:
            kept = [] if change.reset else self.get(change.table, [])
            self[change.table] = [*kept, change.batch]


class Driver:
    """An operator at work that can be saved and started again."""

    def __init__(self, relation: Relation) -> None:
        self._relation = relation
        self._saved = Saved()
        self.running: RunningRelation = relation.start({})
        self.out: list[Event] = []
        self.marks: list[int] = []

    def process(self, rows: Rows, side: int = 0) -> None:
        self._take(self.running.process(rows, side))

    def advance(self, watermark: int, now: int = 0) -> None:
        self._take(self.running.advance(watermark, now))

    def _take(self, found: Sequence[Rows]) -> None:
        for rows in found:
            assert rows.batch.schema.names == self._relation.output.names
            self.out += plain(rows)
            self.marks += rows.marks.tolist()

    def commit(self) -> None:
        self._saved.take(self.running.changes())

    def restart(self) -> None:
        """Save, and go on from what was saved."""
        self.commit()
        state: Mapping[str, Sequence[pa.RecordBatch]] = dict(self._saved)
        self.running = self._relation.start(state)
