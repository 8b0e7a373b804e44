"""The dashboard's reader: one connection for all pages, the newest views, and never an error on a page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from footfall import wiring
from footfall.apps.dashboard.reading import EVERY_SECONDS, REOPEN_SECONDS, Reader
from footfall.core.clock import ManualClock
from footfall.stores.base import ServingStore
from tests.unit.dashboards import NOON, nobody, put, views


class Opened:
    """How often a store was opened."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, data_dir: Path) -> ServingStore:
        self.times += 1
        return wiring.open_store(data_dir)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def opened() -> Opened:
    return Opened()


@pytest.fixture
def reader(tmp_path: Path, clock: ManualClock, opened: Opened) -> Iterator[Reader]:
    with Reader(tmp_path, open_store=opened, clock=clock) as reading:
        yield reading


def test_there_is_nothing_before_the_first_views_and_no_error(reader: Reader) -> None:
    snapshot = reader.snapshot()

    assert (snapshot.as_of, snapshot.error, snapshot.contents) == (None, "", {})


def test_all_pages_of_a_moment_share_one_read(reader: Reader, tmp_path: Path, clock: ManualClock) -> None:
    put(tmp_path)
    first = reader.snapshot()
    put(tmp_path, views(many=9), publication=2)

    assert all(reader.snapshot() is first for _ in range(20))
    clock.advance(EVERY_SECONDS)
    assert reader.snapshot().views["products_last_hour"][0]["count"] == 9


def test_what_has_not_changed_is_not_made_again(reader: Reader, tmp_path: Path, clock: ManualClock) -> None:
    put(tmp_path)
    first = reader.snapshot()
    put(tmp_path, {**views(), "state_logs": []}, as_of=NOON + 1, publication=2)
    clock.advance(1)
    second = reader.snapshot()

    assert second.as_of == NOON + 1
    assert second.contents["state_logs"] is not first.contents["state_logs"]
    same = set(first.contents) - {"state_logs"}
    assert all(second.contents[name] is first.contents[name] for name in same)


def test_one_connection_serves_as_long_as_the_views_change(
    reader: Reader, tmp_path: Path, clock: ManualClock, opened: Opened
) -> None:
    for number in range(1, 30):
        put(tmp_path, nobody(), publication=number)
        reader.snapshot()
        clock.advance(1)

    assert opened.times == 1


def test_silence_is_counted_from_the_last_publication(reader: Reader, tmp_path: Path, clock: ManualClock) -> None:
    put(tmp_path)
    reader.snapshot()
    clock.advance(7)
    assert reader.snapshot().silent_seconds == 7

    put(tmp_path, publication=2)
    clock.advance(1)
    assert reader.snapshot().silent_seconds == 0


def test_silence_is_counted_on_when_the_store_is_opened_again(
    reader: Reader, tmp_path: Path, clock: ManualClock, opened: Opened
) -> None:
    put(tmp_path)
    for _ in range(30):
        reader.snapshot()
        clock.advance(1)

    assert reader.snapshot().silent_seconds == 30
    assert opened.times > 1


def test_a_missing_directory_is_said_and_not_made(tmp_path: Path, clock: ManualClock) -> None:
    missing = tmp_path / "nowhere"
    with Reader(missing, open_store=wiring.open_store, clock=clock) as reading:
        error = reading.snapshot().error

    assert str(missing) in error
    assert "footfall up" in error
    assert not missing.exists()


def test_a_directory_that_goes_away_leaves_the_last_views_and_is_taken_up_when_it_is_back(
    reader: Reader, tmp_path: Path, clock: ManualClock
) -> None:
    put(tmp_path)
    reader.snapshot()
    shutil.rmtree(tmp_path)
    clock.advance(1)
    gone = reader.snapshot()
    assert gone.error
    assert gone.as_of == NOON

    put(tmp_path, as_of=NOON + 5000)
    clock.advance(1)
    back = reader.snapshot()
    assert (back.error, back.as_of) == ("", NOON + 5000)


def test_a_damaged_file_is_an_error_in_words(reader: Reader, tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "serving.db").write_bytes(b"this is no database " * 500)
    error = reader.snapshot().error
    assert "serving.db" in error

    (tmp_path / "serving.db").unlink()
    put(tmp_path)
    clock.advance(1)
    assert reader.snapshot().error == ""


def test_a_file_that_took_the_place_of_another_is_read_in_the_end(
    reader: Reader, tmp_path: Path, clock: ManualClock
) -> None:
    put(tmp_path)
    reader.snapshot()
    for file in tmp_path.glob("serving.db*"):
        file.unlink()
    put(tmp_path, as_of=NOON + 5000)  # a new file, whose publications begin at 1 again
    put(tmp_path, as_of=NOON + 9000, publication=2)

    clock.advance(REOPEN_SECONDS)
    assert reader.snapshot().as_of == NOON + 9000
