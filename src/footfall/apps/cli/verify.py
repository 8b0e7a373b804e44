"""Turns ``footfall verify`` into a report on whether the log reads back as it was written."""

from __future__ import annotations

from dataclasses import asdict

import typer

from footfall.apps.cli.options import DATA_DIR, AsJson, DataDir, existing_data
from footfall.apps.cli.output import note, print_figures, print_json


def verify(data_dir: DataDir = DATA_DIR, as_json: AsJson = False) -> None:
    """Read all data and check it. Exit code 1 when something is damaged."""
    existing_data(data_dir)
    from footfall import wiring

    found = wiring.verify(data_dir)
    if as_json:
        print_json(asdict(found))
    else:
        print_figures({"batches": found.batches, "bytes": found.bytes, "damaged": len(found.damage)})
    for one in found.damage:
        note(f"Damaged: {one.stream}-{one.partition} at offset {one.offset} (file {one.file}): {one.why}")
    if found.damage:
        note("Nothing is served from damaged batches. Restore these files from a copy.")
        raise typer.Exit(1)
