"""Turns a batch into rows of a changing table: what each row does to it, and how far time had come before it.

An operator over change streams is a frozen settings object that says what its rows look like (``output``);
``start`` builds the running one from saved state. A running operator does no I/O and reads no clock: the same rows in
any cut give the same final table, and, where nothing is ever taken back, the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.events import Batch
from footfall.processors.base import Change, Flags, State, Times

Kinds = npt.NDArray[np.int8]

END_OF_TIME: Final = 2**62
"""The watermark, in ms, once an input has come to its end: nothing will come after it."""


class Kind(IntEnum):
    """What a row does to the table that its stream makes up. The names are Flink's, ``short_name`` is shown."""

    INSERT = 0
    UPDATE_BEFORE = 1
    UPDATE_AFTER = 2
    DELETE = 3

    @property
    def short_name(self) -> str:
        """``+I``, ``-U``, ``+U`` or ``-D``."""
        return ("+I", "-U", "+U", "-D")[self]


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive rows of one stream, in their order."""

    batch: Batch
    """The columns; names are unique."""
    marks: Times
    """For each row the watermark (ms) that was in force just before it. Never falls from row to row of a source.

    A row that is late is so by its mark, not by where a batch happens to end.
    """
    kinds: Kinds | None = None
    """For each row what it does; None when all are inserts."""
    now: int = 0
    """Wall-clock time (ms) of the append to the log: what PROCTIME() and CURRENT_TIMESTAMP mean; state ages by it."""

    def __len__(self) -> int:
        return int(self.batch.num_rows)

    @property
    def removes(self) -> Flags | None:
        """Which rows take something back; None when none can."""
        if self.kinds is None:
            return None
        taken: Flags = (self.kinds == Kind.UPDATE_BEFORE) | (self.kinds == Kind.DELETE)
        return taken

    def take(self, which: npt.NDArray[np.int64] | Flags) -> Rows:
        """Some of the rows: their numbers, or a flag a row."""
        if which.dtype == np.bool_:
            which = np.flatnonzero(which)
        kinds = None if self.kinds is None else self.kinds[which]
        return Rows(self.batch.take(pa.array(which, type=pa.int64())), self.marks[which], kinds, self.now)

    def with_batch(self, batch: Batch) -> Rows:
        """The same rows with other columns."""
        return Rows(batch, self.marks, self.kinds, self.now)


Compute = Callable[[Rows], pa.Array]
"""An expression, ready to run: a value a row. Texts may come out coded (``core.events.CODED``)."""


class RunningRelation(Protocol):
    """An operator at work."""

    def process(self, rows: Rows, side: int = 0) -> Sequence[Rows]:
        """Take the next rows of an input (``side`` 0 is the only or left one, 1 the right one); what they cause.

        An operator that waits for time looks at ``marks`` to find what is late, and leaves the rest to ``advance``.
        """
        ...

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:
        """Time has come so far on all inputs (ms; END_OF_TIME at the end): what becomes final by that.

        Called after each batch, and never with less than before. Rows that it puts out bear marks below their own time,
        so that no operator behind takes them for late.
        """
        ...

    def changes(self) -> Sequence[Change]:
        """What changed in the state since the last call. Called once before each commit."""
        ...


class Relation(Protocol):
    """The settings of an operator."""

    @property
    def output(self) -> pa.Schema:
        """The columns of the rows that it puts out."""
        ...

    def start(self, state: State) -> RunningRelation:
        """The running operator, from the state that was saved (empty at first)."""
        ...


def no_rows(schema: pa.Schema) -> Rows:
    """Rows of this shape: none."""
    columns = [pa.array([], type=field.type) for field in schema]
    return Rows(pa.RecordBatch.from_arrays(columns, schema=schema), np.zeros(0, dtype=np.int64))
