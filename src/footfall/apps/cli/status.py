"""Turns the services' heartbeats into a table: what runs, how well, how fast."""

from __future__ import annotations

import sys

import typer

from footfall.apps.cli.options import DATA_DIR, AsJson, DataDir
from footfall.apps.cli.output import note, print_json
from footfall.apps.status import State, read_statuses


def status(data_dir: DataDir = DATA_DIR, as_json: AsJson = False) -> None:
    """Show what runs, whether it is healthy, and how fast it is. Exit code 1 when anything is not healthy."""
    statuses = read_statuses(data_dir / "run")
    if as_json:
        print_json({"services": [one.as_json() for one in statuses]})
    elif statuses:
        from rich.console import Console

        from footfall.apps.supervisor.display import status_table

        Console(width=None if sys.stdout.isatty() else 200).print(status_table(statuses))
    if not statuses:
        note(f"Nothing has run on {data_dir} yet. Start it with `footfall up`, or name another --data-dir.")
    if not statuses or any(one.state is not State.HEALTHY for one in statuses):
        raise typer.Exit(1)
