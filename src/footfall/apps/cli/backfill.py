"""Turns ``footfall backfill`` into the whole pipeline over a file, at full speed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from footfall.apps.cli.options import DATA_DIR, AsJson, DataDir, Mapping, SettingsFile, existing_file, parse_mapping
from footfall.apps.cli.output import print_figures, print_json, progress


def backfill(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TSV, CSV, NDJSON or Parquet, also with .gz.")],
    products: Annotated[Path | None, typer.Option(metavar="FILE", help="Products to load first.")] = None,
    users: Annotated[Path | None, typer.Option(metavar="FILE", help="Users to load first.")] = None,
    patterns: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Which behaviour gets which offer; the built-in rules otherwise."),
    ] = None,
    mapping: Mapping = None,
    lateness: Annotated[
        float | None,
        typer.Option(min=0.0, metavar="MINUTES", help="How far behind the newest event one may come. [default: 10]"),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, max=1_000_000, help="Events processed together.")] = 100_000,
    settings: SettingsFile = None,
    data_dir: DataDir = DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Put a file through the whole pipeline, at full speed.

    Running it twice adds nothing, within the last 3.4 million events of a partition at least.
    Sessions still open at the file's end go on with the next file.
    """
    for given, what in ((file, "File"), (products, "Products file"), (users, "Users file"), (patterns, "Pattern file")):
        if given is not None:
            existing_file(given, what=what)
    columns = parse_mapping(mapping)
    from footfall import wiring

    with progress("events") as show:
        figures = wiring.backfill(
            file,
            data_dir=data_dir,
            products=products,
            users=users,
            patterns=patterns,
            mapping=columns,
            lateness=None if lateness is None else timedelta(minutes=lateness),
            settings=settings,
            batch_size=batch_size,
            on_progress=show,
        )
    (print_json if as_json else print_figures)(figures)
