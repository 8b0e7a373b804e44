"""Turns enriched clicks into the latest of them: the visitors seen last, and the newest rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.hashing import lanes_of
from footfall.processors.base import Change, Frame, State


class LatestVisitors:
    """The visitors seen last, with when and from where."""

    _schema = pa.schema(
        [("timestamp", pa.int64()), ("userId", pa.string()), ("ip", pa.string()), ("country", pa.string())]
    )

    def __init__(self, size: int) -> None:
        self._size = size
        self._latest: dict[str, tuple[int, str, str]] = {}
        self._changed = False

    def add(self, frame: Frame) -> None:
        """Look at the newest punctual rows of the frame: as many as it takes to meet enough visitors."""
        punctual = np.flatnonzero(~frame.late & (frame.times <= frame.high))
        if not len(punctual):
            return
        looked_at = 64 * self._size
        newest = self._newest(frame, punctual, looked_at)
        while len(newest) < self._size and looked_at < len(punctual):
            looked_at *= 8
            newest = self._newest(frame, punctual, looked_at)
        self._merge(frame, newest)

    def _newest(self, frame: Frame, rows: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
        """The latest row of each visitor among the newest ``count`` rows; ties beyond the size are kept."""
        times = frame.times[rows]
        if len(rows) > count:
            rows = rows[times >= np.partition(times, len(times) - count)[len(times) - count]]
        order = rows[np.argsort(frame.times[rows], kind="stable")[::-1]]
        _, first = np.unique(frame.visitors[order], return_index=True)
        newest = order[np.sort(first)]
        if len(newest) > self._size:
            newest = newest[frame.times[newest] >= frame.times[newest[self._size - 1]]]
        return newest

    def _merge(self, frame: Frame, newest: npt.NDArray[np.int64]) -> None:
        batch = frame.batch.select(["userId", "ip", "country"]).take(pa.array(newest)).to_pylist()
        for row, time in zip(batch, frame.times[newest].tolist(), strict=True):
            held = self._latest.get(row["userId"])
            if held is None or time >= held[0]:
                self._latest[row["userId"]] = (time, row["ip"] or "", row["country"])
        ranked = sorted(self._latest.items(), key=lambda item: (-item[1][0], item[0]))
        self._latest = dict(ranked[: self._size])
        self._changed = True

    def batch(self) -> pa.RecordBatch:
        """The visitors, newest first."""
        rows = [
            {"timestamp": time, "userId": visitor, "ip": ip, "country": country}
            for visitor, (time, ip, country) in self._latest.items()
        ]
        return pa.RecordBatch.from_pylist(rows, schema=self._schema)

    def changes(self) -> Sequence[Change]:
        if not self._changed:
            return []
        self._changed = False
        return [Change("latest_visitors", self.batch(), reset=True)]

    def restore(self, state: State) -> None:
        for batch in state.get("latest_visitors", ()):
            self._latest = {r["userId"]: (r["timestamp"], r["ip"], r["country"]) for r in batch.to_pylist()}


class LatestRows:
    """The newest enriched clicks, by event time and then event id."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._rows: pa.RecordBatch | None = None
        self._changed = False

    def add(self, frame: Frame) -> None:
        """Look at the newest rows of the frame."""
        # A clock that is ahead would stay on top for ever. A late row is not: its source was further on than we are.
        rows = np.flatnonzero(frame.late | (frame.times <= frame.high))
        if not len(rows):
            return
        times = frame.times
        if len(rows) > self._size:
            cut = np.partition(times[rows], len(rows) - self._size)[len(rows) - self._size]
            rows = rows[times[rows] >= cut]
        batch = _plain(frame.batch.take(pa.array(self._newest(times[rows], frame.batch.column("event_id"), rows))))
        if self._rows is not None:
            both = pa.Table.from_batches([self._rows, batch]).combine_chunks().to_batches()[0]
            both_times = both.column("timestamp").cast(pa.int64()).to_numpy()
            every = np.arange(both.num_rows)
            batch = both.take(pa.array(self._newest(both_times, both.column("event_id"), every)))
        self._rows = batch
        self._changed = True

    def _newest(
        self, times: npt.NDArray[np.int64], ids: pa.Array, rows: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Of these rows, the numbers of the newest ones, newest first."""
        lanes = lanes_of(ids)[rows]
        order = np.lexsort((lanes[:, 1].byteswap(), lanes[:, 0].byteswap(), times))[::-1]
        return rows[order[: self._size]]

    def batch(self) -> pa.RecordBatch:
        """The rows, newest first."""
        return self._rows if self._rows is not None else pa.RecordBatch.from_pylist([])

    def changes(self) -> Sequence[Change]:
        if not self._changed:
            return []
        self._changed = False
        return [Change("raw_data", self.batch(), reset=True)]

    def restore(self, state: State) -> None:
        for batch in state.get("raw_data", ()):
            self._rows = batch


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows with their texts spelled out: a few rows need no dictionaries of thousands."""
    columns = [
        column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
