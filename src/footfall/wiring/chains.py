"""Turns the names of processors into a worker over a log and a store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from footfall.core.clock import SystemClock
from footfall.core.errors import Emptied
from footfall.core.events import CLICKS
from footfall.core.progress import unheard
from footfall.engine.directory import in_use
from footfall.log.base import DurableLog, Place
from footfall.pipeline import EMBEDDED, ENRICHMENT, DataDirectory, Pipeline, read_pipeline
from footfall.stores.base import ServingStore
from footfall.wiring.backends import addresses, open_log, open_store, ownership

if TYPE_CHECKING:  # each service loads only what it works with, so that it is back soon after a restart
    from footfall.engine.owning import Ownership
    from footfall.engine.registry import Registered
    from footfall.engine.stage import Stage
    from footfall.engine.worker import Task
    from footfall.processors.pattern_model import PatternSet
    from footfall.processors.patterns import PatternFile

_AGAIN: Final = 100_000
"""The most events of a commit on a log on which they may repeat: its readers remember somewhat more than that."""
REBUILT: Final = "rebuilt"
"""Under this name the checkpoints keep when they were begun anew."""


def run(
    processors: Sequence[str],
    *,
    data_dir: Path,
    patterns: Path | None = None,
    share: tuple[int, int] = (0, 1),
    until_end: bool = False,
    batch_size: int = 100_000,
    settings: Path | None = None,
    functions: Sequence[Registered] = (),
    stop: threading.Event,
    beat: Callable[..., None] = unheard,
) -> dict[str, Any]:
    """Processors, and Python files with functions and windows, over this share of the partitions, until stopped.

    ``functions`` are those that stand in no such file.
    """
    from footfall.engine.live import Service
    from footfall.engine.memory import collect_rarely
    from footfall.engine.owning import Crew, Work
    from footfall.processors.patterns import builtin_patterns

    pipeline, where, clock = read_pipeline(settings), addresses(settings), SystemClock()
    names = [name for name in processors if not name.endswith(".py")]
    registered = [*_registered([Path(name) for name in processors if name.endswith(".py")]), *functions]
    first = pattern_file(patterns, data_dir)
    group = "footfall-" + "-".join([*(Path(name).stem for name in processors), *(one.name for one in functions)])
    if where.log != EMBEDDED:
        collect_rarely()  # messages are many small objects
    with (
        in_use(DataDirectory(data_dir).run, "run", shared=True),
        open_log(data_dir, pipeline=pipeline, settings=settings) as log,
        open_store(data_dir, settings=settings) as store,
    ):
        partitions = log.partitions(CLICKS)

        owned = ownership(where, partitions, share, group=group)

        def start(partition: int) -> Work:
            """The work on a partition, with the pattern file as it was at the start: the service polls it."""
            if ENRICHMENT in names:
                _refuse_emptied(log, store, owned, partition)
            chosen = first.current if first else builtin_patterns()
            chain = stages(
                names,
                log=log,
                store=store,
                pipeline=pipeline,
                patterns=chosen,
                partitions=[partition] if names else [],
                max_rows=batch_size,
            )
            own = [
                task
                for one in registered
                for task in users_tasks(one, log=log, partition=partition, of=partitions, lateness=pipeline.lateness)
            ]
            return Work(chain[0] if chain else None, own)

        service = Service(
            log=log,
            store=store,
            crew=Crew(owned, start),
            patterns=lambda: pattern_file(patterns, data_dir),
            clock=clock,
            beat=beat,
        )
        return service.run(stop, until_end=until_end)


def stages(
    names: Sequence[str],
    *,
    log: DurableLog,
    store: ServingStore,
    pipeline: Pipeline,
    patterns: PatternSet | None = None,
    partitions: Sequence[int] | None = None,
    max_rows: int = 100_000,
    seconds: dict[str, float] | None = None,
) -> list[Stage]:
    """The chain of these processors on each of these partitions (all of them by default)."""
    from footfall.engine.stage import Stage
    from footfall.processors.patterns import builtin_patterns

    if log.repeats:
        max_rows = min(max_rows, _AGAIN)
    chain = pipeline.chain(names, patterns=patterns or builtin_patterns(), max_rows=max_rows)
    owned = range(log.partitions(CLICKS)) if partitions is None else partitions
    spent = seconds if seconds is not None else {}
    return [
        Stage(chain, partition=number, log=log, lookups=store, seconds=spent, turn=store.turn()) for number in owned
    ]


def pattern_file(named: Path | None, data_dir: Path) -> PatternFile | None:
    """The pattern file in use: the one named, or ``offers.yaml`` in the data directory; None if there is none."""
    from footfall.processors.patterns import PatternFile

    path = named or data_dir / "offers.yaml"
    return PatternFile(path) if named or path.exists() else None


def patterns_in_use(data_dir: Path) -> PatternSet:
    """The patterns of the data directory's own file, or the built-in ones."""
    from footfall.processors.patterns import builtin_patterns

    found = pattern_file(None, data_dir)
    return found.current if found else builtin_patterns()


def users_tasks(one: Registered, *, log: DurableLog, partition: int, of: int, lateness: timedelta) -> Sequence[Task]:
    """What a user's function or windows do on a partition of ``click-data``, which has so many.

    A stream with more partitions than that has several of its own beside each of these.
    """
    from footfall.engine.functions import FunctionTask
    from footfall.engine.windows import window_tasks
    from footfall.processors.windows import Windowed

    if isinstance(one, Windowed):
        return window_tasks(one, log=log, partition=partition, lateness=lateness)
    partitions = range(log.partitions(one.stream))[partition::of]
    return [FunctionTask(one, partition=number, log=log) for number in partitions]


def _registered(files: Sequence[Path]) -> Sequence[Registered]:
    if not files:
        return []
    from footfall.engine.registry import load_registered

    return load_registered(files)


def _refuse_emptied(log: DurableLog, store: ServingStore, ownership: Ownership, partition: int) -> None:
    """Raise Emptied when the group has come further than the store knows, and all else is gone from it as well.

    A store that still has look-up data was not emptied: then the partition is worked on from what the store says.
    """
    counts = store.counts()
    if counts.products or counts.visitors:
        return
    told = ownership.told(partition)
    if told <= log.place(CLICKS, partition).offset:  # where a worker began that found the first events removed
        return
    if log.position(ENRICHMENT, CLICKS, partition) == Place() and REBUILT not in log.groups():
        raise Emptied(
            f"The store knows nothing of {CLICKS}-{partition}, of which {told} events were processed: it was emptied.",
            remedy="Run `footfall rebuild`: it fills look-up data, state and views again. It takes products and users "
            "from the files that footfall.yaml names; else name them with --products, --users.",
        )
