"""Turns a running server and a process that sends it events into how many it takes, and whether it told the truth.

``python -m benchmarks.collector [--seconds N] [--json]``. The server is a real ``footfall serve`` on an empty data
directory; in half of the runs one event in fifty breaks a rule. At the end every event is looked for: what was
accepted is in ``click-data``, what was refused is in ``failed-events``, each once, and nothing else is in either.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import psutil

from benchmarks.collector_load import BUSY, Load, Sent, Summary
from benchmarks.measure import ROOT, environment
from footfall import wiring
from footfall.core.events import CLICKS, FAILED, Batch
from footfall.log.base import Log

CLI: Final = "footfall.apps.cli"
BATCHES: Final = {1: 32, 20: 16, 500: 8}
"""Events of a request, and connections that send such requests."""
BAD_EVERY: Final = 50
WARM_UP_SECONDS: Final = 1.0
_PATIENCE: Final = 30.0
_POLL: Final = 0.02
_TOLD: Final = re.compile(rb"at http://127\.0\.0\.1:(\d+)")
_IN_RAW: Final = re.compile(rb'"event_id":"([0-9a-f]{32})"')

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured with requests of one size."""

    batch: int
    connections: int
    bad: bool
    """Whether one in fifty events breaks a rule; else none does."""
    load: Summary
    cpu: float
    """Seconds of CPU that the server took a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that was measured, and what is wrong: nothing, if all is well. Counts are of all events ever sent."""

    rows: Sequence[Row]
    sent: int
    accepted: int
    refused: int
    in_log: int
    set_aside: int
    server_mb: float
    """Resident, at the end."""
    wrong: Sequence[str]


def measure(seconds: float = 10.0) -> Report:
    """All sizes of requests, one after another, on one server; then the comparison with the log."""
    rows: list[Row] = []
    ledger: list[Sent] = []
    with tempfile.TemporaryDirectory(prefix="footfall-collector-") as directory:
        data_dir, file = Path(directory) / "data", Path(directory) / "ledger"
        with served(data_dir) as server:
            for bad_every in (BAD_EVERY, 0):
                for batch, connections in BATCHES.items():
                    load = Load(port=server.port, batch=batch, connections=connections, bad_every=bad_every)
                    sent(load, file, ledger, seconds=min(seconds, WARM_UP_SECONDS))
                    cpu = server.cpu_seconds
                    seen = sent(load, file, ledger, seconds=seconds)
                    cpu = round((server.cpu_seconds - cpu) / seen.seconds, 2)
                    rows.append(Row(batch=batch, connections=connections, bad=bool(bad_every), load=seen, cpu=cpu))
            memory = server.memory_mb
        with wiring.open_log(data_dir) as log:
            clicks, aside = numbers_in(log, CLICKS), numbers_in(log, FAILED)
    return Report(
        rows=rows,
        sent=sum(one.count for one in ledger),
        accepted=sum(one.accepted for one in ledger),
        refused=sum(one.refused for one in ledger),
        in_log=len(clicks),
        set_aside=len(aside),
        server_mb=memory,
        wrong=[
            *differences(ledger, clicks, aside),
            *(
                f"{row.load.wrong} wrong answers, {row.load.unanswered} without one, at {row.batch}"
                for row in rows
                if row.load.wrong or row.load.unanswered
            ),
        ],
    )


# -- the server and its clients -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Server:
    """A running one."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def memory_mb(self) -> float:
        """Resident."""
        return round(psutil.Process(self.process.pid).memory_info().rss / 2**20, 1)

    @property
    def cpu_seconds(self) -> float:
        """Used since its start."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)


@contextlib.contextmanager
def served(data_dir: Path, *, port: int = 0, module: Sequence[str] = (CLI,)) -> Iterator[Server]:
    """A server on this data directory, killed at the end; ``module`` and its arguments serve."""
    data_dir.mkdir(parents=True, exist_ok=True)
    said = data_dir.with_name(f"{data_dir.name}-serve.err")
    command = [sys.executable, "-m", *module, "serve", "--port", str(port), "--data-dir", str(data_dir)]
    said.unlink(missing_ok=True)
    with said.open("wb") as errors, subprocess.Popen(command, env=environment(), cwd=ROOT, stderr=errors) as process:
        try:
            yield Server(process, _port_of(process, said))
        finally:
            process.kill()


def _port_of(process: subprocess.Popen[bytes], said: Path) -> int:
    """The port that the server says it has."""
    pause, deadline = threading.Event(), time.monotonic() + _PATIENCE
    while not (told := _TOLD.search(said.read_bytes())):
        assert process.poll() is None, f"the server ended: {said.read_text()}"
        assert time.monotonic() < deadline, "the server does not start"
        pause.wait(_POLL)
    return int(told[1])


@contextlib.contextmanager
def sending(load: Load, file: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that sends this, until its time is over or it is told to stop (``stopped``)."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in asdict(load).items() if name != "port"]
    command = [sys.executable, "-m", "benchmarks.collector_load", str(load.port), str(file), *options]
    with subprocess.Popen(
        command, env=environment(), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def stopped(process: subprocess.Popen[str]) -> None:
    """Tell a process that sends to stop, and wait until it has its last answers."""
    process.communicate("stop\n")


def seen_by(process: subprocess.Popen[str]) -> Summary:
    """What a process that sends has seen, at the end of its time."""
    assert process.stdout is not None
    return Summary(**json.loads(process.stdout.read()))


def sent(load: Load, file: Path, ledger: list[Sent], *, seconds: float) -> Summary:
    """Send this for so long, from the number on at which the ledger ends, and add to the ledger."""
    first = ledger[-1].first + ledger[-1].count if ledger else 0
    with sending(replace(load, first=first, seconds=seconds), file) as process:
        seen = seen_by(process)
    ledger += read_ledger(file)
    return seen


def read_ledger(file: Path) -> list[Sent]:
    """What a client wrote down."""
    return [Sent(**json.loads(line)) for line in file.read_text().splitlines()]


# -- the comparison -----------------------------------------------------------------------------------------------


def numbers_in(log: Log, stream: str) -> Numbers:
    """The numbers of the events in a stream, as often as they stand there, in no order."""
    found: list[int] = []
    for partition in range(log.info(stream).settings.partitions):
        place = log.place(stream, partition)
        while (read := log.read(stream, partition, place)).chunks:
            place = read.place
            for chunk in read.chunks:
                found += _numbers_of(chunk.batch, raw=stream == FAILED)
    return np.array(found, dtype=np.int64)


def _numbers_of(batch: Batch, *, raw: bool) -> list[int]:
    if not raw:
        return [int.from_bytes(one) for one in batch.column("event_id").to_pylist()]
    return [int(_IN_RAW.findall(one)[0], 16) for one in batch.column("raw").to_pylist()]


def differences(ledger: Sequence[Sent], clicks: Numbers, aside: Numbers) -> list[str]:
    """What is in the log and should not be there, or should be and is not.

    An event of a request without an answer may be there, as often as it was sent, and then all of its request is.
    """
    count = np.array([one.count for one in ledger])
    good = ~np.concatenate([_bad_numbers(one) for one in ledger])
    answered = np.repeat([one.status in {200, 400} for one in ledger], count)
    most = np.repeat([one.tries - (one.status in BUSY) for one in ledger], count)
    total = len(good)
    strangers = sum(int(((found < 0) | (found >= total)).sum()) for found in (clicks, aside))
    times = {"click": _times(clicks, total), "failed event": _times(aside, total)}
    found = [f"{strangers} events that nobody sent"] if strangers else []
    for name, here, right in (("click", times["click"], good), ("failed event", times["failed event"], ~good)):
        lost, much = int((answered & right & (here == 0)).sum()), int((here > np.where(right, most, 0)).sum())
        found += [f"lost: {lost} {name}s"] if lost else []
        found += [f"too often, or never sent: {much} {name}s"] if much else []
    there = (times["click"] + times["failed event"]) > 0
    whole = np.add.reduceat(there, np.concatenate([[0], np.cumsum(count)[:-1]]), dtype=np.int64)
    torn = int(((whole > 0) & (whole < count)).sum())
    return [*found, *([f"torn: {torn} requests"] if torn else [])]


def _times(numbers: Numbers, total: int) -> Numbers:
    """How often each number is there."""
    return np.bincount(numbers[(numbers >= 0) & (numbers < total)], minlength=total)


def _bad_numbers(one: Sent) -> Flags:
    numbers = np.arange(one.first, one.first + one.count)
    return numbers % one.bad_every == one.bad_every - 1 if one.bad_every else np.zeros(one.count, dtype=np.bool_)


# -- the report ---------------------------------------------------------------------------------------------------


def described(report: Report) -> str:
    """The report as a table for people."""
    lines = [f"{'events a request':>16}{'clients':>9}{'bad':>6}{'events/s':>11}{'p50, ms':>9}{'p99, ms':>9}{'CPU':>7}"]
    for row in report.rows:
        seen, bad = row.load, f"{100 // BAD_EVERY} %" if row.bad else "none"
        lines.append(
            f"{row.batch:>16}{row.connections:>9}{bad:>6}{seen.events_per_second:>11,}{seen.p50_ms:>9.1f}"
            f"{seen.p99_ms:>9.1f}{row.cpu:>7.2f}"
        )
    lines.append("")
    lines.append(f"sent {report.sent:,} = accepted {report.accepted:,} + refused {report.refused:,}")
    lines.append(
        f"in the log {report.in_log:,}, set aside {report.set_aside:,}; the server has {report.server_mb:.0f} MB"
    )
    lines.append("\n".join(report.wrong) or "every event is where its answer says")
    return "\n".join(lines)


def main() -> None:
    """Measure and print. Exit code 1 when an answer was not true."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each size and kind of request (10)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    report = measure(options.seconds)
    print(json.dumps(asdict(report)) if options.json else described(report))
    sys.exit(bool(report.wrong))


if __name__ == "__main__":
    main()
