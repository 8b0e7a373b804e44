"""Turns ``footfall sink`` into a stream that goes into a table or to a broker."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from footfall.apps.cli.options import (
    DATA_DIR,
    RABBITMQ_VARIABLE,
    DataDir,
    RabbitAddress,
    SettingsFile,
    StatusAt,
    service_name,
)
from footfall.apps.cli.output import print_figures
from footfall.apps.cli.service import serve
from footfall.apps.status import Heartbeat
from footfall.core.errors import UsageError

_RABBITMQ: Final = "rabbitmq"


def sink(
    which: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="cart, clicks, sessions, offers: which stream goes into its table. rabbitmq: any stream goes there.",
        ),
    ],
    stream: Annotated[str | None, typer.Option(metavar="NAME", help="For rabbitmq: the stream to send.")] = None,
    url: RabbitAddress = None,
    exchange: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="For rabbitmq: the exchange to send to. [default: RabbitMQ's own]"),
    ] = None,
    routing_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="For rabbitmq. [default: the stream's name]")
    ] = None,
    queue: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="For rabbitmq: a durable queue to make and to bind. "
            "[default: without --exchange, the routing key's; with one, none]",
        ),
    ] = None,
    until_end: Annotated[
        bool, typer.Option("--until-end", help="End when everything in the log has been carried over.")
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(
            help="Names this service in `footfall status`. [default: NAME-sink; for rabbitmq STREAM-rabbitmq]"
        ),
    ] = None,
    settings: SettingsFile = None,
    status_at: StatusAt = None,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Carry a stream into a table or to a broker, until told to stop."""
    if which == _RABBITMQ:
        target = {"exchange": exchange, "routing_key": routing_key, "queue": queue}
        _send(
            stream,
            url,
            target,
            until_end=until_end,
            name=name,
            settings=settings,
            status_at=status_at,
            data_dir=data_dir,
        )
        return
    _fill(which, until_end=until_end, name=name, settings=settings, status_at=status_at, data_dir=data_dir)


def _fill(
    which: str, *, until_end: bool, name: str | None, settings: Path | None, status_at: str | None, data_dir: Path
) -> None:
    """A stream into its table: each event once."""
    from footfall.engine.sinking import SINKS

    if which not in SINKS:
        raise UsageError(f"There is no sink called {which}.", remedy=f"There are: {', '.join([*SINKS, _RABBITMQ])}.")

    def work(stop: threading.Event, heartbeat: Heartbeat) -> dict[str, Any]:
        from footfall import wiring

        return wiring.sink(
            which, data_dir=data_dir, until_end=until_end, settings=settings, stop=stop, beat=heartbeat.beat
        )

    print_figures(serve(service_name(name or f"{which}-sink"), data_dir, work, status_at=status_at))


def _send(
    stream: str | None,
    url: str | None,
    target: dict[str, str | None],
    *,
    until_end: bool,
    name: str | None,
    settings: Path | None,
    status_at: str | None,
    data_dir: Path,
) -> None:
    """A stream into messages: each event at least once."""
    if not stream:
        raise UsageError("Which stream is to be sent?", remedy="Name it with --stream; `footfall topics` lists them.")
    if not url:
        raise UsageError("Where is RabbitMQ?", remedy=f"Set {RABBITMQ_VARIABLE} to its address, or give it as --url.")
    known_as = service_name(name or f"{stream}-{_RABBITMQ}")

    def work(stop: threading.Event, heartbeat: Heartbeat) -> dict[str, Any]:
        from footfall import wiring

        return wiring.rabbitmq_sink(
            known_as,
            stream=stream,
            target=wiring.rabbitmq_settings(url=url, stream=stream, **target),
            data_dir=data_dir,
            until_end=until_end,
            settings=settings,
            stop=stop,
            beat=heartbeat.beat,
        )

    print_figures(serve(known_as, data_dir, work, status_at=status_at))
