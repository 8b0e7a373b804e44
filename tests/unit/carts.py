"""Builds selections for the cart, and a sink that writes them: with a default for all but the point at issue."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from footfall.core.clock import ManualClock
from footfall.core.events import CART, CART_SCHEMA, Batch
from footfall.core.hashing import column_hashes, ids_of
from footfall.core.progress import unheard
from footfall.engine.log_identity import identity_of
from footfall.engine.sinking import SINKS, Sinking, TableTask
from footfall.log.base import Append
from footfall.log.embedded import EmbeddedLog
from footfall.sinks.tables import CLICKSTREAM_DATA, TableSink
from tests.unit.streams import START

FIRST: Final = datetime(2026, 11, 22, 15, 40, 0, 123_456)  # noqa: DTZ001 - such times have no zone
SELECTION: Final[Mapping[str, Any]] = {
    "timestamp": START,
    "username": "ada",
    "creation_timestamp": FIRST,
    "category": "shoes",
    "gender": "Female",
    "style": "casual",
    "size": "M",
    "hex_color": "#FFAA00",
}


def at(number: int) -> datetime:
    """A time of its own for each number."""
    return FIRST + timedelta(microseconds=number)


def selections(rows: Sequence[Mapping[str, Any]]) -> Batch:
    """Events of ``cart-data``; ids follow from username and creation time."""
    full = [{**SELECTION, **row} for row in rows]
    columns = {f.name: pa.array([row.get(f.name) for row in full], type=f.type) for f in CART_SCHEMA}
    columns["event_id"] = ids_of([column_hashes(columns[name]) for name in CLICKSTREAM_DATA.key])
    return Batch.from_arrays([columns[name] for name in CART_SCHEMA.names], schema=CART_SCHEMA)


def put(log: EmbeddedLog, *rows: Mapping[str, Any], partition: int = 0) -> None:
    """Append selections, all in one batch."""
    log.append([Append(CART, partition, selections(rows))])


def table_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the table must hold of these selections: each key once, in the order of the key."""
    by_key: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        full = {**SELECTION, **row}
        by_key.setdefault(
            tuple(full[name] for name in CLICKSTREAM_DATA.key), {name: full[name] for name in CLICKSTREAM_DATA.names}
        )
    return [by_key[key] for key in sorted(by_key)]


def stored(tables: TableSink) -> list[dict[str, Any]]:
    """What the table holds."""
    return [row for batch in tables.read(CLICKSTREAM_DATA) for row in batch.to_pylist()]


@dataclass
class Sunk:
    """A sink over a log, and what it told."""

    log: EmbeddedLog
    target: TableSink
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    told: list[dict[str, Any]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    on_beat: Callable[[int], None] = unheard
    """Called with how often it has told."""

    def beat(self, **figures: Any) -> None:
        self.told.append(figures)
        self.on_beat(len(self.told))

    def run(self) -> dict[str, int]:
        """A new sink works until nothing is left; its figures."""
        service = Sinking(
            sink=SINKS["cart"],
            log=self.log,
            target=self.target,
            clock=self.clock,
            random=secrets.token_bytes,
            beat=self.beat,
        )
        return service.run(self.stop, until_end=True)

    def task(self, *, partition: int = 0) -> TableTask:
        """A new sink on one partition, to be led step by step."""
        return TableTask(
            SINKS["cart"],
            partition=partition,
            log=self.log,
            target=self.target,
            clock=self.clock,
            identity=lambda: identity_of(self.log, random=secrets.token_bytes),
            stop=self.stop,
        )
