"""The supervisor with real processes: what dies is started again, and a stop stops everything."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from footfall.apps.status import ServiceStatus, State, alive, read_json, read_statuses

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {"PATH": os.defpath, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}


class Supervised:
    """A supervisor process and what it says of its services."""

    def __init__(self, run_dir: Path, *names: str) -> None:
        self.run_dir = run_dir
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.supervised", str(run_dir), *names],
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def entries(self) -> dict[str, dict[str, Any]]:
        content = read_json(self.run_dir / "supervisor.json") or {}
        return {entry["name"]: entry for entry in content.get("services", ())}

    def pid(self, name: str) -> int:
        """The service's process, once it has said that it is there."""
        log = self.run_dir / "logs" / f"{name}.log"
        until(lambda: log.exists() and bool(log.read_text()) and self.entries().get(name, {}).get("pid") is not None)
        return int(self.entries()[name]["pid"])

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[str, float]:
        """What it printed, and the seconds it took to end."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.output(), time.monotonic() - began

    def output(self) -> str:
        printed, _ = self.process.communicate(timeout=15)
        return printed


def until(condition: Callable[[], bool], *, seconds: float = 10) -> None:
    """Wait for something to become true, and fail when it does not."""
    never = threading.Event()
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        never.wait(0.02)


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    started: list[Supervised] = []

    def start(*names: str) -> Supervised:
        started.append(Supervised(tmp_path / "run", *names))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


Start = Callable[..., Supervised]


@pytest.mark.alone
def test_a_killed_service_is_back_within_three_seconds(supervise: Start) -> None:
    supervised = supervise("steady")
    first = supervised.pid("steady")

    os.kill(first, signal.SIGKILL)

    until(lambda: supervised.entries()["steady"]["pid"] not in {first, None}, seconds=3)
    until(lambda: supervised.entries()["steady"]["restarts"] == 1)
    assert alive(supervised.entries()["steady"]["pid"])


@pytest.mark.alone
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_everything_at_once_when_services_listen(supervise: Start, number: signal.Signals) -> None:
    supervised = supervise("steady")
    pid = supervised.pid("steady")

    _, seconds = supervised.end(number)

    assert seconds < 2
    assert not alive(pid)
    assert supervised.process.returncode == 0


@pytest.mark.alone
def test_a_stop_ends_within_five_seconds_even_what_does_not_listen(supervise: Start) -> None:
    supervised = supervise("stubborn")
    pid = supervised.pid("stubborn")

    _, seconds = supervised.end()

    assert 3 < seconds < 5
    assert not alive(pid)


@pytest.mark.alone
def test_a_second_ctrl_c_kills_at_once(supervise: Start) -> None:
    supervised = supervise("stubborn")
    pid = supervised.pid("stubborn")
    supervised.process.send_signal(signal.SIGINT)
    until(lambda: not has_signals_pending(supervised.process.pid))

    _, seconds = supervised.end(signal.SIGINT)

    assert seconds < 2
    assert not alive(pid)


def has_signals_pending(pid: int) -> bool:
    """Whether a signal is still on its way to the process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return any(int(line.split()[1], 16) for line in lines if line.startswith(("SigPnd", "ShdPnd")))


@pytest.mark.alone
def test_a_killed_supervisor_takes_its_services_with_it(supervise: Start) -> None:
    supervised = supervise("steady", "stubborn")
    pids = [supervised.pid("steady"), supervised.pid("stubborn")]

    supervised.process.kill()

    until(lambda: not any(alive(pid) for pid in pids), seconds=2)


def test_what_a_service_started_ends_with_it(supervise: Start) -> None:
    supervised = supervise("parent")
    supervised.pid("parent")
    grandchild = int((supervised.run_dir / "logs" / "parent.log").read_text().split()[1])

    supervised.end()

    assert not alive(grandchild)


def test_work_that_is_done_is_not_started_again(supervise: Start) -> None:
    supervised = supervise("done")

    assert supervised.output().splitlines()[-1] == "ended: "

    assert supervised.entries()["done"] == {
        "name": "done",
        "pid": None,
        "state": "stopped",
        "restarts": 0,
        "last_error": "",
    }


def test_an_essential_service_that_was_started_wrongly_ends_everything_with_its_message(supervise: Start) -> None:
    supervised = supervise("steady", "wrong")

    assert supervised.output().splitlines()[-1] == "ended: Error: no such file."


def test_a_damaged_file_of_tables_ends_the_sink_with_its_message_and_nothing_else(
    supervise: Start, tmp_path: Path
) -> None:
    (tmp_path / "warehouse").mkdir()
    (tmp_path / "warehouse" / "tables.db").write_bytes(b"no database" * 1_000)
    supervised = supervise("steady", "cart-sink")
    until(lambda: supervised.entries().get("cart-sink", {}).get("state") == State.FAILED, seconds=20)

    assert "tables.db is not a file of tables, or is damaged" in supervised.entries()["cart-sink"]["last_error"]
    assert alive(supervised.pid("steady"))
    printed, _ = supervised.end()
    assert printed.splitlines()[-1] == "ended: "


def test_a_service_that_keeps_dying_is_started_ever_more_slowly(supervise: Start) -> None:
    supervised = supervise("crashing")

    until(lambda: supervised.entries().get("crashing", {}).get("restarts", 0) >= 3)
    printed, _ = supervised.end()

    assert "[crashing] boom\n[crashing] ended with exit code 1\n[crashing] starting again\n" in printed
    assert printed.count("starting again") < 10


def footfall_up(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "footfall.apps.cli", "up", *map(str, arguments)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_port_in_use_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = footfall_up("--data-dir", tmp_path / "data", "--port", str(port))

    assert done.returncode == 1
    assert f"Port {port}" in done.stderr
    assert "--port" in done.stderr
    assert not (tmp_path / "data" / "demo").exists()


def test_a_second_supervisor_on_the_same_data_is_refused(tmp_path: Path) -> None:
    from footfall.apps.supervisor.lock import only_one

    (tmp_path / "run").mkdir()
    with only_one(tmp_path / "run"):
        done = footfall_up("--data-dir", tmp_path, "--port", "0")

    assert done.returncode == 1
    assert f"already runs on {tmp_path} (process {os.getpid()})" in done.stderr


def test_a_file_that_cannot_be_read_ends_up_with_its_message(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("title,text\na,b\n")

    done = footfall_up("--data", tmp_path / "notes.csv", "--data-dir", tmp_path / "data", "--port", "0")

    assert done.returncode == 2
    assert done.stderr.startswith("Error: The layout of")
    assert "Traceback" not in done.stdout + done.stderr


class Up:
    """``footfall up`` on a data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        command = [sys.executable, "-m", "footfall.apps.cli", "up", "--port", "0", "--data-dir", str(data_dir)]
        self.process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)

    def ask(self, *arguments: str) -> list[dict[str, Any]]:
        """What another command prints as JSON lines."""
        command = [sys.executable, "-m", "footfall.apps.cli", *arguments, "--data-dir", str(self.data_dir)]
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def services(self) -> list[ServiceStatus]:
        """What ``footfall status`` shows."""
        return read_statuses(self.data_dir / "run")

    def is_healthy(self) -> bool:
        """Whether all that should run does, and has worked."""
        healthy = {one.service: one for one in self.services() if one.state is State.HEALTHY}
        everything = {"worker", "web", "replay", "cart-sink", "dashboard"}
        return healthy.keys() == everything and bool(healthy["worker"].events and healthy["replay"].events)

    def clicks(self) -> int:
        """How many clicks the log holds."""
        return sum(one["events"] for one in self.ask("topics", "--json") if one["stream"] == "click-data")

    def stop(self) -> float:
        """Press Ctrl-C, and return the seconds until everything has ended."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=10)
        return time.monotonic() - began


@pytest.mark.alone
def test_up_runs_everything_stops_within_five_seconds_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first = Up(tmp_path)
    until(first.is_healthy, seconds=60)
    until(lambda: bool(first.ask("query", "SELECT * FROM category_popularity", "--json")), seconds=15)
    enriched = first.ask("tail", "enriched-click-data", "--limit", "5")
    memory = sum(one.memory_mb or 0 for one in first.services())

    assert first.stop() < 5
    assert first.process.returncode == 0
    assert len(enriched) == 5
    assert memory < 1000

    clicks = first.clicks()
    second = Up(tmp_path)
    until(second.is_healthy, seconds=60)
    assert second.stop() < 5
    everything = second.ask("tail", "click-data", "--from", "earliest", "--limit", "100000")
    rows = [(one["userId"], one["original_timestamp"]) for one in everything]
    assert len(rows) == len(set(rows)) > clicks


def test_the_supervisor_stays_small(tmp_path: Path) -> None:
    code = (
        "import sys, json, re, pathlib; from footfall.apps.cli import main; import footfall.apps.supervisor.up; "
        "from footfall.apps.supervisor.settings import read_settings; read_settings(None); "
        "heavy = sorted({'pyarrow', 'numpy', 'duckdb', 'apsw'} & set(sys.modules)); "
        "peak = re.search(r'VmHWM:\\s+(\\d+)', pathlib.Path('/proc/self/status').read_text())[1]; "
        "print(json.dumps([heavy, int(peak)]))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )

    heavy, kilobytes = json.loads(done.stdout)
    assert heavy == []
    assert kilobytes < 60_000
