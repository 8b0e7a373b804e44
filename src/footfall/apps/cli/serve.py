"""Turns ``footfall serve`` into the web part alone: collector, shop, and the offers' streams."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from footfall.apps.cli.options import DATA_DIR, LOOPBACK, DataDir, Host, SettingsFile, StatusAt, service_name
from footfall.apps.cli.output import note
from footfall.apps.cli.service import serve as serve_until_stopped
from footfall.apps.status import Heartbeat


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of shop and collector; 0 takes a free one.")] = 8000,
    host: Host = LOOPBACK,
    dashboard: Annotated[
        str, typer.Option(metavar="URL", help="Where the dashboard is, for links. [default: the next port]")
    ] = "",
    patterns: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Which behaviour gets which offer, for the shop's explanation."),
    ] = None,
    name: Annotated[
        str, typer.Option(help="Names this service in `footfall status`: lower-case letters, digits and dashes.")
    ] = "web",
    settings: SettingsFile = None,
    status_at: StatusAt = None,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Serve the collector and the shop, on this machine only unless --host says otherwise, until told to stop."""

    def work(stop: threading.Event, heartbeat: Heartbeat) -> dict[str, Any]:
        from footfall.apps.web.serve import serve_web

        return serve_web(
            data_dir=data_dir,
            port=port,
            host=host,
            dashboard=dashboard,
            patterns=patterns,
            settings=settings,
            stop=stop,
            beat=heartbeat.beat,
            ready=lambda taken: note(f"Shop and collector are at http://{host}:{taken}"),
        )

    serve_until_stopped(service_name(name), data_dir, work, status_at=status_at)
