"""A stream is in its table: each event once, in whatever order and batches it came, and nothing stops it for ever."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.clock import ManualClock
from footfall.core.errors import Fenced
from footfall.core.events import CART, FAILED, Batch
from footfall.engine.pause import Pause
from footfall.log.base import Append
from footfall.log.codecs import json as flat
from footfall.sinks.sqlite import SqliteTables
from footfall.sinks.tables import Move, Table, offenders
from tests.unit.carts import Sunk, at, put, selections, stored, table_rows
from tests.unit.streams import START, events, open_log


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def cart(tmp_path: Path, clock: ManualClock) -> Iterator[Sunk]:
    with open_log(tmp_path / "log", partitions=2, clock=clock) as log, SqliteTables(tmp_path / "tables.db") as tables:
        yield Sunk(log, tables)


def test_every_column_of_a_selection_is_in_its_row(cart: Sunk) -> None:
    rows = [{}, dict.fromkeys(("category", "gender", "style", "size", "hex_color")) | {"username": "bob"}]
    put(cart.log, *rows)

    assert cart.run() == {"events": 2, "rows": 2, "repeated": 0, "rejected": 0}
    assert stored(cart.target) == table_rows(rows)


def test_the_same_message_twice_is_one_row_wherever_it_stands(cart: Sunk) -> None:
    put(cart.log, {}, {})
    put(cart.log, {"username": "bob"}, {})
    put(cart.log, {}, partition=1)

    assert cart.run() == {"events": 5, "rows": 2, "repeated": 3, "rejected": 0}
    assert stored(cart.target) == table_rows([{}, {"username": "bob"}])


def test_a_sink_goes_on_where_it_stood(cart: Sunk) -> None:
    put(cart.log, {})
    cart.run()
    put(cart.log, {"username": "bob"})

    assert cart.run() == {"events": 1, "rows": 1, "repeated": 0, "rejected": 0}
    assert cart.run()["events"] == 0


def test_an_empty_batch_is_passed(cart: Sunk) -> None:
    cart.log.append([Append(CART, 0, selections([]), watermark=START)])
    put(cart.log, {})

    assert cart.run()["rows"] == 1
    assert cart.told[-1]["lag"] == 0


keys = st.tuples(st.sampled_from(["ada", "bob", "\u00e9mile"]), st.integers(0, 4))
batches = st.lists(st.tuples(st.integers(0, 1), st.lists(keys, max_size=5)), max_size=6)


@settings(max_examples=40, deadline=None)
@given(batches, st.sets(st.integers(0, 5)))
def test_order_batches_repetitions_and_restarts_do_not_matter(
    appended: list[tuple[int, list[tuple[str, int]]]], restarts: set[int]
) -> None:
    directory = tempfile.TemporaryDirectory()
    path, given_rows = Path(directory.name), []
    with directory, open_log(path, partitions=2) as log, SqliteTables(path / "tables.db") as tables:
        for number, (partition, of_batch) in enumerate(appended):
            rows = [{"username": u, "creation_timestamp": at(time), "style": f"{u} {time}"} for u, time in of_batch]
            put(log, *rows, partition=partition)
            given_rows += rows
            if number in restarts:
                Sunk(log, tables).run()
        Sunk(log, tables).run()

        assert stored(tables) == table_rows(given_rows)


# ---------------------------------------------------------------- what the table does not take


def test_what_does_not_fit_is_set_aside_with_field_and_rule_and_the_rest_goes_in(cart: Sunk) -> None:
    wrong = {"username": "x" * 33}
    put(cart.log, {}, {"username": "bob"})
    put(cart.log, {"username": "cyd"}, wrong, {"username": "dan", "size": "huge!!"}, {"username": "eve"})

    assert cart.run() == {"events": 6, "rows": 4, "repeated": 0, "rejected": 2}
    assert [row["username"] for row in stored(cart.target)] == ["ada", "bob", "cyd", "eve"]
    first, second = events(cart.log, FAILED)
    assert {name: first[name] for name in ("reason", "detail", "source", "line", "layout")} == {
        "reason": "field_too_long",
        "detail": "username: 33 characters; 32 fit",
        "source": "cart-data-0",
        "line": 3,
        "layout": "json",
    }
    assert first["raw"].encode() == flat.encode(selections([wrong]))[0]
    assert (second["line"], second["detail"]) == (4, "size: 6 characters; 5 fit")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"username": None}, "missing_field"),
        ({"style": "a\0b"}, "bad_encoding"),
        ({"hex_color": "#11223344"}, "field_too_long"),
    ],
)
def test_each_fault_has_its_reason(cart: Sunk, row: dict[str, str | None], reason: str) -> None:
    put(cart.log, row)
    cart.run()

    assert cart.run()["events"] == 0  # it is not looked at again
    assert [event["reason"] for event in events(cart.log, FAILED)] == [reason]


class Interrupted(SqliteTables):
    """Tables in front of which the process ends, once, when some rows were already set aside."""

    refused_once = False

    def write(self, table: Table, batch: Batch, move: Move) -> int:
        if self.refused_once:
            raise KeyboardInterrupt
        self.refused_once = True
        return super().write(table, batch, move)


def test_an_end_between_setting_aside_and_writing_neither_loses_nor_doubles(tmp_path: Path, cart: Sunk) -> None:
    put(cart.log, {}, {"size": "huge!!"}, {"username": "bob"})
    with Interrupted(tmp_path / "tables.db") as tables, pytest.raises(KeyboardInterrupt):
        Sunk(cart.log, tables).run()
    assert (stored(cart.target), len(events(cart.log, FAILED))) == ([], 1)

    assert cart.run() == {"events": 3, "rows": 2, "repeated": 0, "rejected": 1}
    assert len(events(cart.log, FAILED)) == 1


@given(st.sets(st.integers(0, 40)), st.integers(0, 40))
def test_halving_names_exactly_the_offenders(wrong: set[int], rows: int) -> None:
    kept: list[int] = []

    def put_in(part: range) -> str | None:
        if wrong.intersection(part):
            return "refused"
        kept.extend(part)
        return None

    assert set(offenders(rows, put_in)) == {row for row in wrong if row < rows}
    assert kept == [row for row in range(rows) if row not in wrong]


# ---------------------------------------------------------------- what comes in between


def test_of_two_sinks_the_one_that_was_overtaken_stops(cart: Sunk) -> None:
    put(cart.log, {})
    one, two = cart.task(), cart.task()
    assert one.step() == 1
    assert two.step() is None
    put(cart.log, {"username": "bob"})
    assert one.step() == 1

    with pytest.raises(Fenced):
        two.step()


def test_a_full_disk_is_told_and_waited_for_as_long_as_it_takes(cart: Sunk) -> None:
    cart.run()
    many = [{"username": f"user-{number}"} for number in range(3_000)]
    put(cart.log, *many)
    assert isinstance(cart.target, SqliteTables)
    db = cart.target._connection()  # a limit of the connection stands for that of the disk
    [(pages,)] = db.execute("PRAGMA page_count").fetchall()
    db.execute(f"PRAGMA max_page_count = {pages}")
    cart.told.clear()
    cart.on_beat = room_after(40, lambda: db.execute("PRAGMA max_page_count = 100000"))

    assert cart.run() == {"events": 3_000, "rows": 3_000, "repeated": 0, "rejected": 0}
    assert all("No space" in told["error"] and told["lag"] == 3_000 for told in cart.told[1:40])
    assert cart.told[-1]["error"] == ""
    assert events(cart.log, FAILED) == []


def room_after(beats: int, make: Callable[[], object]) -> Callable[[int], None]:
    """Makes room when the sink has told so often how it goes."""

    def on_beat(number: int) -> None:
        if number == beats:
            make()

    return on_beat


def test_a_target_that_is_not_there_at_the_start_is_waited_for(tmp_path: Path, cart: Sunk) -> None:
    put(cart.log, {})
    (tmp_path / "elsewhere").write_text("a file where the directory should be")
    with SqliteTables(tmp_path / "elsewhere" / "tables.db") as tables:
        waiting = Sunk(cart.log, tables, on_beat=room_after(5, (tmp_path / "elsewhere").unlink))

        assert waiting.run()["rows"] == 1
        assert "cannot be made" in waiting.told[3]["error"]


def test_a_sink_that_waits_for_its_target_can_be_stopped(tmp_path: Path, cart: Sunk) -> None:
    put(cart.log, {})
    (tmp_path / "elsewhere").write_text("a file where the directory should be")
    with SqliteTables(tmp_path / "elsewhere" / "tables.db") as tables:
        waiting = Sunk(cart.log, tables)
        waiting.on_beat = room_after(5, waiting.stop.set)

        assert waiting.run()["events"] == 0


def test_pauses_double_up_to_ten_seconds_and_begin_anew_after_success(clock: ManualClock) -> None:
    pause = Pause(clock, threading.Event())

    assert [pause.lengthen() for _ in range(9)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    begun = clock.monotonic()
    while not pause.over():
        pass
    assert clock.monotonic() - begun == pytest.approx(10)
    pause.end()
    assert pause.lengthen() == 0.1
