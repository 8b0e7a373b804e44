"""What the embedded log makes of crashes, damaged files, full disks and failing syncs.

Each law has a checker that returns what is wrong. It must find nothing in the log as it is, and something
once the bug that it is there for is put in.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import pytest

from footfall.core.errors import DamagedBatch, Fenced, Unavailable
from footfall.log.base import Append, Commit, Place, Position, StateWrite, StreamSettings
from footfall.log.embedded import EmbeddedLog, EmbeddedSettings, frames, segments, writers
from footfall.log.embedded.commits import Request
from footfall.log.embedded.frames import frame_of
from footfall.log.embedded.segments import SegmentWriter
from tests.contracts.log_contract import STREAM, add, chunks, numbers, values
from tests.rounds import rounds

Problems = list[str]
ROWS: Final = 2
BATCHES: Final = 6
GROUP: Final = "copy"


@dataclass(frozen=True, slots=True)
class Written:
    """A log of ``BATCHES`` batches in one segment."""

    directory: Path
    segment: Path
    ends: Sequence[int]
    """The length of the segment before the first batch, and after each."""


def fill(directory: Path, batches: int = BATCHES) -> Written:
    with EmbeddedLog.open(directory) as log:
        log.create(STREAM, StreamSettings(partitions=1))
        ends = [0]
        for i in range(batches):
            add(log, ROWS * i, ROWS)
            ends.append(next(directory.rglob("*.seg")).stat().st_size)
    return Written(directory, next(directory.rglob("*.seg")), ends)


def expect(problems: Problems, *, bug: bool) -> None:
    """No problem, or with the bug at least one."""
    assert bool(problems) == bug, problems[:5]


# ---------------------------------------------------------------- crashes while writing


def not_as_before(directory: Path, batches: int) -> Problems:
    """What is wrong with a log that should hold this many batches and take another one."""
    with EmbeddedLog.open(directory) as log:
        problems = [damage.why for damage in log.verify().damage]
        try:
            if add(log, ROWS * batches, ROWS) != ROWS * batches:
                problems.append("the next append got another offset")
            if values(chunks(log)) != list(range(ROWS * (batches + 1))):
                problems.append("other events than before")
        except DamagedBatch as error:
            problems.append(error.message)
    return problems


@pytest.fixture
def memory_path(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where there is such a thing: a sync costs nothing there."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as directory:
        yield Path(directory)


@pytest.mark.parametrize("named_before_written", [False, True])
def test_a_torn_tail_of_any_length_is_as_if_nothing_was_written(memory_path: Path, named_before_written: bool) -> None:
    problems: Problems = []
    for batches in range(BATCHES - 3, BATCHES):
        before = fill(memory_path / f"before-{batches}", batches)
        after = fill(memory_path / f"after-{batches}", batches + 1)
        content = after.segment.read_bytes()
        torn = memory_path / "torn"
        for length in range(before.ends[-1], len(content)):
            shutil.copytree(after.directory if named_before_written else before.directory, torn)
            segment = next(torn.rglob("*.seg"))
            segment.write_bytes(content[:length])
            problems += not_as_before(torn, batches)
            shutil.rmtree(torn)
            if problems and named_before_written:
                break
    expect(problems, bug=named_before_written)


@pytest.mark.parametrize("synced", [True, False])
def test_after_a_power_cut_at_any_moment_all_that_was_acknowledged_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: bool
) -> None:
    """A power cut takes all bytes that were not synced, and the files whose directory was not."""
    log_directory, problems = tmp_path / "log", Problems()
    lengths: dict[int, int] = {}
    named: set[int] = set()
    sync_file, sync_directory = segments.sync_file, segments.sync_directory

    def remember_file(descriptor: int) -> None:
        sync_file(descriptor)
        lengths[os.fstat(descriptor).st_ino] = os.fstat(descriptor).st_size

    def remember_directory(directory: Path) -> None:
        sync_directory(directory)
        named.update(path.stat().st_ino for path in directory.iterdir())

    monkeypatch.setattr(segments, "sync_file", remember_file if synced else lambda _: None)
    monkeypatch.setattr(segments, "sync_directory", remember_directory)

    def cut_power(acknowledged: int) -> None:
        after = tmp_path / "after"
        shutil.copytree(log_directory, after)
        for segment in log_directory.rglob("*.seg"):
            copy, inode = after / segment.relative_to(log_directory), segment.stat().st_ino
            os.truncate(copy, lengths.get(inode, 0))
            if inode not in named:
                copy.unlink()
        problems.extend(not_as_before(after, acknowledged))
        shutil.rmtree(after)

    with EmbeddedLog.open(log_directory, settings=EmbeddedSettings(segment_bytes=1500)) as log:
        log.create(STREAM, StreamSettings(partitions=1))
        for i in range(8):
            add(log, ROWS * i, ROWS)
            cut_power(i + 1)

    expect(problems, bug=not synced)


# ---------------------------------------------------------------- damage to what was committed


def served_wrongly(log: EmbeddedLog, written: Written, damaged: Sequence[int]) -> Problems:
    """What is wrong with the reads of each batch when these are damaged, and the others whole."""
    problems = Problems()
    for i in range(BATCHES):
        expected = list(range(ROWS * i, ROWS * (i + 1)))
        try:
            found = values(log.read(STREAM, 0, Place(ROWS * i, i), max_rows=ROWS).chunks)
            if i in damaged:
                problems.append(f"damaged batch {i} was served")
            elif found != expected:
                problems.append(f"batch {i} reads {found}")
        except DamagedBatch as error:
            if i not in damaged:
                problems.append(f"whole batch {i} was refused: {error.message}")
            file = written.segment.relative_to(written.directory).as_posix()
            if (error.stream, error.partition, error.offset, error.file) != (STREAM, 0, ROWS * i, file):
                problems.append(f"batch {i} is misnamed: {error.message}")
    return problems


@contextlib.contextmanager
def checksums_ignored(monkeypatch: pytest.MonkeyPatch, *, bug: bool) -> Iterator[None]:
    """With the bug, bytes count as right if an Arrow batch can be made of them."""
    with monkeypatch.context() as patch:
        if bug:
            patch.setattr(frames, "check", lambda *_: None)
        yield


@pytest.mark.parametrize("bug", [False, True])
def test_committed_bytes_cut_off_anywhere_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bug: bool
) -> None:
    written, problems = fill(tmp_path), Problems()
    with checksums_ignored(monkeypatch, bug=bug), EmbeddedLog.open(tmp_path) as log:
        ends = [end for (end,) in log._reading.rows("SELECT position + length FROM batches ORDER BY sequence")]
        for cut in range(ends[-1], written.ends[BATCHES - 3], -1):
            os.truncate(written.segment, cut)
            damaged = [i for i in range(BATCHES) if ends[i] > cut]
            named = [damage.offset // ROWS for damage in log.verify().damage]
            if named != damaged:
                problems.append(f"cut at {cut}: verify names {named}, not {damaged}")
            problems += served_wrongly(log, written, damaged)
    expect(problems, bug=bug)


@pytest.mark.parametrize("bug", [False, True])
def test_any_flipped_bit_is_reported_and_not_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bug: bool) -> None:
    written, problems = fill(tmp_path), Problems()
    flipped = 3
    content = written.segment.read_bytes()
    with EmbeddedLog.open(tmp_path) as log:
        rows = log._reading.rows("SELECT position, length FROM batches WHERE sequence = ?", (flipped,))
        position, length = rows[0]
        with checksums_ignored(monkeypatch, bug=bug), written.segment.open("r+b", buffering=0) as file:
            for bit in range(8 * length):
                at = position + bit // 8
                os.pwrite(file.fileno(), bytes([content[at] ^ 1 << bit % 8]), at)
                with contextlib.suppress(*([Exception] if bug else [])):
                    problems += served_wrongly(log, written, [flipped])
                os.pwrite(file.fileno(), content[at : at + 1], at)
                if problems and bug:
                    break
        assert log.verify().damage == ()
    expect(problems, bug=bug)


def test_a_read_brings_what_is_whole_before_it_stops_at_damage(tmp_path: Path) -> None:
    written = fill(tmp_path)
    with written.segment.open("r+b") as file:
        file.seek(written.ends[3] + 100)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))

    with EmbeddedLog.open(tmp_path) as log:
        read = log.read(STREAM, 0, Place())
        assert (values(read.chunks), read.place) == (list(range(6)), Place(6, 3))
        with pytest.raises(DamagedBatch, match="offset 6"):
            log.read(STREAM, 0, read.place)
        assert values(chunks(log, place=Place(8, 4))) == [8, 9, 10, 11]
        assert [(d.stream, d.partition, d.offset) for d in log.verify().damage] == [(STREAM, 0, 6)]


def test_a_missing_file_is_reported_with_every_batch_in_it(tmp_path: Path) -> None:
    written = fill(tmp_path)
    written.segment.unlink()

    with EmbeddedLog.open(tmp_path) as log:
        assert served_wrongly(log, written, range(BATCHES)) == []
        assert len(log.verify().damage) == BATCHES
        assert add(log, 0, 1) == ROWS * BATCHES  # and the log goes on


def test_bytes_that_nobody_names_are_ignored(tmp_path: Path) -> None:
    written = fill(tmp_path)
    with written.segment.open("ab") as file:
        file.write(random.Random(1).randbytes(10_000))
    stray = written.segment.with_name("stray.seg")
    stray.write_bytes(b"left by a dead writer")

    assert not_as_before(tmp_path, BATCHES) == []
    assert not stray.exists()


def test_damaged_state_is_reported(tmp_path: Path) -> None:
    for settings in (EmbeddedSettings(), EmbeddedSettings(inline_bytes=0)):
        with EmbeddedLog.open(tmp_path / str(settings.inline_bytes), settings=settings) as log:
            log.commit(Commit(state=[StateWrite(GROUP, 1, "seen", numbers(0, 5))]))
            with log._writing.transaction():
                log._writing.rows("UPDATE state SET crc = crc + 1")

            with pytest.raises(DamagedBatch, match="state seen of group copy"):
                log.state(GROUP, 1)
            assert [(d.stream, d.partition) for d in log.verify().damage] == [("state seen of group copy", 1)]


def test_a_batch_missing_from_the_manifest_is_reported(tmp_path: Path) -> None:
    fill(tmp_path)
    with EmbeddedLog.open(tmp_path) as log:
        with log._writing.transaction():
            log._writing.rows("DELETE FROM batches WHERE sequence = 2")

        read = log.read(STREAM, 0, Place())
        assert values(read.chunks) == [0, 1, 2, 3]
        with pytest.raises(DamagedBatch, match=r"offset 4.*batch 2 is not in the manifest"):
            log.read(STREAM, 0, read.place)
        assert len(log.verify().damage) == 1


# ---------------------------------------------------------------- disks that fail


@contextlib.contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """No file of this process may grow beyond the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("limit", [0, 100, 5_000, 60_000])
def test_a_file_that_may_not_grow_makes_appends_unavailable_until_it_may(tmp_path: Path, limit: int) -> None:
    with EmbeddedLog.open(tmp_path) as log:
        log.create(STREAM, StreamSettings(partitions=1))
        add(log, 0, ROWS)
        with file_size_limit(limit):
            for _ in range(3):
                with pytest.raises(Unavailable, match=r"space|manifest"):
                    add(log, ROWS, 10_000)
        assert values(chunks(log)) == list(range(ROWS))
    assert not_as_before(tmp_path, 1) == []


def append_until_full(log: EmbeddedLog) -> tuple[int, Unavailable]:
    """Append batches of 1000 rows until there is no room; how many were acknowledged, and what was said then."""
    acknowledged = 0
    try:
        while True:
            add(log, 1000 * acknowledged, 1000)
            acknowledged += 1
    except Unavailable as error:
        return acknowledged, error


def test_a_full_disk_makes_appends_unavailable_until_there_is_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        with EmbeddedLog.open(disk / "log") as log:
            log.create(STREAM, StreamSettings(partitions=1))
            ballast = disk / "ballast"
            ballast.write_bytes(bytes(1_000_000))
            acknowledged, error = append_until_full(log)
            assert "no space" in error.message.lower()
            assert error.remedy
            assert values(chunks(log)) == list(range(1000 * acknowledged))
            ballast.unlink()
            assert add(log, 1000 * acknowledged, 1000) == 1000 * acknowledged
            assert values(chunks(log)) == list(range(1000 * (acknowledged + 1)))
            assert log.verify().damage == ()
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("bug", [False, True])
def test_after_a_failed_sync_a_segment_is_never_synced_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bug: bool
) -> None:
    """After a failed sync the kernel counts the lost pages as clean: a second sync would say that all is well."""
    synced: list[int] = []
    failed: set[int] = set()
    sync_file, problems = segments.sync_file, Problems()

    def fail_now_and_then(descriptor: int) -> None:
        inode = os.fstat(descriptor).st_ino
        if inode in failed:
            problems.append("a segment was synced again after it had failed")
        synced.append(inode)
        if len(synced) % 3 == 0:
            failed.add(inode)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync_file(descriptor)

    monkeypatch.setattr(segments, "sync_file", fail_now_and_then)
    if bug:
        monkeypatch.setattr(writers.Writers, "_give_up", lambda *_: None)
    acknowledged = 0
    with EmbeddedLog.open(tmp_path) as log:
        log.create(STREAM, StreamSettings(partitions=1))
        keep = [os.open(tmp_path, os.O_RDONLY)]
        for _ in range(9):
            with contextlib.suppress(Unavailable):
                add(log, ROWS * acknowledged, ROWS)
                acknowledged += 1
            keep += [
                os.open(path, os.O_RDONLY) for path in tmp_path.rglob("*.seg")
            ]  # so that inodes are not used again
        for descriptor in keep:
            os.close(descriptor)
        assert acknowledged == 6
        assert values(chunks(log)) == list(range(ROWS * acknowledged))
    expect(problems, bug=bug)


# ---------------------------------------------------------------- kills


def copy_until_killed(directory: Path, acknowledge: Connection, bug: str) -> None:
    """In another process: append rows 0, 1, 2, ... with their position, saying after each commit how many."""
    with EmbeddedLog.open(directory, settings=EmbeddedSettings(segment_bytes=20_000)) as log:
        rng = random.Random(os.getpid())
        while True:
            here = log.position(GROUP, STREAM, 0)
            rows = rng.choice((1, 3, 50))
            there = Place(here.offset + rows, here.sequence + 1)
            outputs = [Append(STREAM, 0, numbers(here.offset, rows))]
            move = [Position(GROUP, STREAM, 0, here, there)]
            match bug:
                case "acknowledged before it is committed":
                    acknowledge.send(there.offset)
                    os.kill(os.getpid(), signal.SIGKILL)
                case "position apart from outputs":
                    log.append(outputs)
                    os.kill(os.getpid(), signal.SIGKILL)
            log.commit(Commit(outputs=outputs, positions=move))
            acknowledge.send(there.offset)


def lost_or_doubled(directory: Path, acknowledged: int) -> Problems:
    with EmbeddedLog.open(directory) as log:
        found = values(chunks(log))
        position = log.position(GROUP, STREAM, 0).offset
        problems = [damage.why for damage in log.verify().damage]
    if found != list(range(len(found))):
        problems.append("events are doubled, missing or out of order")
    if not position == len(found) >= acknowledged:
        problems.append(f"{acknowledged} acknowledged, {position} by position, {len(found)} there")
    return problems


@pytest.mark.parametrize(
    ("kills", "bug"),
    [(rounds(8, thorough=20), ""), (2, "acknowledged before it is committed"), (2, "position apart from outputs")],
)
def test_after_kills_at_random_moments_every_event_is_there_once(tmp_path: Path, kills: int, bug: str) -> None:
    with EmbeddedLog.open(tmp_path) as log:
        log.create(STREAM, StreamSettings(partitions=1))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["footfall.log.embedded", "tests.contracts.log_contract"])
    rng, problems, acknowledged = random.Random(7), Problems(), 0
    for _ in range(kills):
        receive, send = context.Pipe(duplex=False)
        child = context.Process(target=copy_until_killed, args=(tmp_path, send, bug))
        child.start()
        send.close()
        with contextlib.suppress(EOFError):
            for _ in range(rng.randrange(1, 40)):
                acknowledged = receive.recv()
            child.join(rng.random() * 0.003)  # into the middle of a commit
        if child.is_alive():
            child.kill()
        with contextlib.suppress(EOFError):
            while True:
                acknowledged = receive.recv()
        child.join()
        problems += lost_or_doubled(tmp_path, acknowledged)
    expect(problems, bug=bool(bug))
    assert acknowledged > kills or bug


# ---------------------------------------------------------------- clean-up


@pytest.mark.parametrize("bug", [False, True])
def test_a_segment_of_a_living_writer_is_not_removed_before_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bug: bool
) -> None:
    problems = Problems()
    write = SegmentWriter.sync

    def open_meanwhile(segment: SegmentWriter) -> None:
        write(segment)
        EmbeddedLog.open(tmp_path).close()  # cleans up, while the segment is written but not named

    if bug:
        monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    with EmbeddedLog.open(tmp_path) as log, monkeypatch.context() as patch:
        log.create(STREAM, StreamSettings(partitions=1))
        patch.setattr(SegmentWriter, "sync", open_meanwhile)
        add(log, 0, ROWS)
    problems += not_as_before(tmp_path, 1)
    expect(problems, bug=bug)


def test_a_fenced_commit_does_not_harm_those_it_shares_a_transaction_with(tmp_path: Path) -> None:
    def request(first: int, expected: Place) -> Request:
        append = Append(STREAM, 0, numbers(first, ROWS))
        position = Position(GROUP, STREAM, 0, expected, Place(expected.offset + ROWS, expected.sequence + 1))
        return Request([(1, append, frame_of(append.batch, None))], [(1, position)], [])

    with EmbeddedLog.open(tmp_path) as log:
        log.create(STREAM, StreamSettings(partitions=1))
        group = [request(0, Place()), request(50, Place()), request(2, Place(2, 1))]
        log._committer._lead(group)

        assert [type(each.error) for each in group] == [type(None), Fenced, type(None)]
        assert values(chunks(log)) == [0, 1, 2, 3]
        assert log.verify().damage == ()
