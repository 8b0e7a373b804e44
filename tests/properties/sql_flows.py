"""Planned queries into dataflows that are fed in any cut and begun again, and what they put out into plain rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from footfall.processors.relational.rows import Rows
from footfall.sql.dataflow import Dataflow
from footfall.sql.nodes import SetAside
from footfall.sql.plan import Insert
from footfall.sql.planning import plan_script
from footfall.sql.standing import tables_of
from tests.properties.relational_rows import Event, Plain, Saved, applied, plain

Lane = tuple[str, int]
"""A table and one of its partitions."""
NOW = 1_772_359_200_000


def never(aside: SetAside) -> None:
    """No row is set aside here."""
    raise AssertionError(aside)


@cache
def planned(text: str) -> Insert:
    """The last query of a script."""
    return plan_script(text).inserts[-1]


@dataclass
class Flow:
    """A query at work that can be saved and begun again."""

    insert: Insert
    partitions: Mapping[str, int] = field(default_factory=dict)
    idle: Mapping[str, frozenset[int]] = field(default_factory=dict)
    out: list[Event] = field(default_factory=list)
    saved: Saved = field(default_factory=Saved)

    def __post_init__(self) -> None:
        self._begin()
        self._settle_partitions(idle=True)

    def _begin(self) -> None:
        self.running = Dataflow(self.insert.source, state=self.saved, reject=never)

    def _settle_partitions(self, *, idle: bool) -> None:
        for table in tables_of(self.insert):
            resting = self.idle.get(table, frozenset()) if idle else None
            self.running.partitions(table, self.partitions.get(table, 1), idle=resting)

    def push(self, lane: Lane, rows: Sequence[Plain]) -> None:
        table = tables_of(self.insert)[lane[0]]
        columns = zip(*rows, strict=True)
        arrays = [pa.array(list(c), of.type.arrow) for c, of in zip(columns, table.columns, strict=True)]
        batch = pa.RecordBatch.from_arrays(arrays, names=[of.name for of in table.columns])
        self._take(self.running.push(lane[0], batch, now=NOW, partition=lane[1]))

    def settle(self, *, ended: bool = False) -> None:
        self._take(self.running.settle(now=NOW, ended=ended))

    def restart(self) -> None:
        self.saved.take(self.running.changes())
        self._begin()
        self._settle_partitions(idle=False)

    def _take(self, made: Sequence[Rows]) -> None:
        self.out += [event for rows in made for event in plain(rows)]

    def table(self) -> Counter[Plain]:
        return applied(self.out)


def run(flow: Flow, cuts: Sequence[tuple[Lane, Sequence[Plain], str]], *, ended: bool = True) -> Counter[Plain]:
    """What is left of the query's result after these cuts; behind each one, what is done: nothing, settle, restart."""
    for lane, rows, then in cuts:
        flow.push(lane, rows)
        if then != "more":
            flow.settle()
        if then == "restart":
            flow.restart()
    flow.settle(ended=ended)
    return flow.table()


def at_once(lanes: Mapping[Lane, Sequence[Plain]]) -> list[tuple[Lane, Sequence[Plain], str]]:
    """Each lane as one batch, with time settled at the end alone."""
    return [(lane, rows, "more") for lane, rows in lanes.items() if rows]


@st.composite
def cut(draw: Any, lanes: Mapping[Lane, Sequence[Plain]]) -> list[tuple[Lane, Sequence[Plain], str]]:
    """The rows in any batches, with the lanes side by side in any way, each in its order."""
    left = {lane: list(rows) for lane, rows in lanes.items() if rows}
    found: list[tuple[Lane, Sequence[Plain], str]] = []
    while left:
        lane = draw(st.sampled_from(sorted(left)))
        number = draw(st.integers(1, len(left[lane])))
        then = draw(st.sampled_from(["settle", "restart", "more"]))
        found.append((lane, left[lane][:number], then))
        left[lane] = left[lane][number:]
        if not left[lane]:
            del left[lane]
    return found
