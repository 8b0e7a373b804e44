"""Turns streams into rows and messages elsewhere."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from footfall.core.clock import SystemClock
from footfall.core.progress import unheard
from footfall.pipeline import read_pipeline
from footfall.wiring.backends import open_log, open_tables

if TYPE_CHECKING:  # each service loads only what it works with, so that it is back soon after a restart
    from footfall.sinks.rabbitmq import RabbitSettings


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


def rabbitmq_sink(
    name: str,
    *,
    stream: str,
    target: RabbitSettings,
    data_dir: Path,
    until_end: bool = False,
    settings: Path | None = None,
    stop: threading.Event,
    beat: Callable[..., None] = unheard,
) -> dict[str, int]:
    """A stream into messages of RabbitMQ, until stopped: how many events were confirmed. Its place has this name."""
    from footfall.engine.messaging import Messaging
    from footfall.sinks.rabbitmq import RabbitSink

    with (
        open_log(data_dir, pipeline=read_pipeline(settings), settings=settings) as log,
        RabbitSink(target) as rabbit,
    ):
        group = f"sink:{name}"
        service = Messaging(group=group, stream=stream, log=log, target=rabbit, clock=SystemClock(), beat=beat)
        return service.run(stop, until_end=until_end)
