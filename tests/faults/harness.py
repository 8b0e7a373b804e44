"""Turns a clickstream into running services that are killed again and again, and what they leave into differences.

The services are real processes, started as anybody would start them. The harness looks at the log from outside:
how far each service has come, and how long after a start it moves on.
"""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from footfall import wiring
from footfall.core.events import CLICKS, ENRICHED
from footfall.log.base import Log, RetainingLog
from tests.observing import command, environment, footfall, generate, observe
from tests.reference import Result, reference
from tests.reference.comparing import differences

POLL = 0.03
"""Seconds between two looks at the log."""
FULL_SPEED = "1000000"
BACK_AT_WORK = 3.0
"""Seconds from a start to the first progress: the promise."""
TOO_LONG = 30.0
"""Seconds after which a service that does not move on is given up."""

BUGGY = "tests.faults.buggy"
"""The command line with a bug."""
REPLAY = "replay"
APART: Mapping[str, Sequence[str]] = {
    "enrichment": ("run", "enrichment", "--name", "enrichment"),
    "aggregation": ("run", "aggregation", "--name", "aggregation"),
    "sessions": ("run", "sessions", "--name", "sessions"),
    "behaviour": ("run", "behaviour", "--name", "behaviour"),
}
"""Every processor as a service of its own."""
TOGETHER: Mapping[str, Sequence[str]] = {
    "worker": ("run", "enrichment", "aggregation", "sessions", "behaviour"),
}
"""As `footfall up` runs them."""
GROUPS: Mapping[str, str] = {"enrichment": CLICKS, "aggregation": ENRICHED, "sessions": ENRICHED, "behaviour": ENRICHED}
"""Each processor's position is in this stream."""


class BrokenDownError(AssertionError):
    """A service ended by itself, or does not move on: started again and again, it would do so for ever."""


@dataclass(frozen=True, slots=True)
class Clickstream:
    """A file of clicks with its look-up data, and what must come of it."""

    file: Path
    lookups: Path
    expected: Result


def clickstream(directory: Path, *, events: int, seed: int = 1) -> Clickstream:
    """A dense clickstream: two days, with offers and sessions in plenty."""
    file = generate(directory / "clicks.tsv", events=events, seed=seed, days=2, lookups=directory)
    expected = reference(file, directory / "products.json", directory / "users.json")
    assert len(expected.offers) > 5
    return Clickstream(file, directory, expected)


@dataclass(slots=True)
class Service:
    """One process, and how to start it again."""

    name: str
    arguments: list[str]
    bug: str | None
    errors: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0

    def start(self) -> None:
        """Start it. It writes its errors to a file, for when the test fails."""
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                command(self.bug, *self.arguments, module=BUGGY) if self.bug else command(*self.arguments),
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=environment(),
            )
        self.started = time.monotonic()

    def kill(self) -> None:
        """End it as the kernel does when memory runs out."""
        self.end(signal.SIGKILL)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait until it is gone."""
        if self.process is not None:
            self.process.send_signal(how)
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    @property
    def ended(self) -> bool:
        """Whether the process is gone by itself."""
        return self.process is not None and self.process.poll() is not None

    @property
    def failed(self) -> bool:
        """Whether it gave up by itself."""
        return self.process is not None and self.process.poll() not in (None, 0)


@dataclass(slots=True)
class Stack:
    """The services of one data directory."""

    clicks: Clickstream
    data_dir: Path
    processors: Mapping[str, Sequence[str]]
    rate: int
    bug: str | None = None
    """What is planted in the services (see `buggy`); None runs them as they are."""
    back: list[float] = field(default_factory=list)
    """Seconds from each start after a kill to the first progress."""
    kills: int = 0
    services: dict[str, Service] = field(default_factory=dict)
    _log: RetainingLog | None = None

    @property
    def log(self) -> RetainingLog:
        """The log, as an onlooker sees it."""
        if self._log is None:
            self._log = wiring.open_log(self.data_dir)
        return self._log

    def start(self) -> None:
        """Load the look-up data and start everything."""
        for kind in ("products", "users"):
            footfall("load", kind, self.clicks.lookups / f"{kind}.json", "--data-dir", self.data_dir, "--json")
        for name, arguments in {REPLAY: self._replay(str(self.rate)), **self.processors}.items():
            options = [*arguments, "--data-dir", str(self.data_dir)]
            self.services[name] = Service(name, options, self.bug, self.data_dir / f"{name}.err")
            self.services[name].start()

    def _replay(self, rate: str) -> list[str]:
        original = ["--event-time", "original", "--no-keep-timing", "--rate", rate]
        return ["replay", str(self.clicks.file), *original]

    def stop(self) -> None:
        """End everything, in whatever state it is."""
        for service in self.services.values():
            service.end()
        if self._log is not None:
            self._log.close()

    # -- how far they are ---------------------------------------------------------------------------------

    def moved(self, name: str) -> int:
        """A number that grows when the service makes progress."""
        if name == REPLAY:
            return sum(self.log.info(CLICKS).ends)
        return sum(position_of(self.log, group) for group in self._groups(name))

    def idle(self, name: str) -> bool:
        """Whether there is nothing for the service to do."""
        if name == REPLAY:
            return self.services[name].ended
        return all(position_of(self.log, g) == sum(self.log.info(GROUPS[g]).ends) for g in self._groups(name))

    def _groups(self, name: str) -> list[str]:
        return [group for group in GROUPS if group in self.processors[name]]

    def at_work(self, name: str) -> bool:
        """Whether the service's newest process has given a sign of life."""
        process = self.services[name].process
        try:
            beat = json.loads((self.data_dir / "run" / f"{name}.json").read_bytes())
        except (OSError, ValueError):
            return False
        return process is not None and bool(beat["pid"] == process.pid)

    def wait_for_progress(self, name: str, before: int) -> float | None:
        """Seconds from the service's start, or from when it had work, until it moved on.

        None when it is up and has no work, because those before it are down.
        """
        service = self.services[name]
        since = service.started
        pause = threading.Event()
        while self.moved(name) == before:
            now = time.monotonic()
            if self.idle(name):
                if self.at_work(name):
                    return None
                since = now
            if service.failed or now - since > TOO_LONG:
                raise BrokenDownError(f"{name} does not move on: {self.messages(name)}")
            pause.wait(POLL)
        return time.monotonic() - since

    def messages(self, name: str) -> str:
        """The last things that a service said."""
        return self.services[name].errors.read_text(encoding="utf-8", errors="replace")[-2_000:]

    # -- killing ------------------------------------------------------------------------------------------

    def kill_one(self, name: str, rng: random.Random, *, within: float = 0.3) -> None:
        """Kill a service at a random moment after it moved on, start it again, and see it move on."""
        threading.Event().wait(rng.uniform(0, within))
        service = self.services[name]
        if name == REPLAY and service.ended:
            return
        service.kill()
        before = self.moved(name)
        service.start()
        self.kills += 1
        took = self.wait_for_progress(name, before)
        if took is not None:
            self.back.append(took)

    def kill_all(self, rng: random.Random, *, within: float = 0.4) -> None:
        """Kill all services at once, start them again, and see each of them move on."""
        threading.Event().wait(rng.uniform(0, within))
        living = [s for s in self.services.values() if not s.ended]
        for service in living:
            if service.process is not None:
                service.process.send_signal(signal.SIGKILL)
        for service in living:
            service.kill()
        before = {service.name: self.moved(service.name) for service in living}
        for service in living:
            service.start()
        self.kills += 1
        for service in living:
            took = self.wait_for_progress(service.name, before[service.name])
            if took is not None:
                self.back.append(took)

    # -- the end ------------------------------------------------------------------------------------------

    def finish(self) -> list[str]:
        """Let the rest of the file through at full speed, and compare all results with the reference."""
        replay = self.services[REPLAY]
        if not replay.ended:
            replay.kill()
            replay.arguments = [*self._replay(FULL_SPEED), "--data-dir", str(self.data_dir)]
            replay.start()
        self._until(lambda: replay.ended, "the replay does not come to the file's end")
        assert replay.process is not None
        assert replay.process.returncode == 0, self.messages(REPLAY)
        self._until(lambda: all(self.idle(name) for name in self.processors), "something is not processed")
        for service in self.services.values():
            service.end()  # at the end each publishes its views
        return differences(self.clicks.expected, observe(self.data_dir))

    def _until(self, done: Callable[[], bool], why: str) -> None:
        pause = threading.Event()
        deadline = time.monotonic() + TOO_LONG
        while not done():
            broken = [service.name for service in self.services.values() if service.failed]
            if broken or time.monotonic() > deadline:
                names = broken or list(self.services)
                raise BrokenDownError(f"{why}: {'; '.join(f'{name}: {self.messages(name)}' for name in names)}")
            pause.wait(POLL)


def position_of(log: RetainingLog, group: str) -> int:
    """How many events of its stream a processor has committed."""
    stream = GROUPS[group]
    return sum(log.position(group, stream, p).offset for p in range(partitions_of(log, stream)))


def partitions_of(log: Log, stream: str) -> int:
    """How many partitions a stream has."""
    return log.info(stream).settings.partitions


@contextlib.contextmanager
def running(
    clicks: Clickstream,
    *,
    processors: Mapping[str, Sequence[str]],
    rate: int,
    bug: str | None = None,
) -> Iterator[Stack]:
    """The services at work on an empty data directory, all having made a first step."""
    with tempfile.TemporaryDirectory(prefix="footfall-kills-") as directory:
        stack = Stack(clicks, Path(directory) / "data", processors, rate, bug)
        stack.data_dir.mkdir()
        try:
            stack.start()
            for name in stack.services:
                stack.wait_for_progress(name, 0)
            yield stack
        finally:
            stack.stop()
