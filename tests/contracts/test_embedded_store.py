"""The embedded serving store keeps the contract, and what a file and several processes add to it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from footfall.core.errors import FootfallError, UsageError
from footfall.stores.base import Loaded, ServingStore
from footfall.stores.embedded import EmbeddedStore
from tests.contracts.store_contract import StoreContract, User, users

SPAWN = multiprocessing.get_context("spawn")


class TestEmbeddedStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[ServingStore]:
        with EmbeddedStore(tmp_path) as store:
            yield store


def load_and_die(directory: Path, at: int) -> None:
    """Load users, and be killed once ``at`` of them were reported as loaded."""

    def progress(done: int) -> None:
        if done >= at:
            os.kill(os.getpid(), signal.SIGKILL)

    EmbeddedStore(directory).load_users(users(5_000), progress=progress)


def load_some(directory: Path, first: int) -> None:
    with EmbeddedStore(directory) as store:
        store.load_users([User(f"user-{n}") for n in range(first, first + 2_000)])


@pytest.mark.parametrize("at", [1_000, 3_000])
def test_a_killed_load_keeps_what_it_reported_and_the_next_one_completes_it(tmp_path: Path, at: int) -> None:
    process = SPAWN.Process(target=load_and_die, args=(tmp_path, at))
    process.start()
    process.join()

    assert process.exitcode == -signal.SIGKILL
    with EmbeddedStore(tmp_path) as store:
        assert store.counts().visitors == at
        assert store.load_users(users(5_000)) == Loaded(new=5_000 - at, unchanged=at)


def test_several_processes_load_at_once_and_others_see_it_by_the_version(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path) as store:
        before = store.version()
        processes = [SPAWN.Process(target=load_some, args=(tmp_path, first)) for first in (0, 1_000, 2_000)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()

        assert [process.exitcode for process in processes] == [0, 0, 0]
        assert store.counts().visitors == 4_000
        assert store.version() > before


def test_a_new_store_may_be_opened_by_many_at_the_same_moment(tmp_path: Path) -> None:
    refused: list[FootfallError] = []

    def open_with_the_others(directory: Path, together: threading.Barrier) -> None:
        together.wait()
        try:
            EmbeddedStore(directory).close()
        except FootfallError as error:
            refused.append(error)

    for number in range(40):
        together = threading.Barrier(4)
        openers = [
            threading.Thread(target=open_with_the_others, args=(tmp_path / str(number), together)) for _ in range(4)
        ]
        for opener in openers:
            opener.start()
        for opener in openers:
            opener.join()

    assert refused == []


def test_threads_share_one_store(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path) as store:
        wrong: list[object] = []

        def look_up() -> None:
            for _ in range(50):
                wrong.extend(found for found in store.visitors(["user-0"]) if found not in {None, ("F", "1981-11-14")})

        readers = [threading.Thread(target=look_up) for _ in range(4)]
        for reader in readers:
            reader.start()
        store.load_users(users(3_000))
        for reader in readers:
            reader.join()

        assert wrong == []


def test_a_store_of_another_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    EmbeddedStore(tmp_path).close()
    with apsw.Connection(str(tmp_path / "serving.db")) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()

    with pytest.raises(UsageError, match=r"format 99.*reads format 1.*delete the file"):
        EmbeddedStore(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "serving.db").write_bytes(b"not a database at all, but long enough to be looked at" * 50)

    with pytest.raises(UsageError, match="not a serving store"):
        EmbeddedStore(tmp_path)


def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")

    with pytest.raises(UsageError, match="cannot be made"):
        EmbeddedStore(tmp_path / "data")
