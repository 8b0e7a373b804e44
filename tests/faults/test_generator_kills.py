"""The generator of users and clicks is killed with SIGKILL at random moments: each row is in the log once.

A failure prints the seed; ``SEED`` sets it. Each planted bug has a test that sees it found.
"""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from footfall import wiring
from footfall.core.events import SHOP_CLICKS, SHOP_USERS
from footfall.log.base import RetainingLog
from footfall.sources.generate_users_clicks import Sample, SampleSettings
from tests.faults.buggy_generator import BUGS
from tests.observing import command, environment
from tests.rounds import rounds

SEED = 20_260_105
KILLS = rounds(8, thorough=20)
SETTINGS = SampleSettings(seed=5, burst=20, clicks=60)
OPTIONS = ("--seed", "5", "--burst", "20", "--burst-every", "60", "--clicks-per-second", "300")
TOO_LONG = 30.0


def start(data_dir: Path, *more: str, bug: str | None = None) -> subprocess.Popen[bytes]:
    arguments = ["generate", "--example", "vip", "--live", *OPTIONS, *more, "--data-dir", str(data_dir)]
    line = command(bug, *arguments, module="tests.faults.buggy_generator") if bug else command(*arguments)
    with (data_dir.parent / "errors").open("ab") as errors:
        return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=errors, env=environment())


def rows(log: RetainingLog) -> int:
    return sum(end for stream in (SHOP_USERS, SHOP_CLICKS) for end in log.info(stream).ends)


def wait_for_progress(log: RetainingLog, process: subprocess.Popen[bytes], before: int, data_dir: Path) -> None:
    """Until there are more rows than before."""
    deadline, pause = time.monotonic() + TOO_LONG, threading.Event()
    while not {SHOP_USERS, SHOP_CLICKS} <= set(log.names()) or rows(log) <= before:
        said = (data_dir.parent / "errors").read_text()
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        pause.wait(0.02)


def after_kills(data_dir: Path, *, kills: int, bug: str | None = None) -> tuple[list[str], int]:
    """What is wrong with the rows after so many kills and one undisturbed run to a round number; and that number."""
    rng = random.Random(SEED)
    data_dir.mkdir()
    with wiring.open_log(data_dir) as log:
        before = 0
        for _ in range(kills):
            process = start(data_dir, bug=bug)
            try:
                wait_for_progress(log, process, before, data_dir)
                threading.Event().wait(rng.uniform(0, 0.3))
            finally:
                process.kill()
                process.wait()
            before = rows(log)
        clicks = SETTINGS.clicks_in(before) + 500
        last = start(data_dir, "--events", str(clicks))
        assert last.wait(timeout=60) == 0, (data_dir.parent / "errors").read_text()
        return wrong_with(log, clicks), rows(log)


def wrong_with(log: RetainingLog, clicks: int) -> list[str]:
    """Which rows are lost, doubled, or not what the seed says."""
    found: list[str] = []
    batches = Sample(SETTINGS).batches(0, SETTINGS.rows(clicks), at_ms=0)
    for stream, batch in batches.items():
        wanted = {row["event_id"]: row for row in batch.drop_columns(["timestamp"]).to_pylist()}
        chunks = [c for p in range(log.partitions(stream)) for c in log.read(stream, p, log.place(stream, p)).chunks]
        there = [row for chunk in chunks for row in chunk.batch.drop_columns(["timestamp"]).to_pylist()]
        times = Counter(row["event_id"] for row in there)
        found += [f"{stream}: lost {row}" for event_id, row in wanted.items() if event_id not in times]
        found += [f"{stream}: doubled {wanted.get(event_id)}" for event_id, n in times.items() if n > 1]
        found += [f"{stream}: unexpected {row}" for row in there if wanted.get(row["event_id"]) != row]
    return found


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_kills_neither_lose_nor_double_a_row(tmp_path: Path) -> None:
    found, there = after_kills(tmp_path / "data", kills=KILLS)

    assert found == [], f"seed {SEED}"
    assert there > 50 * KILLS


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_each_planted_bug_is_found(tmp_path: Path, bug: str) -> None:
    kind = BUGS[bug][1]

    found = (after_kills(tmp_path / f"{again}", kills=4, bug=bug)[0] for again in range(3))

    assert any(kind in line for lines in found for line in lines)
