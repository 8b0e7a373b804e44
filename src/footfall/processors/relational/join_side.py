"""Turns the rows of one input of a join into state: a multiset of rows that are found by key and taken back by value.

Saved are the rows as they come, the numbers of those that died, and how many partners rows have; when more rows are
dead than alive, what lives is numbered anew and saved whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.core.codes import grown
from footfall.core.events import Batch
from footfall.processors.base import Change, Flags, State, Times, milliseconds
from footfall.processors.relational.key_runs import NO_KEY, KeyCodes, KeyRuns
from footfall.processors.relational.keys import KeyIndex
from footfall.processors.relational.numbered_rows import NumberedRows, Numbers, conformed
from footfall.processors.relational.rows import no_rows

_BORN: Final = "#born"
_FEW: Final = 4096
"""So many dead rows are never worth a new numbering."""


class JoinSide:
    """All rows of one input that can still find a partner, and their partners' number."""

    def __init__(
        self,
        name: str,
        schema: pa.Schema,
        keys: tuple[str, ...],
        *,
        ttl: int | None = None,
        time: str | None = None,
        null_is_key: bool = False,
    ) -> None:
        self._name = name
        self._time = time
        self._null_is_key = null_is_key
        self.schema = schema
        self._keys = keys
        self._ttl = ttl
        self._new_numbering()
        self._saved = 0
        self._reset = False

    def _new_numbering(self) -> None:
        self._store = NumberedRows(self.schema)
        self.by_key = KeyRuns()
        self._by_row: KeyRuns | None = None
        self._row_index = KeyIndex(self.schema.types, "")
        self._partners = np.zeros(0, dtype=np.int64)
        self._born = np.zeros(0, dtype=np.int64)
        self._times = np.zeros(0, dtype=np.int64)
        self._expired = 0
        self.dead = 0
        self._died: list[Numbers] = []
        self._met: list[Numbers] = []

    def __len__(self) -> int:
        return self.by_key.length

    def key_codes(self, index: KeyIndex, batch: Batch) -> KeyCodes:
        """The code of each row's key; NO_KEY where a NULL is in it, unless that is a key like others."""
        codes = index.encode(batch, self._keys)
        for name in () if self._null_is_key else self._keys:
            column = batch.column(name)
            if column.null_count:
                codes[column.is_null().to_numpy(zero_copy_only=False)] = NO_KEY
        return codes

    def append(self, batch: Batch, codes: KeyCodes, *, now: int) -> Numbers:
        """Add rows, and return their numbers."""
        first = len(self)
        end = first + batch.num_rows
        self._store.append(batch)
        self.by_key.append(self._placed(batch, codes))
        if self._by_row is not None:
            self._by_row.append(self._row_codes(batch))
        self._partners = grown(self._partners, end)
        if self._time is not None:
            self._times = grown(self._times, end)
            self._times[first:end] = self.times_of(batch)
        if self._ttl is not None:
            self._born = grown(self._born, end)
            self._born[first:end] = max(now, int(self._born[first - 1])) if first else now
        return np.arange(first, end, dtype=np.int64)

    def times_of(self, batch: Batch) -> Times:
        """The times (ms) of rows of this side."""
        column = batch.column(self._time or "")
        return milliseconds(column.cast(pa.timestamp("ms", column.type.tz), safe=False))

    def times(self, numbers: Numbers) -> Times:
        """The times (ms) of rows."""
        return self._times[numbers]

    def until(self, time: int) -> Numbers:
        """The living rows with times up to this one, in the order of their times, then as they came."""
        living = self.living
        times = self._times[living]
        found = np.flatnonzero(times <= time)
        return living[found[np.argsort(times[found], kind="stable")]]

    def _placed(self, batch: Batch, codes: KeyCodes) -> KeyCodes:  # noqa: ARG002 - a side in time looks at the rows
        """By what new rows are found: their key codes, unless more is known of them."""
        return codes

    def kill(self, numbers: Numbers) -> None:
        """Take rows back."""
        if len(numbers):
            self.by_key.kill(numbers)
            if self._by_row is not None:
                self._by_row.kill(numbers)
            self.dead += len(numbers)
            self._died.append(numbers)

    def expire(self, now: int) -> None:
        """Forget the rows that have grown too old."""
        if self._ttl is None or len(self) == self._expired:
            return
        end = self._expired + int(np.searchsorted(self._born[self._expired : len(self)], now - self._ttl, side="right"))
        old = np.arange(self._expired, end, dtype=np.int64)
        self._expired = end
        self.kill(old[self.by_key.alive[self._expired - len(old) : end]])

    def codes(self, numbers: Numbers) -> KeyCodes:
        """The key codes of rows."""
        return self.by_key.codes[numbers]

    def take(self, numbers: Numbers, names: Sequence[str] | None = None) -> dict[str, pa.Array]:
        """The columns of rows; NULLs for number -1."""
        return self._store.take(numbers, names)

    def partners(self, numbers: Numbers) -> Numbers:
        """How many partners rows have."""
        return self._partners[numbers]

    def meet(self, numbers: Numbers, change: Numbers) -> None:
        """These rows, each named once, have so many partners more or less."""
        self._partners[numbers] += change
        self._met.append(numbers)

    def net(self, batch: Batch, removes: Flags) -> tuple[Numbers, Numbers]:
        """What a batch comes to: the numbers of the rows that it takes back, and which of its own rows stay.

        A row that is taken back without being there is ignored, as in Flink.
        """
        rows = self._rows()
        codes = self._row_codes(batch)
        distinct, of = np.unique(codes, return_inverse=True)
        balance = np.bincount(of, weights=np.where(removes, -1, 1), minlength=len(distinct)).astype(np.int64)
        added = np.flatnonzero(~removes)
        stay = added[_rank_from_end(of[added]) < balance[of[added]]]
        gone = np.flatnonzero(balance < 0)
        positions, numbers = rows.find(distinct[gone].astype(np.int32))
        return np.sort(numbers[_rank(positions) < -balance[gone][positions]]), stay

    def _rows(self) -> KeyRuns:
        """The index by whole rows, made when something is taken back for the first time."""
        if self._by_row is None:
            self._by_row = KeyRuns()
            for batch in self._store.batches():
                self._by_row.append(self._row_codes(batch))
            self._by_row.kill(np.flatnonzero(~self.by_key.alive[: len(self)]))
        return self._by_row

    def _row_codes(self, batch: Batch) -> KeyCodes:
        return self._row_index.encode(batch, self.schema.names)

    def tidy(self) -> bool:
        """Forget the dead for good, if they are more than the living; whether that was so."""
        if 2 * self.dead <= len(self) or self.dead <= _FEW:
            return False
        self._renumber()
        return True

    @property
    def living(self) -> Numbers:
        """The numbers of all rows that are alive."""
        return np.flatnonzero(self.by_key.alive[: len(self)])

    @property
    def live_codes(self) -> KeyCodes:
        """The key codes of all rows that are alive."""
        return self.codes(self.living)

    def changes(self) -> list[Change]:
        """What to save since the last call."""
        found = self._new_rows()
        self._saved = len(self)
        for table, numbers in (("dead", self._died), ("partners", self._met)):
            some = np.unique(np.concatenate(numbers)) if numbers else np.zeros(0, dtype=np.int64)
            if len(some) or self._reset:
                columns = {"row": some} if table == "dead" else {"row": some, "partners": self._partners[some]}
                found.append(Change(f"{self._name}_{table}", pa.RecordBatch.from_pydict(columns), reset=self._reset))
            numbers.clear()
        self._reset = False
        return found

    def _new_rows(self) -> list[Change]:
        batches = [conformed(batch, self.schema) for batch in self._store.batches(self._saved)]
        if not batches and self._reset:
            batches = [no_rows(self.schema).batch]
        if self._ttl is not None:
            ends = self._saved + np.cumsum([batch.num_rows for batch in batches])
            born = [self._born[end - batch.num_rows : end] for batch, end in zip(batches, ends, strict=True)]
            batches = [batch.append_column(_BORN, pa.array(b)) for batch, b in zip(batches, born, strict=True)]
        first = [self._reset, *[False] * len(batches)]
        return [Change(f"{self._name}_rows", batch, reset) for batch, reset in zip(batches, first, strict=False)]

    def _renumber(self) -> None:
        living = self.living
        codes, partners = self.codes(living), self._partners[living]
        born = self._born[living] if self._ttl is not None else self._born
        columns = self._store.take(living)
        self._new_numbering()
        self.append(pa.RecordBatch.from_pydict(columns), codes, now=0)
        self._partners[: len(living)] = partners
        self._met = [np.flatnonzero(partners)]
        self._born[: len(born)] = born
        self._saved = 0
        self._reset = True

    def restore(self, state: State, index: KeyIndex) -> None:
        """Take in what was saved."""
        for batch in state.get(f"{self._name}_rows", ()):
            first = len(self)
            rows = batch.select(self.schema.names)
            self.append(rows, self.key_codes(index, rows), now=0)
            if self._ttl is not None:
                self._born[first : len(self)] = batch.column(_BORN).to_numpy()
        for batch in state.get(f"{self._name}_dead", ()):
            self.kill(batch.column("row").to_numpy())
        for batch in state.get(f"{self._name}_partners", ()):
            self._partners[batch.column("row").to_numpy()] = batch.column("partners").to_numpy()
        self._died.clear()
        self._saved = len(self)


def _rank(groups: Numbers) -> Numbers:
    """For each element of a sorted array, how many of its like stand before it."""
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    return np.arange(len(groups)) - np.repeat(starts, np.diff(starts, append=len(groups)))


def _rank_from_end(groups: Numbers) -> Numbers:
    """For each element, how many of its like stand behind it."""
    order = np.argsort(groups[::-1], kind="stable")
    ranks = np.empty(len(groups), dtype=np.int64)
    ranks[len(groups) - 1 - order] = _rank(groups[::-1][order])
    return ranks
