"""Turns a data directory and a pipeline into running parts: the only module that names a backend."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa

from footfall.core.clock import Clock, SystemClock
from footfall.core.errors import Emptied, Failure, UsageError
from footfall.core.events import CLICKS
from footfall.core.progress import unheard
from footfall.engine.directory import fingerprint, in_use, usable
from footfall.log.base import CheckpointStore, Commit, DurableLog, Place, RetainingLog, StateWrite, Verified
from footfall.log.embedded import EmbeddedLog
from footfall.pipeline import (
    EMBEDDED,
    ENRICHMENT,
    PROCESSORS,
    Addresses,
    DataDirectory,
    Pipeline,
    read_addresses,
    read_pipeline,
)
from footfall.sources.base import BadRow
from footfall.stores.base import Loaded, ServingStore

if TYPE_CHECKING:  # each service loads only what it works with, so that it is back soon after a restart
    from footfall.engine.failed import FailedEvent
    from footfall.engine.owning import Ownership
    from footfall.engine.refailed import Replayed
    from footfall.engine.registry import Registered
    from footfall.engine.stage import Stage
    from footfall.engine.worker import Task
    from footfall.processors.pattern_model import PatternSet
    from footfall.processors.patterns import PatternFile
    from footfall.sinks.parquet import ParquetWarehouse
    from footfall.sinks.tables import TableSink

REBUILT: Final = "rebuilt"
"""Under this name the checkpoints keep when they were begun anew."""
_BLOCK_BYTES: Final = 16 << 20
"""What a backfill reads at a time: enough rows that the cost of a batch does not matter, few enough for memory."""


def addresses(settings: Path | None = None) -> Addresses:
    """Where the parts of the pipeline are."""
    return read_addresses(settings, os.environ)  # noqa: TID251 - addresses hold passwords


def open_log(
    data_dir: Path, *, pipeline: Pipeline | None = None, clock: Clock | None = None, settings: Path | None = None
) -> RetainingLog:
    """The log of a data directory, or the one that the addresses name, with all streams made.

    Streams that are there stay as they are, unless a settings file says how long they are kept.
    Raises UsageError when it cannot be used.
    """
    usable(data_dir)
    log = _log(data_dir, addresses(settings), clock or SystemClock())
    there = set(log.names())
    for stream, kept in (pipeline or Pipeline()).streams().items():
        if stream not in there or (pipeline is not None and pipeline.written):
            log.create(stream, kept)
    return log


def _log(data_dir: Path, where: Addresses, clock: Clock) -> RetainingLog:
    if where.log == EMBEDDED:
        return EmbeddedLog.open(DataDirectory(data_dir).log, clock=clock)
    with _extra("kafka"):
        from footfall.log.kafka import KafkaLog, KafkaSettings
    from footfall.log.codecs.choosing import codec

    settings = KafkaSettings.parse(where.log)
    chosen = codec(settings.format, registry=settings.registry)
    return KafkaLog(settings, codec=chosen, checkpoints=_checkpoints(data_dir, where), clock=clock)


def _checkpoints(data_dir: Path, where: Addresses) -> CheckpointStore:
    """Where positions and state are kept for a log that keeps none: beside the views."""
    if where.store == EMBEDDED:
        from footfall.log.checkpoints.embedded import EmbeddedCheckpoints

        return EmbeddedCheckpoints(DataDirectory(data_dir).checkpoints)
    with _extra("redis"):
        from footfall.log.checkpoints.redis import RedisCheckpoints

    return RedisCheckpoints.open(where.store, random=secrets.token_bytes, warn=_warn)


def _ownership(where: Addresses, partitions: int, share: tuple[int, int], *, group: str) -> Ownership:
    """Who says which partitions a worker has: Kafka, or the command line."""
    from footfall.engine.owning import Fixed

    if where.log == EMBEDDED:
        return Fixed(range(partitions)[share[0] :: share[1]])
    from footfall.log.kafka import KafkaSettings, Membership

    return Membership(KafkaSettings.parse(where.log), group=group, stream=CLICKS, clock=SystemClock())


@contextmanager
def _extra(name: str) -> Iterator[None]:
    """Say what to install when a server's client is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The client for this address is not installed ({error.name}).",
            remedy=f"Install it with `pip install 'footfall[{name}]'`.",
        ) from error


def _warn(text: str) -> None:
    from footfall.engine.logs import logger

    logger().warning("server_not_known_to_be_safe", warning=text)


def open_existing_log(data_dir: Path) -> RetainingLog:
    """The log of a data directory that must be there already, for commands that only look."""
    if addresses().log == EMBEDDED and not DataDirectory(data_dir).log.is_dir():
        raise UsageError(
            f"{data_dir} holds no data of Footfall.",
            remedy="Name the right directory with --data-dir, or make one with `footfall up` or `footfall backfill`.",
        )
    return open_log(data_dir)


def open_store(data_dir: Path, *, settings: Path | None = None) -> ServingStore:
    """The serving store of a data directory, or the one that the addresses name."""
    where = addresses(settings)
    if where.store != EMBEDDED:
        with _extra("redis"):
            from footfall.stores.redis import RedisStore

        return RedisStore.open(where.store, random=secrets.token_bytes, warn=_warn)
    from footfall.stores.embedded import EmbeddedStore

    usable(data_dir)
    return EmbeddedStore(data_dir)


def pattern_file(named: Path | None, data_dir: Path) -> PatternFile | None:
    """The pattern file in use: the one named, or ``offers.yaml`` in the data directory; None if there is none."""
    from footfall.processors.patterns import PatternFile

    path = named or data_dir / "offers.yaml"
    return PatternFile(path) if named or path.exists() else None


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

    chain = pipeline.chain(names, patterns=patterns or builtin_patterns(), max_rows=max_rows)
    owned = range(log.info(CLICKS).settings.partitions) if partitions is None else partitions
    spent = seconds if seconds is not None else {}
    return [Stage(chain, partition=number, log=log, lookups=store, seconds=spent) for number in owned]


def backfill(
    file: Path,
    *,
    data_dir: Path,
    products: Path | None = None,
    users: Path | None = None,
    patterns: Path | None = None,
    mapping: Mapping[str, str] | None = None,
    lateness: timedelta | None = None,
    batch_size: int = 100_000,
    settings: Path | None = None,
    stop: threading.Event | None = None,
    on_progress: Callable[[int, int | None], None] = unheard,
) -> dict[str, Any]:
    """The whole pipeline over a file, at full speed; the figures as ``--json`` prints them."""
    from footfall.engine.backfill import BackfillSettings, Parts
    from footfall.engine.backfill import backfill as run_backfill
    from footfall.processors.patterns import load_patterns
    from footfall.sources.files import open_reader

    pipeline = read_pipeline(settings)
    if lateness is not None:
        pipeline = msgspec.structs.replace(pipeline, lateness_minutes=lateness / timedelta(minutes=1))
    reader = open_reader(file, mapping=mapping or {}, block_bytes=_BLOCK_BYTES)
    usable(data_dir)
    with in_use(DataDirectory(data_dir).run, "backfill"):
        open_log(data_dir, pipeline=pipeline, settings=settings).close()
        for kind, path in (("products", products), ("users", users)):
            if path is not None:
                load(kind, path, data_dir=data_dir, settings=settings)
        chosen = load_patterns(patterns) if patterns else _patterns(data_dir)

        def build(log: DurableLog, store: ServingStore, share: Sequence[int], seconds: dict[str, float]) -> list[Stage]:
            return stages(
                PROCESSORS,
                log=log,
                store=store,
                pipeline=pipeline,
                patterns=chosen,
                partitions=share,
                max_rows=batch_size,
                seconds=seconds,
            )

        parts = Parts(
            open_log=lambda: open_log(data_dir, settings=settings),
            open_store=lambda: open_store(data_dir, settings=settings),
            stages=build,
        )
        return run_backfill(
            reader,
            BackfillSettings(lateness=pipeline.lateness, batch_rows=batch_size, source=str(file.absolute())),
            parts=parts,
            clock=SystemClock(),
            stop=stop or threading.Event(),
            progress=lambda events: on_progress(events, None),
        )


def load(
    kind: str,
    file: Path,
    *,
    data_dir: Path,
    settings: Path | None = None,
    on_progress: Callable[[int], None] = unheard,
) -> tuple[Loaded, Sequence[BadRow]]:
    """Products or users into the serving store; what that changed, and the rows that could not be used."""
    from footfall.sources.lookups import read_products, read_users

    with open_store(data_dir, settings=settings) as store:
        if kind == "products":
            products = read_products(file)
            return store.load_products(products.rows, progress=on_progress), products.bad
        users = read_users(file)
        return store.load_users(users.rows, progress=on_progress), users.bad


def _patterns(data_dir: Path) -> PatternSet:
    from footfall.processors.patterns import builtin_patterns

    found = pattern_file(None, data_dir)
    return found.current if found else builtin_patterns()


def run(
    processors: Sequence[str],
    *,
    data_dir: Path,
    patterns: Path | None = None,
    share: tuple[int, int] = (0, 1),
    until_end: bool = False,
    batch_size: int = 100_000,
    settings: Path | None = None,
    stop: threading.Event,
    beat: Callable[..., None] = unheard,
) -> dict[str, Any]:
    """Processors, and Python files with functions and windows, over this share of the partitions, until stopped."""
    from footfall.engine.live import Service
    from footfall.engine.owning import Crew, Work
    from footfall.processors.patterns import builtin_patterns

    pipeline, where, clock = read_pipeline(settings), addresses(settings), SystemClock()
    names = [name for name in processors if not name.endswith(".py")]
    registered = _registered([Path(name) for name in processors if name.endswith(".py")])
    first = pattern_file(patterns, data_dir)
    group = "footfall-" + "-".join(Path(name).stem for name in processors)
    with (
        in_use(DataDirectory(data_dir).run, "run", shared=True),
        open_log(data_dir, pipeline=pipeline, settings=settings) as log,
        open_store(data_dir, settings=settings) as store,
    ):
        partitions = log.info(CLICKS).settings.partitions

        ownership = _ownership(where, partitions, share, group=group)

        def start(partition: int) -> Work:
            """The work on a partition, with the pattern file as it was at the start: the service polls it."""
            if ENRICHMENT in names:
                _refuse_emptied(log, ownership, partition)
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
            crew=Crew(ownership, start),
            patterns=lambda: pattern_file(patterns, data_dir),
            clock=clock,
            beat=beat,
        )
        return service.run(stop, until_end=until_end)


def _refuse_emptied(log: DurableLog, ownership: Ownership, partition: int) -> None:
    """Raise Emptied when the group has come further than the store knows: it has lost positions, and all else."""
    told = ownership.told(partition)
    if told and log.position(ENRICHMENT, CLICKS, partition) == Place() and REBUILT not in log.groups():
        raise Emptied(
            f"The store knows nothing of {CLICKS}-{partition}, of which {told} events were processed: it was emptied.",
            remedy="Fill it again with `footfall rebuild --products FILE --users FILE`.",
        )


def rebuild(
    *, data_dir: Path, settings: Path | None = None, products: Path | None = None, users: Path | None = None
) -> dict[str, Any]:
    """Fill a store that was emptied: look-up data from these files, and everything else from the log.

    Workers begin again at the first event that is kept, when they start the next time.
    """
    done: dict[str, Any] = {}
    with open_store(data_dir, settings=settings) as store, open_log(data_dir, settings=settings) as log:
        accept = getattr(store, "accept_emptied", None)
        if accept is not None:
            accept()
    with open_store(data_dir, settings=settings) as store, open_log(data_dir, settings=settings) as log:
        for kind, path in (("products", products), ("users", users)):
            if path is not None:
                loaded, bad = load(kind, path, data_dir=data_dir, settings=settings)
                done[kind] = loaded.rows
                done[f"{kind}_rejected"] = len(bad)
        if log.repeats:
            for group in PROCESSORS:
                log.delete_group(group)
            mark = pa.RecordBatch.from_pydict({"rebuilt": [SystemClock().now_ms()]})
            log.commit(Commit(state=[StateWrite(REBUILT, 0, "at", mark, reset=True)]))
        counts = store.counts()
    return {**done, "products_known": counts.products, "visitors_known": counts.visitors}


def _registered(files: Sequence[Path]) -> Sequence[Registered]:
    if not files:
        return []
    from footfall.engine.registry import load_registered

    return load_registered(files)


def users_tasks(one: Registered, *, log: DurableLog, partition: int, of: int, lateness: timedelta) -> Sequence[Task]:
    """What a user's function or windows do on a partition of ``click-data``, which has so many.

    A stream with more partitions than that has several of its own beside each of these.
    """
    from footfall.engine.functions import FunctionTask
    from footfall.engine.windows import window_tasks
    from footfall.processors.windows import Windowed

    if isinstance(one, Windowed):
        return window_tasks(one, log=log, partition=partition, lateness=lateness)
    partitions = range(log.info(one.stream).settings.partitions)[partition::of]
    return [FunctionTask(one, partition=number, log=log) for number in partitions]


def replay(
    file: Path,
    *,
    data_dir: Path,
    mapping: Mapping[str, str] | None = None,
    keep_timing: bool = True,
    events_per_second: float | None = None,
    speed: float = 1.0,
    loop: bool = False,
    original_time: bool = False,
    settings: Path | None = None,
    stop: threading.Event,
    beat: Callable[..., None] = unheard,
) -> dict[str, Any]:
    """A file into ``click-data`` as if it happened now; it goes on where an earlier replay of it stopped."""
    from footfall.engine.ingest import Ingest, ingest_replay, replay_place
    from footfall.engine.pulse import Pulse
    from footfall.sources.files import open_reader
    from footfall.sources.replay import Pace, Replay

    pipeline, clock = read_pipeline(settings), SystemClock()
    reader = open_reader(file, mapping=mapping or {})
    source = str(file.absolute())
    known_as = f"{source} {fingerprint(file)}"
    interval = timedelta(milliseconds=200) if events_per_second is None else timedelta(seconds=1 / events_per_second)
    with open_log(data_dir, pipeline=pipeline, settings=settings) as log:
        replaying = Replay(
            reader,
            source=known_as,
            pace=Pace(keep_timing=keep_timing, interval=interval, speed=speed),
            clock=clock,
            stop=stop,
            loop=loop,
            original_time=original_time,
            start=replay_place(log, known_as),
        )
        ingest = Ingest(log, source=source, layout=reader.layout, clock=clock, known_as=known_as)
        pulse = Pulse(clock, beat)
        ingest_replay(
            ingest,
            replaying.published(),
            lateness=pipeline.lateness,
            original_time=original_time,
            progress=pulse.progress,
        )
        return {"events": ingest.tally.events, "published": ingest.tally.good, "rejected": ingest.tally.rejected}


def verify(data_dir: Path) -> Verified:
    """Everything that the log holds, read and checked."""
    with open_existing_log(data_dir) as log:
        if not isinstance(log, EmbeddedLog):
            raise UsageError(
                "Kafka looks after its own files.",
                remedy="`footfall verify` is for the embedded log of a data directory.",
            )
        return log.verify()


def failed_events(data_dir: Path) -> list[FailedEvent]:
    """All failed events, each with its latest status."""
    from footfall.engine.failed import FailedEvents

    with open_existing_log(data_dir) as log:
        return FailedEvents(log).list()


def replay_failed(
    rows: Mapping[str, bytes], *, data_dir: Path, settings: Path | None = None, patterns: Path | None = None
) -> Replayed:
    """Failed events, as they are or corrected, into ``click-data``; and through the pipeline, if no worker runs.

    Those of users' functions wait until the functions run.
    """
    from footfall.engine.refailed import replay_failed as bring_in

    pipeline = read_pipeline(settings)
    with open_existing_log(data_dir) as log:
        done = bring_in(log, rows, clock=SystemClock(), lateness=pipeline.lateness)
    try:
        with in_use(DataDirectory(data_dir).run, "failed replay"):
            pass
    except Failure:
        return done  # a worker runs and takes them up
    run(PROCESSORS, data_dir=data_dir, settings=settings, patterns=patterns, until_end=True, stop=threading.Event())
    return done


def warehouse(data_dir: Path) -> ParquetWarehouse:
    """The Parquet files of a data directory."""
    from footfall.sinks.parquet import ParquetWarehouse

    return ParquetWarehouse(DataDirectory(data_dir).warehouse)


def open_tables(data_dir: Path, *, settings: Path | None = None) -> TableSink:
    """The tables that rows of streams are written to: a file of the data directory, or the addressed database.

    Nothing is made, and no connection, before it is needed.
    """
    where = addresses(settings)
    if where.warehouse != EMBEDDED:
        with _extra("postgres"):
            from footfall.sinks.postgres import PostgresTables

        return PostgresTables(where.warehouse)
    from footfall.sinks.sqlite import SqliteTables

    return SqliteTables(DataDirectory(data_dir).warehouse / "tables.db")


def sink(
    name: str,
    *,
    data_dir: Path,
    until_end: bool = False,
    settings: Path | None = None,
    stop: threading.Event,
    beat: Callable[..., None] = unheard,
) -> dict[str, int]:
    """A stream into its table, until stopped: how many events were read, new rows, repeated and rejected ones."""
    from footfall.engine.sinking import SINKS, Sinking

    with (
        open_log(data_dir, pipeline=read_pipeline(settings), settings=settings) as log,
        open_tables(data_dir, settings=settings) as tables,
    ):
        random = secrets.token_bytes
        service = Sinking(sink=SINKS[name], log=log, target=tables, clock=SystemClock(), random=random, beat=beat)
        return service.run(stop, until_end=until_end)
