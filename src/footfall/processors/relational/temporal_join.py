"""Turns a stream and the versions of a table's rows into the stream's rows, each with the version of its time.

Rows of the left wait until the watermark has passed their times, because versions may still come. Of each key's
versions that it has passed, the last one is kept. Without a time, a row is joined with the version that is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.processors.base import NO_TIME, Change, Flags, State, flags
from footfall.processors.relational.join import JoinKind
from footfall.processors.relational.join_pairs import Found, Pairs, Shape
from footfall.processors.relational.join_side import JoinSide
from footfall.processors.relational.key_runs import KeyCodes
from footfall.processors.relational.keys import KeyIndex
from footfall.processors.relational.numbered_rows import Numbers
from footfall.processors.relational.rows import Compute, Kind, Rows

_DELETED: Final = "#deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporalJoin:
    """Each left row with the right's row of its key, as that was at the left's time.

    The right's rows are versions by key: inserts and updates, each from its time on, and deletions.
    """

    left: pa.Schema
    right: pa.Schema
    output: pa.Schema
    """Columns of both, by their names."""
    kind: JoinKind = JoinKind.INNER
    """INNER or LEFT."""
    left_keys: tuple[str, ...]
    """In this join, and only here, NULL equals NULL: Flink finds versions by their key, and NULL is one."""
    right_keys: tuple[str, ...]
    left_time: str | None = None
    """None: each row is joined as it comes, with the version that came last."""
    right_time: str | None = None
    condition: Compute | None = None
    """What else must be true of a row and its version; it is given the columns of both."""

    def start(self, state: State) -> RunningTemporalJoin:
        """The running join, from the state that was saved (empty at first)."""
        if self.kind not in {JoinKind.INNER, JoinKind.LEFT}:
            msg = f"a temporal join cannot be {self.kind}"
            raise ValueError(msg)
        if (self.left_time is None) != (self.right_time is None):
            msg = "a temporal join needs the times of both sides, or none"
            raise ValueError(msg)
        return RunningTemporalJoin(self, state)


class RunningTemporalJoin:
    """A temporal join at work."""

    def __init__(self, settings: TemporalJoin, state: State) -> None:
        self._keeps = settings.kind is JoinKind.LEFT
        self._in_time = settings.left_time is not None
        self._index = KeyIndex([settings.left.field(name).type for name in settings.left_keys], "")
        versions = settings.right.append(pa.field(_DELETED, pa.bool_()))
        times = settings.left_time, settings.right_time
        self._waiting = JoinSide("left", settings.left, settings.left_keys, time=times[0], null_is_key=True)
        self._versions = JoinSide("right", versions, settings.right_keys, time=times[1], null_is_key=True)
        for side in (self._waiting, self._versions):
            side.restore(state, self._index)
        self._unsettled = [self._versions.living]
        """Versions that may have made older ones superfluous."""
        self._pairs = Pairs(Shape.of(settings.left, settings.right, settings.output), settings.condition)

    def process(self, rows: Rows, side: int = 0) -> Sequence[Rows]:
        """Take the next rows of one side."""
        if not len(rows):
            return []
        if side == 1:
            self._take_versions(rows)
            return []
        codes = self._waiting.key_codes(self._index, rows.batch)
        if self._in_time:
            self._waiting.append(rows.batch, codes, now=rows.now)
            return []
        return self._joined(rows, self._current(codes))

    def _take_versions(self, rows: Rows) -> None:
        kinds = rows.kinds
        deleted = np.zeros(len(rows), dtype=np.bool_) if kinds is None else kinds == Kind.DELETE
        batch = rows.batch.append_column(_DELETED, pa.array(deleted))
        codes = self._versions.key_codes(self._index, batch)
        use = np.ones(len(rows), dtype=np.bool_) if kinds is None else kinds != Kind.UPDATE_BEFORE
        if not self._in_time:
            self._replace(batch, codes, np.flatnonzero(use), deleted)
            return
        if not use.all():
            batch, codes = batch.filter(pa.array(use)), codes[use]
        self._unsettled.append(self._versions.append(batch, codes, now=rows.now))

    def _replace(self, batch: pa.RecordBatch, codes: KeyCodes, use: Numbers, deleted: Flags) -> None:
        """Keep the last version of each key, and none of keys that are deleted."""
        touched, last = np.unique(codes[use][::-1], return_index=True)
        self._versions.kill(self._versions.by_key.find(touched)[1])
        newest = use[len(use) - 1 - last]
        newest = np.sort(newest[~deleted[newest]])
        self._versions.append(batch.take(pa.array(newest)), codes[newest], now=0)

    def _current(self, codes: KeyCodes) -> Numbers:
        """The version of each key, -1 where there is none."""
        found = np.full(len(codes), -1, dtype=np.int64)
        positions, numbers = self._versions.by_key.find(codes)
        found[positions] = numbers
        return found

    def _joined(self, rows: Rows, versions: Numbers) -> list[Rows]:
        """Rows with these versions of the right; -1 is none."""
        own = np.flatnonzero(versions >= 0)
        found = self._pairs.kept(Found(rows, 0, own, versions[own]), self._versions)
        found = found.padded(self._keeps)
        return [self._pairs.rows(found, Kind.INSERT, self._versions, mark=NO_TIME)] if len(found) else []

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:
        """Time has come so far: rows up to then are joined, and versions that nobody can need any more go."""
        if not self._in_time:
            return []
        ready = self._waiting.until(watermark)
        out: list[Rows] = []
        if len(ready):
            batch = pa.RecordBatch.from_pydict(self._waiting.take(ready))
            rows = Rows(batch, self._waiting.times(ready) - 1, None, now)
            out = self._joined(rows, self._valid(ready))
            self._waiting.kill(ready)
        self._settle(watermark)
        return out

    def _valid(self, ready: Numbers) -> Numbers:
        """For rows that waited: the last version of its key up to its time, -1 if there is none or it is deleted."""
        codes = self._waiting.codes(ready)
        known = np.unique(codes)
        _, numbers = self._versions.by_key.find(known)
        keys = np.concatenate([self._versions.codes(numbers), codes])
        times = np.concatenate([self._versions.times(numbers), self._waiting.times(ready)])
        who = np.concatenate([numbers, np.arange(len(ready))])
        is_row = np.arange(len(keys)) >= len(numbers)
        order = np.lexsort((who, is_row, times, keys))
        version = np.where(is_row[order], -1, np.arange(len(order)))
        latest = np.maximum.accumulate(version)
        keys, who, is_row = keys[order], who[order], is_row[order]
        here = np.flatnonzero(is_row & (latest >= 0))
        here = here[keys[latest[here]] == keys[here]]
        found = np.full(len(ready), -1, dtype=np.int64)
        found[who[here]] = who[latest[here]]
        found[self._are_deleted(found)] = -1
        return found

    def _are_deleted(self, versions: Numbers) -> Flags:
        return flags(self._versions.take(versions, [_DELETED])[_DELETED])

    def _settle(self, watermark: int) -> None:
        """Of the versions whose time has come, keep the last one of each key that has a new one."""
        unsettled = np.concatenate(self._unsettled)
        come = self._versions.times(unsettled) <= watermark
        self._unsettled = [unsettled[~come]]
        touched = np.unique(self._versions.codes(unsettled[come]))
        _, numbers = self._versions.by_key.find(touched)
        numbers = numbers[self._versions.times(numbers) <= watermark]
        keys = self._versions.codes(numbers)
        order = np.lexsort((numbers, self._versions.times(numbers), keys))
        older = np.flatnonzero(keys[order][:-1] == keys[order][1:])
        self._versions.kill(numbers[order[older]])

    def changes(self) -> Sequence[Change]:
        """What changed in the state since the last call."""
        sides = (self._waiting, self._versions)
        tidied = [side.tidy() for side in sides]
        if tidied[1]:
            self._unsettled = [self._versions.living]
        if any(tidied):
            used = np.unique(np.concatenate([side.live_codes for side in sides]))
            self._index.release_others(used)
        return [change for side in sides for change in side.changes()]
