"""Turns ``footfall generate`` into a file of realistic clicks, the same for the same seed; or into an example's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import typer

from footfall.apps.cli.generate_example import Wanted, live, write_files
from footfall.apps.cli.options import DATA_DIR, AsJson, DataDir, SettingsFile, StatusAt, existing_file, service_name
from footfall.apps.cli.output import Progress, print_figures, print_json, progress
from footfall.core.clock import SystemClock
from footfall.core.errors import UsageError


class Rows(Protocol):
    """A batch, of which only the length matters here: Arrow is imported inside the command."""

    @property
    def num_rows(self) -> int: ...


B = TypeVar("B", bound=Rows)
T = TypeVar("T")


def generate(
    events: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="How many clicks; needed for files.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Ends in .tsv, .csv, .ndjson or .parquet (or .gz after); a directory for an example."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="S", help="The same seed gives the same file.")] = 0,
    layout: Annotated[
        str | None, typer.Option(help="template, footfall or commerce. [default: template for .tsv, else footfall]")
    ] = None,
    products: Annotated[Path | None, typer.Option(metavar="FILE", help="Click on these instead of our own.")] = None,
    users: Annotated[Path | None, typer.Option(metavar="FILE", help="Let these click instead of made-up ones.")] = None,
    visitors: Annotated[int | None, typer.Option(min=1, help="How many visitors to make up.")] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Over how many days, from 2026-01-01.")] = 15,
    lookups: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write products.json and users.json there.")
    ] = None,
    example: Annotated[
        str | None, typer.Option(metavar="NAME", help="Make the streams of an example instead: vip has user and click.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help="Of an example's files: ndjson, csv, tsv or parquet.")
    ] = "ndjson",
    is_live: Annotated[
        bool, typer.Option("--live", help="Append to the log, until told to stop; only with --example.")
    ] = False,
    per_second: Annotated[
        float, typer.Option("--clicks-per-second", min=0.001, metavar="X", help="How fast an example's clicks come.")
    ] = 2.0,
    burst: Annotated[int, typer.Option(min=1, metavar="N", help="An example's users come so many at once.")] = 100,
    burst_every: Annotated[
        int, typer.Option(min=1, metavar="N", help="Clicks between one burst of users and the next.")
    ] = 200,
    changes: Annotated[
        float, typer.Option(min=0, max=1, help="Share of an example's users that come again, with a level drawn anew.")
    ] = 0.0,
    name: Annotated[str, typer.Option(help="Names this service in `footfall status`, when live.")] = "generator",
    settings: SettingsFile = None,
    status_at: StatusAt = None,
    data_dir: DataDir = DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Write a realistic clickstream to a file; or make the streams of an example."""
    if example is not None:
        wanted = Wanted(
            example=example,
            seed=seed,
            clicks=events,
            per_second=per_second,
            burst=burst,
            burst_every=burst_every,
            changes=changes,
        )
        if is_live:
            known_as = service_name(name)
            figures = live(wanted, data_dir=data_dir, name=known_as, settings=settings, status_at=status_at)
        else:
            figures = write_files(wanted, _said(out, "--out", "a directory for the files"), form=form)
        (print_json if as_json else print_figures)(figures)
        return
    if is_live:
        raise UsageError("--live is for examples.", remedy="Add --example vip; files are replayed with `replay`.")
    events, out = _said(events, "--events", "how many clicks"), _said(out, "--out", "a file")
    for given in (products, users):
        if given is not None:
            existing_file(given)
    from footfall.sources import catalogue, writers
    from footfall.sources import lookups as lookup_files
    from footfall.sources.generate import GeneratorSettings
    from footfall.sources.generate import generate as clicks
    from footfall.sources.generate_visitors import make_users

    started = SystemClock().monotonic()
    kind = GeneratorSettings(events=events, seed=seed, days=days, visitors=visitors)
    goods = list(lookup_files.read_products(products).rows) if products else catalogue.load_catalogue()
    people = list(lookup_files.read_users(users).rows) if users else None
    ids = None if people is None else [person.userId for person in people]
    with progress("events") as show:
        batches = clicks(kind, products=goods, users=ids)
        rows = writers.write_clicks(out, counted(batches, show, events), layout=layout, products=goods)
    if lookups is not None:
        made = people if people is not None else make_users(kind.known_visitors, seed)
        write_lookups(lookups, [asdict(one) for one in goods], [asdict(one) for one in made])
    seconds = SystemClock().monotonic() - started
    figures = {"events": rows, "file": str(out), "seconds": round(seconds, 3)}
    (print_json if as_json else print_figures)(figures)


def _said(value: T | None, option: str, what: str) -> T:
    """The option's value; a message when it was left out."""
    if value is None:
        raise UsageError(f"Missing option {option}: {what}.", remedy="`footfall generate --help` lists all options.")
    return value


def counted(batches: Iterable[B], show: Progress, total: int) -> Iterator[B]:
    """The batches, while progress is shown."""
    done = 0
    for batch in batches:
        yield batch
        done += batch.num_rows
        show(done, total)


def write_lookups(directory: Path, products: list[dict[str, Any]], users: list[dict[str, Any]]) -> None:
    """Write the look-up files that belong to the clicks, in the layouts that ``footfall load`` reads."""
    lines = ({"userId": one["userId"], "gender": one["gender"], "birthDate": one["birthday"]} for one in users)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "products.json").write_text(json.dumps(products, indent=1) + "\n", encoding="utf-8")
        with (directory / "users.json").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
    except OSError as error:
        raise UsageError(
            f"Cannot write to {directory}: {error.strerror}.", remedy="Choose another --lookups."
        ) from error
