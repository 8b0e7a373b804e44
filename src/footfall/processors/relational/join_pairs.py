"""Turns rows and the key codes of the other side into pairs, and pairs into batches with the columns of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
import pyarrow as pa

from footfall.processors.base import Flags, flags
from footfall.processors.relational.key_runs import KeyCodes, KeyRuns
from footfall.processors.relational.numbered_rows import Numbers
from footfall.processors.relational.rows import Compute, Kind, Kinds, Rows

_AT_ONCE: Final = 1 << 21
"""So many pairs are looked at together, so that a condition that few of them meet takes little memory."""
_NONE: Final = -1
"""In the place of a row: NULLs."""


class Held(Protocol):
    """The rows of the other side."""

    by_key: KeyRuns

    def take(self, numbers: Numbers, names: list[str] | None = None) -> dict[str, pa.Array]:
        """The columns of rows; NULLs for number -1."""
        ...


@dataclass(frozen=True, slots=True)
class Shape:
    """Where the columns of the output come from: the names of the left's, of the right's, and all in order."""

    names: tuple[list[str], list[str]]
    every: tuple[list[str], list[str]]
    """All columns of the left and of the right, whether put out or not."""
    output: pa.Schema

    @classmethod
    def of(cls, left: pa.Schema, right: pa.Schema, output: pa.Schema) -> Shape:
        """By name."""
        wanted = set(output.names)
        names = [name for name in left.names if name in wanted], [name for name in right.names if name in wanted]
        return cls(names, (list(left.names), list(right.names)), output)


@dataclass(frozen=True, slots=True)
class Found:
    """Pairs: positions in ``rows`` and numbers on the other side, in the order of positions; -1 is nobody."""

    rows: Rows
    side: int
    own: Numbers
    other: Numbers

    def __len__(self) -> int:
        return len(self.own)

    def none(self) -> Found:
        """No pair."""
        return replace(self, own=self.own[:0], other=self.other[:0])

    def _has(self) -> Flags:
        has = np.zeros(len(self.rows), dtype=np.bool_)
        has[self.own] = True
        return has

    def alone(self, has: bool) -> Found:  # noqa: FBT001 - reads as one word with its argument
        """The rows by themselves that have a partner, or that have none."""
        own = np.flatnonzero(self._has() == has)
        return replace(self, own=own, other=np.full(len(own), _NONE))

    def padded(self, wanted: bool) -> Found:  # noqa: FBT001 - reads as one word with its argument
        """Also the rows without a partner, in their places."""
        if not wanted:
            return self
        without = np.flatnonzero(~self._has())
        if not len(without):
            return self
        own = np.concatenate([self.own, without])
        order = np.argsort(own, kind="stable")
        return replace(self, own=own[order], other=np.concatenate([self.other, np.full(len(without), _NONE)])[order])

    def then(self, numbers: Numbers) -> Found:
        """And then rows of the other side by themselves."""
        if not len(numbers):
            return self
        own = np.concatenate([self.own, np.full(len(numbers), _NONE)])
        return replace(self, own=own, other=np.concatenate([self.other, numbers]))


class Pairs:
    """Finds pairs, and makes batches of them."""

    def __init__(self, shape: Shape, condition: Compute | None) -> None:
        self._shape = shape
        self._condition = condition

    def of_batch(self, rows: Rows, codes: KeyCodes, *, own: int, other: Held) -> Found:
        """All pairs of these rows with rows of the other side for which the condition is true."""
        if self._condition is None and len(rows):
            return Found(rows, own, *other.by_key.find(codes))
        parts = []
        for first, end in slices(other.by_key.count(codes)):
            positions, numbers = other.by_key.find(codes[first:end])
            parts.append(self.kept(Found(rows, own, positions + first, numbers), other))
        return together(rows, own, parts)

    def kept(self, found: Found, other: Held) -> Found:
        """The pairs for which the condition is true."""
        if self._condition is None or not len(found):
            return found
        rows = found.rows
        batch = pa.RecordBatch.from_pydict(self._columns(found, other, self._shape.every))
        true = flags(self._condition(Rows(batch, rows.marks[found.own], None, rows.now)))
        return replace(found, own=found.own[true], other=found.other[true])

    def rows(self, found: Found, kind: Kind, other: Held, *, mark: int) -> Rows:
        """Pairs as rows that all do the same; ``mark`` is for those without a row in the batch."""
        columns = self._columns(found, other, self._shape.names)
        arrays = [columns[name] for name in self._shape.output.names]
        marks = np.full(len(found), mark, dtype=np.int64)
        there = found.own >= 0
        marks[there] = found.rows.marks[found.own[there]]
        kinds: Kinds | None = None if kind is Kind.INSERT else np.full(len(found), kind, dtype=np.int8)
        return Rows(pa.RecordBatch.from_arrays(arrays, names=self._shape.output.names), marks, kinds, found.rows.now)

    def _columns(self, found: Found, other: Held, names: tuple[list[str], list[str]]) -> Mapping[str, pa.Array]:
        mine, theirs = names[found.side], names[1 - found.side]
        columns = other.take(found.other, theirs) if theirs else {}
        batch = found.rows.batch
        if len(found.own) == batch.num_rows and (found.own == np.arange(batch.num_rows)).all():
            return columns | {name: batch.column(name) for name in mine}
        alone = found.own < 0
        wanted = pa.array(found.own, type=pa.int64(), mask=alone if alone.any() else None)
        return columns | {name: batch.column(name).take(wanted) for name in mine}


def together(rows: Rows, own: int, parts: Sequence[Found]) -> Found:
    """Pairs of the same rows, one after the other."""
    nothing = np.zeros(0, dtype=np.int64)
    positions = np.concatenate([nothing, *(part.own for part in parts)])
    return Found(rows, own, positions, np.concatenate([nothing, *(part.other for part in parts)]))


def slices(counts: Numbers) -> Iterator[tuple[int, int]]:
    """Rows with so many pairs each, in pieces with not too many pairs together, but at least one row."""
    ends = np.cumsum(counts)
    first = 0
    while first < len(counts):
        before = int(ends[first - 1]) if first else 0
        end = max(int(np.searchsorted(ends, before + _AT_ONCE, side="right")), first + 1)
        yield first, end
        first = end
