"""An event at which a function raised can be handed to it again, and then counts once like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from footfall.core.clock import ManualClock
from footfall.core.errors import Fenced, UsageError
from footfall.core.events import CLICKS, ENRICHED, Batch, is_internal
from footfall.core.hashing import partition_of
from footfall.engine.failed import FailedEvent, FailedEvents
from footfall.engine.function_retry import retry_stream
from footfall.engine.functions import FunctionTask, on_batch, on_event
from footfall.engine.refailed import replay_failed
from footfall.engine.registry import REGISTERED, FunctionSettings
from footfall.log.base import Append, StreamSettings
from footfall.log.embedded import EmbeddedLog
from footfall.processors.windows import Count, Session, Windowed
from tests.unit.frames import enriched
from tests.unit.streams import LATENESS, START, events, open_log

Row = dict[str, Any]
ADA, BOB = next((a, b) for a in "abcdef" for b in "uvwxyz" if partition_of(a, 2) == 1 and partition_of(b, 2) == 0)
"""Visitors of partition 1 and of partition 0."""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EmbeddedLog]:
    with open_log(tmp_path, partitions=2) as log:
        yield log


class Counter:
    """Counts a key's clicks. It raises on products called ``bad`` until it is mended."""

    def __init__(self) -> None:
        self.mended = False
        self.seen: list[Row] = []

    def __call__(self, event: Row, state: Row) -> Row:
        self.seen.append(dict(event))
        state["n"] = state.get("n", 0) + 1
        if event["productId"] == "bad" and not self.mended:
            msg = f"no product {state['n']}"
            raise LookupError(msg)
        return {"n": state["n"], "productId": event["productId"]}


def settings(function: Callable[..., Any], name: str = "count", **changed: Any) -> FunctionSettings:
    on_event(**{"stream": ENRICHED, "to": "out", "name": name, **changed})(wrapped(function))
    made = REGISTERED.pop()
    assert isinstance(made, FunctionSettings)
    return made


def many(function: Callable[..., Any], name: str = "many", **changed: Any) -> FunctionSettings:
    on_batch(**{"stream": ENRICHED, "to": "out", "name": name, **changed})(function)
    made = REGISTERED.pop()
    assert isinstance(made, FunctionSettings)
    return made


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function with a name, as the decorator wants it."""

    def named(event: Row, state: Row) -> Any:
        return function(event, state)

    return named


def click(log: EmbeddedLog, user: str, *products: str) -> None:
    batch = enriched([{"userId": user, "productId": product} for product in products])
    log.append([Append(ENRICHED, partition_of(user, 2), batch)])


def work(log: EmbeddedLog, *functions: FunctionSettings) -> None:
    """Start the functions on all partitions, and let them work until there is nothing left."""
    for one in functions:
        tasks = [
            FunctionTask(one, partition=number, log=log) for number in range(log.info(one.stream).settings.partitions)
        ]
        while any(task.step() is not None for task in tasks):
            pass


def failed(log: EmbeddedLog) -> list[FailedEvent]:
    return FailedEvents(log).list()


def replay(log: EmbeddedLog, *wanted: FailedEvent, **changed: Any) -> tuple[int, int, int]:
    """Replay these, or all; ``changed`` are corrections of each row."""
    rows = {
        one.id: msgspec.json.encode({**msgspec.json.decode(one.raw), **changed}) if changed else one.raw
        for one in wanted or failed(log)
    }
    figures = replay_failed(log, rows, clock=ManualClock(START)).figures
    return figures["replayed"], figures["rejected"], figures["already_replayed"]


def put_out(log: EmbeddedLog, stream: str = "out") -> list[tuple[str, int]]:
    return [(row["userId"], row["n"]) for row in events(log, stream)]


# -- once -------------------------------------------------------------------------------------------------


def test_a_mended_function_is_handed_the_event_again_once(log: EmbeddedLog) -> None:
    count = Counter()
    click(log, ADA, "P1", "bad", "P2")
    work(log, settings(count))
    assert put_out(log) == [(ADA, 1), (ADA, 2)]

    count.mended = True
    assert replay(log) == (1, 0, 0)
    work(log, settings(count))
    assert replay(log) == (0, 0, 1)
    work(log, settings(count))

    assert put_out(log) == [(ADA, 1), (ADA, 2), (ADA, 3)]
    assert [one.status for one in failed(log)] == ["replayed"]
    assert events(log, CLICKS) == []


def test_what_it_makes_of_the_event_has_the_ids_it_would_have_had(tmp_path: Path) -> None:
    ids = []
    for place, mended in (("a", True), ("b", False)):
        count = Counter()
        count.mended = mended
        with open_log(tmp_path / place, partitions=2) as log:
            click(log, ADA, "bad")
            work(log, settings(count))
            count.mended = True
            replay(log)
            work(log, settings(count))
            ids.append([(row["event_id"], row["timestamp"]) for row in events(log, "out")])

    assert len(ids[0]) == 1
    assert ids[0] == ids[1]


def test_a_function_that_runs_is_handed_the_event_without_a_restart(log: EmbeddedLog) -> None:
    count = Counter()
    click(log, BOB, "bad")
    task = FunctionTask(settings(count), partition=0, log=log)
    assert task.step() == 1
    assert task.step() is None
    count.mended = True
    replay(log)

    assert (task.lag(), log.wait(task.places(), timeout=0)) == (1, True)
    assert (task.step(), task.lag()) == (1, 0)
    assert put_out(log) == [(BOB, 1)]


def test_two_replays_at_the_same_time_hand_it_over_once(log: EmbeddedLog) -> None:
    count = Counter()
    click(log, ADA, "bad")
    work(log, settings(count))
    count.mended = True
    (event,) = failed(log)

    class Overtaken(dict[str, bytes]):
        """Somebody else replays when this replay has looked at what is open."""

        def __getitem__(self, key: str) -> bytes:
            if not others:
                others.append((0, 0, 0))
                others.append(replay(log, event))
            return super().__getitem__(key)

    others: list[tuple[int, int, int]] = []
    figures = replay_failed(log, Overtaken({event.id: event.raw}), clock=ManualClock(START)).figures
    work(log, settings(count))

    assert (others[1], figures["already_replayed"]) == ((1, 0, 0), 1)
    assert put_out(log) == [(ADA, 1)]


def test_of_two_workers_one_that_only_had_replayed_events_to_do_shuts_the_other_out(log: EmbeddedLog) -> None:
    count = Counter()
    click(log, BOB, "bad")
    work(log, settings(count))
    click(log, BOB, "P1")
    count.mended = True

    def slow(event: Row, state: Row) -> Row:
        """Works on P1 while the other one works on what is replayed meanwhile."""
        replay(log)
        other = FunctionTask(settings(count), partition=0, log=log)
        other._at.pop(ENRICHED)
        assert other.step() == 1
        return count(event, state)

    with pytest.raises(Fenced):
        FunctionTask(settings(slow), partition=0, log=log).step()
    work(log, settings(count))
    assert put_out(log) == [(BOB, 1), (BOB, 2)]


# -- where ------------------------------------------------------------------------------------------------


def test_it_comes_where_the_state_of_its_key_is(log: EmbeddedLog) -> None:
    count = Counter()
    click(log, ADA, "P1", "bad")
    click(log, BOB, "P1", "P1", "bad")
    work(log, settings(count))
    count.mended = True
    replay(log)
    work(log, settings(count))

    assert sorted(put_out(log)) == sorted([(ADA, 1), (ADA, 2), (BOB, 1), (BOB, 2), (BOB, 3)])


def test_corrected_to_another_visitor_it_comes_where_that_ones_state_is(log: EmbeddedLog) -> None:
    count = Counter()
    click(log, BOB, "P1")
    click(log, ADA, "bad")
    work(log, settings(count))
    replay(log, userId=BOB, productId="P2")
    work(log, settings(count))

    assert put_out(log) == [(BOB, 1), (BOB, 2)]


@pytest.mark.parametrize("name", ["visits by day", "_own", "x" * 200, "../up"])
def test_a_function_may_have_any_name(log: EmbeddedLog, name: str) -> None:
    count = Counter()
    click(log, ADA, "bad")
    work(log, settings(count, name=name))
    count.mended = True
    replay(log)
    work(log, settings(count, name=name))

    assert put_out(log) == [(ADA, 1)]


def test_what_waits_is_kept_until_the_function_comes(log: EmbeddedLog) -> None:
    click(log, ADA, "bad")
    work(log, settings(Counter()))
    replay(log)

    info = log.info(retry_stream("count"))
    assert (info.settings.partitions, info.settings.keep_for, info.settings.keep_bytes) == (2, None, None)


# -- corrected --------------------------------------------------------------------------------------------


def test_a_corrected_row_is_what_the_function_gets_under_the_id_it_had(log: EmbeddedLog) -> None:
    count = Counter()
    click(log, ADA, "bad")
    work(log, settings(count))
    assert replay(log, productId="P9", event_id="another", unknown=1) == (1, 0, 0)
    work(log, settings(count))

    before, after = count.seen
    assert after == {**before, "productId": "P9"}
    assert put_out(log) == [(ADA, 1)]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "truncated"),
        (b"[]", "not a JSON object"),
        (b'{"userId": "ada"}', "timestamp: missing"),
        (b"\xff", ""),
    ],
)
def test_what_is_no_event_of_the_stream_stays_open_and_says_why(log: EmbeddedLog, raw: bytes, said: str) -> None:
    click(log, ADA, "bad")
    work(log, settings(Counter()))
    (event,) = failed(log)

    figures = replay_failed(log, {event.id: raw}, clock=ManualClock(START)).figures

    assert (figures["replayed"], figures["rejected"]) == (0, 1)
    assert said in figures["reasons"][0]
    assert [one.status for one in failed(log)] == ["open"]
    assert events(log, retry_stream("count")) == []


# -- again ------------------------------------------------------------------------------------------------


def test_one_at_which_the_function_raises_again_is_open_again_with_the_new_reason(log: EmbeddedLog) -> None:
    count = Counter()
    click(log, ADA, "bad", "P1")
    work(log, settings(count))
    (first,) = failed(log)
    replay(log)
    assert [one.status for one in failed(log)] == ["replayed"]
    work(log, settings(count))

    (again,) = failed(log)
    assert (again.id, again.status, again.source, again.line) == (first.id, "open", first.source, first.line)
    assert (first.detail, again.detail) == ("count: LookupError: no product 1", "count: LookupError: no product 2")
    assert put_out(log) == [(ADA, 1)]

    count.mended = True
    assert replay(log) == (1, 0, 0)
    work(log, settings(count))
    assert put_out(log) == [(ADA, 1), (ADA, 2)]
    assert [one.status for one in failed(log)] == ["replayed"]


def test_a_correction_that_did_not_help_is_what_can_be_corrected_further(log: EmbeddedLog) -> None:
    count = Counter()
    click(log, ADA, "bad")
    work(log, settings(count))
    replay(log, userId=BOB)
    work(log, settings(count))
    assert msgspec.json.decode(failed(log)[0].raw)["userId"] == BOB

    replay(log, productId="P1")
    click(log, BOB, "P1")
    work(log, settings(count))
    assert sorted(put_out(log)) == [(BOB, 1), (BOB, 2)]


def test_two_functions_that_raised_at_one_event_have_a_failed_event_each(log: EmbeddedLog) -> None:
    one, two = Counter(), Counter()
    both = (settings(one, name="one", to="ones"), settings(two, name="two", to="twos"))
    click(log, ADA, "bad")
    work(log, *both)
    one.mended = two.mended = True
    first, _ = failed(log)
    replay(log, first)
    work(log, *both)

    assert (put_out(log, "ones"), put_out(log, "twos")) == ([(ADA, 1)], [])
    assert [event.status for event in failed(log)] == ["replayed", "open"]


# -- batches ----------------------------------------------------------------------------------------------


def test_a_batch_function_is_handed_each_row_again_as_a_batch_of_its_stream(log: EmbeddedLog) -> None:
    broken = [True]

    def sizes(batch: Batch, state: Row) -> Batch:
        if broken:
            raise LookupError
        state["n"] = state.get("n", 0) + batch.num_rows
        assert batch.schema == enriched([]).schema
        return pa.RecordBatch.from_pydict({"userId": [batch.column("productId")[0].as_py()], "n": [state["n"]]})

    click(log, ADA, "P1", "P2")
    work(log, many(sizes))
    broken.clear()
    assert replay(log) == (2, 0, 0)
    work(log, many(sizes))

    assert put_out(log) == [("P1", 1), ("P2", 2)]
    assert len({row["event_id"] for row in events(log, "out")}) == 2


MINE = pa.schema(
    [
        ("timestamp", pa.timestamp("ms", tz="UTC")),
        ("event_id", pa.binary(16)),
        ("n", pa.int64()),
        ("share", pa.float64()),
    ]
)


class Doubles:
    """Doubles ``n`` in a stream of one's own, and raises until it is mended."""

    def __init__(self, log: EmbeddedLog) -> None:
        self.mended = False
        log.create("mine", StreamSettings(partitions=1))
        self.append(log, 7)
        work(log, self.settings())

    def append(self, log: EmbeddedLog, n: int) -> None:
        row = {"timestamp": START, "event_id": bytes([n]) * 16, "n": n, "share": 0.5}
        log.append([Append("mine", 0, pa.RecordBatch.from_pylist([row], schema=MINE))])

    def settings(self) -> FunctionSettings:
        def double(batch: Batch) -> Batch:
            if not self.mended:
                raise LookupError
            return batch.set_column(2, "n", pa.array([2 * n for n in batch.column("n").to_pylist()]))

        return many(double, stream="mine")


def test_over_a_stream_of_ones_own_the_columns_are_those_it_had(log: EmbeddedLog) -> None:
    doubles = Doubles(log)
    doubles.mended = True
    replay(log, n=8)
    work(log, doubles.settings())

    assert [(row["n"], row["share"]) for row in events(log, "out")] == [(16, 0.5)]


def test_when_the_log_has_forgotten_the_event_the_columns_are_those_of_the_next(log: EmbeddedLog) -> None:
    doubles = Doubles(log)
    size = log.info("mine").bytes
    doubles.append(log, 1)
    log.create("mine", StreamSettings(partitions=1, keep_bytes=size))
    log.enforce_retention()
    doubles.mended = True
    replay(log)
    work(log, doubles.settings())

    assert sorted(row["n"] for row in events(log, "out")) == [2, 14]


def test_without_any_event_to_tell_the_columns_it_is_open_again_and_says_so(log: EmbeddedLog) -> None:
    doubles = Doubles(log)
    log.create("mine", StreamSettings(partitions=1, keep_bytes=0))
    log.enforce_retention()
    doubles.mended = True
    replay(log)
    work(log, doubles.settings())

    (event,) = failed(log)
    assert (event.status, "mine-0 holds no events" in event.detail) == ("open", True)


# -- streams of Footfall's own ----------------------------------------------------------------------------


@pytest.mark.parametrize("stream", ["mine.retry", "mine.partials"])
def test_a_stream_of_footfalls_own_is_nothing_to_write_to(stream: str) -> None:
    assert is_internal(stream)
    with pytest.raises(UsageError, match="Footfall's own"):
        settings(Counter(), to=stream)
    with pytest.raises(UsageError, match="Footfall's own"):
        Windowed(name="w", to=stream, window=Session(LATENESS), aggregates={"n": Count()}, keys=("userId",))
