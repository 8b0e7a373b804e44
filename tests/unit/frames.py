"""Builds enriched batches and frames for tests: everything has a default but the point at issue."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from footfall.core.events import ENRICHED_SCHEMA, Batch
from footfall.processors.base import NO_TIME, Codebook, Frame

LATENESS: Final = 10 * 60_000
"""How far a frame's watermark is behind its newest click, in ms."""

DEFAULTS: Final[Mapping[str, Any]] = {
    "timestamp": 1_331_802_578_000,
    "userId": "ada",
    "productId": "P1",
    "event_type": "view",
    "original_timestamp": None,
    "ip": "75.85.165.38",
    "userAgent": "Mozilla/5.0",
    "age": 40,
    "gender": "M",
    "sessionId": None,
    "page": None,
    "referrer": None,
    "late": False,
    "category": "clothing",
    "title": "A thing",
    "birthdate": None,
    "country": "United States",
    "deviceType": "Desktop",
    "is_bot": False,
    "is_refresh": False,
}


def enriched(rows: Sequence[Mapping[str, Any]]) -> Batch:
    """Rows of ``enriched-click-data``; a row's event id follows from its content and number unless it is given."""
    full = [{**DEFAULTS, **row} for row in rows]
    for number, row in enumerate(full):
        if "event_id" not in row:
            row["event_id"] = hashlib.md5(repr((number, row)).encode(), usedforsecurity=False).digest()
    columns = [pa.array([row[field.name] for row in full], type=field.type) for field in ENRICHED_SCHEMA]
    return pa.RecordBatch.from_arrays(columns, schema=ENRICHED_SCHEMA)


def frame(
    rows: Sequence[Mapping[str, Any]] | Batch,
    book: Codebook | None = None,
    before: int = NO_TIME,
    watermark: int | None = None,
) -> Frame:
    """A frame of these rows; without a ``watermark``, it is 10 minutes behind the newest punctual row."""
    batch = rows if isinstance(rows, pa.RecordBatch) else enriched(rows)
    if watermark is None:
        times = batch.column("timestamp").cast(pa.int64()).to_pylist()
        punctual = [t for t, late in zip(times, batch.column("late").to_pylist(), strict=True) if not late]
        watermark = max([before, *(t - LATENESS for t in punctual)])
    return Frame(batch, book=book or Codebook(), before=before, watermark=watermark)
