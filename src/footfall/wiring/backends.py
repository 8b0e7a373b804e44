"""Turns addresses into logs, stores and tables: the module that names backends."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from footfall.core.clock import Clock, SystemClock
from footfall.core.errors import FootfallError, UsageError
from footfall.core.events import CLICKS
from footfall.engine.directory import usable
from footfall.log.base import CheckpointStore, RetainingLog
from footfall.log.embedded import EmbeddedLog
from footfall.pipeline import EMBEDDED, Addresses, DataDirectory, Pipeline, read_addresses
from footfall.stores.base import ServingStore

if TYPE_CHECKING:  # each service loads only what it works with, so that it is back soon after a restart
    from footfall.engine.owning import Ownership
    from footfall.log.codecs.base import Codec
    from footfall.log.kafka import KafkaSettings, Topics
    from footfall.sinks.parquet import ParquetWarehouse
    from footfall.sinks.rabbitmq import RabbitSettings
    from footfall.sinks.tables import TableSink


def addresses(settings: Path | None = None) -> Addresses:
    """Where the parts of the pipeline are."""
    return read_addresses(settings, os.environ)  # noqa: TID251 - addresses hold passwords


def open_log(
    data_dir: Path,
    *,
    pipeline: Pipeline | None = None,
    clock: Clock | None = None,
    settings: Path | None = None,
    follow: bool = False,
) -> RetainingLog:
    """The log of a data directory, or the one that the addresses name, with all streams made.

    Streams that are there stay as they are, unless a settings file says how long they are kept. Who says ``follow``
    goes on when the store of the positions and state was emptied: it has none that matter.
    Raises UsageError when it cannot be used.
    """
    usable(data_dir)
    log = _log(data_dir, addresses(settings), clock or SystemClock(), follow=follow)
    there = set(log.names())
    for stream, kept in (pipeline or Pipeline()).streams().items():
        if stream not in there or (pipeline is not None and pipeline.written):
            log.create(stream, kept)
    check = getattr(log, "check_topics", None)
    if check is not None and not follow:
        try:
            check(list((pipeline or Pipeline()).streams()))
        except BaseException:
            log.close()
            raise
    return log


def trouble(settings: Path | None = None) -> dict[str, str | None]:
    """For each part that is on a server, why it cannot be used, or None. Nothing is made or changed there."""
    where = addresses(settings)
    found: dict[str, str | None] = {}
    for part, ask in (("log", _ask_kafka), ("store", _ask_redis), ("warehouse", _ask_postgres)):
        address = getattr(where, part)
        if address != EMBEDDED:
            try:
                ask(address)
            except FootfallError as error:
                found[part] = str(error)
            else:
                found[part] = None
    return found


def _ask_kafka(address: str) -> None:
    with _extra("kafka"):
        from footfall.log.kafka import KafkaSettings, Topics
    Topics(KafkaSettings.parse(address)).all()


def _ask_redis(address: str) -> None:
    with _extra("redis"):
        from footfall.stores.redis import RedisStore
    RedisStore.open(address, random=secrets.token_bytes, warn=_warn).close()


def _ask_postgres(address: str) -> None:
    with _extra("postgres"):
        from footfall.sinks.postgres import PostgresTables
    with PostgresTables(address) as tables:
        tables.place("doctor", CLICKS, 0)


def open_existing_log(data_dir: Path) -> RetainingLog:
    """The log of a data directory that must be there already, for commands that only look."""
    if addresses().log == EMBEDDED and not DataDirectory(data_dir).log.is_dir():
        raise UsageError(
            f"{data_dir} holds no data of Footfall.",
            remedy="Name the right directory with --data-dir, or make one with `footfall up` or `footfall backfill`.",
        )
    return open_log(data_dir)


def open_store(data_dir: Path, *, settings: Path | None = None, follow: bool = False) -> ServingStore:
    """The serving store of a data directory, or the one that the addresses name.

    Raises Emptied when it was emptied since it was used from this data directory, and nothing else would tell.
    Who says ``follow`` takes what there is, and goes on when it is emptied: it only shows what is in there.
    """
    where = addresses(settings)
    if where.store != EMBEDDED:
        with _extra("redis"):
            from footfall.stores.redis import RedisStore

        kept = DataDirectory(data_dir).generation if where.log == EMBEDDED and not follow else None
        known = kept.read_text().strip() if kept is not None and kept.exists() else None
        store = RedisStore.open(where.store, random=secrets.token_bytes, known=known, warn=_warn, follow=follow)
        if kept is not None and known is None:
            keep_generation(data_dir, store.generation)
        return store
    from footfall.stores.embedded import EmbeddedStore

    usable(data_dir)
    return EmbeddedStore(data_dir)


def keep_generation(data_dir: Path, generation: str) -> None:
    """Remember what the store says of itself, so that one emptied while nothing runs is noticed.

    Only beside an embedded log, which is on this machine alone. On Kafka the group's offsets tell it to all machines.
    """
    usable(data_dir)
    DataDirectory(data_dir).generation.write_text(generation + "\n")


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


def warehouse(data_dir: Path) -> ParquetWarehouse:
    """The Parquet files of a data directory."""
    from footfall.sinks.parquet import ParquetWarehouse

    return ParquetWarehouse(DataDirectory(data_dir).warehouse)


def rabbitmq_settings(
    *, url: str, stream: str, exchange: str | None = None, routing_key: str | None = None, queue: str | None = None
) -> RabbitSettings:
    """Where a stream's messages go; without an exchange of its own, into the queue that the routing key names."""
    from footfall.sinks.rabbitmq import RabbitSettings

    key = routing_key or stream
    return RabbitSettings(url=url, exchange=exchange or "", routing_key=key, queue=queue or (None if exchange else key))


def ownership(where: Addresses, partitions: int, share: tuple[int, int], *, group: str) -> Ownership:
    """Who says which partitions a worker has: Kafka, or the command line."""
    from footfall.engine.owning import Fixed

    if where.log == EMBEDDED:
        return Fixed(range(partitions)[share[0] :: share[1]])
    from footfall.log.kafka import KafkaSettings, Membership

    return Membership(KafkaSettings.parse(where.log), group=group, stream=CLICKS, clock=SystemClock())


def _log(data_dir: Path, where: Addresses, clock: Clock, *, follow: bool) -> RetainingLog:
    if where.log == EMBEDDED:
        return EmbeddedLog.open(DataDirectory(data_dir).log, clock=clock)
    with _extra("kafka"):
        from footfall.log.kafka import KafkaLog, KafkaSettings
    from footfall.log.codecs.choosing import codec

    settings = KafkaSettings.parse(where.log)
    chosen = codec(settings.format, registry=settings.registry, topic=settings.topic)
    return KafkaLog(settings, codec=chosen, checkpoints=_checkpoints(data_dir, where, follow=follow), clock=clock)


def _checkpoints(data_dir: Path, where: Addresses, *, follow: bool) -> CheckpointStore:
    """Where positions and state are kept for a log that keeps none: beside the views."""
    if where.store == EMBEDDED:
        from footfall.log.checkpoints.embedded import EmbeddedCheckpoints

        return EmbeddedCheckpoints(DataDirectory(data_dir).checkpoints)
    with _extra("redis"):
        from footfall.log.checkpoints.redis import RedisCheckpoints

    return RedisCheckpoints.open(where.store, random=secrets.token_bytes, warn=_warn, follow=follow)


def message_codec(name: str, *, settings: Path | None = None) -> Codec:
    """The codec of this format, with the schema registry that the log's address names, if it needs one."""
    from footfall.log.codecs.choosing import codec

    where = addresses(settings)
    if where.log == EMBEDDED:
        return codec(name)
    from footfall.log.kafka import KafkaSettings

    there = KafkaSettings.parse(where.log)
    return codec(name, registry=there.registry, topic=there.topic)


def kafka_settings(address: str) -> KafkaSettings:
    """How to reach a Kafka cluster, as its address says."""
    with _extra("kafka"):
        from footfall.log.kafka import KafkaSettings
    return KafkaSettings.parse(address)


def kafka_topics(settings: KafkaSettings) -> Topics:
    """The topics of a Kafka cluster."""
    with _extra("kafka"):
        from footfall.log.kafka import Topics
    return Topics(settings)


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
