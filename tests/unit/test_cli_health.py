"""What a container is asked for its health, and where it answers."""

from __future__ import annotations

import http.client
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from footfall.apps.cli.health import health
from footfall.apps.cli.service import parse_address, status_pages
from footfall.apps.status import Heartbeat, State, lives, own_status, write_json
from footfall.core.clock import ManualClock, SystemClock
from footfall.core.errors import Failure, UsageError
from tests.e2e.serving import HOST, free_port

Said = Callable[..., None]


@pytest.fixture
def said(tmp_path: Path) -> Said:
    """Writes a heartbeat of the worker as it was some seconds ago."""

    def write(*, state: State = State.HEALTHY, seconds_ago: float = 0, pid: int = os.getpid(), error: str = "") -> None:
        at = SystemClock().now_ms() - int(1000 * seconds_ago)
        (tmp_path / "run").mkdir(exist_ok=True)
        beat = {"service": "worker", "pid": pid, "started_ms": at, "updated_ms": at, "state": state, "error": error}
        write_json(tmp_path / "run" / "worker.json", beat)

    return write


def code(tmp_path: Path, *, alive: bool = False) -> int:
    try:
        health("worker", alive=alive, data_dir=tmp_path)
    except typer.Exit as end:
        return end.exit_code
    return 0


def test_a_service_that_beats_is_healthy_and_alive(tmp_path: Path, said: Said) -> None:
    said()

    assert (code(tmp_path), code(tmp_path, alive=True)) == (0, 0)


def test_who_cannot_work_is_alive_all_the_same_for_a_new_start_would_not_help(tmp_path: Path, said: Said) -> None:
    said(state=State.FAILED, error="Redis does not answer")

    assert (code(tmp_path), code(tmp_path, alive=True)) == (1, 0)


def test_who_starts_is_not_healthy_yet_and_is_not_started_again(tmp_path: Path, said: Said) -> None:
    said(state=State.STARTING, seconds_ago=100)

    assert (code(tmp_path), code(tmp_path, alive=True)) == (1, 0)


def test_who_has_been_silent_for_long_is_neither(tmp_path: Path, said: Said) -> None:
    said(seconds_ago=6)

    assert (code(tmp_path), code(tmp_path, alive=True)) == (1, 1)


def test_the_word_of_a_process_that_is_gone_counts_for_nothing(tmp_path: Path, said: Said) -> None:
    said(pid=2**22 + 1)

    assert (code(tmp_path), code(tmp_path, alive=True)) == (1, 1)


def test_who_never_ran_is_not_healthy(tmp_path: Path) -> None:
    assert (code(tmp_path), code(tmp_path, alive=True)) == (1, 1)
    assert own_status(tmp_path / "run", "worker") is None


def test_silence_is_measured_by_the_clock_that_is_given(tmp_path: Path) -> None:
    clock = ManualClock(1_000)
    Heartbeat(tmp_path, "worker", clock=clock).beat()

    clock.advance(5)
    assert lives(tmp_path, "worker", clock=clock)
    clock.advance(0.1)
    assert not lives(tmp_path, "worker", clock=clock)


def asked(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_a_service_answers_for_itself_whatever_else_ran_on_its_directory(tmp_path: Path, said: Said) -> None:
    said()
    write_json(tmp_path / "run" / "older.json", {"service": "older", "pid": 2**22 + 1, "state": "healthy"})
    port = free_port()

    with status_pages("worker", tmp_path / "run", at=f"{HOST}:{port}"):
        assert asked(port, "/health")[0] == 200
        assert asked(port, "/alive") == (200, "alive\n")
        assert 'footfall_service_healthy{service="worker"} 1.0' in asked(port, "/metrics")[1]
        assert "older" not in asked(port, "/metrics")[1]

        said(state=State.FAILED, error="Redis does not answer")
        assert (asked(port, "/health")[0], asked(port, "/alive")[0]) == (503, 200)

        said(seconds_ago=6)
        assert (asked(port, "/health")[0], asked(port, "/alive")[0]) == (503, 503)


def test_without_an_address_nothing_listens(tmp_path: Path) -> None:
    with status_pages("worker", tmp_path, at=None):
        pass
    with status_pages("worker", tmp_path, at=""):
        pass


def test_a_port_that_is_taken_is_said_with_the_option(tmp_path: Path) -> None:
    port = free_port()
    with (
        status_pages("worker", tmp_path, at=f"{HOST}:{port}"),
        pytest.raises(Failure, match=f"--status-at {HOST}:{port}: cannot listen there"),
        status_pages("other", tmp_path, at=f"{HOST}:{port}"),
    ):
        pass


@pytest.mark.parametrize(
    ("text", "address"), [("10.0.0.1:9100", ("10.0.0.1", 9100)), ("[::]:9100", ("::", 9100)), ("pod:1", ("pod", 1))]
)
def test_an_address_is_host_and_port(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["9100", ":9100", "pod:", "pod:many", "pod:70000"])
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="this is not ADDRESS:PORT"):
        parse_address(text)
