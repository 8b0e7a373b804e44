"""A user's functions: each event counts once, and what goes wrong costs that event alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from footfall.core.errors import Failure, Fenced, UsageError
from footfall.core.events import ENRICHED, FAILED, SCHEMAS, Batch
from footfall.core.hashing import partition_of
from footfall.engine.functions import FunctionTask, on_batch, on_event
from footfall.engine.registry import REGISTERED, FunctionSettings, load_registered
from footfall.log.base import Append, DurableLog, StreamSettings
from footfall.log.embedded import EmbeddedLog
from footfall.processors.windows import Windowed
from tests.unit.frames import enriched

Row = dict[str, Any]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[DurableLog]:
    """A log with the pipeline's streams, of one partition each."""
    with EmbeddedLog.open(tmp_path / "log") as log:
        for stream in SCHEMAS:
            log.create(stream, StreamSettings(partitions=1))
        yield log


def on(function: Callable[..., Any], **changed: Any) -> FunctionSettings:
    """Register a function for each event, as the decorator does."""
    on_event(**{"stream": ENRICHED, "to": "out", **changed})(function)
    return registered()


def on_many(function: Callable[..., Any], **changed: Any) -> FunctionSettings:
    """Register a function for batches, as the decorator does."""
    on_batch(**{"stream": ENRICHED, "to": "out", **changed})(function)
    return registered()


def registered() -> FunctionSettings:
    """What was registered last."""
    settings = REGISTERED.pop()
    assert isinstance(settings, FunctionSettings)
    return settings


def append(log: DurableLog, *users: str) -> None:
    """A click of each of these visitors."""
    log.append([Append(ENRICHED, 0, enriched([{"userId": user} for user in users]))])


def work(settings: FunctionSettings, log: DurableLog) -> FunctionTask:
    """Start the function, and let it work until there is nothing left."""
    task = FunctionTask(settings, partition=0, log=log)
    while task.step() is not None:
        pass
    return task


def found(log: DurableLog, stream: str = "out") -> list[Row]:
    """All events of a stream, without ids and time."""
    rows = [
        row
        for partition in range(log.info(stream).settings.partitions)
        for chunk in log.read(stream, partition, log.place(stream, partition)).chunks
        for row in chunk.batch.to_pylist()
    ]
    return [{k: v for k, v in row.items() if k not in ("event_id", "timestamp")} for row in rows]


def count(event: Row, state: Row) -> Row:
    """How many clicks the visitor has made."""
    state["n"] = state.get("n", 0) + 1
    return {"n": state["n"], "userId": event["userId"]}


# -- once -------------------------------------------------------------------------------------------------


def test_each_key_has_a_state_of_its_own(log: DurableLog) -> None:
    append(log, "ada", "bob", "ada")
    work(on(count), log)

    assert [(row["userId"], row["n"]) for row in found(log)] == [("ada", 1), ("bob", 1), ("ada", 2)]


def test_started_again_a_function_goes_on_where_it_stopped_with_its_state(log: DurableLog) -> None:
    append(log, "ada")
    work(on(count), log)
    work(on(count), log)
    append(log, "ada")
    work(on(count), log)

    assert [row["n"] for row in found(log)] == [1, 2]


def test_of_two_that_do_the_same_work_the_second_is_refused_and_nothing_is_doubled(log: DurableLog) -> None:
    append(log, "ada")
    slow = FunctionTask(on(count), partition=0, log=log)
    work(on(count), log)

    with pytest.raises(Fenced):
        slow.step()
    assert [row["n"] for row in found(log)] == [1]


def test_an_emptied_state_is_forgotten(log: DurableLog) -> None:
    def toggle(_event: Row, state: Row) -> Row:
        known = bool(state)
        state.clear()
        if not known:
            state["seen"] = True
        return {"known": known}

    for _ in range(3):
        append(log, "ada")
        work(on(toggle), log)

    assert [row["known"] for row in found(log)] == [False, True, False]


def test_a_key_other_than_the_visitor_has_its_state_too(log: DurableLog) -> None:
    def products(event: Row, state: Row) -> Row:
        state["n"] = state.get("n", 0) + 1
        return {"product": event["productId"], "n": state["n"]}

    append(log, "ada", "bob")
    work(on(products, key="productId"), log)

    assert [(row["productId"], row["n"]) for row in found(log)] == [("P1", 1), ("P1", 2)]


# -- what comes out ---------------------------------------------------------------------------------------


def test_one_event_may_become_none_one_or_several(log: DurableLog) -> None:
    made = {"ada": None, "bob": {"n": 1}, "cyd": [{"n": 2}, {"n": 3}], "dan": []}
    append(log, *made)
    work(on(lambda event: made[event["userId"]]), log)

    assert [(row["userId"], row["n"]) for row in found(log)] == [("bob", 1), ("cyd", 2), ("cyd", 3)]


def test_events_have_the_time_of_their_cause_and_ids_that_never_vary(tmp_path: Path) -> None:
    ids = []
    for place in ("a", "b"):
        with EmbeddedLog.open(tmp_path / place) as log:
            for stream in SCHEMAS:
                log.create(stream, StreamSettings(partitions=1))
            append(log, "ada", "bob")
            work(on(lambda _event: [{"n": 1}, {"n": 2}]), log)
            batches = [chunk.batch for chunk in log.read("out", 0, log.place("out", 0)).chunks]
            ids.append([one for batch in batches for one in batch.column("event_id").to_pylist()])
            assert {time.timestamp() for b in batches for time in b.column("timestamp").to_pylist()} == {1_331_802_578}

    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 4


def test_events_go_to_the_partition_of_their_key(log: DurableLog) -> None:
    log.create("out", StreamSettings(partitions=3))
    users = [f"v{n}" for n in range(20)]
    append(log, *users)
    work(on(count), log)

    for partition in range(3):
        chunks = log.read("out", partition, log.place("out", partition)).chunks
        here = [user for chunk in chunks for user in chunk.batch.column("userId").to_pylist()]
        assert here == [user for user in users if partition_of(user, 3) == partition]


def test_without_a_stream_to_write_to_a_function_only_keeps_state(log: DurableLog) -> None:
    append(log, "ada")
    work(on(count, to=None), log)

    assert "out" not in [info.name for info in log.streams()]


def test_values_of_different_types_in_one_column_stop_the_function_before_anything_is_put_out(log: DurableLog) -> None:
    made = {"ada": 1, "bob": "many"}
    append(log, *made)

    with pytest.raises(Failure, match="'n'"):
        work(on(lambda event: {"n": made[event["userId"]]}), log)

    assert found(log) == []
    work(on(lambda event: {"n": str(made[event["userId"]])}), log)
    assert [row["n"] for row in found(log)] == ["1", "many"]


# -- what goes wrong --------------------------------------------------------------------------------------


def test_an_event_at_which_it_raises_is_set_aside_and_leaves_the_state_as_it_was(log: DurableLog) -> None:
    def picky(event: Row, state: Row) -> Row:
        made = count(event, state)
        if event["productId"] == "bad":
            msg = "no such product"
            raise LookupError(msg)
        return made

    append(log, "ada")
    log.append([Append(ENRICHED, 0, enriched([{"userId": "ada", "productId": p} for p in ("bad", "P2")]))])
    work(on(picky, name="picky"), log)

    assert [row["n"] for row in found(log)] == [1, 2]
    [failed] = found(log, FAILED)
    assert (failed["source"], failed["line"]) == ("enriched-click-data-0", 1)
    assert (failed["reason"], failed["detail"]) == ("processor_error", "picky: LookupError: no such product")
    assert msgspec.json.decode(failed["raw"])["productId"] == "bad"


@pytest.mark.parametrize("returned", [7, "text", [{"n": 1}, 7]], ids=repr)
def test_what_is_no_event_is_an_error_that_leaves_the_state_as_it_was(log: DurableLog, returned: object) -> None:
    def wrong_at_first(event: Row, state: Row) -> Any:
        made = count(event, state)
        return returned if event["userId"] == "ada" and event["productId"] == "P1" else made

    append(log, "ada")
    log.append([Append(ENRICHED, 0, enriched([{"userId": "ada", "productId": "P2"}]))])
    work(on(wrong_at_first), log)

    assert [row["n"] for row in found(log)] == [1]
    assert [row["reason"] for row in found(log, FAILED)] == ["processor_error"]


def test_a_state_that_json_cannot_hold_sets_the_event_aside(log: DurableLog) -> None:
    def keep(_event: Row, state: Row) -> None:
        state["itself"] = object()

    append(log, "ada")
    work(on(keep), log)

    assert len(found(log, FAILED)) == 1


# -- batches ----------------------------------------------------------------------------------------------


def test_a_batch_function_gets_whole_batches_and_the_partitions_state(log: DurableLog) -> None:
    def sizes(batch: Batch, state: Row) -> Batch:
        state["rows"] = state.get("rows", 0) + batch.num_rows
        return pa.RecordBatch.from_pydict({"userId": ["all"], "rows": [state["rows"]]})

    append(log, "ada", "bob")
    work(on_many(sizes), log)
    append(log, "cyd")
    work(on_many(sizes), log)

    assert [row["rows"] for row in found(log)] == [2, 3]


@pytest.mark.parametrize("returned", [7, []], ids=repr)
def test_when_a_batch_function_fails_every_event_of_the_batch_is_set_aside(log: DurableLog, returned: object) -> None:
    append(log, "ada", "bob")
    work(on_many(lambda _batch: returned), log)

    assert [row["line"] for row in found(log, FAILED)] == [0, 1]
    assert found(log) == []


def test_an_empty_batch_is_no_output(log: DurableLog) -> None:
    append(log, "ada")
    work(on_many(lambda batch: batch.slice(0, 0)), log)

    assert found(log) == []


# -- files ------------------------------------------------------------------------------------------------


def load(tmp_path: Path, *lines: str) -> Sequence[FunctionSettings | Windowed]:
    """A file of these lines."""
    file = tmp_path / "mine.py"
    file.write_text("\n".join(lines))
    return load_registered([file])


EVENT = '@footfall.on_event("enriched-click-data", to="out")'


def test_a_file_registers_functions_and_windows(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        "import datetime, footfall",
        EVENT,
        "def one(event): ...",
        '@footfall.on_batch("sessions", name="other")',
        "def two(batch, state): ...",
        "minute = footfall.Tumbling(datetime.timedelta(minutes=1))",
        'footfall.windowed(name="w", to="w", window=minute, aggregates={"n": footfall.Count()})',
    )

    assert [one.name for one in found] == ["one", "other", "w"]


def test_windows_alone_are_enough(tmp_path: Path) -> None:
    [found] = load(
        tmp_path,
        "from datetime import timedelta",
        "from footfall import Count, Session, windowed",
        'windowed(name="w", to="w", window=Session(timedelta(1)), keys=["userId"], aggregates={"n": Count()})',
    )

    assert isinstance(found, Windowed)
    assert found.keys == ("userId",)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["import footfall", EVENT, "def f(): ..."], "mine.py, line 2: f takes 0 arguments"),
        (["import footfall", EVENT, "def f(a, b, c): ..."], "mine.py, line 2: f takes 3 arguments"),
        (
            ["import footfall", "", '@footfall.on_event("sessions", to="click-data")', "def f(event): ..."],
            "mine.py, line 3: f cannot write to the stream 'click-data', which is Footfall's own",
        ),
        (
            ["import footfall", "", '@footfall.on_batch("sessions", to="failed-events")', "def f(batch): ..."],
            "mine.py, line 3: f cannot write to the stream 'failed-events', which is Footfall's own",
        ),
        (
            ["import footfall", '@footfall.on_event("mine", to="mine")', "def f(event): ..."],
            "mine.py, line 2: f cannot write to the stream 'mine', which it reads itself",
        ),
        (["", "1 / 0"], "mine.py, line 2: ZeroDivisionError"),
        (["def f(:"], "mine.py, line 1: SyntaxError"),
        (["import no_such_module"], "mine.py, line 1: ModuleNotFoundError"),
        (["import footfall"], "mine.py registers nothing"),
        (["import footfall", *([EVENT, "def f(event): ..."] * 2)], "Two are called 'f'"),
        (
            ["import footfall", 'footfall.windowed(name="w", to="w", window=None, aggregates={})'],
            "mine.py, line 2: The windows 'w' count nothing",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_line(tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        load(tmp_path, *lines)

    assert said in str(refused.value)
    assert refused.value.remedy


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        load_registered([tmp_path / "none.py"])


def test_a_stream_that_is_not_there_is_named_with_those_there_are(log: DurableLog) -> None:
    with pytest.raises(UsageError, match=r"no stream 'clicks'.*click-data"):
        FunctionTask(on(count, stream="clicks"), partition=0, log=log)
