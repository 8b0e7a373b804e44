"""Clicks, sessions and offers of a whole run are in their tables, in each target: equal to a fold over the log."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from footfall import wiring
from footfall.core.clock import SystemClock
from footfall.core.events import OFFERS
from footfall.core.progress import unheard
from footfall.engine.sinking import SINKS, Sink, Sinking
from footfall.log.base import Append, DurableLog
from footfall.sinks.sqlite import SqliteTables
from footfall.sinks.tables import TableSink
from tests.observing import backfill, generate
from tests.servers.postgres import Postgres

EVENTS = [sink for sink in SINKS.values() if sink.name != "cart"]


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TableSink]:
    if request.param == "sqlite":
        with SqliteTables(tmp_path / "tables.db") as tables:
            yield tables
        return
    from footfall.sinks.postgres import PostgresTables

    server: Postgres = request.getfixturevalue("postgres")
    with PostgresTables(server.database()) as tables:
        yield tables


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with sessions and offers, some of whose events are in their streams twice."""
    folder = tmp_path_factory.mktemp("run")
    file = generate(folder / "clicks.tsv", events=3_000, seed=7, days=1, lookups=folder)
    backfill(file, data_dir=folder / "data", lookups=folder, batch_size=500)
    with wiring.open_log(folder / "data") as log:
        for sink in EVENTS:
            for partition in range(2):
                chunks = log.read(sink.stream, partition, log.place(sink.stream, partition)).chunks
                log.append([Append(sink.stream, partition, chunk.batch) for chunk in chunks[::2]])
    return folder / "data"


def events(log: DurableLog, stream: str) -> Iterator[dict[str, Any]]:
    """All events, one after the other."""
    for partition, end in enumerate(log.info(stream).ends):
        place = log.place(stream, partition)
        while place.offset < end:
            read = log.read(stream, partition, place)
            place = read.place
            for chunk in read.chunks:
                yield from chunk.batch.to_pylist()


def folded(log: DurableLog, sink: Sink) -> list[dict[str, Any]]:
    """What the table must hold: each id once, in the order of the ids."""
    first: dict[bytes, dict[str, Any]] = {}
    for event in events(log, sink.stream):
        first.setdefault(event["event_id"], event)
    return [plain(first[key]) for key in sorted(first)]


def plain(event: dict[str, Any]) -> dict[str, Any]:
    """Times of matched clicks are milliseconds in a table."""
    if "matched" not in event:
        return event
    matched = [{**one, "timestamp": round(one["timestamp"].timestamp() * 1_000)} for one in event["matched"]]
    return {**event, "matched": matched}


def stored(target: TableSink, sink: Sink) -> list[dict[str, Any]]:
    found = [row for batch in target.read(sink.table) for row in batch.to_pylist()]
    return [{**row, "matched": json.loads(row["matched"])} if sink.stream == OFFERS else row for row in found]


def run(sink: Sink, log: DurableLog, target: TableSink) -> dict[str, int]:
    service = Sinking(sink=sink, log=log, target=target, clock=SystemClock(), random=secrets.token_bytes, beat=unheard)
    return service.run(threading.Event(), until_end=True)


@pytest.mark.parametrize("sink", EVENTS, ids=lambda sink: sink.name)
def test_a_table_equals_a_fold_over_its_stream(data_dir: Path, target: TableSink, sink: Sink) -> None:
    with wiring.open_log(data_dir) as log:
        done = run(sink, log, target)
        expected = folded(log, sink)

        assert expected
        assert stored(target, sink) == expected
        assert done["rows"] == len(expected)
        assert done["repeated"] == sum(log.info(sink.stream).ends) - len(expected) > 0
        assert done["rejected"] == 0
        assert run(sink, log, target)["events"] == 0
