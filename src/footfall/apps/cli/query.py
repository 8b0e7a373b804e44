"""Turns ``footfall query`` into rows of views, streams and look-up data."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from footfall.apps.cli.options import DATA_DIR, AsJson, DataDir, existing_data
from footfall.apps.cli.output import note, print_json, print_table


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help='For example "SELECT * FROM category_popularity".')],
    deadline: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="Give up after this long.")] = 30.0,
    memory_mb: Annotated[int, typer.Option(min=64, metavar="MB", help="Memory that the query may use.")] = 512,
    data_dir: DataDir = DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Ask for rows of views, sessions, offers, enriched clicks, failed events, products and visitors."""
    existing_data(data_dir)
    from footfall import wiring
    from footfall.apps.query.run import Limits, run_query
    from footfall.apps.query.streams import log_sources
    from footfall.apps.query.tables import all_tables

    limits = Limits(deadline=timedelta(seconds=deadline), memory_mb=memory_mb)
    with (
        wiring.open_existing_log(data_dir) as log,
        wiring.open_store(data_dir) as store,
        wiring.open_tables(data_dir) as rows,
    ):
        tables = all_tables(store, wiring.warehouse(data_dir), log_sources(log), rows)
        result = run_query(sql, tables, limits=limits)
    if as_json:
        for row in result.rows():
            print_json(row)
    else:
        print_table(result.columns, (list(row.values()) for row in result.rows()))
    for notice in result.notices:
        note(notice)
