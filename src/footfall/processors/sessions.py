"""Turns enriched clicks into sessions: the settings, the saved state, and what a closed session looks like.

A session is a visitor's clicks with no more than ``gap`` between one and the next, and no more than ``longest``
from the first to the last. Only punctual clicks count; order within the allowed lateness does not matter
(see ``session_windows`` for the one exception). A session is closed when the watermark has passed its last
click by more than ``gap``: then no punctual click can join it any more, so a late event never reopens it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa

from footfall.core.codes import coded
from footfall.core.events import SESSION_SCHEMA, TIME, Batch
from footfall.core.events import SESSIONS as SESSIONS_STREAM
from footfall.core.hashing import ids_of
from footfall.processors.base import Change, Codebook, Flags, Frame, Output, Partial, State
from footfall.processors.counts import Counts
from footfall.processors.session_days import DayCounts
from footfall.processors.session_windows import Columns, SessionWindows

_OPEN_SCHEMA = pa.schema(
    [
        pa.field("userId", pa.string()),
        pa.field("gone", pa.bool_()),  # the visitor has no open session any more
        pa.field("start", pa.int64()),
        pa.field("end", pa.int64()),
        pa.field("clicks", pa.int32()),
        pa.field("refreshes", pa.int32()),
        pa.field("views", pa.int32()),
        pa.field("carts", pa.int32()),
        pa.field("first_product", pa.string()),
        pa.field("last_product", pa.string()),
        pa.field("country", pa.string()),
        pa.field("device", pa.string()),
        pa.field("bot", pa.bool_()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """When a session ends, and how the view counts them."""

    gap: timedelta = timedelta(minutes=30)
    """A visitor silent for longer than this has left; exactly this long is still the same session."""
    longest: timedelta = timedelta(hours=24)
    """A click later than this after the session's first one begins a new session."""
    bucket: timedelta = timedelta(minutes=30)
    """The view counts sessions by the time they began, in buckets of this size."""
    buckets: int = 16
    """How many buckets the view shows."""

    @property
    def name(self) -> str:
        return "sessions"

    def start(self, *, book: Codebook, state: State) -> RunningSessions:
        """The running operator, from its saved state."""
        return RunningSessions(self, book=book, state=state)


class RunningSessions:
    """Sessions of one partition's visitors."""

    def __init__(self, settings: Sessions, *, book: Codebook, state: State) -> None:
        self._settings = settings
        self._book = book
        self._bucket_ms = settings.bucket // timedelta(milliseconds=1)
        self._windows = SessionWindows(
            gap_ms=settings.gap // timedelta(milliseconds=1),
            longest_ms=settings.longest // timedelta(milliseconds=1),
            book=book,
        )
        self._by_start = Counts()
        self._by_day = DayCounts()
        self._opened = 0
        self._closed = 0
        self._saved_rows = 0
        self._counted = True
        self._restore(state)

    @property
    def _tables(self) -> dict[str, Counts]:
        """The counts, by the name under which they are saved."""
        return {"by_start": self._by_start, "by_day": self._by_day.counts}

    def process(self, frame: Frame) -> Sequence[Output]:
        """Sort the frame's clicks into sessions and return those that time has closed."""
        begun, closed = self._windows.process(frame)
        if begun is not None:
            buckets = begun.start // self._bucket_ms * 2 + begun.bot
            self._opened += int(begun.weight.sum())
            self._counted = False
            keys, inverse = np.unique(buckets, return_inverse=True)
            sums = np.zeros(len(keys), dtype=np.int64)
            np.add.at(sums, inverse, begun.weight)
            self._by_start.add(keys, sums)
        newest = self._windows.newest // self._bucket_ms
        self._by_start.drop_below((newest - self._settings.buckets) * 2)
        self._by_day.forget(self._windows.newest)
        if closed is None:
            return []
        self._by_day.add(closed)
        self._closed += len(closed.start)
        self._counted = False
        return [Output(SESSIONS_STREAM, self._batch(closed))]

    def _batch(self, closed: Columns) -> Batch:
        book, windows = self._book, self._windows
        visitors, visitor_at = np.unique(closed.visitor, return_inverse=True)
        firsts, first_at = np.unique(closed.first_product, return_inverse=True)
        lasts, last_at = np.unique(closed.last_product, return_inverse=True)
        return pa.RecordBatch.from_arrays(
            [
                pa.array(closed.end).cast(TIME),
                ids_of([book.visitors.hashes[closed.visitor], closed.start.view(np.uint64)]),
                coded(visitor_at.astype(np.int32), book.visitors.decode(visitors)),
                pa.array(closed.start).cast(TIME),
                pa.array(closed.end).cast(TIME),
                pa.array(closed.clicks),
                pa.array(closed.refreshes),
                pa.array(closed.views),
                pa.array(closed.carts),
                coded(first_at.astype(np.int32), book.products.decode(firsts)),
                coded(last_at.astype(np.int32), book.products.decode(lasts)),
                coded(closed.country.astype(np.int32), windows.countries.decode(range(len(windows.countries)))),
                coded(closed.device.astype(np.int32), windows.devices.decode(range(len(windows.devices)))),
                pa.array(closed.bot),
            ],
            schema=SESSION_SCHEMA,
        )

    def changes(self) -> Sequence[Change]:
        """Open sessions of the visitors touched, the buckets' increments, and the totals."""
        changes = []
        touched = self._windows.take_touched()
        if len(touched):
            batch = self._open_batch(touched)
            self._saved_rows += batch.num_rows
            reset = self._saved_rows > 2 * self._windows.open_sessions + 10_000
            if reset:
                batch = self._open_batch(self._windows.visitors_with_sessions())
                self._saved_rows = batch.num_rows
            changes.append(Change("open", batch, reset))
        for table, counts in self._tables.items():
            counted = counts.changes()
            if counted:
                keys, values, reset = counted
                columns = [pa.array(keys), pa.array(values)]
                changes.append(Change(table, pa.RecordBatch.from_arrays(columns, names=["key", "value"]), reset))
        if not self._counted:
            self._counted = True
            totals = {"opened": [self._opened], "closed": [self._closed], "newest": [self._windows.newest]}
            changes.append(Change("counts", pa.RecordBatch.from_pydict(totals), reset=True))
        return changes

    def _open_batch(self, visitors: np.ndarray) -> Batch:
        held = self._windows.sessions_of(visitors)
        gone = visitors[~np.isin(visitors, held.visitor)]
        empty = [None] * len(gone)
        windows, book = self._windows, self._book

        def texts(column: pa.Array) -> pa.Array:
            return pa.concat_arrays([column, pa.array(empty, type=column.type)])

        arrays = [
            pa.concat_arrays([book.visitors.decode(held.visitor), book.visitors.decode(gone)]),
            pa.array(np.arange(len(held.visitor) + len(gone)) >= len(held.visitor)),
            *[texts(pa.array(getattr(held, name))) for name in _OPEN_SCHEMA.names[2:8]],
            texts(book.products.decode(held.first_product)),
            texts(book.products.decode(held.last_product)),
            texts(windows.countries.decode(held.country.tolist())),
            texts(windows.devices.decode(held.device.tolist())),
            texts(pa.array(held.bot)),
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=_OPEN_SCHEMA)

    def _restore(self, state: State) -> None:
        for batch in state.get("counts", ()):
            self._opened = batch.column("opened")[0].as_py()
            self._closed = batch.column("closed")[0].as_py()
            self._windows.newest = batch.column("newest")[0].as_py()
        for table, counts in self._tables.items():
            parts = [(b.column("key").to_numpy(), b.column("value").to_numpy()) for b in state.get(table, ())]
            counts.restore(parts)
        saved = state.get("open", ())
        self._saved_rows = sum(batch.num_rows for batch in saved)
        codes = [self._book.visitors.add(batch.column("userId").to_pylist()) for batch in saved]
        latest = np.zeros(len(self._book.visitors), dtype=np.int64)
        for number, visitors in enumerate(codes):
            latest[visitors] = number
        for number, (batch, visitors) in enumerate(zip(saved, codes, strict=True)):
            open_still = ~batch.column("gone").to_numpy(zero_copy_only=False) & (latest[visitors] == number)
            self._windows.put(batch.filter(pa.array(open_still)))

    def partials(self) -> Sequence[Partial]:
        """Sessions by the half hour in which they began, and what visitors did in them by day; bots apart."""
        keys, values = self._by_start.keys, self._by_start.values
        bots = keys % 2 == 1
        buckets, at = np.unique(keys // 2, return_inverse=True)
        every = np.zeros(len(buckets), dtype=np.int64)
        robotic = np.zeros(len(buckets), dtype=np.int64)
        np.add.at(every, at, values)
        np.add.at(robotic, at[bots], values[bots])
        columns = [pa.array(buckets), pa.array(every), pa.array(robotic)]
        half_hours = pa.RecordBatch.from_arrays(columns, names=["bucket", "sessions", "bots"])
        days = self._by_day.with_open(self._windows.all_open())
        return [Partial("sessions", half_hours), Partial("visits_by_day", days)]

    def live(self) -> Flags:
        """Visitors that have an open session."""
        return self._windows.live()
