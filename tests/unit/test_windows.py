"""Windows of event time: what is put out, when, and which settings make no sense."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from footfall.core.errors import UsageError
from footfall.core.events import ENRICHED
from footfall.core.hashing import partition_of
from footfall.engine.windows import window_tasks
from footfall.engine.worker import Task
from footfall.log.base import Append, DurableLog, StreamSettings
from footfall.log.embedded import EmbeddedLog
from footfall.processors.base import NO_TIME, Codebook, Frame
from footfall.processors.window_model import Window
from footfall.processors.windows import (
    Count,
    Distinct,
    Hopping,
    Max,
    Min,
    RunningWindowed,
    Session,
    Sum,
    Top,
    Tumbling,
    Windowed,
)
from tests.unit.frames import enriched

Row = dict[str, Any]
SECOND = timedelta(seconds=1)
MINUTE = 60 * SECOND
T0 = 1_331_802_600_000
"""A whole minute."""


def windowed(window: Window = Tumbling(MINUTE), **changed: Any) -> Windowed:  # noqa: B008 - it is frozen
    """Clicks by category and minute, but for what is changed."""
    settings = {"name": "w", "to": "out", "keys": ("category",), "aggregates": {"clicks": Count()}, **changed}
    return Windowed(window=window, **settings)


def started(settings: Windowed) -> RunningWindowed:
    """Its operator, at the beginning."""
    return settings.start(book=Codebook(), state={})


def frame(watermark: int, *rows: Mapping[str, Any]) -> Frame:
    """Rows at seconds after T0, and how far time has come after them, in seconds after T0."""
    full = [{"timestamp": T0 + row["at"] * 1_000, **{k: v for k, v in row.items() if k != "at"}} for row in rows]
    now = T0 + watermark * 1_000
    return Frame(enriched(full), book=Codebook(), before=NO_TIME, watermark=now, high=now + 600_000)


def put_out(running: RunningWindowed, *frames: Frame) -> list[Row]:
    """What comes of the frames: rows, times as seconds after T0."""
    rows = [row for one in frames for output in running.process(one) for row in output.batch.to_pylist()]
    for row in rows:
        for name in ("timestamp", "window_start", "window_end"):
            row[name] = round(row[name].timestamp()) - T0 // 1_000
    return rows


def test_a_window_is_put_out_once_when_the_watermark_reaches_its_end() -> None:
    running = started(windowed())

    assert put_out(running, frame(59, {"at": 0}, {"at": 59})) == []
    [row] = put_out(running, frame(60, {"at": 60}))
    assert {k: v for k, v in row.items() if k != "event_id"} == {
        "timestamp": 60,
        "window_start": 0,
        "window_end": 60,
        "category": "clothing",
        "clicks": 2,
    }
    assert [row["window_start"] for row in put_out(running, frame(300))] == [60]
    assert put_out(running, frame(900)) == []


def test_a_late_click_is_counted_as_late_and_never_reopens_a_window() -> None:
    running = started(windowed())
    put_out(running, frame(60, {"at": 0}))

    assert put_out(running, frame(120, {"at": 10, "late": True}, {"at": 70})) != []
    assert running.late == 1
    assert put_out(running, frame(999, {"at": 10, "late": True})) == []
    assert running.late == 2


def test_within_the_grace_a_window_waits_for_late_clicks() -> None:
    running = started(windowed(grace=30 * SECOND))
    put_out(running, frame(0, {"at": 5}))

    assert put_out(running, frame(80, {"at": 61})) == []
    assert put_out(running, frame(80, {"at": 55, "late": True}, {"at": 49, "late": True})) == []
    [row] = put_out(running, frame(90))
    assert (row["window_start"], row["clicks"], running.late) == (0, 2, 1)


def test_a_click_counts_in_every_hopping_window_that_it_lies_in() -> None:
    running = started(windowed(Hopping(3 * MINUTE, MINUTE)))

    rows = put_out(running, frame(0, {"at": 10}), frame(600))

    assert [(row["window_start"], row["window_end"]) for row in rows] == [(-120, 60), (-60, 120), (0, 180)]


def test_exactly_the_gap_is_still_the_same_session() -> None:
    running = started(windowed(Session(30 * SECOND), keys=("userId",)))

    rows = put_out(running, frame(0, {"at": 0}, {"at": 30}, {"at": 61}), frame(600))

    assert [(row["window_start"], row["window_end"], row["clicks"]) for row in rows] == [(0, 30, 2), (61, 61, 1)]


def test_a_session_is_cut_where_it_would_last_too_long() -> None:
    running = started(windowed(Session(30 * SECOND, longest=50 * SECOND)))

    rows = put_out(running, frame(0, *({"at": at} for at in (75, 50, 25, 0))), frame(600))

    assert [(row["window_start"], row["window_end"]) for row in rows] == [(0, 50), (75, 75)]


def test_sums_and_extremes_leave_out_nulls() -> None:
    aggregates = {
        "bots": Sum("is_bot"),
        "years": Sum("age"),
        "youngest": Min("age"),
        "oldest": Max("age"),
        "ages": Distinct("age"),
        "born": Min("birthdate"),
        "genders": Distinct("gender"),
    }
    running = started(windowed(keys=("userId", "country"), aggregates=aggregates))

    ada, bob = put_out(
        running,
        frame(
            0,
            {"at": 1, "userId": "ada", "age": 40, "is_bot": True},
            {"at": 2, "userId": "ada", "age": None, "gender": None},
            {"at": 3, "userId": "ada", "age": 30},
            {"at": 4, "userId": "bob", "age": None},
        ),
        frame(60),
    )

    assert [ada[name] for name in aggregates] == [1, 70, 30, 40, 2, None, 1]
    assert [bob[name] for name in aggregates] == [0, 0, None, None, 0, None, 1]


def test_without_keys_all_clicks_are_one_group() -> None:
    running = started(windowed(keys=()))

    [row] = put_out(running, frame(0, {"at": 1}, {"at": 2, "category": "shoes"}), frame(60))

    assert row["clicks"] == 2


def test_the_top_groups_come_best_first_and_equal_ones_by_key() -> None:
    running = started(windowed(top=Top(2, by="clicks")))
    clicks: list[Row] = [{"at": n, "category": name} for n, name in enumerate(["toys", "books", "shoes", "shoes"])]

    rows = put_out(running, frame(0, *clicks, {"at": 70, "category": "toys"}), frame(120))

    assert [(row["window_start"], row["category"]) for row in rows] == [(0, "shoes"), (0, "books"), (60, "toys")]


def test_ids_name_window_and_group_and_do_not_depend_on_the_cut() -> None:
    clicks: list[Row] = [{"at": 1}, {"at": 2, "category": "shoes"}, {"at": 61}]

    once = put_out(started(windowed()), frame(0, *clicks), frame(120))
    apart = put_out(started(windowed()), *(frame(0, click) for click in clicks), frame(60), frame(120))

    assert [row["event_id"] for row in once] == [row["event_id"] for row in apart]
    assert len({row["event_id"] for row in once}) == 3


def test_saved_state_stays_small_when_windows_come_and_go() -> None:
    running = started(windowed(keys=("userId",), aggregates={"products": Distinct("productId")}))
    saved: dict[str, list[Any]] = {}

    for minute in range(40):
        clicks = [{"at": minute * 60, "userId": f"{minute}-{n}"} for n in range(500)]
        running.process(frame(minute * 60, *clicks))
        for change in running.changes():
            saved[change.table] = [] if change.reset else saved.get(change.table, [])
            saved[change.table].append(change.batch)

    assert sum(batch.num_rows for batch in saved["panes_cells"]) < 15_000


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"window": Hopping(5 * MINUTE, 2 * MINUTE)}, "whole multiple"),
        ({"window": Tumbling(timedelta(0))}, "at least 1"),
        ({"window": Session(timedelta(microseconds=1_500))}, "whole milliseconds"),
        ({"keys": ("colour",)}, "There are: timestamp"),
        ({"keys": ("timestamp",)}, "cannot have the key"),
        ({"aggregates": {}}, "count nothing"),
        ({"aggregates": {"sum": Sum("category")}}, "Sum('category')"),
        ({"aggregates": {"most": Max("country")}}, "Max('country')"),
        ({"aggregates": {"category": Count()}}, "two columns 'category'"),
        ({"aggregates": {"window_end": Count()}}, "two columns 'window_end'"),
        ({"top": Top(3, by="visits")}, "(clicks)"),
        ({"top": Top(0, by="clicks")}, "at least 1"),
        ({"to": "sessions"}, "Footfall's own"),
        ({"grace": -SECOND}, "at least 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changed: Row, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        windowed(**{"window": Tumbling(MINUTE), **changed})

    assert said in str(refused.value)


def test_state_of_other_settings_is_refused() -> None:
    running = started(windowed())
    running.process(frame(0, {"at": 1}))
    saved = {change.table: [change.batch] for change in running.changes()}

    with pytest.raises(UsageError, match="other settings"):
        windowed(Tumbling(2 * MINUTE)).start(book=Codebook(), state=saved)


# -- over a log with several partitions -------------------------------------------------------------------


@pytest.fixture
def log(tmp_path: Path) -> Iterator[DurableLog]:
    """A log whose enriched clicks have two partitions."""
    with EmbeddedLog.open(tmp_path) as log:
        log.create(ENRICHED, StreamSettings(partitions=2))
        yield log


def append(log: DurableLog, watermark: int, *rows: Row) -> None:
    """Clicks into the partitions of their visitors, and the watermark into both."""
    for partition in range(2):
        own = [row for row in rows if partition_of(row["userId"], 2) == partition]
        one = frame(watermark, *own)
        log.append([Append(ENRICHED, partition, one.batch, one.watermark)])


def tasks(settings: Windowed, log: DurableLog) -> list[Task]:
    """All its tasks, as a worker starts them."""
    lateness = timedelta(minutes=10)
    made = [window_tasks(settings, log=log, partition=number, lateness=lateness) for number in range(2)]
    return [task for each in made for task in each]


def run(made: list[Task]) -> None:
    """Let them work until there is nothing left."""
    while any([task.step() is not None for task in made]):  # noqa: C419 - each of them takes its turn
        pass


def found(log: DurableLog, stream: str = "out") -> list[Row]:
    """All events of a stream."""
    return [
        row
        for partition in range(2)
        for chunk in log.read(stream, partition, log.place(stream, partition)).chunks
        for row in chunk.batch.to_pylist()
    ]


VISITORS = [f"v{n}" for n in range(20)]


def test_totals_are_those_of_all_partitions(log: DurableLog) -> None:
    settings = windowed(aggregates={"clicks": Count(), "visitors": Distinct("userId"), "types": Distinct("category")})
    made = tasks(settings, log)
    append(log, 0, *({"at": 1, "userId": user} for user in VISITORS * 2))
    run(made)
    append(log, 60)
    run(made)

    assert [(row["clicks"], row["visitors"], row["types"]) for row in found(log)] == [(40, 20, 1)]


def test_a_window_waits_for_the_slowest_partition(log: DurableLog) -> None:
    made = tasks(windowed(), log)
    append(log, 0, *({"at": 1, "userId": user} for user in VISITORS))
    far = frame(500)
    log.append([Append(ENRICHED, 0, far.batch, far.watermark)])
    run(made)

    assert found(log) == []
    log.append([Append(ENRICHED, 1, far.batch, far.watermark)])
    run(made)
    assert [row["clicks"] for row in found(log)] == [20]


def test_a_task_that_starts_again_goes_on_where_it_stopped(log: DurableLog) -> None:
    for step in range(6):
        append(log, step * 25, *({"at": step * 25, "userId": user} for user in VISITORS))
        run(tasks(windowed(Hopping(MINUTE, 30 * SECOND), top=Top(1, by="clicks")), log))
    append(log, 600)
    run(tasks(windowed(Hopping(MINUTE, 30 * SECOND), top=Top(1, by="clicks")), log))

    starts = [round(row["window_start"].timestamp()) - T0 // 1_000 for row in found(log)]
    assert starts == [-30, 0, 30, 60, 90, 120]
    assert [row["clicks"] for row in found(log)] == [40, 60, 40, 40, 40, 20]


def test_windows_by_visitor_stay_in_the_visitors_partition(log: DurableLog) -> None:
    made = tasks(windowed(keys=("userId",)), log)
    append(log, 60, *({"at": 1, "userId": user} for user in VISITORS))
    run(made)

    streams = [info.name for info in log.streams()]
    assert "out.partials" not in streams
    for partition in range(2):
        chunks = log.read("out", partition, log.place("out", partition)).chunks
        users = [user for chunk in chunks for user in chunk.batch.column("userId").to_pylist()]
        assert users
        assert {partition_of(user, 2) for user in users} == {partition}
