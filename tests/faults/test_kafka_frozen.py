"""A worker that was frozen in the middle of its work, and overtaken, wakes up: it writes nothing, and ends."""

from __future__ import annotations

import contextlib
import hashlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil
import pytest
import redis

from tests.faults.frozen_worker import POINTS
from tests.faults.harness import Clickstream, clickstream
from tests.faults.kafka_findings import on_topics
from tests.faults.kafka_stack import Servers, running, servers
from tests.observing import command, environment

FROZEN: Final = "tests.faults.frozen_worker"
RATE: Final = 400
ZOMBIE: Final = "zombie"
ENDS: Final = 20.0
"""Seconds within which a worker that woke up must have ended by itself."""


@pytest.fixture(scope="module")
def on() -> Iterator[Servers]:
    with servers() as started:
        yield started


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Clickstream:
    return clickstream(tmp_path_factory.mktemp("clicks"), events=6_000)


def after_a_freeze(point: str, clicks: Clickstream, on: Servers, *, bug: str = "nothing") -> list[str]:
    """What is wrong when a worker froze at this point, another one did its work, and it woke up then."""
    with running(clicks, on, rate=RATE) as stack:
        stack.scale(0)
        errors = stack.data_dir / "zombie.err"
        zombie = begin(point, bug, stack.data_dir, errors)
        try:
            stack.until(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_STOPPED, f"it freezes {point}")
            stack.scale(1)
            found = stack.finish()
            before, stands = digest(on), stack.stands()
            zombie.send_signal(signal.SIGCONT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                zombie.wait(timeout=ENDS)
        finally:
            code = zombie.poll()
            zombie.kill()
            zombie.wait()
        said = errors.read_text()
        if code != 1 or not ("This worker must stop" in said or "It starts again" in said):
            found.append(f"it ended with exit code {code}: {said[-500:]}")
        if digest(on) != before:
            found.append("it wrote into the store")
        if stack.stands() != stands:
            found.append("it moved positions")
        return found + on_topics(on.kafka.address, stack.prefix).wrong


def begin(point: str, bug: str, data_dir: Path, errors: Path) -> subprocess.Popen[bytes]:
    """A worker that will freeze."""
    options = ("run", "enrichment", "aggregation", "sessions", "behaviour", "--name", ZOMBIE, "--data-dir", data_dir)
    line = command(point, bug, *options, module=FROZEN)
    with errors.open("ab") as file:
        return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=file, env=environment())


def digest(on: Servers) -> str:
    """All that is in Redis."""
    with redis.Redis.from_url(on.redis.url) as client:
        keys = sorted(client.scan_iter())
        return hashlib.sha256(repr([(key, contents(client, key)) for key in keys]).encode()).hexdigest()


def contents(client: redis.Redis, key: bytes) -> object:
    kind = client.type(key)
    if kind == b"hash":
        return sorted(client.hgetall(key).items())
    if kind == b"set":
        return sorted(client.smembers(key))
    return client.dump(key)


@pytest.mark.waits
@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("point", POINTS)
def test_a_frozen_worker_that_wakes_up_writes_nothing(point: str, clicks: Clickstream, on: Servers) -> None:
    assert after_a_freeze(point, clicks, on) == []


@pytest.mark.waits
@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("bug", "point"),
    [("publishes_after_all", "before publishing"), ("saves_from_any_position", "between outputs and save")],
)
def test_each_planted_bug_of_frozen_workers_is_found(bug: str, point: str, clicks: Clickstream, on: Servers) -> None:
    assert "it wrote into the store" in after_a_freeze(point, clicks, on, bug=bug)
