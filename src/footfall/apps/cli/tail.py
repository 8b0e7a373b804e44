"""Turns ``footfall tail`` into events of a stream, as text."""

from __future__ import annotations

import threading
from enum import StrEnum
from typing import Annotated

import typer

from footfall.apps.cli.options import DATA_DIR, DataDir, existing_data
from footfall.apps.cli.output import print_lines


class Start(StrEnum):
    """Where to begin."""

    EARLIEST = "earliest"
    LATEST = "latest"


class Format(StrEnum):
    """What an event looks like."""

    JSON = "json"
    TABLE = "table"
    QUIX = "quix"


def tail(
    stream: Annotated[str, typer.Argument(help="See `footfall topics`.")],
    key: Annotated[str | None, typer.Option(metavar="K", help="Only this visitor's events.")] = None,
    start: Annotated[
        Start, typer.Option("--from", help="earliest: the first ones. latest: the newest --limit, or those to come.")
    ] = Start.LATEST,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="End after N events.")] = None,
    style: Annotated[
        Format, typer.Option("--format", help="json: one object a line. quix: the template's envelope.")
    ] = Format.JSON,
    follow: Annotated[
        bool | None, typer.Option(help="Wait for more at the end. [default: unless --limit is given]")
    ] = None,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Print the events of a stream."""
    existing_data(data_dir)
    from footfall import wiring
    from footfall.apps.cli import events

    following = limit is None if follow is None else follow
    with wiring.open_log(data_dir) as log:
        found = (
            events.newest(log, stream, key=key, limit=limit)
            if start is Start.LATEST and limit is not None and not following
            else events.onward(
                log, stream, key=key, limit=limit, at=start.value, follow=following, stop=threading.Event()
            )
        )
        shown = events.Printer(style.value)
        for batch in found:
            print_lines(shown.lines(batch))
