"""Turns declared streams and processors into one service: functions at work, and what they put out carried on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footfall.core.events import CLICKS
from footfall.core.progress import unheard
from footfall.pipeline import read_pipeline
from footfall.wiring.backends import open_log, rabbitmq_settings
from footfall.wiring.chains import run
from footfall.wiring.draining import rabbitmq_sink
from footfall.wiring.queries import known_streams, standing_query

if TYPE_CHECKING:  # each service loads only what it works with, so that it is back soon after a restart
    from footfall.pipeline.declared import Declared, SqlProcessor
    from footfall.sql.declarations import Declaration
    from footfall.sql.plan import Script

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

    queries = [one for one in declared.processors if isinstance(one, SqlProcessor)]
    functions = [
        one for each in declared.processors if isinstance(each, FunctionProcessor) for one in each.registered()
    ]
    where: dict[str, Any] = {"data_dir": data_dir, "settings": settings, "until_end": until_end}
    scripts = {one.name: script_of(one, data_dir=data_dir, settings=settings) for one in queries}
    _make_streams(declared, scripts.values(), data_dir=data_dir, settings=settings)
    others: list[Callable[[], dict[str, int]]] = [
        partial(standing_query, script, name=name, stop=stop, **where) for name, script in scripts.items()
    ]
    if rabbitmq is not None:
        others += [partial(_carry, one, address=rabbitmq, stop=stop, **where) for one in declared.sinks]
    work: Callable[[], dict[str, Any]] = partial(run, [], functions=functions, stop=stop, beat=beat, **where)
    if until_end:
        asked = [one() for one in others[: len(scripts)]]
        figures = work()
        return _together(figures, [*asked, *(one() for one in others[len(scripts) :])])
    with ThreadPoolExecutor(max(1, len(others)), thread_name_prefix="declared") as pool:
        running = [pool.submit(one) for one in others]
        for one in running:
            one.add_done_callback(lambda done: _end_all(done, stop))
        try:
            figures = work()
        finally:
            stop.set()
        return _together(figures, [one.result() for one in running])


def script_of(query: SqlProcessor, *, data_dir: Path, settings: Path | None) -> Script:
    """The query, planned over the streams that there are; the rows of a SELECT go to its stream."""
    from footfall.sql.standing import directed

    with known_streams(data_dir=data_dir, settings=settings, origin=query.file) as streams:
        script = query.planned(streams)
    return script if query.to is None else directed(script, query.to)


def _together(figures: dict[str, Any], others: Sequence[Mapping[str, int]]) -> dict[str, Any]:
    """The figures of the functions, with the rows that queries made, and the messages that were sent."""
    return {
        **figures,
        "rows": sum(one.get("rows", 0) for one in others),
        "sent": sum(one["events"] for one in others if "rows" not in one),
    }


def _make_streams(declared: Declared, scripts: Iterable[Script], *, data_dir: Path, settings: Path | None) -> None:
    """Make the streams that are declared, read or written, and not there yet: processors start in no certain order."""
    from footfall.sql.standing import streams_of

    pipeline = read_pipeline(settings)
    with open_log(data_dir, pipeline=pipeline, settings=settings, follow=True) as log:
        there = set(log.names())
        for stream in dict.fromkeys([*(one.stream for one in declared.streams.values()), *streams_of(scripts)]):
            if stream not in there:
                log.create(stream, pipeline.streams()[CLICKS])


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
