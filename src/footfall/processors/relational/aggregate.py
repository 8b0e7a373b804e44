"""Turns rows into one row a key, kept up to date as rows come and go: GROUP BY without windows, and DISTINCT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from footfall.core.codes import Codes, grown
from footfall.processors.base import NO_TIME, Change, Flags, State
from footfall.processors.relational.accumulating import Accumulators
from footfall.processors.relational.calls import AggregateCall
from footfall.processors.relational.changelog import (
    AFTER,
    BEFORE,
    GONE,
    NEW,
    Side,
    changelog,
    differing,
    shaped,
    signs_of,
)
from footfall.processors.relational.integers import Ints
from footfall.processors.relational.journal import Journal
from footfall.processors.relational.keys import KeyIndex
from footfall.processors.relational.rows import Rows

__all__ = ["Aggregate", "AggregateCall"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """A row a key: the keys, then the aggregates. Without keys it is one row; without aggregates it is DISTINCT.

    As in Flink, a key whose last row is taken back is deleted (also the only row of an aggregate without keys), and
    what is taken back from a key that is not known is left out.
    """

    input: pa.Schema
    output: pa.Schema
    keys: tuple[str, ...]
    aggregates: tuple[AggregateCall, ...]
    ttl: int | None = None
    """For how long (ms) a key is remembered that no row comes for; None for ever."""
    updating: bool = True
    """Whether rows of the input may be taken back. If not, MIN, MAX, FIRST_VALUE and LAST_VALUE need less state."""

    def start(self, state: State) -> RunningAggregate:
        """The running operator."""
        return RunningAggregate(self, state)


class RunningAggregate:
    """Groups at work."""

    def __init__(self, settings: Aggregate, state: State) -> None:
        self._settings = settings
        self._keys = KeyIndex([settings.input.field(name).type for name in settings.keys], "keys", state)
        self._groups = Accumulators(settings.input, settings.aggregates, state, updating=settings.updating)
        self._rows: Ints = np.zeros(0, dtype=np.int64)
        """For each key how many rows it has."""
        self._touched: Ints = np.zeros(0, dtype=np.int64)
        """When the last of them came (ms)."""
        self._journal = Journal("groups")
        self._make_room()
        codes, saved = self._journal.restore(state)
        if saved is not None:
            self._rows[codes] = saved.column("rows").to_numpy()
            self._touched[codes] = saved.column("touched").to_numpy()
            self._groups.restore(codes, saved)
        self._oldest = NO_TIME
        """No key was touched before this (ms)."""

    def _make_room(self) -> None:
        length = len(self._keys)
        self._rows = grown(self._rows, length)
        self._touched = grown(self._touched, length)
        self._groups.grow(length)

    def process(self, rows: Rows, side: int = 0) -> Sequence[Rows]:  # noqa: ARG002 - there is one input
        """Take rows; what changes, for each key at most once."""
        self._expire(rows.now)
        codes = self._keys.encode(rows.batch, self._settings.keys)
        self._make_room()
        signs = signs_of(rows)
        if signs is not None:
            rows, codes, signs = self._known(rows, codes, signs)
        if not len(rows):
            return []
        touched, first = np.unique(codes, return_index=True)
        order = np.argsort(first)
        touched, first = touched[order], first[order]
        existed = self._rows[touched] > 0
        was = self._groups.results(touched[existed])
        self._groups.add(codes, signs, rows.batch)
        np.add.at(self._rows, codes, 1 if signs is None else signs)
        self._touched[touched] = rows.now
        self._journal.touch(touched)
        changed = self._changes(rows, touched, first, existed, was)
        self._forget(touched[self._rows[touched] == 0])
        return [] if changed is None else [changed]

    def _known(self, rows: Rows, codes: Codes, signs: Ints) -> tuple[Rows, Codes, Ints]:
        """Without the rows that are taken back from keys which have none."""
        order = np.argsort(codes, kind="stable")
        sums = np.cumsum(signs[order])
        begins = np.flatnonzero(np.diff(codes[order], prepend=-1))
        sums -= np.repeat(sums[begins] - signs[order][begins], np.diff(np.append(begins, len(codes))))
        short = codes[order][sums + self._rows[codes[order]] < 0]
        if not len(short):
            return rows, codes, signs
        kept = np.ones(len(codes), dtype=np.bool_)
        held = dict(zip(short.tolist(), self._rows[short].tolist(), strict=True))
        for row in np.flatnonzero(np.isin(codes, short)).tolist():
            code = int(codes[row])
            kept[row] = held[code] + int(signs[row]) >= 0
            held[code] += int(signs[row]) if kept[row] else 0
        unused = np.setdiff1d(short, codes[kept])
        self._forget(unused[self._rows[unused] == 0])
        return rows.take(kept), codes[kept], signs[kept]

    def _changes(self, rows: Rows, touched: Codes, first: Ints, existed: Flags, was: list[pa.Array]) -> Rows | None:
        exists = self._rows[touched] > 0
        both = existed & exists
        unlike = np.zeros(len(touched), dtype=np.bool_)
        held = [column.take(pa.array(np.flatnonzero(exists[existed]))) for column in was]
        unlike[both] = differing(held, self._groups.results(touched[both]), int(both.sum()))
        before = np.flatnonzero(existed & (unlike | ~exists))
        after = np.flatnonzero(exists & (unlike | ~existed))
        place = np.cumsum(existed) - 1
        old = [column.take(pa.array(place[before])) for column in was]
        new = self._groups.results(touched[after])
        return changelog(
            self._side(touched, before, old, np.where(exists[before], BEFORE, GONE)),
            self._side(touched, after, new, np.where(existed[after], AFTER, NEW)),
            rows.marks[first],
            rows.now,
        )

    def _side(self, touched: Codes, places: Ints, results: list[pa.Array], kinds: Ints) -> Side:
        columns = [*self._keys.columns(touched[places]), *results]
        return Side(shaped(columns, self._settings.output), places, kinds.astype(np.int8))

    def _forget(self, codes: Codes) -> None:
        """These keys have no rows."""
        if len(codes):
            self._rows[codes] = 0
            self._groups.clear(codes)
            self._keys.release(codes)

    def _expire(self, now: int) -> None:
        """Forget keys that nothing came for."""
        ttl = self._settings.ttl
        if ttl is None or self._oldest + ttl > now:
            return
        held = np.flatnonzero(self._rows[: len(self._keys)] > 0).astype(np.int32)
        due = held[self._touched[held] + ttl <= now]
        self._journal.touch(due)
        self._forget(due)
        left = held[self._rows[held] > 0]
        self._oldest = int(self._touched[left].min(initial=now))

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:  # noqa: ARG002 - groups do not wait for time
        """Forget keys that nothing came for."""
        self._expire(now)
        return []

    def changes(self) -> Sequence[Change]:
        """Keys and groups that have changed."""
        length = len(self._keys)
        groups = self._journal.changes(self._rows[:length] > 0, self._columns)
        return [*self._keys.changes(), *groups, *self._groups.changes()]

    def _columns(self, codes: Codes) -> dict[str, pa.Array]:
        own = {"rows": pa.array(self._rows[codes]), "touched": pa.array(self._touched[codes])}
        return own | self._groups.columns(codes)
