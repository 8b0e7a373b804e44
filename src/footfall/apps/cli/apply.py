"""Turns ``footfall apply`` into streams and processors that run as a file of manifests declares them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from footfall.apps.cli.options import (
    DATA_DIR,
    AsJson,
    DataDir,
    RabbitAddress,
    SettingsFile,
    StatusAt,
    existing_file,
    service_name,
)
from footfall.apps.cli.output import note, print_figures, print_json, print_table
from footfall.apps.cli.service import serve
from footfall.apps.status import Heartbeat

if TYPE_CHECKING:
    from footfall.pipeline.declared import Declared


def apply(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Documents of the kinds Stream and Processor; or a footfall.yaml.")
    ],
    check: Annotated[
        bool, typer.Option("--check", help="Say what would run, and whether it could; run nothing.")
    ] = False,
    until_end: Annotated[
        bool, typer.Option("--until-end", help="End when everything in the log is processed.")
    ] = False,
    url: RabbitAddress = None,
    name: Annotated[str, typer.Option(help="Names this service in `footfall status`.")] = "apply",
    settings: SettingsFile = None,
    status_at: StatusAt = None,
    data_dir: DataDir = DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Run the streams and processors that a file declares, until told to stop."""
    declared = declared_in(existing_file(file))
    rows = described(declared)
    if check:
        if as_json:
            for row in rows:
                print_json(row)
        else:
            print_table(("kind", "name", "what", "from", "to"), [list(row.values()) for row in rows])
        return
    service = service_name(name)
    if declared.sinks and url is None:
        waiting = ", ".join(one.stream for one in declared.sinks)
        note(f"Where RabbitMQ is, nobody says (FOOTFALL_RABBITMQ): {waiting} waits in the log.")

    def work(stop: threading.Event, heartbeat: Heartbeat) -> dict[str, Any]:
        from footfall import wiring

        return wiring.run_declared(
            declared,
            data_dir=data_dir,
            settings=settings,
            rabbitmq=url,
            until_end=until_end,
            stop=stop,
            beat=heartbeat.beat,
        )

    (print_json if as_json else print_figures)(serve(service, data_dir, work, status_at=status_at))


def declared_in(file: Path) -> Declared:
    """What a file of manifests, or a settings file, declares."""
    from footfall.pipeline.declared import read_declared
    from footfall.pipeline.manifests import are_manifests, read_manifests

    return read_manifests(file) if are_manifests(file) else read_declared(file)


def described(declared: Declared) -> list[dict[str, str]]:
    """What would run, a row each. Queries are planned, and functions looked for: raises UsageError if one cannot be."""
    from footfall.pipeline.declared import SqlProcessor
    from footfall.sql.known import own_streams

    rows = []
    own = own_streams()
    for name, one in declared.streams.items():
        columns = ", ".join(one.order)
        rows.append({"kind": "stream", "name": name, "what": columns, "from": "", "to": f"{one.protocol} {one.stream}"})
    for each in declared.processors:
        if isinstance(each, SqlProcessor):
            each.planned(own)
            names = {"from": ", ".join(each.reads), "to": ", ".join(each.writes)}
            rows.append({"kind": "query", "name": each.name, "what": "SQL", **names})
        else:
            each.registered()
            rows.append(
                {
                    "kind": "function",
                    "name": each.name,
                    "what": each.function,
                    "from": each.stream or "",
                    "to": each.to or "",
                }
            )
    return rows
