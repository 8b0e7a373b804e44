"""Builds logs with users and clicks, and tasks of planned queries on them, for tests of what runs over a log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from footfall.core.events import EVENT_ID, FAILED, TIME, Batch
from footfall.core.hashing import id_from_text
from footfall.core.progress import unheard
from footfall.engine.queries import QueryTask
from footfall.log.base import Append, DurableLog, StreamSettings
from footfall.log.codecs.rows import rows as rows_of
from footfall.sql.planning import plan_script
from footfall.sql.standing import StandingQuery
from tests.observing import ROOT
from tests.unit.streams import START

VIP: Final = (ROOT / "src/footfall/examples/vip/vip.sql").read_text()
TABLES: Final = VIP[: VIP.index("CREATE TABLE VipActions")]
COUNT: Final = (
    TABLES
    + """
CREATE TABLE Counts (action STRING, clicks BIGINT, PRIMARY KEY (action) NOT ENFORCED) WITH ('topic' = 'counts');
INSERT INTO Counts SELECT action, COUNT(*) FROM Clicks GROUP BY action;
"""
)
ACTIONS: Final = ("cart", "checkout", "products")


def make_streams(log: DurableLog, *, partitions: int = 1) -> None:
    """Make the streams of the queries here."""
    log.create(FAILED, StreamSettings(partitions=1))
    for stream in ("user", "click", "vip-action", "counts", "out"):
        log.create(stream, StreamSettings(partitions=partitions, keep_for=None))


def users(*levels: str, first: int = 0) -> Batch:
    """A user for each level: u0, u1, …"""
    numbers = range(first, first + len(levels))
    return _events(
        [START + number for number in numbers],
        "user",
        {
            "user_id": pa.array([f"u{number}" for number in numbers]),
            "name": pa.array([f"N{number}" for number in numbers]),
            "level": pa.array(levels),
        },
    )


def clicks(numbers: Sequence[int], *, of: int = 4) -> Batch:
    """The clicks of these numbers: each a second after the one before, users in turn."""
    return _events(
        [START + 1_000 * number for number in numbers],
        "click",
        {
            "user_id": pa.array([f"u{number % of}" for number in numbers]),
            "page": pa.array(numbers, pa.int32()),
            "action": pa.array([ACTIONS[number % 3] for number in numbers]),
            "device": pa.array(["mobile"] * len(numbers)),
            "agent": pa.array(["Mozilla/5.0"] * len(numbers)),
        },
    )


def _events(times: Sequence[int], kind: str, columns: Mapping[str, pa.Array]) -> Batch:
    ids = [id_from_text(f"{kind} {time}") for time in times]
    head = {"timestamp": pa.array(times, pa.int64()).cast(TIME), "event_id": pa.array(ids, EVENT_ID)}
    return pa.RecordBatch.from_pydict({**head, **columns})


def put(log: DurableLog, stream: str, batch: Batch, *, partition: int = 0) -> None:
    """Append a batch."""
    log.append([Append(stream, partition, batch)])


def task_of(
    log: DurableLog,
    text: str = VIP,
    *,
    name: str = "vip",
    durable: bool = True,
    show: Callable[[Batch], None] = unheard,
    **how: Any,
) -> QueryTask:
    """The query's task, as it begins or goes on."""
    return QueryTask(StandingQuery(name, plan_script(text)), log=log, durable=durable, show=show, **how)


def drain(task: QueryTask) -> None:
    """Work until nothing is left."""
    while task.step() is not None:
        pass


def events(log: DurableLog, stream: str) -> list[dict[str, Any]]:
    """All events of a stream, partition after partition."""
    found: list[dict[str, Any]] = []
    for partition in range(log.partitions(stream)):
        place = log.place(stream, partition)
        while (read := log.read(stream, partition, place)).chunks:
            place = read.place
            for chunk in read.chunks:
                found += rows_of(chunk.batch)
    return found


def column(log: DurableLog, stream: str, name: str) -> list[Any]:
    """The values of a column of a stream."""
    return [event[name] for event in events(log, stream)]


def left_of(log: DurableLog, stream: str, key: str) -> dict[Any, dict[str, Any]]:
    """What the changes in a stream leave, by key."""
    table: Counter[tuple[Any, ...]] = Counter()
    names: Sequence[str] = ()
    for event in events(log, stream):
        sign = -1 if event["_op"] in {"-U", "-D"} else 1
        plain = {name: value for name, value in event.items() if name not in {"_op", "event_id", "timestamp"}}
        names = tuple(plain)
        table[tuple(plain.values())] += sign
    assert not -table, "a row is taken back that was not there"
    rows = [dict(zip(names, values, strict=True)) for values in (+table).elements()]
    return {row[key]: row for row in rows}
