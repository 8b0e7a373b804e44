"""Turns ``footfall up`` into everything that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from footfall.apps.cli.options import DATA_DIR_VARIABLE, Mapping, announce, existing_file, parse_mapping
from footfall.core.errors import UsageError


def up(
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Clicks to replay; generated ones otherwise.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65533, help="Of the shop; the next one is the dashboard's, then /health. [default: 8000]"
        ),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", envvar=DATA_DIR_VARIABLE, help="Where everything is kept. [default: footfall-data]"
        ),
    ] = None,
    products: Annotated[Path | None, typer.Option(metavar="FILE", help="Products to load first.")] = None,
    users: Annotated[Path | None, typer.Option(metavar="FILE", help="Users to load first.")] = None,
    patterns: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Which behaviour gets which offer. [default: DIR/offers.yaml]")
    ] = None,
    replicas: Annotated[int | None, typer.Option(min=1, max=64, help="How many workers. [default: 1]")] = None,
    keep_timing: Annotated[
        bool, typer.Option(help="Replay FILE with the time that lay between its clicks (at most 10 s).")
    ] = True,
    mapping: Mapping = None,
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings. [default: footfall.yaml, if it is there]")
    ] = None,
    example: Annotated[
        str | None, typer.Option(metavar="NAME", help="Show an example that comes with Footfall: vip.")
    ] = None,
) -> None:
    """Start everything, and keep it running until Ctrl-C."""
    from footfall import wiring
    from footfall.apps.supervisor.examples import example_settings
    from footfall.apps.supervisor.settings import read_settings
    from footfall.apps.supervisor.up import up as run
    from footfall.pipeline import EMBEDDED

    if example is not None:
        if settings is not None:
            raise UsageError("An example brings its own settings.", remedy="Leave out --settings or --example.")
        settings = example_settings(example)
    given = read_settings(
        settings,
        data=data,
        port=port,
        data_dir=data_dir,
        products=products,
        users=users,
        patterns=patterns,
        replicas=replicas,
    )
    parse_mapping(mapping)  # a wrong one is said before anything starts
    for file in (given.data, given.products, given.users, given.patterns):
        if file is not None:
            existing_file(file)
    where = wiring.addresses(settings)
    announce(where.variables)
    if where.warehouse != EMBEDDED:  # also where only the environment says so
        given = given.model_copy(update={"warehouse": where.warehouse})
    columns = [text for pair in mapping or () for text in ("--map", pair)]
    run(given, replaying=["--keep-timing" if keep_timing else "--no-keep-timing", *columns])
