"""Turns declared streams and processors into one service: functions at work, and what they put out carried on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footfall.core.errors import UsageError
from footfall.core.events import CLICKS
from footfall.core.progress import unheard
from footfall.pipeline import read_pipeline
from footfall.wiring.backends import open_log, rabbitmq_settings
from footfall.wiring.chains import run
from footfall.wiring.draining import rabbitmq_sink

if TYPE_CHECKING:  # each service loads only what it works with, so that it is back soon after a restart
    from footfall.pipeline.declared import Declared
    from footfall.sql.declarations import Declaration

_TARGET = ("exchange", "routing_key", "queue")
"""What the options of a stream of RabbitMQ may say."""


def run_declared(
    declared: Declared,
    *,
    data_dir: Path,
    settings: Path | None = None,
    rabbitmq: str | None = None,
    until_end: bool = False,
    stop: threading.Event,
    beat: Callable[..., None] = unheard,
) -> dict[str, Any]:
    """All declared processors, until stopped; and their output to RabbitMQ, if its address is given.

    Without the address, what is meant for RabbitMQ stays in the log, and goes there once the address is known.
    """
    from footfall.pipeline.declared import FunctionProcessor, SqlProcessor

    queries = [one.name for one in declared.processors if isinstance(one, SqlProcessor)]
    if queries:
        raise UsageError(
            f"{declared.source}: the query of {queries[0]} cannot be run here.",
            remedy="Run queries by themselves, and take them out of this file.",
        )
    functions = [
        one for each in declared.processors if isinstance(each, FunctionProcessor) for one in each.registered()
    ]
    _make_streams(declared, data_dir=data_dir, settings=settings)
    work = partial(
        run, [], functions=functions, data_dir=data_dir, settings=settings, until_end=until_end, stop=stop, beat=beat
    )
    targets = [] if rabbitmq is None else declared.sinks
    carry = partial(_carry, address=rabbitmq or "", data_dir=data_dir, settings=settings, until_end=until_end)
    if until_end:
        figures = work()
        return {**figures, "sent": sum(carry(one, stop=stop)["events"] for one in targets)}
    with ThreadPoolExecutor(max(1, len(targets)), thread_name_prefix="sink") as pool:
        sinks = [pool.submit(carry, one, stop=stop) for one in targets]
        for sink in sinks:
            sink.add_done_callback(lambda done: _end_all(done, stop))
        try:
            figures = work()
        finally:
            stop.set()
        return {**figures, "sent": sum(sink.result()["events"] for sink in sinks)}


def _make_streams(declared: Declared, *, data_dir: Path, settings: Path | None) -> None:
    """Make the streams that are declared and not there yet: processors start in no certain order."""
    pipeline = read_pipeline(settings)
    with open_log(data_dir, pipeline=pipeline, settings=settings, follow=True) as log:
        there = set(log.names())
        for one in declared.streams.values():
            if one.stream not in there:
                log.create(one.stream, pipeline.streams()[CLICKS])


def _carry(
    stream: Declaration,
    *,
    address: str,
    data_dir: Path,
    settings: Path | None,
    until_end: bool,
    stop: threading.Event,
) -> dict[str, int]:
    """A stream's events to RabbitMQ, until stopped."""
    given = {name: stream.table.options[name] for name in _TARGET if name in stream.table.options}
    if "queue" in given and "exchange" not in given:  # without an exchange, the key names the queue
        given.setdefault("routing_key", given["queue"])
    target = rabbitmq_settings(url=address, stream=stream.stream, **given)
    return rabbitmq_sink(
        f"rabbitmq-{stream.stream}",
        stream=stream.stream,
        target=target,
        data_dir=data_dir,
        until_end=until_end,
        settings=settings,
        stop=stop,
    )


def _end_all(sink: Future[dict[str, int]], stop: threading.Event) -> None:
    """A sink that cannot go on ends the service: its error is raised by who waits for it."""
    if sink.exception() is not None:
        stop.set()
