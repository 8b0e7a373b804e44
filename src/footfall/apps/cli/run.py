"""Turns ``footfall run`` into a worker with some processors."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from footfall.apps.cli.options import DATA_DIR, DataDir, SettingsFile, StatusAt, existing_file, service_name
from footfall.apps.cli.output import print_figures
from footfall.apps.cli.service import serve
from footfall.apps.status import Heartbeat
from footfall.core.errors import UsageError


def run(
    processors: Annotated[
        list[str],
        typer.Argument(
            metavar="PROCESSOR…", help="enrichment, aggregation, sessions, behaviour; or a Python file with your own."
        ),
    ],
    patterns: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Which behaviour gets which offer; the built-in rules otherwise."),
    ] = None,
    replica: Annotated[
        str, typer.Option(metavar="I/N", help="Work on the I-th of N shares of the partitions.")
    ] = "1/1",
    until_end: Annotated[
        bool, typer.Option("--until-end", help="End when everything in the log is processed.")
    ] = False,
    batch_size: Annotated[int, typer.Option(min=1, max=1_000_000, help="Events processed together at most.")] = 100_000,
    name: Annotated[str, typer.Option(help="Names this service in `footfall status`.")] = "worker",
    settings: SettingsFile = None,
    status_at: StatusAt = None,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Run processors over the log, until told to stop."""
    if patterns is not None:
        existing_file(patterns, what="Pattern file")
    share = parse_share(replica)
    service = service_name(name) if share[1] == 1 else f"{service_name(name)}-{share[0] + 1}"

    def work(stop: threading.Event, heartbeat: Heartbeat) -> dict[str, Any]:
        from footfall import wiring

        return wiring.run(
            processors,
            data_dir=data_dir,
            patterns=patterns,
            share=share,
            until_end=until_end,
            batch_size=batch_size,
            settings=settings,
            stop=stop,
            beat=heartbeat.beat,
        )

    print_figures(serve(service, data_dir, work, status_at=status_at))


def parse_share(text: str) -> tuple[int, int]:
    """``"2/3"`` as (1, 3): the index of the share, and how many there are."""
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise UsageError(f"--replica {text}: this is not I/N with I from 1 to N.", remedy="Write, for example, 1/2.")
    return int(number) - 1, int(count)
