"""Turns a file of clicks into results at full speed: one process reads, others work, each on its partitions.

The workers are the ones that run live: what a backfill computes is what a live run of the same clicks would have.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from footfall.core.clock import Clock
from footfall.core.errors import Failure, FootfallError
from footfall.core.events import CLICKS
from footfall.core.progress import unheard
from footfall.engine.figures import totals
from footfall.engine.ingest import Ingest, Tally, ingest_file
from footfall.engine.memory import collect_rarely, keep_freed_memory
from footfall.engine.publish import publish
from footfall.engine.stage import Stage
from footfall.engine.worker import Worker
from footfall.log.base import DurableLog, RetainingLog
from footfall.sources.base import Reader
from footfall.sources.replay import ahead
from footfall.stores.base import ServingStore
from footfall.stores.views import refresh

_WORKERS: Final = 2
_WEIGHED_EVERY: Final = 0.02
"""Seconds between two looks at the memory, while there is nothing else to do."""
_PATIENCE: Final = 60.0
"""Seconds for a worker to end by itself once it was told to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """How a process gets the parts that it works with."""

    open_log: Callable[[], RetainingLog]
    open_store: Callable[[], ServingStore]
    stages: Callable[[DurableLog, ServingStore, Sequence[int], dict[str, float]], list[Stage]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillSettings:
    """How a backfill goes about it."""

    lateness: timedelta = timedelta(minutes=10)
    batch_rows: int = 100_000
    """The most events that are appended, and processed, together."""
    source: str
    """Names the file in failed events."""


@dataclass(slots=True)
class _Told:
    """What workers said when they ended."""

    seconds: dict[str, float] = field(default_factory=dict)


def backfill(
    reader: Reader,
    settings: BackfillSettings,
    *,
    parts: Parts,
    clock: Clock,
    stop: threading.Event,
    progress: Callable[[int], None] = unheard,
) -> dict[str, Any]:
    """Run the whole pipeline over a file and return its figures, as ``footfall backfill --json`` prints them."""
    keep_freed_memory()
    collect_rarely()
    with parts.open_log() as log:
        partitions = log.partitions(CLICKS)
    begun = perf_counter()
    with _workers(parts, partitions, clock) as crew:
        crew.wait_ready()
        ready = perf_counter()
        with parts.open_log() as log:
            before = totals(log, partitions)
            ingest = Ingest(
                log, source=settings.source, layout=reader.layout, clock=clock, batch_rows=settings.batch_rows
            )

            def report(tally: Tally) -> None:
                crew.check()
                crew.weigh()
                progress(tally.events)

            ingest_file(ingest, ahead(reader.blocks(), stop), lateness=settings.lateness, stop=stop, progress=report)
            reading = perf_counter() - ready
            told = crew.finish()
            log.enforce_retention()
            after = totals(log, partitions)
        with parts.open_store() as store:
            refresh(store)
    seconds = perf_counter() - ready
    tally = ingest.tally
    return {
        "events": tally.events,
        "accepted": after.accepted - before.accepted,
        "rejected": tally.rejected + after.conflicts - before.conflicts,
        "duplicates": after.duplicates - before.duplicates,
        "late": after.late - before.late,
        "enriched": after.accepted - before.accepted,
        "visitors": after.visitors,
        "sessions": after.sessions,
        "open_sessions": after.open_sessions,
        "offers": dict(sorted(after.offers.items())),
        "seconds": round(seconds, 3),
        "start_seconds": round(ready - begun, 3),
        "events_per_second": round(tally.events / seconds) if seconds else 0,
        "peak_rss_mb": round(crew.peak_rss_mb, 1),
        "stages": {"ingest": round(reading, 3)} | {name: round(s, 3) for name, s in sorted(told.seconds.items())},
    }


def rss_mb(pid: int) -> float:
    """The memory (MiB) that a process holds now; 0 when it has ended. Pages that processes share count for each."""
    try:
        resident = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0.0
    return resident * resource.getpagesize() / (1 << 20)


class _Crew:
    """The worker processes of one backfill."""

    def __init__(self, processes: Sequence[Any], lines: Sequence[Connection], drained: Any) -> None:
        self._processes = processes
        self._lines = lines
        self._drained = drained
        self.peak_rss_mb = 0.0
        """The most memory (MiB) that all processes were seen to hold at the same time."""

    def weigh(self) -> None:
        """Look how much memory all processes hold now."""
        pids = [os.getpid(), *(process.pid for process in self._processes if process.is_alive())]
        self.peak_rss_mb = max(self.peak_rss_mb, sum(map(rss_mb, pids)))

    def wait_ready(self) -> None:
        """Wait until every worker has caught up with what the log held."""
        for process, line in zip(self._processes, self._lines, strict=True):
            self._hear(process, line)

    def check(self) -> None:
        """Raise what made a worker end, if one has."""
        for process, line in zip(self._processes, self._lines, strict=True):
            if not process.is_alive():
                self._hear(process, line)

    def finish(self) -> _Told:
        """Tell the workers that nothing more will come, and wait until they have done what there is."""
        self._drained.set()
        told = _Told()
        for process, line in zip(self._processes, self._lines, strict=True):
            heard = self._hear(process, line)
            for name, seconds in heard["seconds"].items():
                told.seconds[name] = told.seconds.get(name, 0.0) + seconds
            process.join(_PATIENCE)
        return told

    def _hear(self, process: Any, line: Connection) -> Mapping[str, Any]:
        while not line.poll(_WEIGHED_EVERY):
            self.weigh()
        try:
            heard: Mapping[str, Any] = line.recv()
        except EOFError:
            process.join(_PATIENCE)
            raise Failure(
                f"A worker ended unexpectedly (exit code {process.exitcode}).",
                remedy="Nothing is lost: run the same command again. If it was killed for want of memory, "
                "try a smaller --batch-size.",
            ) from None
        error = heard.get("error")
        if error is not None:
            raise error
        return heard

    def end(self) -> None:
        """Stop whoever still runs."""
        for process in self._processes:
            if process.is_alive():
                process.terminate()
        for process in self._processes:
            process.join(_PATIENCE)


@contextmanager
def _workers(parts: Parts, partitions: int, clock: Clock) -> Iterator[_Crew]:
    # A fork is ready at once and shares the libraries' memory; elsewhere than on Linux it is not safe.
    context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    drained = context.Event()
    processes, lines = [], []
    for number in range(min(_WORKERS, partitions)):
        here, there = context.Pipe(duplex=False)
        share = list(range(number, partitions, _WORKERS))
        process = context.Process(target=_work, args=(parts, share, clock, drained, there), daemon=True)
        process.start()
        there.close()
        processes.append(process)
        lines.append(here)
    crew = _Crew(processes, lines, drained)
    try:
        yield crew
    finally:
        crew.end()


def _work(parts: Parts, partitions: Sequence[int], clock: Clock, drained: Any, line: Connection) -> None:
    """A worker process: catches up, says that it is ready, works until all is done, and tells what it took."""
    seconds: dict[str, float] = {}
    parent = os.getppid()
    stop = threading.Event()
    try:
        with parts.open_log() as log, parts.open_store() as store:
            stages = parts.stages(log, store, partitions, seconds)
            worker = Worker(stages, log=log, clock=clock, stop=stop, every_second=_watch(parent, stop, stages))
            worker.run(drained=lambda: True)
            seconds.clear()
            line.send({})
            worker.run(drained=drained.is_set)
            publish(stages, store)
        line.send({"seconds": seconds})
    except FootfallError as error:
        with suppress(OSError):
            line.send({"error": error})
    except KeyboardInterrupt:
        pass


def _watch(parent: int, stop: threading.Event, stages: Sequence[Stage]) -> Callable[[object], None]:
    """Once a second: stop when the process that reads the file is gone, and give back what nobody needs."""

    def look(_progress: object) -> None:
        if os.getppid() != parent:
            stop.set()
        for stage in stages:
            stage.tidy()

    return look
