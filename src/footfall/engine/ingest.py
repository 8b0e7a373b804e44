"""Turns blocks of clicks into appends: coded, in order of event time, split by visitor over the partitions.

What was read and what could not be used become durable together, with the place in the source that they
brought it to: a source that is started again goes on exactly where the log stands.
"""

from __future__ import annotations

import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.clock import Clock
from footfall.core.errors import UsageError
from footfall.core.events import CLICK_SCHEMA, CLICKS, Batch
from footfall.core.progress import unheard
from footfall.core.watermarks import BEGINNING
from footfall.engine.failed import FailedEvents, failed_batch
from footfall.log.base import Append, Commit, DurableLog, StateWrite
from footfall.log.codecs.arrow import compact
from footfall.sources.base import BadRow, Block
from footfall.sources.order import Orderer, Ordering
from footfall.sources.replay import Published, ReplayPlace

GROUP: Final = "ingest"
"""Under this name a log keeps how far its sources have come."""
_ANNOUNCE_MS: Final = 1_000
_FAST_CLOCK_MS: Final = 300_000
"""A row dated further ahead of its loading than this does not make those after it late."""
_HOPELESS: Final = 1_000
"""So many rows without a single good one mean that the file is not what we take it for."""
_MEMO: Final = 200_000
"""Visitors whose partition is remembered."""


@dataclass(slots=True)
class Tally:
    """What a source has brought so far, in rows."""

    events: int = 0
    good: int = 0
    rejected: int = 0


class Splitter:
    """Splits events over partitions by their key (clicks: the visitor), one checksum a distinct key."""

    def __init__(self, partitions: int, *, key: str = "userId") -> None:
        self._partitions = partitions
        self._key = key
        self._memo: dict[str, int] = {}

    def split(self, clicks: Batch, *, stream: str = CLICKS, watermark: int | None = None) -> list[Append]:
        """The appends that bring these events to their partitions, in order."""
        if not clicks.num_rows:
            return []
        if self._partitions == 1:
            return [Append(stream, 0, clicks, watermark)]
        clicks = compact(clicks)
        users = clicks.column(self._key)
        of_text = self._partitions_of(users.dictionary)
        if len(of_text) == 1:
            return [Append(stream, int(of_text[0]), clicks, watermark)]
        of_row = of_text[users.indices.to_numpy()]
        appends = []
        for partition in range(self._partitions):
            rows = np.flatnonzero(of_row == partition)
            if len(rows):
                part = select(clicks, rows, drop_users_not_in=of_text == partition, key=self._key)
                appends.append(Append(stream, partition, part, watermark))
        return appends

    def _partitions_of(self, users: pa.Array) -> npt.NDArray[np.uint8]:
        memo = self._memo
        if len(memo) > _MEMO:
            memo.clear()
        texts = users.to_pylist()
        numbers = list(map(memo.get, texts))
        if None in numbers:
            memo.update({user: zlib.crc32(user.encode()) % self._partitions for user in texts if user not in memo})
            numbers = list(map(memo.get, texts))
        return np.array(numbers, dtype=np.uint8)


def select(
    clicks: Batch, rows: npt.NDArray[np.int64], *, drop_users_not_in: npt.NDArray[np.bool_], key: str = "userId"
) -> Batch:
    """Some rows of a batch, with a dictionary of just the keys that may occur in them."""
    taken = clicks.take(pa.array(rows))
    index = taken.schema.get_field_index(key)
    users = taken.column(index)
    renumbered = (np.cumsum(drop_users_not_in) - 1).astype(np.int32)
    kept = users.dictionary.filter(pa.array(drop_users_not_in))
    narrowed = pa.DictionaryArray.from_arrays(pa.array(renumbered[users.indices.to_numpy()]), kept)
    return taken.set_column(index, taken.schema.field(index), narrowed)


class Ingest:
    """Appends what one source brings. Open one a source."""

    def __init__(
        self, log: DurableLog, *, source: str, layout: str, clock: Clock, batch_rows: int = 100_000, known_as: str = ""
    ) -> None:
        self._log = log
        self.source = source
        self.known_as = known_as or source
        """Under this name the place in the source is kept."""
        self._layout = layout
        self._clock = clock
        self._batch_rows = batch_rows
        self._partitions = log.partitions(CLICKS)
        self._splitter = Splitter(self._partitions)
        self._failed = FailedEvents(log)
        self._places: deque[tuple[ReplayPlace, int]] = deque()
        """Where the rows read brought the source, with the greatest event time (ms) by then."""
        self._newest = BEGINNING
        """The greatest event time (ms) of all that may be held back, that of a fast clock too."""
        self.tally = Tally()
        self.high = _greatest(log.state(GROUP, 0).get("high", ()), "high")

    def append(
        self,
        clicks: Batch,
        *,
        bad: Sequence[BadRow] = (),
        watermark: int | None = None,
        state: Sequence[StateWrite] = (),
    ) -> None:
        """Make clicks and failed events durable, with the watermark (ms) in every partition, and the state."""
        outputs: list[Append] = []
        if bad:
            failed = failed_batch(bad, source=self.source, layout=self._layout, now_ms=self._clock.now_ms())
            outputs += self._failed.appends_for(failed)
        parts = self._splitter.split(clicks, watermark=watermark)
        outputs += parts
        if watermark is not None:
            reached = {part.partition for part in parts}
            quiet = [p for p in range(self._partitions) if p not in reached]
            outputs += [Append(CLICKS, partition, clicks.slice(0, 0), watermark) for partition in quiet]
        if outputs or state:
            self._log.commit(Commit(outputs=outputs, state=state))
        self.tally.good += clicks.num_rows
        self.tally.rejected += len(bad)
        self.tally.events += clicks.num_rows + len(bad)

    def now_ms(self) -> int:
        """The time of publishing."""
        return self._clock.now_ms()

    def ordered(
        self,
        ordering: Ordering,
        clicks: Batch | None,
        *,
        bad: Sequence[BadRow] = (),
        place: ReplayPlace | None = None,
    ) -> None:
        """Append clicks in order of their own times. None for the clicks means: the file has ended.

        The ``place`` that these clicks bring the source to is kept once none of them is held back any more.
        """
        ready = ordering.flush() if clicks is None else ordering.push(clicks)
        high = ordering.high
        if high is not None:
            self.high = high if self.high is None else max(high, self.high)
        watermark = None if self.high is None else self.high - ordering.lateness
        written = [] if self.high is None else [_high(self.high)]
        passed = self._passed(ordering, place, clicks)
        if passed is not None:
            written.append(_place(self.known_as, passed))
        slices = [part for batch in ready for part in _slices(batch, self._batch_rows)]
        for part in slices[:-1]:
            self.append(part)
        last = slices[-1] if slices else None
        if last is not None:
            self.append(last, bad=bad, watermark=watermark, state=written)
        elif bad or clicks is None or passed is not None:
            self.append(
                pa.RecordBatch.from_pylist([], schema=CLICK_SCHEMA), bad=bad, watermark=watermark, state=written
            )

    def _passed(self, ordering: Ordering, place: ReplayPlace | None, clicks: Batch | None) -> ReplayPlace | None:
        """The furthest place with nothing before it held back, if it is a new one."""
        high = BEGINNING if ordering.high is None else ordering.high
        if clicks is not None and clicks.num_rows:
            self._newest = max(self._newest, int(clicks.column("timestamp").cast(pa.int64()).to_numpy().max()))
        if place is None or max(high, self._newest) == BEGINNING:
            return None
        newest = max(high, self._newest)
        if self._places and self._places[-1][1] == newest:
            self._places.pop()  # this one is further, and no newer
        self._places.append((place, newest))
        passed = None
        while self._places and (clicks is None or self._places[0][1] < high - ordering.lateness):
            passed = self._places.popleft()[0]
        if clicks is None:
            self._newest = BEGINNING
        return passed


def ingest_file(
    ingest: Ingest,
    blocks: Iterator[Block],
    *,
    lateness: timedelta,
    stop: threading.Event,
    progress: Callable[[Tally], None] = unheard,
) -> None:
    """Bring a file into the log at full speed, at the times that it gives.

    Raises UsageError when none of its first 1,000 rows can be used: then it is a file of another layout.
    """
    ordering = Orderer(lateness=lateness).start(ingest.high, latest=ingest.now_ms() + _FAST_CLOCK_MS)
    hopeless = True
    for block in blocks:
        if stop.is_set():
            return
        ingest.ordered(ordering, block.clicks, bad=block.bad)
        progress(ingest.tally)
        hopeless = hopeless and not block.clicks.num_rows
        if hopeless and ingest.tally.events >= _HOPELESS:
            first = block.bad[0]
            raise UsageError(
                f"None of the first {ingest.tally.events:,} rows could be used; "
                f"line {first.line}, for example: {first.reason}, {first.detail}.",
                remedy="Is it a file of another layout? Name its columns with --map COLUMN=FIELD.",
            )
    if not stop.is_set():
        ingest.ordered(ordering, None)
        progress(ingest.tally)


def ingest_replay(
    ingest: Ingest,
    published: Iterator[Published],
    *,
    lateness: timedelta,
    original_time: bool,
    progress: Callable[[Tally], None] = unheard,
) -> None:
    """Append what a replay publishes, together with the place that it has come to.

    Once a second, and when it has nothing to publish, the replay's watermark goes to every partition.
    """
    lateness_ms = lateness // timedelta(milliseconds=1)
    ordering = Orderer(lateness=lateness).start(ingest.high, latest=ingest.now_ms() + _FAST_CLOCK_MS)
    announced = 0
    for turn in published:
        if original_time:
            ingest.ordered(ordering, turn.clicks, bad=turn.bad, place=turn.place)
            if turn.last_of_file:
                ingest.ordered(ordering, None, place=turn.place)
        else:
            now = ingest.now_ms()
            due = now - announced >= _ANNOUNCE_MS
            announced = now if due else announced
            ingest.append(
                turn.clicks,
                bad=turn.bad,
                watermark=now - lateness_ms if due else None,
                state=[_place(ingest.known_as, turn.place)],
            )
        progress(ingest.tally)


def replay_place(log: DurableLog, source: str) -> ReplayPlace:
    """Where a replay of this source goes on."""
    saved = log.state(f"{GROUP}:{source}", 0).get("place", ())
    if not saved:
        return ReplayPlace()
    row = saved[-1].to_pylist()[-1]
    return ReplayPlace(row["round"], row["rows"])


def _place(source: str, place: ReplayPlace) -> StateWrite:
    batch = pa.RecordBatch.from_pydict({"round": [place.round], "rows": [place.rows]})
    return StateWrite(f"{GROUP}:{source}", 0, "place", batch, reset=True)


def _high(high: int) -> StateWrite:
    return StateWrite(GROUP, 0, "high", pa.RecordBatch.from_pydict({"high": [high]}), reset=True)


def _greatest(saved: Sequence[Batch], column: str) -> int | None:
    values = [value for batch in saved for value in batch.column(column).to_pylist()]
    return max(values, default=None)


def _slices(batch: Batch, rows: int) -> list[Batch]:
    return [batch.slice(start, rows) for start in range(0, batch.num_rows, rows)]
