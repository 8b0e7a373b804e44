"""Builds clicks, readers and logs for tests of what runs over a log, with a default for all but the point at issue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from footfall.core.clock import Clock, ManualClock
from footfall.core.events import CLICK_SCHEMA, SCHEMAS, Batch
from footfall.core.hashing import id_from_text
from footfall.core.watermarks import WatermarkSettings
from footfall.engine.stage import ChainSettings, Stage
from footfall.log.base import StreamSettings
from footfall.log.codecs.rows import rows as rows_of
from footfall.log.embedded import EmbeddedLog
from footfall.processors.aggregate import Aggregation
from footfall.processors.base import Change, Processor
from footfall.processors.behaviour import Behaviour
from footfall.processors.enrichment.processor import Enrichment
from footfall.processors.patterns import builtin_patterns
from footfall.processors.sessions import Sessions
from footfall.sources.base import BadRow, Block

START: Final = 1_331_802_000_000
SECOND: Final = 1_000
MINUTE: Final = 60_000
LATENESS: Final = timedelta(minutes=10)
Row = Mapping[str, Any]
CLICK: Final[Row] = {
    "timestamp": START,
    "userId": "ada",
    "productId": "C1",
    "event_type": "view",
    "original_timestamp": None,
    "ip": "75.85.165.38",
    "userAgent": None,
    "age": 40,
    "gender": "M",
    "sessionId": None,
    "page": None,
    "referrer": None,
    "late": False,
}


def clicks(rows: Sequence[Row]) -> Batch:
    """Rows of ``click-data``; a row's id follows from its ``id`` (any text), or from its content."""
    full = [{**CLICK, **row} for row in rows]
    for row in full:
        row["event_id"] = id_from_text(str(row.pop("id", repr(sorted(row.items(), key=str)))))
    columns = [pa.array([row[f.name] for row in full], type=f.type) for f in CLICK_SCHEMA]
    return pa.RecordBatch.from_arrays(columns, schema=CLICK_SCHEMA)


def open_log(directory: Path, *, partitions: int = 1, clock: Clock | None = None) -> EmbeddedLog:
    """A log with the pipeline's streams. Its clock stands still, a month after START, unless one is given."""
    log = EmbeddedLog.open(directory, clock=clock or ManualClock(START + 30 * 86_400_000))
    for stream in SCHEMAS:
        log.create(stream, StreamSettings(partitions=1 if stream == "failed-events" else partitions, keep_for=None))
    return log


def events(log: EmbeddedLog, stream: str) -> list[dict[str, Any]]:
    """All events of a stream, partition after partition."""
    found: list[dict[str, Any]] = []
    for partition in range(log.info(stream).settings.partitions):
        place = log.place(stream, partition)
        while (read := log.read(stream, partition, place)).chunks:
            place = read.place
            for chunk in read.chunks:
                found += rows_of(chunk.batch)
    return found


@dataclass(frozen=True)
class Shop:
    """Products C… are clothing, S… shoes, others books; of visitors nothing is known."""

    def products(self, ids: Sequence[str]) -> list[tuple[str | None, str | None] | None]:
        return [({"C": "clothing", "S": "shoes"}.get(one[:1], "books"), f"The {one}") for one in ids]

    def visitors(self, user_ids: Sequence[str]) -> list[tuple[str | None, str | None] | None]:
        return [None] * len(user_ids)

    def version(self) -> int:
        return 1


WATERMARK: Final = WatermarkSettings(lateness=LATENESS)
FOLLOWERS: Final[Sequence[Processor]] = (Aggregation(), Sessions(), Behaviour(builtin_patterns()))


def stage(
    log: EmbeddedLog,
    *,
    enrich: bool = True,
    followers: Sequence[Processor] = FOLLOWERS,
    max_rows: int = 100_000,
    partition: int = 0,
    watermark: WatermarkSettings = WATERMARK,
) -> Stage:
    """The chain on one partition."""
    settings = ChainSettings(
        enrichment=Enrichment(watermark=watermark) if enrich else None,
        followers=followers,
        max_rows=max_rows,
        watermark=watermark,
    )
    return Stage(settings, partition=partition, log=log, lookups=Shop(), seconds={})


def drain(*stages: Stage) -> None:
    """Let stages work, in turns, until nothing is left."""
    while sum(one.step() is not None for one in stages):
        pass


def partials(*stages: Stage) -> dict[str, list[dict[str, Any]]]:
    """The parts of the views that these stages know, as rows."""
    return {part.view: part.batch.to_pylist() for one in stages for part in one.partials()}


def bad(line: int, raw: bytes = b"?") -> BadRow:
    """A row without an IP address to speak of."""
    from footfall.core.errors import Reason

    return BadRow(line, Reason.BAD_IP, "ip '?' is no address", raw)


@dataclass
class File:
    """A reader of blocks that are already there."""

    parts: Sequence[Block]
    layout: str = '{"layout":"none"}'
    opened: int = field(default=0)

    def blocks(self) -> Iterator[Block]:
        self.opened += 1
        yield from self.parts


@dataclass
class Saved:
    """The state of one operator, as a log would keep it."""

    tables: dict[str, list[Batch]] = field(default_factory=dict)

    def keep(self, changes: Sequence[Change]) -> None:
        """Add what ``changes`` gave."""
        for change in changes:
            earlier = [] if change.reset else self.tables.get(change.table, [])
            self.tables[change.table] = [*earlier, change.batch]
