"""Turns rows into the first so many of each partition, kept up to date: top-N by ROW_NUMBER."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from footfall.core.codes import Codes, grown
from footfall.core.events import Batch
from footfall.processors.base import NO_TIME, Change, Flags, State
from footfall.processors.relational.changelog import (
    AFTER,
    BEFORE,
    GONE,
    NEW,
    Side,
    changelog,
    differing,
    shaped,
)
from footfall.processors.relational.integers import Ints
from footfall.processors.relational.journal import Journal
from footfall.processors.relational.keys import KeyIndex
from footfall.processors.relational.ordering import Order, places_in, sort_keys
from footfall.processors.relational.ranked import Ranked
from footfall.processors.relational.row_store import RowStore
from footfall.processors.relational.rows import Rows

__all__ = ["Order", "Rank"]

_NONE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """The rows numbered ``first`` to ``last`` (from 1) in each partition; of equal ones the first to come is first."""

    input: pa.Schema
    output: pa.Schema
    """The input's columns, then that of the number if there is one."""
    partition: tuple[str, ...]
    order: tuple[Order, ...]
    first: int
    last: int
    number: str | None = None
    """The column of the number; with it, rows that move up or down are put out again."""
    ttl: int | None = None
    """For how long (ms) a partition is remembered that no row comes for; None for ever."""
    updating: bool = True
    """Whether rows of the input may be taken back. If not, no more than ``last`` rows a partition are kept."""

    def start(self, state: State) -> RunningRank:
        """The running operator."""
        return RunningRank(self, state)


class RunningRank:
    """Partitions at work."""

    def __init__(self, settings: Rank, state: State) -> None:
        self._settings = settings
        self._keys = KeyIndex([settings.input.field(name).type for name in settings.partition], "keys", state)
        self._store = RowStore(settings.input, "rows", state)
        self._same = KeyIndex([field.type for field in self._store.schema], "same") if settings.updating else None
        """Codes of whole rows, to find the one that is taken back."""
        self._touched: Ints = np.zeros(0, dtype=np.int64)
        self._journal = Journal("partitions")
        self._oldest = NO_TIME
        codes, saved = self._journal.restore(state)
        self._make_room()
        if saved is not None:
            self._touched[codes] = saved.column("touched").to_numpy()
        self._held = self._restored()

    def _restored(self) -> Ranked:
        ids = self._store.ids
        rows = self._store.take(ids)
        codes = self._keys.encode(rows, self._settings.partition)
        order, places = places_in(codes, sort_keys(rows, self._settings.order), ids)
        return Ranked(ids[order], codes[order], places, self._identity(rows)[order])

    def _identity(self, rows: Batch) -> Codes:
        if self._same is None:
            return np.zeros(rows.num_rows, dtype=np.int32)
        return self._same.encode(rows, rows.schema.names)

    def _make_room(self) -> None:
        self._touched = grown(self._touched, len(self._keys))

    def process(self, rows: Rows, side: int = 0) -> Sequence[Rows]:  # noqa: ARG002 - there is one input
        """Take rows; what changes in the partitions that they are in."""
        self._expire(rows.now)
        if not len(rows):
            return []
        codes = self._keys.encode(rows.batch, self._settings.partition)
        self._make_room()
        touched, first = np.unique(codes, return_index=True)
        self._touched[touched] = rows.now
        self._journal.touch(touched)
        was = self._held.of(touched, len(self._keys))
        now = self._ranked(rows, codes, was)
        found = self._changes(rows, touched, first, was, now)
        self._store.drop(np.setdiff1d(was.ids, now.ids, assume_unique=True))
        self._held = self._held.without(touched, len(self._keys)).joined(now)
        self._forget(np.setdiff1d(touched, now.partitions))
        return [] if found is None else [found]

    def _ranked(self, rows: Rows, codes: Codes, was: Ranked) -> Ranked:
        """The rows of the touched partitions as they are now. New ones are in the store then."""
        removes = rows.removes
        added = np.arange(len(rows)) if removes is None else np.flatnonzero(~removes)
        if not self._settings.updating:
            keys = sort_keys(rows.batch, self._settings.order)
            order, places = places_in(codes, keys, added)
            added = np.sort(order[places < self._settings.last])
        batch = rows.batch.take(pa.array(added))
        ids = self._store.add(batch)
        fresh = Ranked(ids, codes[added], np.zeros(len(ids), dtype=np.int64), self._identity(batch))
        every = was.joined(fresh)
        if removes is not None and removes.any():
            gone = self._identity(rows.batch.take(pa.array(np.flatnonzero(removes))))
            every = every.less(gone)
            dropped = np.setdiff1d(ids, every.ids, assume_unique=True)
            self._store.drop(dropped)
        held = self._store.take(every.ids, [item.column for item in self._settings.order])
        order, places = places_in(every.partitions, sort_keys(held, self._settings.order), every.ids)
        ranked = every.rows(order)
        ranked.places = places
        if self._settings.updating:
            return ranked
        kept = places < self._settings.last
        self._store.drop(np.intersect1d(ranked.ids[~kept], ids, assume_unique=True))
        return ranked.rows(np.flatnonzero(kept))

    def _changes(self, rows: Rows, touched: Codes, first: Ints, was: Ranked, now: Ranked) -> Rows | None:
        old, new = (ranked.between(self._settings.first - 1, self._settings.last) for ranked in (was, now))
        come, go = np.isin(new.ids, old.ids, invert=True), np.isin(old.ids, new.ids, invert=True)
        partition = np.argsort(np.argsort(first))
        width = self._settings.last + 1
        at_old = partition[np.searchsorted(touched, old.partitions)] * width + old.places
        at_new = partition[np.searchsorted(touched, new.partitions)] * width + new.places
        kinds = np.full(len(old.ids), GONE), np.full(len(new.ids), NEW)
        if self._settings.number is not None:
            come, go = self._moved(old, new, at_old, at_new)
            kinds = np.where(np.isin(at_old, at_new), BEFORE, GONE), np.where(np.isin(at_new, at_old), AFTER, NEW)
        return changelog(
            Side(self._batch(old.rows(np.flatnonzero(go))), at_old[go], kinds[0][go]),
            Side(self._batch(new.rows(np.flatnonzero(come))), at_new[come], kinds[1][come]),
            rows.marks[np.sort(first)],
            rows.now,
            width=width,
        )

    def _moved(self, old: Ranked, new: Ranked, at_old: Ints, at_new: Ints) -> tuple[Flags, Flags]:
        """Which numbers have another row now, and which had: rows that look alike are the same."""
        both, in_old, in_new = np.intersect1d(at_old, at_new, return_indices=True)
        come, go = np.ones(len(at_new), dtype=np.bool_), np.ones(len(at_old), dtype=np.bool_)
        other = np.flatnonzero(old.ids[in_old] != new.ids[in_new])
        unlike = np.zeros(len(both), dtype=np.bool_)
        one, two = (self._store.take(side.ids[at[other]]) for side, at in ((old, in_old), (new, in_new)))
        unlike[other] = differing(one.columns, two.columns, len(other))
        come[in_new], go[in_old] = unlike, unlike
        return come, go

    def _batch(self, ranked: Ranked) -> Batch:
        columns = self._store.take(ranked.ids).columns
        if self._settings.number is not None:
            columns = [*columns, pa.array(ranked.places + 1)]
        return shaped(columns, self._settings.output)

    def _forget(self, codes: Codes) -> None:
        """These partitions have no rows."""
        self._touched[codes] = 0
        self._journal.touch(codes)
        self._keys.release(codes)
        if self._same is not None and self._same.live > 2 * len(self._held.ids):
            self._same.release_others(np.unique(self._held.same))

    def _expire(self, now: int) -> None:
        ttl = self._settings.ttl
        if ttl is None or self._oldest + ttl > now:
            return
        partitions = np.unique(self._held.partitions)
        due = partitions[self._touched[partitions] + ttl <= now]
        self._store.drop(self._held.of(due, len(self._keys)).ids)
        self._held = self._held.without(due, len(self._keys))
        self._forget(due)
        left = np.unique(self._held.partitions)
        self._oldest = int(self._touched[left].min(initial=now))

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:  # noqa: ARG002 - it does not wait for time
        """Forget partitions that no row came for."""
        self._expire(now)
        return []

    def changes(self) -> Sequence[Change]:
        """Partitions and rows that have changed."""
        length = len(self._keys)
        is_live = np.zeros(length, dtype=np.bool_)
        is_live[self._held.partitions] = True
        partitions = self._journal.changes(is_live, lambda codes: {"touched": pa.array(self._touched[codes])})
        return [*self._keys.changes(), *self._store.changes(), *partitions]
