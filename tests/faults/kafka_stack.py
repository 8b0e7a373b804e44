"""Turns a clickstream into services on Kafka, Redis and PostgreSQL, all of which are killed and frozen under load.

The services are real processes, started as anybody would start them, and started again when they end, as `footfall up`
does. The harness looks from outside: how far each group has come, what is on the topics, in the store, in the tables.
"""

from __future__ import annotations

import contextlib
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import pytest
import redis

from footfall import wiring
from footfall.apps.status import read_json
from footfall.core.clock import SystemClock
from footfall.core.errors import FootfallError
from footfall.core.events import CLICKS, ENRICHED
from footfall.log.base import RetainingLog
from footfall.pipeline import Pipeline
from footfall.sinks.tables import TableSink
from tests.faults.harness import FULL_SPEED, GROUPS, REPLAY, TOGETHER, BrokenDownError, Clickstream
from tests.faults.kafka_findings import Topics, found_in_tables, on_topics
from tests.faults.kafka_service import Supervised
from tests.observing import footfall, observe
from tests.reference.comparing import differences
from tests.servers.kafka import Kafka
from tests.servers.postgres import Postgres
from tests.servers.process import Server
from tests.servers.redis import Redis

PARTITIONS: Final = 3
SESSION: Final = 3.0
"""Seconds after which a silent worker's partitions go to others."""
FROZEN: Final = 4.0
"""Seconds for which something is frozen: longer than the session."""
SINKS: Final = ("clicks", "sessions", "offers")
POLL: Final = 0.1
TOO_LONG: Final = 90.0
"""Seconds after which what does not move on is given up."""
BUG_IN_FOOTFALL: Final = "this is a bug in Footfall"

Arguments = Sequence[str]


@dataclass(frozen=True, slots=True)
class Servers:
    """The three servers, each killed or frozen by somebody."""

    kafka: Kafka
    redis: Redis
    postgres: Postgres

    def __iter__(self) -> Iterator[Server]:
        return iter((self.kafka, self.redis, self.postgres))


@contextlib.contextmanager
def servers() -> Iterator[Servers]:
    """Servers that keep what they have acknowledged."""
    with (
        Kafka() as kafka,
        Redis("--appendonly", "yes", "--appendfsync", "always") as store,
        Postgres(fsync="on", full_page_writes="on") as postgres,
    ):
        yield Servers(kafka, store, postgres)


@dataclass(slots=True)
class Stack:
    """The services, on their servers."""

    clicks: Clickstream
    servers: Servers
    data_dir: Path
    processors: Sequence[Arguments]
    """What each worker runs: one kind together, or several apart."""
    rate: int
    bug: str | None
    prefix: str
    services: dict[str, Supervised] = field(default_factory=dict)
    recovered: list[float] = field(default_factory=list)
    """Seconds from the end of each fault until all partitions moved on."""
    faults: dict[str, int] = field(default_factory=dict)
    topics: Topics = field(default_factory=Topics)
    _log: RetainingLog | None = None
    _tables: TableSink | None = None
    _over: threading.Event = field(default_factory=threading.Event)
    _supervisor: threading.Thread | None = None

    # -- services -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Load the look-up data and start everything, one worker of each kind."""
        for kind in ("products", "users"):
            footfall("load", kind, self.clicks.lookups / f"{kind}.json", "--data-dir", self.data_dir, "--json")
        with wiring.open_log(self.data_dir, pipeline=msgspec.structs.replace(Pipeline(), partitions=PARTITIONS)):
            pass
        self._add(REPLAY, *self._replay(str(self.rate)))
        for sink in SINKS:
            self._add(f"{sink}-sink", "sink", sink)
        self.scale(1)
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)
        self._supervisor.start()

    def _replay(self, rate: str) -> list[str]:
        return [
            "replay",
            str(self.clicks.file),
            *("--event-time", "original", "--no-keep-timing", "--rate", rate),
        ]

    def _add(self, name: str, *arguments: str) -> None:
        options = [*arguments, "--data-dir", str(self.data_dir)]
        bug = self.bug if arguments[0] == "run" else None
        service = Supervised(name, options, bug, self.data_dir / f"{name}.err")
        service.start()
        self.services[name] = service

    def _supervise(self) -> None:
        while not self._over.wait(POLL):
            for service in list(self.services.values()):
                service.look_after()

    @property
    def workers(self) -> list[Supervised]:
        """The workers that are meant to run."""
        return [one for one in self.services.values() if one.arguments[0] == "run" and one.wanted]

    def scale(self, to: int, rng: random.Random | None = None) -> None:
        """Have so many workers of each kind; those that are too many are told to end, together."""
        for kind, arguments in enumerate(self.processors):
            names = [f"worker-{kind}-{number}" for number in range(1, 4)]
            running = [name for name in names if name in self.services and self.services[name].wanted]
            left = rng.sample(running, to) if rng and to < len(running) else running[:to]
            going = [self.services[name] for name in running if name not in left]
            for one in going:
                one.give_up()
                one.send(signal.SIGTERM)
            for one in going:
                one.stop()
            coming = [name for name in names if name not in running][: to - len(left)]
            for name in coming:
                self._add(name, *arguments, "--name", name)
            self.until(lambda names=coming: all(map(self._at_work, names)), "new workers are at work")  # type: ignore[misc]

    def _at_work(self, name: str) -> bool:
        """Whether the service's newest process has given a sign of life."""
        process, beat = self.services[name].process, read_json(self.data_dir / "run" / f"{name}.json")
        return process is not None and beat is not None and beat["pid"] == process.pid and beat["state"] == "healthy"

    def stop(self) -> None:
        """End everything, in whatever state it is."""
        self._over.set()
        if self._supervisor is not None:
            self._supervisor.join()
        for service in self.services.values():
            service.give_up()
            if service.process is not None:
                service.process.kill()
                service.process.wait()
        if self._log is not None:
            self._log.close()
        if self._tables is not None:
            self._tables.close()

    # -- how far they are ---------------------------------------------------------------------------------

    @property
    def log(self) -> RetainingLog:
        """The log, as an onlooker sees it."""
        if self._log is None:
            self._log = wiring.open_log(self.data_dir)
        return self._log

    @property
    def tables(self) -> TableSink:
        """The tables, as an onlooker sees them."""
        if self._tables is None:
            self._tables = wiring.open_tables(self.data_dir)
        return self._tables

    def stands(self) -> dict[tuple[str, int], int]:
        """The offsets up to which each group has come, by group and partition."""
        return {
            (group, number): self.log.position(group, stream, number).offset
            for group, stream in GROUPS.items()
            for number in range(PARTITIONS)
        }

    def ends(self, stream: str) -> list[int]:
        """Where the partitions of a stream end."""
        return [self.log.place(stream, number, at="latest").offset for number in range(PARTITIONS)]

    def until(self, condition: Callable[[], bool], what: str, *, seconds: float = TOO_LONG) -> float:
        """Wait for something; how many seconds it took. Servers may be away meanwhile."""
        begun = time.monotonic()
        why = ""
        while True:
            try:
                if condition():
                    return time.monotonic() - begun
            except FootfallError as error:
                why = str(error)
            if any(BUG_IN_FOOTFALL in service.said for service in self.services.values()):
                raise BrokenDownError("; ".join(s.said for s in self.services.values() if BUG_IN_FOOTFALL in s.said))
            if time.monotonic() - begun > seconds:
                raise BrokenDownError(f"not in {seconds:g} s: {what}. {why}\n{self.report()}\n{self._standing()}")
            threading.Event().wait(POLL)

    def move_on(self) -> float:
        """Wait until every group has moved on in each partition, or has come to its end; the seconds."""
        before: dict[tuple[str, int], int] = {}

        def moved() -> bool:
            stands = self.stands()
            if not before:
                before.update(stands)
            if all(stands[key] > before[key] for key in stands):
                return True
            return not self.services[REPLAY].wanted and self._drained(stands)

        return self.until(moved, "all groups move on in all partitions")

    def _drained(self, stands: dict[tuple[str, int], int]) -> bool:
        """Behind the end of what counts as enriched there may be what a frozen worker put out: it is no work."""
        clicks = self.ends(CLICKS)
        enriched = [self.log.position("enrichment", ENRICHED, number).offset for number in range(PARTITIONS)]
        ends = {CLICKS: clicks, ENRICHED: enriched}
        return all(stands[group, number] >= ends[GROUPS[group]][number] for group, number in stands)

    def _standing(self) -> str:
        """The last words of each service, and where each one stands that still runs: it ends with that."""
        for service in self.services.values():
            service.give_up()
            service.send(signal.SIGCONT)
            service.send(signal.SIGABRT)
            if service.process is not None:
                service.process.wait()
        return "\n".join(f"== {s.name} {s.ended}: {s.said}" for s in self.services.values() if s.said)

    # -- faults -------------------------------------------------------------------------------------------

    def fault(self, kind: str, rng: random.Random) -> None:
        """Let this happen, and see everything move on: ``kill worker``, ``freeze kafka``, …."""
        how, whom = kind.split()
        threading.Event().wait(rng.uniform(0, 0.4))
        self.faults[kind] = self.faults.get(kind, 0) + 1
        if whom == "worker":
            worker = rng.choice([one for one in self.workers if one.arguments[1] == "enrichment"])
            if how == "kill":
                worker.send(signal.SIGKILL)
            else:
                worker.send(signal.SIGSTOP)
                threading.Event().wait(FROZEN)
                worker.send(signal.SIGCONT)
        else:
            server: Server = getattr(self.servers, whom)
            if how == "kill":
                server.kill()
                server.start()
            else:
                server.freeze()
                threading.Event().wait(FROZEN)
                server.thaw()
        self.recovered.append(self.move_on())

    # -- the end ------------------------------------------------------------------------------------------

    def finish(self) -> list[str]:
        """Let the rest of the file through at full speed, and compare all that is left with the reference."""
        replay = self.services[REPLAY]
        if replay.wanted:
            replay.stop()
            self._add(REPLAY, *self._replay(FULL_SPEED))
        self.until(lambda: not self.services[REPLAY].wanted, "the replay comes to the file's end")
        self.until(lambda: self._drained(self.stands()), "everything is processed")
        now_ms = SystemClock().now_ms()
        self.until(lambda: self._in_tables(now_ms), "everything is in the tables")
        for service in self.services.values():
            service.stop()
        observed = observe(self.data_dir)
        self.topics = on_topics(self.servers.kafka.address, self.prefix)
        found = differences(self.clicks.expected, observed) + self.topics.wrong
        found += found_in_tables(self.log, self.tables)
        if observed.failed:
            found.append(f"failed events: {len(observed.failed)}, for example {observed.failed[0]}")
        return found

    def _in_tables(self, since_ms: int) -> bool:
        """Whether each sink has said since that it has nothing more to do."""
        beats = [read_json(self.data_dir / "run" / f"{sink}-sink.json") or {} for sink in SINKS]
        return all(beat.get("lag") == 0 and beat["updated_ms"] > since_ms + 2_000 for beat in beats)

    def report(self) -> str:
        """What was done, and how fast all was back."""
        back = sorted(self.recovered) or [0.0]
        half, most = back[len(back) // 2], back[min(len(back) - 1, int(0.95 * len(back)))]
        done = ", ".join(f"{kind} {times}" for kind, times in sorted(self.faults.items()))
        ended = sum(len(service.ended) for service in self.services.values())
        return (
            f"{done}; services started again: {ended}; all partitions moved on after {half:.1f} s (median), "
            f"{most:.1f} s (95 of 100), {back[-1]:.1f} s (at most); {self.topics.report}"
        )


@contextlib.contextmanager
def running(
    clicks: Clickstream,
    on: Servers,
    *,
    rate: int,
    processors: Sequence[Arguments] = tuple(TOGETHER.values()),
    bug: str | None = None,
) -> Iterator[Stack]:
    """The services at work with an empty log, an empty store and an empty database."""
    prefix = f"faults-{time.monotonic_ns()}."
    with (
        tempfile.TemporaryDirectory(prefix="footfall-kafka-faults-") as directory,
        pytest.MonkeyPatch.context() as patch,
        redis.Redis.from_url(on.redis.url) as client,
    ):
        client.flushdb()
        patch.setenv("FOOTFALL_LOG", f"kafka://{on.kafka.address}?prefix={prefix}&session_seconds={SESSION:g}")
        patch.setenv("FOOTFALL_STORE", on.redis.url)
        patch.setenv("FOOTFALL_WAREHOUSE", on.postgres.database())
        stack = Stack(clicks, on, Path(directory) / "data", processors, rate, bug, prefix)
        stack.data_dir.mkdir()
        try:
            stack.start()
            stack.until(lambda: min(stack.ends(CLICKS)) > 0, "clicks come")
            stack.move_on()
            yield stack
        finally:
            stack.stop()
