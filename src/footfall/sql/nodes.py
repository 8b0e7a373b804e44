"""Turns the parts of a plan into nodes that rows flow through: each knows its inputs, and how far time has come there.

Rows are pushed from the leaves up; then time settles, from the leaves up as well, and what waits for it comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from footfall.core.events import Batch
from footfall.processors.base import NO_TIME, Change, State
from footfall.processors.relational.rows import END_OF_TIME, Rows, RunningRelation
from footfall.sql.evaluate.frame import RowError


@dataclass(frozen=True, slots=True)
class SetAside:
    """Rows that could not be worked on, and why."""

    rows: Batch
    why: str


Reject = Callable[[SetAside], None]


class Node(Protocol):
    """A step at work."""

    inputs: Sequence[Node]
    watermark: int
    """How far time has come in what it puts out (ms)."""
    resting: bool
    """Whether its time stands still because nothing comes: then nobody waits for it."""

    def process(self, rows: Rows, side: int) -> Sequence[Rows]:
        """What the rows of an input cause."""
        ...

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:
        """What the time of the inputs causes; called after each batch, and at the end with END_OF_TIME."""
        ...

    def changes(self) -> Sequence[Change]:
        """What changed in the state."""
        ...


@dataclass(slots=True)
class Leaf:
    """Where the rows of a table enter."""

    table: str
    columns: tuple[str, ...]
    inputs: Sequence[Node] = ()
    watermark: int = NO_TIME
    resting: bool = False

    def process(self, rows: Rows, side: int) -> Sequence[Rows]:  # noqa: ARG002 - a node's interface
        """The columns that are wanted."""
        return [rows.with_batch(rows.batch.select(list(self.columns)))]

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:  # noqa: ARG002 - a node's interface
        """Nothing: a table has no time by itself."""
        return []

    def changes(self) -> Sequence[Change]:
        """None."""
        return []


@dataclass(slots=True)
class Giving:
    """The rows that a query has in itself: they come once."""

    rows: Callable[[int], Batch]
    """At a time (ms)."""
    inputs: Sequence[Node] = ()
    watermark: int = NO_TIME
    resting: bool = True
    given: bool = False
    _saved: bool = False

    def restore(self, state: State) -> None:
        """What was given is not given again."""
        self.given = self._saved = bool(state.get("given"))

    def process(self, rows: Rows, side: int) -> Sequence[Rows]:
        """Nothing comes in."""
        raise NotImplementedError

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:  # noqa: ARG002 - a node's interface
        """All of them, the first time."""
        if self.given:
            return []
        self.given = True
        batch = self.rows(now)
        return [Rows(batch, np.full(batch.num_rows, NO_TIME, dtype=np.int64), None, now)]

    def changes(self) -> Sequence[Change]:
        """That they were given."""
        if self.given == self._saved:
            return []
        self._saved = self.given
        return [Change("given", pa.RecordBatch.from_pydict({"given": [True]}), reset=True)]


@dataclass(slots=True)
class Computing:
    """Keeps rows and computes columns. Rows for which that fails are set aside, and the others go on."""

    inputs: Sequence[Node]
    columns: Callable[[Rows], Sequence[pa.Array]]
    where: Callable[[Rows], np.ndarray[tuple[int], np.dtype[np.bool_]]] | None
    output: pa.Schema
    reject: Reject
    watermark: int = NO_TIME
    resting: bool = False

    def process(self, rows: Rows, side: int) -> Sequence[Rows]:  # noqa: ARG002 - a node's interface
        """See above."""
        kept = self._work(self._kept, rows)
        computed = None if kept is None else self._work(self._computed, kept)
        return [] if computed is None else [computed]

    def _work(self, work: Callable[[Rows], Rows], rows: Rows) -> Rows | None:
        """What comes of those rows with which the work can be done; None if there are none."""
        while len(rows):
            try:
                return work(rows)
            except RowError as error:
                wrong = np.zeros(len(rows), dtype=np.bool_)
                wrong[error.rows] = True
                self.reject(SetAside(rows.take(wrong).batch, str(error)))
                rows = rows.take(~wrong)
        return None

    def _kept(self, rows: Rows) -> Rows:
        if self.where is None:
            return rows
        kept = self.where(rows)
        return rows if kept.all() else rows.take(kept)

    def _computed(self, rows: Rows) -> Rows:
        arrays = self.columns(rows)
        fields = [of.with_type(array.type) for of, array in zip(self.output, arrays, strict=True)]
        return rows.with_batch(pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields)))

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:  # noqa: ARG002 - a node's interface
        """Time goes through."""
        self.watermark = watermark
        return []

    def changes(self) -> Sequence[Change]:
        """None."""
        return []


@dataclass(slots=True)
class Operating:
    """An operator over one or two inputs, or none but the union of them all."""

    inputs: Sequence[Node]
    running: RunningRelation
    delay: int = 0
    """How far (ms) what it puts out can be behind the time of its inputs."""
    one_by_one: tuple[str, ...] = ()
    """Rows that are equal in these columns are taken one after the other: each change comes out, not the last alone."""
    watermark: int = NO_TIME
    resting: bool = False

    def process(self, rows: Rows, side: int) -> Sequence[Rows]:
        """What the operator makes of it. Of two inputs, time is that of the slower one."""
        rows = slowest(self.inputs, rows, side)
        if not self.one_by_one:
            return self.running.process(rows, side)
        return [made for some in rounds(rows, self.one_by_one) for made in self.running.process(some, side)]

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:
        """What the operator has waited with until now."""
        made = self.running.advance(watermark, now)
        self.watermark = watermark if watermark == END_OF_TIME else max(watermark - self.delay, NO_TIME)
        return made

    def changes(self) -> Sequence[Change]:
        """The operator's."""
        return self.running.changes()


@dataclass(slots=True)
class Uniting:
    """All rows of all inputs, under the names of the first one."""

    inputs: Sequence[Node]
    output: pa.Schema
    watermark: int = NO_TIME
    resting: bool = False

    def process(self, rows: Rows, side: int) -> Sequence[Rows]:
        """The rows, with time as far as it is in the slowest input."""
        rows = slowest(self.inputs, rows, side)
        named = [of.with_type(array.type) for of, array in zip(self.output, rows.batch.columns, strict=True)]
        return [rows.with_batch(pa.RecordBatch.from_arrays(rows.batch.columns, schema=pa.schema(named)))]

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:  # noqa: ARG002 - a node's interface
        """Time goes through."""
        self.watermark = watermark
        return []

    def changes(self) -> Sequence[Change]:
        """None."""
        return []


def rounds(rows: Rows, columns: Sequence[str]) -> Iterator[Rows]:
    """The rows in as few parts, in order, as have no two that are equal in these columns."""
    codes = np.zeros(len(rows), dtype=np.int64)
    for name in columns:
        column = rows.batch.column(name)
        coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        indices = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        _, codes = np.unique(codes * (len(coded.dictionary) + 1) + indices, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    begins = np.flatnonzero(np.diff(codes[order], prepend=-1))
    nth = np.empty(len(rows), dtype=np.int64)
    nth[order] = np.arange(len(rows)) - np.repeat(begins, np.diff(np.append(begins, len(rows))))
    for number in range(int(nth.max(initial=-1)) + 1):
        yield rows.take(nth == number)


def slowest(inputs: Sequence[Node], rows: Rows, side: int) -> Rows:
    """The rows with marks no later than the time of the other inputs."""
    others = [one.watermark for index, one in enumerate(inputs) if index != side and not one.resting]
    if not others or min(others) == END_OF_TIME:
        return rows
    return Rows(rows.batch, np.minimum(rows.marks, min(others)), rows.kinds, rows.now)
