"""Turns ``footfall topics`` into the list of streams."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from footfall.apps.cli.options import DATA_DIR, AsJson, DataDir, existing_data
from footfall.apps.cli.output import figure, print_json, print_table


def topics(
    everything: Annotated[
        bool, typer.Option("--all", help="Also those in which parts of Footfall talk to one another.")
    ] = False,
    data_dir: DataDir = DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """List the streams: partitions, events, bytes, how long they are kept."""
    existing_data(data_dir)
    from footfall import wiring
    from footfall.core.events import is_internal

    with wiring.open_log(data_dir) as log:
        found: list[dict[str, Any]] = [
            {
                "stream": one.name,
                "partitions": one.settings.partitions,
                "first_offsets": list(one.starts),
                "next_offsets": list(one.ends),
                "events": sum(one.ends) - sum(one.starts),
                "bytes": one.bytes,
                "keep_for_seconds": one.settings.keep_for.total_seconds() if one.settings.keep_for else None,
                "keep_bytes": one.settings.keep_bytes,
            }
            for one in log.streams()
            if everything or not is_internal(one.name)
        ]
    if as_json:
        for one in found:
            print_json(one)
        return
    shown = ("stream", "partitions", "events", "bytes")
    rows = ([one["stream"], *(figure(one[name]) for name in shown[1:]), kept(one)] for one in found)
    print_table((*shown, "kept"), rows)


def kept(one: dict[str, Any]) -> str:
    """How long and how much of a stream is kept, for people."""
    days, most = one["keep_for_seconds"], one["keep_bytes"]
    parts = [f"{days / 86_400:g} days" if days else "", f"{most / 1_000_000_000:g} GB" if most else ""]
    return ", ".join(part for part in parts if part) or "for ever"
