"""Turns ``footfall sql`` into a query that never stops, or into one over files."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from footfall.apps.cli.options import DATA_DIR, AsJson, DataDir, SettingsFile, StatusAt, existing_file, service_name
from footfall.apps.cli.output import note, print_figures, print_lines
from footfall.apps.cli.service import serve
from footfall.apps.cli.sql_output import Shower
from footfall.apps.plain import plain
from footfall.apps.status import Heartbeat
from footfall.core.errors import UsageError

if TYPE_CHECKING:  # loaded only where a query is run
    from footfall.sql.plan import Script


def sql(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A file of Flink SQL.")] = None,
    query: Annotated[str | None, typer.Option("-e", metavar="QUERY", help="The SQL itself, instead of a file.")] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="TABLE=FILE",
            help="Read this table from an NDJSON, CSV or Parquet file, and nothing from the log. May be repeated.",
        ),
    ] = None,
    until_end: Annotated[
        bool,
        typer.Option("--until-end", help="End with the last event there is; of files, nothing comes after their end."),
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="Names the query, its state and its service. [default: of the file]")
    ] = None,
    from_the_start: Annotated[
        bool, typer.Option("--from-the-start", help="Forget the state, and begin with the first event that is kept.")
    ] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show how it would be run, and do not.")] = False,
    settings: SettingsFile = None,
    status_at: StatusAt = None,
    data_dir: DataDir = DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Run a query over streams, until told to stop; or over files."""
    from footfall import wiring

    script = wiring.plan_sql(_text(file, query), settings=settings, data_dir=data_dir, origin=file)
    if explain or script.explain:
        print_lines(plain(line) for line in wiring.explain_sql(script))
    elif inputs:
        with Shower(script.inserts[-1], as_json=as_json) as shower:
            for rows in wiring.query_files(script, _inputs(inputs), until_end=until_end, reject=note):
                shower.show(rows)
    else:
        _on_the_log(
            script,
            service=service_name(_name_of(file, script) if name is None else name),
            data_dir=data_dir,
            until_end=until_end,
            from_the_start=from_the_start,
            settings=settings,
            status_at=status_at,
            as_json=as_json,
        )


def _text(file: Path | None, query: str | None) -> str:
    if (file is None) == (query is None):
        raise UsageError("Name a file of SQL, or give the SQL itself.", remedy="footfall sql FILE, or -e QUERY.")
    if query is not None:
        return query
    assert file is not None  # noqa: S101 - for the type checker
    try:
        return existing_file(file).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is no text: {error}.", remedy="Save it as UTF-8.") from error


def _inputs(pairs: Sequence[str]) -> dict[str, Path]:
    found = {}
    for pair in pairs:
        table, sign, path = pair.partition("=")
        if not (sign and table and path):
            raise UsageError(f"--input {pair}: this is not TABLE=FILE.", remedy="For example Clicks=clicks.ndjson.")
        found[table] = existing_file(Path(path))
    return found


def _name_of(file: Path | None, script: Script) -> str:
    if file is not None:
        return file.stem.lower().replace("_", "-").replace(".", "-").replace(" ", "-")
    from footfall import wiring

    return f"query-{wiring.fingerprint_of(script)[:8]}"


def _on_the_log(script: Script, *, service: str, data_dir: Path, as_json: bool, **how: Any) -> None:
    from footfall import wiring

    status_at, shown = how.pop("status_at"), script.inserts[-1].target is None
    with Shower(script.inserts[-1], as_json=as_json) as shower:

        def work(stop: threading.Event, heartbeat: Heartbeat) -> dict[str, int]:
            return wiring.standing_query(
                script, name=service, data_dir=data_dir, show=shower.show, stop=stop, beat=heartbeat.beat, **how
            )

        try:
            figures = serve(service, data_dir, work, status_at=status_at)
        finally:
            if shown:  # it keeps nothing: nobody is to wonder why it does not run
                (data_dir / "run" / f"{service}.json").unlink(missing_ok=True)
    if not shown and not as_json:
        print_figures(figures)
