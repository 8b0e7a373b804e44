"""Turns enriched clicks into this partition's part of the live views: counts by minute, and the latest rows.

Only the last hour before the newest event is kept, so a frame from a backfill costs what its last hour costs.
Distinct visitors are exact: each visitor has the minutes of its visits as bits of one integer. Since a visitor
lives in one partition, the parts of all partitions add up (see stores.views).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.codes import Codes, Dictionary
from footfall.core.events import SHOWING
from footfall.processors.base import NO_TIME, Change, Codebook, Flags, Frame, Output, Partial, State
from footfall.processors.counts import Counts
from footfall.processors.latest import LatestRows, LatestVisitors
from footfall.processors.presence import Presence

_MINUTE_MS = 60_000
_CODE_BITS = 24
"""A packed key is minute << 24 | code: room for 16 million products at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregation:
    """How far back the views look, and how much they list."""

    minutes: int = 60
    """Counts by product and category."""
    latest_visitors: int = 10
    latest_rows: int = 100

    @property
    def name(self) -> str:
        return "aggregation"

    def start(self, *, book: Codebook, state: State) -> RunningAggregation:
        """The running operator, from its saved state."""
        return RunningAggregation(self, book=book, state=state)


class RunningAggregation:
    """The views' parts of one partition."""

    def __init__(self, settings: Aggregation, *, book: Codebook, state: State) -> None:
        self._settings = settings
        self._book = book
        self._categories = Dictionary()
        self._newest = NO_TIME
        self._visits = Counts()
        self._by_category = Counts()
        self._by_product = Counts()
        self._described: dict[int, tuple[str, str]] = {}
        """Category and title of each product that was viewed in the last hour."""
        self._presence = Presence(book)
        self._visitors = LatestVisitors(settings.latest_visitors)
        self._rows = LatestRows(settings.latest_rows)
        self._restore(state)

    def process(self, frame: Frame) -> Sequence[Output]:
        """Count the frame's punctual clicks of the last hour; those ahead of time (a fast clock) are not counted."""
        self._rows.add(frame)
        newest = frame.high
        self._newest = max(self._newest, newest)
        oldest = (self._newest // _MINUTE_MS - self._settings.minutes + 1) * _MINUTE_MS
        recent = np.flatnonzero((frame.times >= oldest) & (frame.times <= frame.high) & ~frame.late)
        if len(recent):
            self._count(frame, recent)
        self._visitors.add(frame)
        for counts in (self._visits, self._by_category, self._by_product):
            counts.drop_below(oldest // _MINUTE_MS << _CODE_BITS)
        return []

    def _count(self, frame: Frame, rows: npt.NDArray[np.int64]) -> None:
        minutes = frame.times[rows] // _MINUTE_MS
        self._visits.count(minutes << _CODE_BITS)
        self._presence.add(frame, rows, minutes, newest=self._newest // _MINUTE_MS)
        shows = frame.is_type(SHOWING)[rows]
        if not shows.all():  # what is put into the cart was seen before
            rows, minutes = rows[shows], minutes[shows]
        packed = minutes << _CODE_BITS
        indices, texts = frame.coded("category")
        categories = self._categories.add([text or "" for text in texts])[indices[rows]]
        products = frame.products[rows]
        self._by_category.count(packed | categories)
        self._by_product.count(packed | products)
        self._describe(frame, rows, products)

    def _describe(self, frame: Frame, rows: npt.NDArray[np.int64], products: Codes) -> None:
        distinct, at = np.unique(products, return_index=True)
        categories, category_of = frame.coded("category")
        titles, title_of = frame.coded("title")
        for product, row in zip(distinct.tolist(), rows[at].tolist(), strict=True):
            self._described[product] = (category_of[categories[row]] or "", title_of[titles[row]] or "")
        if len(self._described) > 4 * len(self._by_product.keys) + 1_000:
            held = set(self._product_codes(self._by_product).tolist())
            self._described = {code: texts for code, texts in self._described.items() if code in held}

    @staticmethod
    def _product_codes(counts: Counts) -> npt.NDArray[np.int64]:
        return counts.keys & ((1 << _CODE_BITS) - 1)

    # -- state --------------------------------------------------------------------------------------------

    def changes(self) -> Sequence[Change]:
        """The increments of all counts, the visitors seen, and the latest rows."""
        changes = [*self._presence.changes(), *self._visitors.changes(), *self._rows.changes()]
        for table, counts in (("visits", self._visits), ("by_category", self._by_category)):
            increments = counts.changes()
            if increments:
                keys, values, reset = increments
                texts = self._categories.decode(keys & ((1 << _CODE_BITS) - 1)) if table == "by_category" else None
                changes.append(Change(table, _cells(keys, values, [texts] if texts else []), reset))
        increments = self._by_product.changes()
        if increments:
            keys, values, reset = increments
            changes.append(Change("by_product", _cells(keys, values, self._product_texts(keys)), reset))
        return changes

    def _product_texts(self, keys: npt.NDArray[np.int64]) -> list[pa.Array]:
        codes = keys & ((1 << _CODE_BITS) - 1)
        described = [self._described.get(code, ("", "")) for code in codes.tolist()]
        return [
            self._book.products.decode(codes.astype(np.int32)),
            pa.array([category for category, _ in described], type=pa.string()),
            pa.array([title for _, title in described], type=pa.string()),
        ]

    def _restore(self, state: State) -> None:
        for table, counts, dictionary in (
            ("visits", self._visits, None),
            ("by_category", self._by_category, self._categories),
            ("by_product", self._by_product, self._book.products),
        ):
            parts = []
            for batch in state.get(table, ()):
                keys = batch.column("minute").to_numpy() << _CODE_BITS
                if dictionary is not None:
                    codes = dictionary.add(batch.column("text0").to_pylist())
                    keys = keys | codes
                    if table == "by_product":
                        texts = zip(batch.column("text1").to_pylist(), batch.column("text2").to_pylist(), strict=True)
                        self._described.update(zip(codes.tolist(), texts, strict=True))
                parts.append((keys, batch.column("value").to_numpy()))
            counts.restore(parts)
        self._presence.restore(state)
        self._visitors.restore(state)
        self._rows.restore(state)

    # -- views --------------------------------------------------------------------------------------------

    def partials(self) -> Sequence[Partial]:
        """This partition's part of the views, for stores.views to add up."""
        visits = dict(zip((self._visits.keys >> _CODE_BITS).tolist(), self._visits.values.tolist(), strict=True))
        visitors = self._presence.visitors_by_minute()
        minutes = sorted(visits)
        per_minute = {
            "minute": pa.array(minutes, type=pa.int64()),
            "visits": pa.array([visits[m] for m in minutes], type=pa.int64()),
            "visitors": pa.array([visitors.get(m, 0) for m in minutes], type=pa.int64()),
        }
        keys = self._by_category.keys
        by_category = {
            "minute": pa.array(keys >> _CODE_BITS),
            "category": self._categories.decode(keys & ((1 << _CODE_BITS) - 1)),
            "count": pa.array(self._by_category.values),
        }
        keys = self._by_product.keys
        product, category, title = self._product_texts(keys)
        by_product = {
            "minute": pa.array(keys >> _CODE_BITS),
            "productId": product,
            "category": category,
            "title": title,
            "count": pa.array(self._by_product.values),
        }
        return [
            Partial("last_15_minutes", pa.RecordBatch.from_pydict(per_minute)),
            Partial("category_popularity", pa.RecordBatch.from_pydict(by_category)),
            Partial("products_last_hour", pa.RecordBatch.from_pydict(by_product)),
            Partial("device_type_popularity", self._presence.visitors_by_device()),
            Partial("latest_visitors", self._visitors.batch()),
            Partial("raw_data", self._rows.batch()),
        ]

    def live(self) -> Flags:
        """Visitors seen in the last quarter of an hour."""
        return self._presence.live()


def _cells(keys: npt.NDArray[np.int64], values: npt.NDArray[np.int64], texts: Sequence[pa.Array]) -> pa.RecordBatch:
    arrays = [pa.array(keys >> _CODE_BITS), pa.array(values), *texts]
    return pa.RecordBatch.from_arrays(arrays, names=["minute", "value", *(f"text{i}" for i in range(len(texts)))])
