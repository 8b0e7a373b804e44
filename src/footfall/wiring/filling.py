"""Turns files, and what could not be used, into events of the log and look-up data of the store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa

from footfall.core.clock import SystemClock
from footfall.core.errors import Failure, UsageError
from footfall.core.progress import unheard
from footfall.engine.directory import fingerprint, in_use, usable
from footfall.log.base import Commit, DurableLog, StateWrite, Verified
from footfall.log.embedded import EmbeddedLog
from footfall.pipeline import PROCESSORS, DataDirectory, read_pipeline
from footfall.sources.base import BadRow
from footfall.stores.base import Loaded, ServingStore
from footfall.wiring.backends import keep_generation, message_codec, open_existing_log, open_log, open_store
from footfall.wiring.chains import REBUILT, patterns_in_use, run, stages

if TYPE_CHECKING:  # each service loads only what it works with, so that it is back soon after a restart
    from footfall.engine.failed import FailedEvent
    from footfall.engine.refailed import Replayed
    from footfall.engine.stage import Stage

_BLOCK_BYTES: Final = 16 << 20
"""What a backfill reads at a time: enough rows that the cost of a batch does not matter, few enough for memory."""


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
        chosen = load_patterns(patterns) if patterns else patterns_in_use(data_dir)

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
    with open_store(data_dir, settings=settings) as store:
        return _load(kind, file, store, on_progress=on_progress)


def _load(
    kind: str, file: Path, store: ServingStore, *, on_progress: Callable[[int], None] = unheard
) -> tuple[Loaded, Sequence[BadRow]]:
    from footfall.sources.lookups import read_products, read_users

    if kind == "products":
        products = read_products(file)
        return store.load_products(products.rows, progress=on_progress), products.bad
    users = read_users(file)
    return store.load_users(users.rows, progress=on_progress), users.bad


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
    with open_log(data_dir, pipeline=pipeline, settings=settings, follow=True) as log:
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


def replay_failed(
    rows: Mapping[str, bytes], *, data_dir: Path, settings: Path | None = None, patterns: Path | None = None
) -> Replayed:
    """Failed events, as they are or corrected, into ``click-data``; and through the pipeline, if no worker runs.

    Those of users' functions wait until the functions run.
    """
    from footfall.engine.refailed import replay_failed as bring_in

    pipeline = read_pipeline(settings)
    with open_existing_log(data_dir) as log:
        codecs = partial(message_codec, settings=settings)
        done = bring_in(log, rows, clock=SystemClock(), lateness=pipeline.lateness, codecs=codecs)
    try:
        with in_use(DataDirectory(data_dir).run, "failed replay"):
            pass
    except Failure:
        return done  # a worker runs and takes them up
    run(PROCESSORS, data_dir=data_dir, settings=settings, patterns=patterns, until_end=True, stop=threading.Event())
    return done


def failed_events(data_dir: Path) -> list[FailedEvent]:
    """All failed events, each with its latest status."""
    from footfall.engine.failed import FailedEvents

    with open_existing_log(data_dir) as log:
        return FailedEvents(log).list()


def rebuild(
    *, data_dir: Path, settings: Path | None = None, products: Path | None = None, users: Path | None = None
) -> dict[str, Any]:
    """Fill a store that was emptied: look-up data from these files, and everything else from the log.

    Workers begin again at the first event that is kept, when they start the next time. Only the end of it lets them:
    one that starts before refuses, or is told at the end that the store is another one, and starts once more.
    """
    from footfall.sources.catalogue import load_catalogue

    done: dict[str, Any] = {}
    DataDirectory(data_dir).generation.unlink(missing_ok=True)
    with (
        open_log(data_dir, settings=settings, follow=True) as log,
        open_store(data_dir, settings=settings, follow=True) as store,
    ):
        for kind, path in (("products", products), ("users", users)):
            if path is not None:
                loaded, bad = _load(kind, path, store)
                done[kind] = loaded.rows
                done[f"{kind}_rejected"] = len(bad)
        if not store.counts().products:
            store.load_products(load_catalogue())  # as the web part does: what the shop shows must be known
        if log.repeats:
            _begin_again(log)
        check = getattr(log, "check_topics", None)
        if check is not None:
            check(list(read_pipeline(settings).streams()), accept=True)
        accept = getattr(store, "accept_emptied", None)
        if accept is not None:
            generation = accept()
            if not log.repeats:
                keep_generation(data_dir, generation)
        counts = store.counts()
    return {**done, "products_known": counts.products, "visitors_known": counts.visitors}


def _begin_again(log: DurableLog) -> None:
    """Let the processors begin at the first event, and say that this is meant."""
    for group in PROCESSORS:
        log.delete_group(group)
    mark = pa.RecordBatch.from_pydict({"rebuilt": [SystemClock().now_ms()]})
    log.commit(Commit(state=[StateWrite(REBUILT, 0, "at", mark, reset=True)]))


def verify(data_dir: Path) -> Verified:
    """Everything that the log holds, read and checked."""
    with open_existing_log(data_dir) as log:
        if not isinstance(log, EmbeddedLog):
            raise UsageError(
                "Kafka looks after its own files.",
                remedy="`footfall verify` is for the embedded log of a data directory.",
            )
        return log.verify()
