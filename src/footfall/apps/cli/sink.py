"""Turns ``footfall sink`` into a stream that goes into a table."""

from __future__ import annotations

import threading
from typing import Annotated, Any

import typer

from footfall.apps.cli.options import DATA_DIR, DataDir, SettingsFile, StatusAt, service_name
from footfall.apps.cli.output import print_figures
from footfall.apps.cli.service import serve
from footfall.apps.status import Heartbeat
from footfall.core.errors import UsageError


def sink(
    which: Annotated[
        str, typer.Argument(metavar="NAME", help="cart, clicks, sessions or offers: which stream goes into its table.")
    ],
    until_end: Annotated[
        bool, typer.Option("--until-end", help="End when everything in the log is in the table.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="Names this service in `footfall status`. [default: NAME-sink]")
    ] = None,
    settings: SettingsFile = None,
    status_at: StatusAt = None,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Write a stream into a table, until told to stop: each event once."""
    from footfall.engine.sinking import SINKS

    if which not in SINKS:
        raise UsageError(f"There is no sink called {which}.", remedy=f"There are: {', '.join(SINKS)}.")

    def work(stop: threading.Event, heartbeat: Heartbeat) -> dict[str, Any]:
        from footfall import wiring

        return wiring.sink(
            which, data_dir=data_dir, until_end=until_end, settings=settings, stop=stop, beat=heartbeat.beat
        )

    print_figures(serve(service_name(name or f"{which}-sink"), data_dir, work, status_at=status_at))
