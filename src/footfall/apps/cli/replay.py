"""Turns ``footfall replay`` into clicks on ``click-data``, as if they happened now."""

from __future__ import annotations

import threading
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from footfall.apps.cli.options import (
    DATA_DIR,
    AsJson,
    DataDir,
    Mapping,
    SettingsFile,
    StatusAt,
    existing_file,
    parse_mapping,
    service_name,
)
from footfall.apps.cli.output import print_figures, print_json
from footfall.apps.cli.service import serve
from footfall.apps.status import Heartbeat


class EventTime(StrEnum):
    """Which time a replayed click has."""

    PUBLISHED = "published"
    ORIGINAL = "original"


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TSV, CSV, NDJSON or Parquet, also with .gz.")],
    keep_timing: Annotated[
        bool, typer.Option(help="Keep the time between clicks (0 to 10 s); otherwise 200 ms, or what --rate says.")
    ] = True,
    rate: Annotated[
        float | None, typer.Option(min=0.001, metavar="N", help="Events a second, with --no-keep-timing.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.001, metavar="X", help="Kept timing is X times faster.")] = 1.0,
    loop: Annotated[bool, typer.Option("--loop", help="Begin again at the end of the file, for ever.")] = False,
    event_time: Annotated[
        EventTime, typer.Option(help="A click's time: when it is published, or what its file says.")
    ] = EventTime.PUBLISHED,
    mapping: Mapping = None,
    name: Annotated[str, typer.Option(help="Names this service in `footfall status`.")] = "replay",
    settings: SettingsFile = None,
    status_at: StatusAt = None,
    data_dir: DataDir = DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Publish a file's clicks as if they happened now. Started again, it goes on where it stopped."""
    existing_file(file)
    service = service_name(name)
    columns = parse_mapping(mapping)

    def work(stop: threading.Event, heartbeat: Heartbeat) -> dict[str, Any]:
        from footfall import wiring

        return wiring.replay(
            file,
            data_dir=data_dir,
            mapping=columns,
            keep_timing=keep_timing and rate is None,
            events_per_second=rate,
            speed=speed,
            loop=loop,
            original_time=event_time is EventTime.ORIGINAL,
            settings=settings,
            stop=stop,
            beat=heartbeat.beat,
        )

    figures = serve(service, data_dir, work, status_at=status_at)
    (print_json if as_json else print_figures)(figures)
