"""Redis is killed and frozen while two workers save at one partition: each save is all there or not at all, and once.

A failure prints the seed. Each planted bug has a test that sees it found.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from footfall.core.errors import Fenced, Unavailable
from footfall.log.base import CheckpointStore, Place, Position
from footfall.log.checkpoints.redis import RedisCheckpoints
from footfall.servers.redis import RedisSettings
from tests.contracts.checkpoint_contract import STREAM, add, held
from tests.faults.buggy_redis import BUGS
from tests.servers.redis import Redis

SEED = 20_260_103
TIMEOUT = timedelta(milliseconds=200)
SHORT = RedisSettings(connect_timeout=TIMEOUT, timeout=TIMEOUT)
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
"""With ``everysec``, Redis may answer before it has written: then a kill takes the last saves back."""
LONGER = 0.5
"""Seconds that a freeze lasts."""


@pytest.fixture
def server() -> Iterator[Redis]:
    with Redis(*DURABLE) as running:
        yield running


def opened(server: Redis, kind: type[RedisCheckpoints] = RedisCheckpoints) -> RedisCheckpoints:
    return kind.open(server.url, random=random.Random(SEED).randbytes, settings=SHORT, merge_rows=8)


@dataclass
class Worker:
    """Moves on by one with each save, whoever else does; what is in doubt, it asks for."""

    store: CheckpointStore
    stop: threading.Event = field(default_factory=threading.Event)
    saved: int = 0
    unavailable: int = 0

    def run(self) -> None:
        """Save until told to stop."""
        while not self.stop.is_set():
            try:
                stands = self.store.position("g", STREAM, 0)
                self.save_after(stands)
            except Fenced:
                continue
            except Unavailable:
                self.unavailable += 1
                self.stop.wait(0.02)

    def save_after(self, stands: Place) -> None:
        """One event of the log: it is in the state, and passed."""
        after = Place(stands.offset + 1, stands.sequence + 1)
        self.store.save([Position("g", STREAM, 0, stands, after)], [add(stands.offset)])
        self.saved += 1


@contextlib.contextmanager
def at_work(*workers: Worker) -> Iterator[None]:
    """While they save."""
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.stop.set()
        for thread in threads:
            thread.join()


def wrong(store: CheckpointStore) -> list[str]:
    """What state and position do not agree on."""
    place = store.position("g", STREAM, 0)
    seen = [batch[0] for batch in held(store.state("g", 0)).get("seen", [])]
    expected = range(place.offset)
    return [
        *([f"lost: {sorted(set(expected) - set(seen))}"] if set(expected) - set(seen) else []),
        *([f"made up: {sorted(set(seen) - set(expected))}"] if set(seen) - set(expected) else []),
        *([f"doubled: {len(seen) - len(set(seen))}"] if len(seen) != len(set(seen)) else []),
        *(["out of order"] if seen != sorted(seen) else []),
    ]


def after_faults(server: Redis, *, rounds: int, seed: int, bug: str | None = None) -> tuple[list[str], str]:
    """What is wrong after so many kills and freezes, and how it went."""
    rng = random.Random(seed)
    kind = BUGS[bug] if bug else RedisCheckpoints
    with contextlib.closing(opened(server, kind)) as one, contextlib.closing(opened(server, kind)) as two:
        workers = [Worker(one), Worker(two)]
        with at_work(*workers):
            for number in range(rounds):
                threading.Event().wait(rng.uniform(0.05, 0.2))
                if number % 3 == 2:
                    server.freeze()
                    threading.Event().wait(LONGER)
                    server.thaw()
                else:
                    server.kill()
                    server.start()
            threading.Event().wait(0.2)
        report = (
            f"seed {seed}: {rounds} faults, {sum(worker.saved for worker in workers)} saves, "
            f"{sum(worker.unavailable for worker in workers)} without an answer"
        )
        assert min(worker.unavailable for worker in workers) > 0, report
        return wrong(one), report


@pytest.mark.slow
def test_kills_and_freezes_of_redis_leave_each_save_whole_and_once(server: Redis) -> None:
    found, report = after_faults(server, rounds=15, seed=SEED)

    print(report)
    assert found == [], report


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_each_planted_bug_is_found(bug: str) -> None:
    def found(again: int) -> list[str]:
        with Redis(*DURABLE) as server:
            return after_faults(server, rounds=6, seed=SEED + again, bug=bug)[0]

    assert any(found(again) for again in range(3))


def test_after_a_kill_the_position_tells_whether_a_save_went_through(server: Redis) -> None:
    with contextlib.closing(opened(server)) as store:
        worker = Worker(store)
        worker.save_after(Place())
        server.kill()
        with pytest.raises(Unavailable, match="cannot be reached"):
            worker.save_after(Place(1, 1))
        server.start()

        assert store.position("g", STREAM, 0) == Place(1, 1)
        worker.save_after(Place(1, 1))
        assert wrong(store) == []


def test_a_frozen_redis_is_unavailable_and_what_it_was_sent_happens_once_at_most(server: Redis) -> None:
    with contextlib.closing(opened(server)) as store:
        worker = Worker(store)
        worker.save_after(Place())
        server.freeze()
        with pytest.raises(Unavailable, match="did not answer in time"):
            worker.save_after(Place(1, 1))
        with pytest.raises(Unavailable):
            store.position("g", STREAM, 0)
        server.thaw()

        with contextlib.suppress(Fenced):  # it did what it was sent before
            worker.save_after(Place(1, 1))
        assert store.position("g", STREAM, 0) == Place(2, 2)
        assert wrong(store) == []
