"""What services say of themselves, and what is read from it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from footfall.apps.status import Heartbeat, ServiceStatus, State, read_json, read_statuses, write_json
from footfall.core.clock import ManualClock

NOBODY = 2**22 + 1  # no process has such a number


def beat_of(service: str, tmp_path: Path, **fields: Any) -> None:
    said = {"service": service, "pid": os.getpid(), "started_ms": 0, "updated_ms": 60_000, "state": "healthy"}
    write_json(tmp_path / f"{service}.json", {**said, **fields})


def statuses(tmp_path: Path, *, now_ms: int = 60_000) -> list[ServiceStatus]:
    return read_statuses(tmp_path, clock=ManualClock(now_ms))


def test_a_heartbeat_is_written_at_most_twice_a_second(tmp_path: Path) -> None:
    clock = ManualClock(1_000)
    heart = Heartbeat(tmp_path, "worker", clock=clock)
    heart.beat(events=1)
    clock.advance(0.4)
    heart.beat(events=2)
    assert (read_json(tmp_path / "worker.json") or {})["events"] == 1

    clock.advance(0.1)
    heart.beat(events=3)

    said = read_json(tmp_path / "worker.json") or {}
    assert (said["events"], said["updated_ms"], said["state"]) == (3, 1_500, "healthy")


def test_the_last_word_is_always_written(tmp_path: Path) -> None:
    heart = Heartbeat(tmp_path, "worker", clock=ManualClock(0))
    heart.beat(events=1)

    heart.close(error="the disk is full")

    said = read_json(tmp_path / "worker.json") or {}
    assert (said["state"], said["error"]) == ("failed", "the disk is full")


def test_a_heartbeat_never_stops_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    Heartbeat(tmp_path / "file" / "run", "worker").beat(events=1)


def test_a_service_that_beats_is_healthy(tmp_path: Path) -> None:
    beat_of("worker", tmp_path, events=7, rate=3.5, lag=2, offers=1)

    (one,) = statuses(tmp_path)

    assert (one.state, one.events, one.events_per_second, one.lag, one.offers) == (State.HEALTHY, 7, 3.5, 2, 1)
    assert one.uptime_seconds == 60


def test_a_service_that_fell_silent_has_failed(tmp_path: Path) -> None:
    beat_of("worker", tmp_path)

    (one,) = statuses(tmp_path, now_ms=70_000)

    assert (one.state, one.last_error) == (State.FAILED, "no sign of life for 10 s")


@pytest.mark.parametrize(("said", "state"), [("healthy", State.FAILED), ("stopped", State.STOPPED)])
def test_a_process_that_is_gone_has_failed_unless_it_said_goodbye(tmp_path: Path, said: str, state: State) -> None:
    beat_of("worker", tmp_path, pid=NOBODY, state=said)

    (one,) = statuses(tmp_path)

    assert (one.state, one.pid, one.events_per_second) == (state, None, 0.0)


def test_the_supervisor_knows_of_services_that_have_not_spoken_yet(tmp_path: Path) -> None:
    entry = {"name": "worker", "pid": os.getpid(), "state": "starting", "restarts": 2, "memory_mb": 50.0}
    content = {"pid": os.getpid(), "updated_ms": 60_000, "services": [entry]}
    write_json(tmp_path / "supervisor.json", content)
    beat_of("worker", tmp_path, pid=NOBODY)  # from the process before

    (one,) = statuses(tmp_path)

    assert (one.state, one.restarts, one.memory_mb) == (State.STARTING, 2, 50.0)


def test_the_word_of_a_dead_supervisor_counts_no_more(tmp_path: Path) -> None:
    content = {"pid": NOBODY, "updated_ms": 60_000, "services": [{"name": "replay", "pid": os.getpid()}]}
    write_json(tmp_path / "supervisor.json", content)
    beat_of("worker", tmp_path)

    assert [one.service for one in statuses(tmp_path)] == ["worker"]


def test_a_file_that_is_no_heartbeat_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "worker.json").write_text("{")
    (tmp_path / "other.json").write_text("[]")

    assert statuses(tmp_path) == []
