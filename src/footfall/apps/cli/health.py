"""Turns one service's heartbeat into an exit code: what a container is asked for its health."""

from __future__ import annotations

from typing import Annotated

import typer

from footfall.apps.cli.options import DATA_DIR, DataDir, service_name
from footfall.apps.cli.output import note
from footfall.apps.status import State, lives, own_status


def health(
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="Its name in `footfall status`.")],
    alive: Annotated[
        bool, typer.Option("--alive", help="Ask only whether it shows signs of life, be it well or not.")
    ] = False,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Say whether one service on this machine is healthy, by its own word. Exit code 1 when it is not."""
    run_dir = data_dir / "run"
    found = own_status(run_dir, service_name(service))
    if found is None:
        note(f"No service called {service} has run on {data_dir}.")
        raise typer.Exit(1)
    note(f"{service}: {found.state}{f': {found.last_error}' if found.last_error else ''}")
    if not (lives(run_dir, service) if alive else found.state is State.HEALTHY):
        raise typer.Exit(1)
