"""Turns log batches into what operators work on: columns as arrays, visitors as codes, time as a watermark.

An operator is a frozen settings object; ``start`` builds the running one from saved state.
A running operator does no I/O and reads no clock: the same frames in any cut give the same results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.codes import Codes, Dictionary
from footfall.core.events import Batch

Times = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NO_TIME: Final = -(2**62)
"""The watermark before the first event, in ms."""


@dataclass(frozen=True, slots=True)
class Output:
    """A batch for a stream, in the partition of the input."""

    stream: str
    batch: Batch


@dataclass(frozen=True, slots=True)
class Change:
    """What to add to one of the operator's state tables; ``reset`` drops what was there before."""

    table: str
    batch: Batch
    reset: bool = False


State = Mapping[str, Sequence[Batch]]
"""State tables as saved: each the batches since its last reset, in order."""


@dataclass(frozen=True, slots=True)
class Partial:
    """One partition's part of a view; ``stores.views`` puts the parts of all partitions together."""

    view: str
    batch: Batch


@dataclass(slots=True)
class Codebook:
    """The dictionaries that all operators of one partition share."""

    visitors: Dictionary = field(default_factory=Dictionary)
    products: Dictionary = field(default_factory=Dictionary)


class Frame:
    """Consecutive events of one partition of ``enriched-click-data``, in log order, seen as arrays.

    ``watermark`` (ms) holds after the last row; ``before`` held ahead of the first one. ``high`` is the newest
    event time that counts: the watermark and the allowed lateness.
    Columns are computed when first asked for and then shared by all operators.
    """

    def __init__(self, batch: Batch, *, book: Codebook, before: int, watermark: int, high: int | None = None) -> None:
        self.batch = batch
        self.book = book
        self.before = before
        self.watermark = watermark
        self.high = watermark if high is None else high

    def __len__(self) -> int:
        return int(self.batch.num_rows)

    @cached_property
    def times(self) -> Times:
        """Event times in ms."""
        return milliseconds(self.batch.column("timestamp"))

    @cached_property
    def late(self) -> Flags:
        """Rows that no operator counts, because they came too late."""
        return flags(self.batch.column("late"))

    @cached_property
    def punctual(self) -> Codes | slice:
        """What selects the rows that are not late: all of them, or their row numbers."""
        return np.flatnonzero(~self.late).astype(np.int32) if self.late.any() else slice(None)

    @cached_property
    def visitors(self) -> Codes:
        """``userId`` as codes of ``book.visitors``."""
        return self.book.visitors.encode(self.batch.column("userId"))

    @cached_property
    def products(self) -> Codes:
        """``productId`` as codes of ``book.products``."""
        return self.book.products.encode(self.batch.column("productId"))

    @cached_property
    def by_visitor(self) -> npt.NDArray[np.int64]:
        """Row numbers of the punctual rows, grouped by visitor, in log order within each visitor."""
        rows = np.arange(len(self), dtype=np.int64)[self.punctual]
        bits = max(len(self).bit_length(), 1)
        packed = (self.visitors[rows].astype(np.int64) << bits) | rows
        packed.sort()
        return packed & ((1 << bits) - 1)

    def coded(self, column: str) -> tuple[Codes, list[str | None]]:
        """A coded column as (index a row, texts of this batch); -1 for null."""
        array = self.batch.column(column)
        indices = array.indices
        if array.null_count:
            indices = indices.fill_null(-1)
        return indices.to_numpy(zero_copy_only=False), array.dictionary.to_pylist()

    def is_type(self, types: Sequence[str]) -> Flags:
        """Which events are of one of these types."""
        indices, texts = self.coded("event_type")
        found: Flags = np.array([text in types for text in texts], dtype=np.bool_)[indices]
        return found

    def flag(self, column: str) -> Flags:
        """A boolean column."""
        return flags(self.batch.column(column))


def milliseconds(column: pa.Array) -> Times:
    """A time column as int64 milliseconds, without a copy."""
    times: Times = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return times


def flags(column: pa.Array) -> Flags:
    """A boolean column as an array."""
    values: Flags = pc.fill_null(column, False).to_numpy(zero_copy_only=False)
    return values


class Running(Protocol):
    """An operator at work on one partition."""

    def process(self, frame: Frame) -> Sequence[Output]:
        """Take the next frame and return what it causes. Called once a frame, in log order."""
        ...

    def changes(self) -> Sequence[Change]:
        """What changed in the state since the last call. Called once before each commit."""
        ...

    def partials(self) -> Sequence[Partial]:
        """This partition's part of the views, as of now. Called about once a second."""
        ...

    def live(self) -> Flags | None:
        """For each visitor code, whether this operator still holds state for it; None if it holds none."""
        ...


class Processor(Protocol):
    """The settings of an operator over enriched clicks."""

    @property
    def name(self) -> str:
        """Names its state, its position, its metrics and its errors."""
        ...

    def start(self, *, book: Codebook, state: State) -> Running:
        """The running operator, from the state that was saved (empty at first)."""
        ...
