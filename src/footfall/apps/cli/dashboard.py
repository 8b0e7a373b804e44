"""Turns ``footfall dashboard`` into the live dashboard alone."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from footfall.apps.cli.options import DATA_DIR, LOOPBACK, DataDir, Host, StatusAt, existing_data, service_name
from footfall.apps.cli.output import note
from footfall.apps.cli.service import serve as serve_until_stopped
from footfall.apps.status import Heartbeat


def dashboard(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the dashboard; 0 takes a free one.")] = 8001,
    host: Host = LOOPBACK,
    known_as: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Also show pages to who asks for this host name. May be repeated."),
    ] = None,
    name: Annotated[
        str, typer.Option(help="Names this service in `footfall status`: lower-case letters, digits and dashes.")
    ] = "dashboard",
    status_at: StatusAt = None,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Show the live dashboard, on this machine only unless --host says otherwise, until told to stop."""
    existing_data(data_dir)

    def work(stop: threading.Event, heartbeat: Heartbeat) -> None:
        from footfall.apps.dashboard.server import serve_dashboard

        serve_dashboard(
            data_dir=data_dir,
            port=port,
            host=host,
            names=known_as or (),
            stop=stop,
            beat=heartbeat.beat,
            ready=lambda taken: note(f"The dashboard is at http://{host}:{taken}"),
        )

    serve_until_stopped(service_name(name), data_dir, work, status_at=status_at)
