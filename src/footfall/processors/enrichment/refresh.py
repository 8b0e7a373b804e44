"""Turns a visitor's clicks, in log order, into whether each one only loads the same page again.

A click is a refresh when the visitor's previous click was on the same product, at most 30 minutes before.
Late clicks are no refreshes, and are not seen by the clicks after them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.codes import Codes, grown
from footfall.core.hashing import U64
from footfall.processors.base import NO_TIME, Change, Codebook, Flags, Frame, State, Times
from footfall.processors.enrichment.step import Columns, Context

TABLE: Final = "refresh"
_SLACK: Final = 10_000
"""Changes are written on top of each other until there are this many more than twice the visitors."""
_SWEEP_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class FlagRefresh:
    """Adds ``is_refresh``."""

    within: timedelta = timedelta(minutes=30)
    """A click longer after the previous one is no refresh."""
    kept: timedelta = timedelta(minutes=90)
    """A visitor whose last click is this far behind the watermark is forgotten."""

    def start(self, context: Context) -> RunningFlagRefresh:
        return RunningFlagRefresh(self, book=context.book, state=context.state)


class RunningFlagRefresh:
    """Holds each visitor's last product (as its hash) and the time of the last click."""

    def __init__(self, settings: FlagRefresh, *, book: Codebook, state: State) -> None:
        self._within = settings.within // timedelta(milliseconds=1)
        self._kept = settings.kept // timedelta(milliseconds=1)
        self._book = book
        self._last_time: Times = np.zeros(0, dtype=np.int64)
        self._last_product: U64 = np.zeros(0, dtype=np.uint64)
        self._touched: Flags = np.zeros(0, dtype=np.bool_)
        self._written = 0
        self._swept = NO_TIME
        for batch in state.get(TABLE, ()):
            self._restore(batch)

    def _restore(self, batch: pa.RecordBatch) -> None:
        codes = self._book.visitors.add(batch.column("userId").to_pylist())
        self._grow()
        self._last_product[codes] = batch.column("product").to_numpy()
        self._last_time[codes] = batch.column("time").to_numpy()
        self._written += len(codes)

    def _grow(self) -> None:
        codes = len(self._book.visitors)
        self._last_time = grown(self._last_time, codes, fill=NO_TIME)
        self._last_product = grown(self._last_product, codes)
        self._touched = grown(self._touched, codes, fill=False)

    def columns(self, frame: Frame) -> Columns:
        refresh = np.zeros(len(frame), dtype=np.bool_)
        rows = frame.by_visitor
        if len(rows):
            visitors = frame.visitors
            codes = frame.products
            products = frame.book.products.hashes[codes]
            self._grow()
            refresh[rows] = self._follow(visitors[rows], products[rows], frame.times[rows])
        self._sweep(frame.watermark)
        return {"is_refresh": pa.array(refresh)}

    def _follow(self, visitors: Codes, products: U64, times: Times) -> Flags:
        """Whether each click is a refresh, for clicks grouped by visitor; the last ones become the state."""
        first = np.empty(len(visitors), dtype=np.bool_)
        first[0] = True
        np.not_equal(visitors[1:], visitors[:-1], out=first[1:])
        starts = np.flatnonzero(first)
        previous_product, previous_time = np.roll(products, 1), np.roll(times, 1)
        previous_product[starts] = self._last_product[visitors[starts]]
        previous_time[starts] = self._last_time[visitors[starts]]

        ends = np.append(starts[1:], len(visitors)) - 1
        self._last_product[visitors[ends]] = products[ends]
        self._last_time[visitors[ends]] = times[ends]
        self._touched[visitors[ends]] = True
        refresh: Flags = (products == previous_product) & (times - previous_time <= self._within)
        return refresh

    def _sweep(self, watermark: int) -> None:
        """Forget those who left long ago, once a minute of event time."""
        if watermark - self._swept < _SWEEP_MS:
            return
        self._swept = watermark
        gone = self._last_time < watermark - self._kept
        self._last_time[gone] = NO_TIME
        self._touched[gone] = False

    def changes(self) -> Sequence[Change]:
        """What to write to the table ``refresh``: userId, product (hash), time (ms); later rows replace earlier."""
        touched = np.flatnonzero(self._touched).astype(np.int32)
        if not len(touched):
            return ()
        self._touched[:] = False
        live = np.flatnonzero(self._last_time > NO_TIME).astype(np.int32)
        reset = self._written + len(touched) > 2 * len(live) + _SLACK
        codes = live if reset else touched
        self._written = len(codes) if reset else self._written + len(codes)
        return (Change(TABLE, self._table(codes), reset=reset),)

    def _table(self, codes: npt.NDArray[np.int32]) -> pa.RecordBatch:
        columns = {
            "userId": self._book.visitors.decode(codes),
            "product": pa.array(self._last_product[codes]),
            "time": pa.array(self._last_time[codes]),
        }
        return pa.RecordBatch.from_pydict(columns)

    def live(self) -> Flags:
        """For each visitor code, whether there is a last click; shorter than the codes when those grew since."""
        return self._last_time > NO_TIME
