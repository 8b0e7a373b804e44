"""Opening an embedded log: what can be wrong with a directory, and what is cleaned up."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from footfall.core.clock import ManualClock
from footfall.core.errors import Failure, Unavailable, UsageError
from footfall.log.base import Append, Place, StreamSettings
from footfall.log.embedded import EmbeddedLog, EmbeddedSettings, manifest
from tests.contracts.log_contract import STREAM, add, chunks, numbers, values


def test_the_directory_is_made(tmp_path: Path) -> None:
    with EmbeddedLog.open(tmp_path / "a" / "b") as log:
        assert list(log.streams()) == []
    assert (tmp_path / "a" / "b" / "manifest.db").exists()


def test_a_log_of_another_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(manifest, "FORMAT", 7)
        EmbeddedLog.open(tmp_path).close()

    with pytest.raises(UsageError, match=r"has format 7; .* reads format 1\. Use the version"):
        EmbeddedLog.open(tmp_path)


def test_another_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    other = apsw.Connection(str(tmp_path / "manifest.db"))
    other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    before = (tmp_path / "manifest.db").read_bytes()

    with pytest.raises(UsageError, match="not a manifest of Footfall"):
        EmbeddedLog.open(tmp_path)
    assert (tmp_path / "manifest.db").read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.db").write_bytes(b"x" * 5000)

    with pytest.raises(UsageError, match="is not a manifest"):
        EmbeddedLog.open(tmp_path)


def test_a_file_in_the_directorys_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file")

    with pytest.raises(UsageError, match="cannot be used"):
        EmbeddedLog.open(tmp_path / "log")


@pytest.mark.parametrize("name", ["", "__state", "a/b", "..", ".hidden", "x" * 128, "a b"])
def test_names_that_cannot_be_folders_are_refused(tmp_path: Path, name: str) -> None:
    with EmbeddedLog.open(tmp_path) as log, pytest.raises(UsageError, match="cannot be a stream's name"):
        log.create(name)


def test_a_closed_log_says_so(tmp_path: Path) -> None:
    log = EmbeddedLog.open(tmp_path)
    log.create(STREAM)
    log.close()
    log.close()

    with pytest.raises(Failure, match="closed"):
        add(log, 0, 1)
    with pytest.raises(Failure, match="closed"):
        log.read(STREAM, 0, Place())


def test_segments_end_at_their_size_and_all_are_read(tmp_path: Path) -> None:
    with EmbeddedLog.open(tmp_path, settings=EmbeddedSettings(segment_bytes=3000)) as log:
        log.create(STREAM, StreamSettings(partitions=1))
        for i in range(30):
            add(log, 10 * i, 10)

        assert len(list(tmp_path.rglob("*.seg"))) > 3
        assert values(chunks(log)) == list(range(300))


def test_a_writer_that_wrote_nothing_leaves_no_file(tmp_path: Path) -> None:
    with EmbeddedLog.open(tmp_path) as log:
        log.create(STREAM)
        with pytest.raises(UsageError):
            log.append([Append(STREAM, 0, numbers(0, 1)), Append(STREAM, 9, numbers(0, 1))])

        assert list(tmp_path.rglob("*.seg")) == []
        assert values(chunks(log)) == []


@pytest.mark.parametrize("settings", [EmbeddedSettings(read_bytes=1), EmbeddedSettings(read_batches=1)])
def test_small_reads_go_on_batch_by_batch(tmp_path: Path, settings: EmbeddedSettings) -> None:
    with EmbeddedLog.open(tmp_path, settings=settings) as log:
        log.create(STREAM, StreamSettings(partitions=1))
        for i in range(5):
            add(log, 1000 * i, 1000)

        assert values(chunks(log)) == list(range(5000))
        assert values(chunks(log, max_rows=300)) == list(range(5000))


def test_waiting_follows_the_clock_it_is_given(tmp_path: Path) -> None:
    clock = ManualClock()
    with EmbeddedLog.open(tmp_path, clock=clock) as log:
        log.create(STREAM)

        assert not log.wait({(STREAM, 0): Place()}, timeout=60)
        assert clock.monotonic() == pytest.approx(60, abs=0.1)


def test_a_manifest_held_too_long_is_unavailable(tmp_path: Path) -> None:
    with EmbeddedLog.open(tmp_path, settings=EmbeddedSettings(busy_timeout=timedelta(milliseconds=20))) as log:
        log.create(STREAM)
        other = apsw.Connection(str(tmp_path / "manifest.db"))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="held by another process"):
            add(log, 0, 1)
        other.execute("ROLLBACK")
        other.close()

        assert add(log, 0, 1) == 0
        assert values(chunks(log)) == [0]
