"""Turns ``footfall rebuild`` into a serving store that is filled again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from footfall.apps.cli.options import DATA_DIR, AsJson, DataDir, SettingsFile, existing_file
from footfall.apps.cli.output import print_figures, print_json


def rebuild(
    products: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Products; otherwise those of the settings.")
    ] = None,
    users: Annotated[Path | None, typer.Option(metavar="FILE", help="Users; likewise.")] = None,
    settings: SettingsFile = None,
    data_dir: DataDir = DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Fill a store that was emptied: look-up data from files, all else from the log. Workers then start again."""
    from footfall import wiring
    from footfall.apps.supervisor.settings import read_settings

    given = read_settings(settings, products=products, users=users)
    for file in (given.products, given.users):
        if file is not None:
            existing_file(file)
    figures = wiring.rebuild(data_dir=data_dir, settings=settings, products=given.products, users=given.users)
    (print_json if as_json else print_figures)(figures)
