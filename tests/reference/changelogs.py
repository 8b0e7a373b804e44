"""Feeds rows to an operator over change streams in any cut, with restarts, and folds what comes out into a table."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from footfall.processors.base import NO_TIME, Change
from footfall.processors.relational.rows import END_OF_TIME, Kind, Relation, Rows

Row = dict[str, Any]
Saved = dict[str, list[Any]]
Emitted = list[tuple[str, Row]]

OP: Final = "op"
MARK: Final = "mark"
KINDS: Final = {kind.short_name: kind for kind in Kind}


def rows_of(schema: pa.Schema, rows: Sequence[Row], *, now: int = 0) -> Rows:
    """Rows as an operator takes them; ``op`` is what a row does, ``mark`` the watermark before it."""
    batch = pa.RecordBatch.from_arrays(
        [array_of([row[field.name] for row in rows], field.type) for field in schema], schema=schema
    )
    kinds = np.array([KINDS[row.get(OP, "+I")] for row in rows], dtype=np.int8)
    marks = np.array([row.get(MARK, NO_TIME) for row in rows], dtype=np.int64)
    return Rows(batch, marks, kinds if kinds.any() else None, now)


def array_of(values: list[Any], kind: pa.DataType) -> pa.Array:
    """A column; times are given in ms."""
    if pa.types.is_timestamp(kind):
        return pa.array(values, type=pa.timestamp("ms")).cast(kind)
    return pa.array(values, type=kind)


def plain(rows: Rows) -> Emitted:
    """What came out, row by row; times in ms."""
    columns = {}
    for name, column in zip(rows.batch.schema.names, rows.batch.columns, strict=True):
        shown = column.cast(pa.timestamp("ms")).cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
        columns[name] = shown.to_pylist()
    kinds = ["+I"] * len(rows) if rows.kinds is None else [Kind(kind).short_name for kind in rows.kinds]
    return [(kind, {name: columns[name][at] for name in columns}) for at, kind in enumerate(kinds)]


def with_marks(rows: Iterable[Row], time: str, delay: int) -> list[Row]:
    """The rows with the watermark before each, as a source makes it."""
    marked, high = [], NO_TIME
    for row in rows:
        marked.append({**row, MARK: high})
        if row[time] is not None:
            high = max(high, row[time] - delay)
    return marked


def saved_into(state: Saved, changes: Iterable[Change]) -> None:
    """Keep what an operator saves as a log does."""
    for change in changes:
        if change.reset:
            state[change.table] = []
        state.setdefault(change.table, []).append(change.batch)


def run(
    relation: Relation,
    schema: pa.Schema,
    rows: Sequence[Row],
    *,
    seed: int,
    mean: int = 8,
    after: Callable[[Sequence[Row]], int] | None = None,
    restarts: float = 0.3,
) -> Emitted:
    """All that comes out of rows that are cut anywhere. ``after`` gives the watermark after some of the rows."""
    draw = random.Random(seed)
    state: Saved = {}
    running = relation.start(state)
    emitted: Emitted = []
    at = 0
    while at < len(rows):
        end = min(len(rows), at + draw.randint(1, 2 * mean))
        found = list(running.process(rows_of(schema, rows[at:end])))
        at = end
        if after is not None and draw.random() < 0.8:
            found += running.advance(after(rows[:at]), 0)
        emitted += [one for some in found for one in checked(some, relation)]
        if draw.random() < restarts:
            saved_into(state, running.changes())
            running = relation.start(state)
    final = [one for some in running.advance(END_OF_TIME, 0) for one in checked(some, relation)]
    return emitted + final


def checked(rows: Rows, relation: Relation) -> Emitted:
    """Row by row, if they have the shape that was promised."""
    assert rows.batch.schema.equals(relation.output), (rows.batch.schema, relation.output)
    assert len(rows.marks) == len(rows)
    return plain(rows)


def table_of(emitted: Emitted) -> Counter[str]:
    """The table that a changelog makes up, as a multiset. Nothing may be taken back that is not there."""
    table: Counter[str] = Counter()
    for kind, row in emitted:
        key = repr(sorted(row.items()))
        if kind in {"+I", "+U"}:
            table[key] += 1
        else:
            assert table[key] > 0, f"{kind} of what is not there: {row}"
            table[key] -= 1
    return +table


def multiset(rows: Iterable[Row]) -> Counter[str]:
    """Rows as a multiset."""
    return Counter(repr(sorted(row.items())) for row in rows)


def changing(rows: Sequence[Row], draw: random.Random) -> list[Row]:
    """A changelog whose rows come from these, some of which are taken back or replaced later."""
    log: list[Row] = []
    held: list[Row] = []
    for row in rows:
        what = draw.random()
        if held and what < 0.25:
            log.append({**held.pop(draw.randrange(len(held))), OP: "-D"})
        elif held and what < 0.45:
            log.append({**held.pop(draw.randrange(len(held))), OP: "-U"})
            log.append({**row, OP: "+U"})
            held.append(row)
            continue
        log.append({**row, OP: "+I"})
        held.append(row)
    return log


def left_of(log: Sequence[Row]) -> list[Row]:
    """The rows of a changelog that are still there, in their order: of equal ones the first goes first."""
    held: list[Row] = []
    for row in log:
        bare = {name: value for name, value in row.items() if name not in {OP, MARK}}
        if row.get(OP, "+I") in {"+I", "+U"}:
            held.append(bare)
        else:
            held.remove(bare)
    return held
