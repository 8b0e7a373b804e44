"""An event that cannot be used is in the list once, and is brought in once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from footfall.core.clock import ManualClock
from footfall.core.errors import Reason, UsageError
from footfall.core.events import CLICKS, ENRICHED, FAILED
from footfall.engine.failed import FailedEvents, failed_batch
from footfall.engine.ingest import Ingest
from footfall.engine.refailed import replay_failed
from footfall.log.base import Append
from footfall.log.embedded import EmbeddedLog
from footfall.sources.base import BadRow
from footfall.sources.layouts import FOOTFALL, Layout
from footfall.sources.order import Orderer
from tests.unit.streams import LATENESS, MINUTE, START, bad, clicks, drain, events, open_log, stage

LAYOUT = Layout(
    layout="footfall",
    form="delimited",
    columns=("timestamp", "userId", "productId", "ip"),
    fields={name: name for name in FOOTFALL if name in {"timestamp", "userId", "productId", "ip"}},
).text()
GOOD = f"{START},ada,C1,1.2.3.4".encode()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EmbeddedLog]:
    with open_log(tmp_path, partitions=2) as log:
        yield log


def set_aside(log: EmbeddedLog, *rows: BadRow, source: str = "a.csv", layout: str = LAYOUT) -> list[str]:
    """Put these rows into failed-events as a source does; the ids of all failed events."""
    batch = failed_batch(rows, source=source, layout=layout, now_ms=START)
    log.append(FailedEvents(log).appends_for(batch))
    return [event.id for event in FailedEvents(log).list()]


def statuses(log: EmbeddedLog) -> list[str]:
    return [event.status for event in FailedEvents(log).list()]


def replay(log: EmbeddedLog, rows: dict[str, bytes]) -> tuple[int, int, int]:
    figures = replay_failed(log, rows, clock=ManualClock(START)).figures
    return figures["replayed"], figures["rejected"], figures["already_replayed"]


def test_the_list_says_where_an_event_came_from_and_why_it_could_not_be_used(log: EmbeddedLog) -> None:
    set_aside(log, BadRow(7, Reason.BAD_IP, "ip 'x' is no address", b"\xff,x"))
    (event,) = FailedEvents(log).list()
    assert (event.source, event.line, event.reason, event.raw, event.status) == (
        *("a.csv", 7, Reason.BAD_IP),
        *(b"\xff,x", "open"),
    )
    assert (event.detail, event.timestamp_ms, len(event.event_id)) == ("ip 'x' is no address", START, 16)


def test_the_same_row_is_set_aside_once_and_another_line_with_the_same_bytes_again(log: EmbeddedLog) -> None:
    set_aside(log, bad(1), bad(1), bad(2))
    known = FailedEvents(log)
    again = failed_batch([bad(2), bad(3)], source="a.csv", layout=LAYOUT, now_ms=START)
    log.append(known.appends_for(again))
    assert known.appends_for(again) == []
    assert [event.line for event in known.list()] == [1, 2, 3]


def test_what_another_process_set_aside_is_known(log: EmbeddedLog) -> None:
    known = FailedEvents(log)
    batch = failed_batch([bad(1)], source="a.csv", layout=LAYOUT, now_ms=START)
    assert known.appends_for(batch)
    set_aside(log, bad(1))
    assert known.appends_for(batch) == []


def test_a_replayed_event_stays_replayed_when_it_is_set_aside_again(log: EmbeddedLog) -> None:
    (event_id,) = set_aside(log, bad(1))
    replay(log, {event_id: GOOD})
    log.append([Append(FAILED, 0, failed_batch([bad(1)], source="a.csv", layout=LAYOUT, now_ms=START))])
    assert statuses(log) == ["replayed"]


def test_a_corrected_row_is_brought_in_once_however_often_it_is_replayed(log: EmbeddedLog) -> None:
    (event_id,) = set_aside(log, bad(1))
    assert replay(log, {event_id: GOOD}) == (1, 0, 0)
    assert replay(log, {event_id: GOOD}) == (0, 0, 1)
    assert [(row["userId"], row["timestamp"]) for row in events(log, CLICKS)] == [("ada", START)]
    assert statuses(log) == ["replayed"]


def test_a_row_that_is_still_wrong_stays_open_and_the_others_come_in(log: EmbeddedLog) -> None:
    one, two = set_aside(log, bad(1), bad(2))
    assert replay(log, {one: b"still,wrong", two: GOOD}) == (1, 1, 0)
    assert statuses(log) == ["open", "replayed"]
    assert len(events(log, CLICKS)) == 1


@pytest.mark.parametrize("raw", [b"", GOOD + b"\n" + GOOD])
def test_a_correction_must_be_one_row(log: EmbeddedLog, raw: bytes) -> None:
    (event_id,) = set_aside(log, bad(1))
    assert replay(log, {event_id: raw}) == (0, 1, 0)


def test_an_unknown_id_is_refused_and_brings_nothing_in(log: EmbeddedLog) -> None:
    (event_id,) = set_aside(log, bad(1))
    with pytest.raises(UsageError, match="no failed event 00"):
        replay(log, {event_id: GOOD, "00" * 16: GOOD})
    assert (events(log, CLICKS), statuses(log)) == ([], ["open"])


def test_a_corrected_row_is_late_where_the_stream_has_gone_on(log: EmbeddedLog) -> None:
    ordering = Orderer(lateness=LATENESS).start()
    ingest = Ingest(log, source="b.csv", layout=LAYOUT, clock=ManualClock(START + 86_400_000))
    ingest.ordered(ordering, clicks([{"timestamp": START + m * MINUTE, "userId": "cyd"} for m in (0, 11, 60)]))
    old, new = set_aside(log, bad(1), bad(2))
    replay(log, {old: GOOD, new: f"{START + 50 * MINUTE},bob,C1,".encode()})
    late = {row["userId"]: bool(row.get("late")) for row in events(log, CLICKS) if row["userId"] != "cyd"}
    assert late == {"ada": True, "bob": False}


def test_a_conflicting_click_is_set_aside_with_its_offset_and_comes_in_under_another_id(log: EmbeddedLog) -> None:
    batch = clicks([{"id": "x", "productId": "C1"}, {"id": "x", "productId": "C2"}])
    log.append([Append(CLICKS, 0, batch)])
    worker = stage(log)
    drain(worker)
    (event,) = FailedEvents(log).list()
    assert (event.reason, event.source, event.line, event.layout) == (Reason.ID_CONFLICT, "click-data-0", 1, "json")
    mended = {**json.loads(event.raw), "event_id": "another"}
    assert replay(log, {event.id: json.dumps(mended).encode()}) == (1, 0, 0)
    for each in (stage(log, partition=0), stage(log, partition=1)):
        drain(each)
    assert sorted(row["productId"] for row in events(log, ENRICHED)) == ["C1", "C2"]
    assert [event.status for event in FailedEvents(log).list()] == ["replayed"]


def test_what_another_stream_holds_is_not_put_among_the_clicks(log: EmbeddedLog) -> None:
    raw = json.dumps({"userId": "ada", "timestamp": START, "productId": "C1"}).encode()
    (event_id,) = set_aside(log, bad(3, raw), source=f"{ENRICHED}-0", layout="json")
    assert replay(log, {event_id: raw}) == (0, 1, 0)
    assert events(log, CLICKS) == []


def test_a_batch_of_failed_events_cuts_long_explanations() -> None:
    batch = failed_batch([BadRow(1, Reason.BAD_IP, "x" * 900, b"")], source="a", layout="", now_ms=0)
    assert len(batch.column("detail")[0].as_py()) == 500
