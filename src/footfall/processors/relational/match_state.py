"""Turns partial matches into state: which partitions are in a match, and the rows that these have taken."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping

import msgspec
import numpy as np
import pyarrow as pa

from footfall.core.codes import Codes, grown
from footfall.processors.base import Change, State
from footfall.processors.relational.join_side import JoinSide
from footfall.processors.relational.journal import Journal
from footfall.processors.relational.key_runs import KeyCodes
from footfall.processors.relational.match_bindings import Path, Values, path_of, steps
from footfall.processors.relational.match_lookahead import Lookahead, Walkers
from footfall.processors.relational.match_machine import Machine, Partition
from footfall.processors.relational.match_rows import Found, Walk, nothing
from footfall.processors.relational.rows import no_rows

Measured = Callable[[int, int, Path, Values], Found]
"""A match from its partition, the time of its last row, what it has taken, and the values of rows."""


class MatchState:
    """The partitions that are in a match; ``kept`` holds the rows that they have taken."""

    def __init__(self, kept: JoinSide, machine: Machine, state: State, *, expires: bool) -> None:
        self._kept = kept
        self._machine = machine
        self._expires = expires
        self._nothing = nothing(no_rows(kept.schema).batch)
        self._parts: dict[int, Partition] = {}
        self._is_in = np.zeros(0, dtype=np.bool_)
        self._ends: list[tuple[int, int]] = []
        """A heap: when a partition's first partial match ends at the latest."""
        self._journal = Journal("partials")
        codes, rows = self._journal.restore(state)
        if rows is not None:
            texts = rows.column("partials").to_pylist()
            self._note({code: self._read(text) for code, text in zip(codes.tolist(), texts, strict=True)})
            self._journal.changes(self._is_in, self._saved)  # nothing of that is new

    def _read(self, text: bytes) -> Partition:
        partials, complete = msgspec.json.decode(text)
        part = Partition()
        for node, taken in partials:
            first = taken[0][1]
            began = int(self._kept.times(np.array([first]))[0])
            part.partials.append((node, first, began, path_of(taken)))
        part.complete = [(taken[0][1], path_of(taken)) for taken in complete]
        part.rows = part.used()
        return part

    def _note(self, parts: Mapping[int, Partition]) -> None:
        """Remember partitions, and forget those that are in no match any more."""
        changed = [code for code, part in parts.items() if part.partials or code in self._parts]
        if not changed:
            return
        self._journal.touch(np.array(changed))
        self._is_in = grown(self._is_in, max(changed) + 1)
        self._is_in[changed] = [bool(parts[code].partials) for code in changed]
        for code in changed:
            part = parts[code]
            if not part.partials:
                del self._parts[code]
                continue
            self._parts[code] = part
            if self._expires and part.queued != (end := self._machine.expiry(part)):
                part.queued = end
                heapq.heappush(self._ends, (end, code))

    def sets(self, partitions: KeyCodes, lookahead: Lookahead) -> Walkers:
        """For the partitions that are in a match: their places in ``partitions``, their nodes and the latest start."""
        self._is_in = grown(self._is_in, int(partitions.max()) + 1)
        places = np.flatnonzero(self._is_in[partitions])
        parts = [self._parts[code] for code in partitions[places].tolist()]
        nodes = [lookahead.number(frozenset(partial[0] for partial in part.partials)) for part in parts]
        times = [part.partials[-1][2] for part in parts]
        return Walkers(places, np.array(nodes, dtype=np.int64), np.array(times, dtype=np.int64))

    def follow(self, walk: Walk, measured: Measured) -> list[Found]:
        """Follow rows one by one; the matches that come out."""
        first = len(self._kept)
        held = [row for code in walk.known.tolist() for row in self._parts[code].rows]
        values = self._values(walk, first, held)
        found: list[Found] = []
        touched: dict[int, Partition] = {code: self._parts[code] for code in walk.known.tolist()}
        machine = self._machine
        part = Partition()
        last = -1
        columns = (walk.times.tolist(), walk.codes.tolist(), walk.masks.tolist(), walk.begins.tolist())
        for row, (time, code, bits, begins) in enumerate(zip(*columns, strict=True), first):
            if code != last:
                last = code
                if code not in touched:
                    touched[code] = Partition()
                part = touched[code]
            out = machine.row(part, row, time, bits, begins, values)
            if out:
                found += [measured(code, self._time(path, walk, first), path, values) for path in out]
        self._keep(touched, walk, first)
        return found

    def _values(self, walk: Walk, first: int, held: list[int]) -> Values:
        numbers = np.array(held, dtype=np.int64)

        def old(name: str) -> pa.Array:
            return self._kept.take(numbers, [name])[name]

        return Values(walk.batch.column, first=first, old=old, held=held)

    def _time(self, path: Path, walk: Walk, first: int) -> int:
        """The time of a match's last row."""
        row = path[2] if path else first
        return int(walk.times[row - first] if row >= first else self._kept.times(np.array([row]))[0])

    def _keep(self, touched: Mapping[int, Partition], walk: Walk, first: int) -> None:
        """Keep the rows that partial matches have taken, and let go of those that none has any more."""
        wanted = bytearray(len(walk.codes))
        gone: list[int] = []
        fresh: list[Partition] = []
        for part in touched.values():
            used = part.used()
            if part.rows:
                gone += set(part.rows).difference(used)
            new = [row - first for row in used if row >= first]
            part.rows = used
            if new:
                fresh.append(part)
                for place in new:
                    wanted[place] = 1
        if fresh:
            places = np.flatnonzero(np.frombuffer(wanted, dtype=np.uint8))
            numbers = np.zeros(len(wanted), dtype=np.int64)
            numbers[places] = self._kept.append(walk.batch.take(pa.array(places)), walk.codes[places], now=0)
            number = numbers.tolist()
            for part in fresh:
                _renumber(part, lambda row: row if row < first else number[row - first])
        self._kept.kill(np.array(gone, dtype=np.int64))
        self._note(touched)

    def time_out(self, watermark: int, measured: Measured) -> list[Found]:
        """Drop what began too long ago; the matches that come out by that."""
        touched: dict[int, Partition] = {}
        found: list[Found] = []
        first = len(self._kept)
        while self._ends and self._ends[0][0] <= watermark:
            code = heapq.heappop(self._ends)[1]
            part = self._parts.get(code)
            if part is None or not part.partials or self._machine.expiry(part) > watermark:
                continue
            touched[code] = part
            values = self._values(self._nothing, first, part.rows)
            out = self._machine.time_out(part, watermark)
            found += [measured(code, self._time(path, self._nothing, first), path, values) for path in out]
        if touched:
            self._keep(touched, self._nothing, first)
        return found

    @property
    def live_codes(self) -> Codes:
        """The partitions that are in a match."""
        return np.flatnonzero(self._is_in).astype(np.int32)

    def changes(self) -> list[Change]:
        """What changed since the last call."""
        before = self._kept.living
        if self._kept.tidy():
            number_of = {row: number for number, row in enumerate(before.tolist())}
            for part in self._parts.values():
                _renumber(part, number_of.__getitem__)
            self._journal.touch(self.live_codes)
        return [*self._kept.changes(), *self._journal.changes(self._is_in, self._saved)]

    def _saved(self, codes: Codes) -> dict[str, pa.Array]:
        texts = [_text(self._parts[code]) for code in codes.tolist()]
        return {"partials": pa.array(texts, type=pa.binary())}


def _renumber(part: Partition, number_of: Callable[[int], int]) -> None:
    """Give rows other numbers."""

    def renumbered(path: Path) -> Path:
        return path_of([(variable, number_of(row)) for variable, row in steps(path)])

    part.partials = [(node, number_of(first), began, renumbered(path)) for node, first, began, path in part.partials]
    part.complete = [(number_of(first), renumbered(path)) for first, path in part.complete]
    part.rows = [number_of(row) for row in part.rows]


def _text(part: Partition) -> bytes:
    partials = [(partial[0], steps(partial[3])) for partial in part.partials]
    return msgspec.json.encode((partials, [steps(path) for _, path in part.complete]))
