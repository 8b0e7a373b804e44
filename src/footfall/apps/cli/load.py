"""Turns ``footfall load`` into look-up data in the serving store."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from footfall.apps.cli.options import DATA_DIR, AsJson, DataDir, existing_file
from footfall.apps.cli.output import note, print_figures, print_json, progress

SHOWN: Final = 10
"""Unusable rows that are shown one by one."""


class Kind(StrEnum):
    """What can be loaded."""

    PRODUCTS = "products"
    USERS = "users"


def load(
    kind: Annotated[Kind, typer.Argument(help="What the file holds.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A JSON array, JSON lines, or CSV.")],
    data_dir: DataDir = DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Load products or users. Loading again updates; nothing is doubled."""
    existing_file(file)
    from footfall import wiring

    with progress(kind.value) as show:
        loaded, bad = wiring.load(kind.value, file, data_dir=data_dir, on_progress=lambda rows: show(rows, None))
    for row in bad[:SHOWN]:
        note(f"{file}, line {row.line}: not loaded: {row.detail}")
    if len(bad) > SHOWN:
        note(f"… and {len(bad) - SHOWN:,} more rows that cannot be used.")
    figures = {"new": loaded.new, "updated": loaded.updated, "unchanged": loaded.unchanged, "rejected": len(bad)}
    (print_json if as_json else print_figures)(figures)
