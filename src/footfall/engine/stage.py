"""Turns one partition's log into results: reads a batch, runs the chain in memory, commits everything together.

A chain is enrichment and the operators that follow it. Each has its own position and state, so that they can run
in one process or apart, and be moved from the one to the other. Together, the operators are handed enriched
clicks in memory, as long as they stand at the end of ``enriched-click-data``; if they do not (they ran apart
before), they first read what they have not seen from the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import numpy.typing as npt

from footfall.core.errors import Reason
from footfall.core.events import CLICKS, ENRICHED, FAILED, Batch
from footfall.core.watermarks import WatermarkSettings
from footfall.engine.ahead import Ahead
from footfall.engine.failed import failed_batch, set_aside
from footfall.log.base import (
    AFTER_OUTPUTS,
    Append,
    Chunk,
    Commit,
    Committed,
    DurableLog,
    Place,
    Position,
    Read,
    StateWrite,
    first_place,
)
from footfall.log.codecs.json import encode
from footfall.processors.base import NO_TIME, Codebook, Frame, Partial, Processor, Running
from footfall.processors.enrichment.processor import Arrival, Enrichment, RunningEnrichment, together
from footfall.processors.enrichment.step import Lookups

_WHOLE = 20_000
"""Chunks of at least this many rows are not copied together with others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainSettings:
    """What runs on a partition, and in what portions."""

    enrichment: Enrichment | None
    """None: others enrich, the followers read ``enriched-click-data``."""
    followers: Sequence[Processor]
    max_rows: int = 100_000
    """The most events that one commit covers."""
    watermark: WatermarkSettings = field(default_factory=WatermarkSettings)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A click whose id was taken."""

    line: int
    reason: Reason
    detail: str
    raw: bytes


class Stage:
    """The chain at work on one partition."""

    def __init__(
        self, settings: ChainSettings, *, partition: int, log: DurableLog, lookups: Lookups, seconds: dict[str, float]
    ) -> None:
        self._settings = settings
        self.partition = partition
        self._log = log
        self._book = Codebook()
        self._seconds = seconds
        self.high = NO_TIME
        self._expected: dict[tuple[str, str], Place] = {}
        """What the log holds as each processor's position, by its name and the stream."""
        self.put_out: dict[str, int] = {}
        """Events put out since the start, by stream."""
        self.enrichment: RunningEnrichment | None = None
        # Positions before state: whoever saves in between has moved the position, and our first commit is refused.
        if settings.enrichment:
            self._clicks_at = self._start(settings.enrichment.name, CLICKS)
        self._at: dict[str, Place] = {one.name: self._start(one.name, ENRICHED) for one in settings.followers}
        self._enriched_end = self._first_end()
        if settings.enrichment:
            state = log.state(settings.enrichment.name, partition)
            self.enrichment = settings.enrichment.start(book=self._book, lookups=lookups, state=state)
            self.enrichment.seconds = seconds
            self.high = self.enrichment.watermark.high
        self.followers: dict[str, Running] = {}
        for follower in settings.followers:
            self.followers[follower.name] = follower.start(book=self._book, state=log.state(follower.name, partition))
        self._ahead = Ahead(log, partition, self._at, self._enriched_end if self.enrichment else None)

    def _start(self, name: str, stream: str) -> Place:
        """Where a processor goes on: where it stands, or, if it is new, at the first event that is kept."""
        stands = self._stands(name, stream)
        return first_place(self._log, stands, stream, self.partition)

    def _stands(self, name: str, stream: str) -> Place:
        stands = self._expected[name, stream] = self._log.position(name, stream, self.partition)
        return stands

    def _first_end(self) -> Place:
        """Up to where enriched clicks count. Those after it were put out by a commit that failed, and come again."""
        latest = self._log.place(ENRICHED, self.partition, at="latest")
        if not self._settings.enrichment:
            return latest
        said = self._stands("enrichment", ENRICHED)
        if said != Place() or not self._log.repeats:
            return said if self._log.repeats else latest
        return self._log.place(ENRICHED, self.partition)

    # -- what it waits for --------------------------------------------------------------------------------

    def places(self) -> Mapping[tuple[str, int], Place]:
        """Where this stage will read next."""
        if self.enrichment and self._level():
            return {(CLICKS, self.partition): self._clicks_at}
        return {(ENRICHED, self.partition): min(self._at.values(), default=self._enriched_end)}

    @property
    def clicks_at(self) -> Place | None:
        """Where clicks are read next; None if they are not enriched here."""
        return self._clicks_at if self.enrichment else None

    def lag(self) -> int:
        """Events of the log that are not processed yet."""
        lag = 0
        if self.enrichment:
            lag = self._log.place(CLICKS, self.partition, at="latest").offset - self._clicks_at.offset
        if self._at:
            # Behind the end of what is enriched here, there may be what a worker put out that was overtaken.
            end = (
                self._enriched_end.offset
                if self.enrichment
                else self._log.place(ENRICHED, self.partition, at="latest").offset
            )
            lag += end - min(place.offset for place in self._at.values())
        return lag

    def _level(self) -> bool:
        """Whether all followers have seen everything that is enriched."""
        return all(place == self._enriched_end for place in self._at.values())

    # -- one step -----------------------------------------------------------------------------------------

    def step(self) -> int | None:
        """Process what there is, up to ``max_rows``, and commit it. Events processed; None: nothing to do."""
        if self.enrichment and self._level():
            return self._enrich(self.enrichment)
        if not self.enrichment:
            self._enriched_end = self._log.place(ENRICHED, self.partition, at="latest")
        return self._catch_up()

    def _enrich(self, enrichment: RunningEnrichment) -> int | None:
        begun = perf_counter()
        read = self._log.read(CLICKS, self.partition, self._clicks_at, max_rows=self._settings.max_rows)
        self._spend("read", begun)
        if not read.chunks:
            return None
        outputs: list[Append] = []
        for chunks in portions(read.chunks):
            outputs += self._portion(enrichment, chunks)
        positions = [self._move("enrichment", CLICKS, read.place)]
        positions += [self._move(name, ENRICHED, AFTER_OUTPUTS) for name in ("enrichment", *self._at)]
        committed = self._commit(outputs, positions)
        self._clicks_at = read.place
        self._enriched_end = committed.ends.get((ENRICHED, self.partition), self._enriched_end)
        self._at = dict.fromkeys(self._at, self._enriched_end)
        self.high = enrichment.watermark.high
        return read.rows

    def _portion(self, enrichment: RunningEnrichment, chunks: Sequence[Chunk]) -> list[Append]:
        before = enrichment.watermark.value
        enriched = enrichment.process([Arrival(c.batch, c.appended_ms, c.watermark) for c in chunks])
        outputs = []
        frame = enriched.frame
        if len(frame) or frame.watermark != before:
            outputs.append(Append(ENRICHED, self.partition, frame.batch, frame.watermark))
        if enriched.conflicts is not None:
            outputs.append(self._conflicts(enriched.conflicts, enriched.conflict_rows, chunks))
        return outputs + set_aside(chunks) + self._follow(frame, self.followers)

    def _follow(self, frame: Frame, followers: Mapping[str, Running]) -> list[Append]:
        outputs = []
        for name, follower in followers.items():
            begun = perf_counter()
            made = follower.process(self._ahead.without(name, frame))
            outputs += [Append(one.stream, self.partition, one.batch, frame.watermark) for one in made]
            self._spend(name, begun)
        return outputs

    def _conflicts(self, clicks: Batch, rows: npt.NDArray[np.int64], chunks: Sequence[Chunk]) -> Append:
        offsets = np.concatenate([chunk.offsets for chunk in chunks])[rows].tolist()
        detail = "event_id was seen before with another userId, productId, event_type or original_timestamp"
        bad = [
            Conflict(offset, Reason.ID_CONFLICT, detail, raw)
            for offset, raw in zip(offsets, encode(clicks), strict=True)
        ]
        source = f"{CLICKS}-{self.partition}"
        return Append(
            FAILED,
            0,
            failed_batch(bad, source=source, layout="json", now_ms=chunks[-1].appended_ms, same_anywhere=True),
        )

    def _catch_up(self) -> int | None:
        """Let the followers that are furthest behind read on from the log."""
        behind = min(self._at.values(), default=self._enriched_end)
        followers = {name: self.followers[name] for name, place in self._at.items() if place == behind}
        ends = [place.offset for place in (*self._at.values(), self._enriched_end) if place.offset > behind.offset]
        begun = perf_counter()
        read = self._whole_batches(behind, before=min(ends, default=None))
        self._spend("read", begun)
        if not read.chunks:
            return None
        outputs: list[Append] = []
        for chunks in portions(read.chunks):
            outputs += self._follow(self._frame(chunks), followers)
        positions = [self._move(name, ENRICHED, read.place) for name in followers]
        self._commit(outputs, positions)
        self._at.update(dict.fromkeys(followers, read.place))
        return read.rows

    def _whole_batches(self, place: Place, *, before: int | None) -> Read:
        """Read on to the end of a batch: its watermark, the time of all its rows, comes with the last one."""
        rows = self._settings.max_rows
        read = self._log.read(ENRICHED, self.partition, place, max_rows=rows, before=before)
        chunks = [*read.chunks]
        while chunks and chunks[-1].watermark is None:
            read = self._log.read(ENRICHED, self.partition, read.place, max_rows=rows, before=before)
            if not read.chunks:
                break
            chunks += read.chunks
        return Read(chunks, read.place)

    def _frame(self, chunks: Sequence[Chunk]) -> Frame:
        batch = together([chunk.batch for chunk in chunks])
        lateness = self._settings.watermark.lateness_ms
        watermark = max((c.watermark for c in chunks if c.watermark is not None), default=NO_TIME)
        self.high = max(self.high, watermark + lateness)
        return Frame(batch, book=self._book, before=NO_TIME, watermark=watermark, high=self.high)

    def _move(self, name: str, stream: str, place: Place) -> Position:
        return Position(name, stream, self.partition, self._expected[name, stream], place)

    def _commit(self, outputs: Sequence[Append], positions: Sequence[Position]) -> Committed:
        begun = perf_counter()
        state = []
        running: dict[str, Running | RunningEnrichment] = {**self.followers}
        if self.enrichment:
            running["enrichment"] = self.enrichment
        for name, operator in running.items():
            state += [StateWrite(name, self.partition, c.table, c.batch, c.reset) for c in operator.changes()]
        self._spend("state", begun)
        begun = perf_counter()
        committed = self._log.commit(Commit(outputs=outputs, positions=positions, state=state))
        self._expected.update({(one.group, one.stream): committed.place_of(one) for one in positions})
        self._spend("commit", begun)
        for append in outputs:
            if append.batch.num_rows:
                self.put_out[append.stream] = self.put_out.get(append.stream, 0) + append.batch.num_rows
        return committed

    # -- once a second ------------------------------------------------------------------------------------

    def partials(self) -> list[Partial]:
        """This partition's part of the views."""
        return [partial for follower in self.followers.values() for partial in follower.partials()]

    def tidy(self) -> None:
        """Look up what was loaded anew, and take back the codes of visitors that nobody needs."""
        if self.enrichment:
            self.enrichment.refresh()
        release_idle(self._book, [*self.followers.values(), *([self.enrichment] if self.enrichment else [])])

    def _spend(self, what: str, begun: float) -> None:
        self._seconds[what] = self._seconds.get(what, 0.0) + perf_counter() - begun


def release_idle(book: Codebook, running: Sequence[Running | RunningEnrichment]) -> None:
    """Give back the codes of visitors that no operator holds state for, once half of all codes are idle."""
    if book.visitors.live < 50_000:
        return
    live = np.zeros(len(book.visitors), dtype=np.bool_)
    for operator in running:
        held = operator.live()
        if held is not None:
            live[: len(held)] |= held[: len(live)]
    codes = book.visitors.codes()
    idle = codes[~live[codes]]
    if len(idle) > len(codes) // 2:
        book.visitors.release(idle.tolist())


def portions(chunks: Sequence[Chunk]) -> list[list[Chunk]]:
    """Chunks in the portions in which they are processed: small ones together, large ones alone."""
    grouped: list[list[Chunk]] = [[]]
    rows = 0
    for chunk in chunks:
        if grouped[-1] and rows + chunk.batch.num_rows > _WHOLE:
            grouped.append([])
            rows = 0
        grouped[-1].append(chunk)
        rows += chunk.batch.num_rows
    return grouped
