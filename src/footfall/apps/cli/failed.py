"""Turns ``footfall failed`` into a list of events that could not be used, and a way to bring them in."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from footfall.apps.cli.options import DATA_DIR, AsJson, DataDir, SettingsFile, existing_data, existing_file
from footfall.apps.cli.output import note, print_figures, print_json, print_table
from footfall.core.errors import UsageError

GROUPS: Final = 3
"""How many kinds of failed events are told below the list."""

app = typer.Typer(help="List, show and replay events that could not be used.", no_args_is_help=True)


class Status(StrEnum):
    """What became of a failed event."""

    OPEN = "open"
    REPLAYED = "replayed"
    ALL = "all"


@app.command("list")
def list_failed(
    status: Annotated[Status, typer.Option(help="Which ones.")] = Status.OPEN,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="At most N.")] = None,
    data_dir: DataDir = DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """List failed events: where they came from, and why they could not be used."""
    found = [one for one in events(data_dir) if status is Status.ALL or one["status"] == status.value]
    if as_json:
        for one in found[:limit]:
            print_json(one)
        return
    columns = ("id", "status", "source", "line", "reason", "detail")
    print_table(columns, ([one[column] for column in columns] for one in found[:limit]))
    if len(found) > 1:
        groups = Counter((one["reason"], one["source"]) for one in found).most_common(GROUPS)
        most = "; ".join(f"{number:,} {reason} in {source}" for (reason, source), number in groups)
        note(f"{len(found):,} in all; most: {most}")


@app.command("show")
def show_failed(
    event: Annotated[str, typer.Argument(metavar="ID", help="From the list; its first digits are enough.")],
    data_dir: DataDir = DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Show one failed event with all that is known of it."""
    one = found_by(event, list(events(data_dir)))
    (print_json if as_json else print_figures)(one)


@app.command("replay")
def replay_failed(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]…", help="From the list.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are open.")] = False,
    corrected: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Lines of `failed list --json` with `raw` corrected.")
    ] = None,
    raw: Annotated[str | None, typer.Option(metavar="TEXT", help="The corrected row, for a single ID.")] = None,
    patterns: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Which behaviour gets which offer; the built-in rules otherwise."),
    ] = None,
    settings: SettingsFile = None,
    data_dir: DataDir = DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Bring failed events in, as they are or corrected; each of them once. Exit code 1 when some fail again."""
    if patterns is not None:
        existing_file(patterns, what="Pattern file")
    rows = corrections(ids or [], everything=everything, corrected=corrected, raw=raw, data_dir=data_dir)
    from footfall import wiring

    done = wiring.replay_failed(rows, data_dir=data_dir, settings=settings, patterns=patterns)
    (print_json if as_json else print_figures)(done.figures)
    if done.functions and not as_json:
        names = ", ".join(done.functions)
        note(f"Handed to {names} again by the `footfall run FILE.py` that runs it, or else by the next one.")
    if done.figures["rejected"]:
        note("Some failed again: `footfall failed list` says why.")
        raise typer.Exit(1)


def corrections(
    ids: list[str], *, everything: bool, corrected: Path | None, raw: str | None, data_dir: Path
) -> dict[str, bytes]:
    """What to bring in: failed event id to the row's bytes."""
    if sum((bool(ids), everything, corrected is not None)) != 1:
        raise UsageError("Nothing, or too much, was named to replay.", remedy="Give IDs, or --all, or --from FILE.")
    if raw is not None and len(ids) != 1:
        raise UsageError("--raw corrects one event.", remedy="Give exactly one ID with it.")
    if corrected is not None:
        return read_corrections(existing_file(corrected))
    known = list(events(data_dir))
    chosen = [found_by(one, known) for one in ids] if ids else [one for one in known if one["status"] == Status.OPEN]
    return {one["id"]: raw_bytes(one) if raw is None else raw.encode() for one in chosen}


def read_corrections(file: Path) -> dict[str, bytes]:
    """The rows of an edited list."""
    rows: dict[str, bytes] = {}
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            one = json.loads(line)
            rows[str(one["id"])] = raw_bytes(one)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{file}, line {number}: this is not a line of `footfall failed list --json` ({error}).",
                remedy="Keep each line a JSON object with `id` and `raw`.",
            ) from error
    return rows


def events(data_dir: Path) -> Iterator[dict[str, Any]]:
    """All failed events, as they are printed."""
    existing_data(data_dir)
    from footfall import wiring

    for one in wiring.failed_events(data_dir):
        shown: dict[str, Any] = {
            "id": one.id,
            "status": one.status,
            "source": one.source,
            "line": one.line,
            "reason": str(one.reason),
            "detail": one.detail,
            "timestamp": one.timestamp_ms,
        }
        try:
            shown["raw"] = one.raw.decode()
        except UnicodeDecodeError:
            shown["raw_base64"] = base64.b64encode(one.raw).decode()
        yield shown


def raw_bytes(one: dict[str, Any]) -> bytes:
    """The row's bytes, from what is printed of it (or what was made of that)."""
    return str(one["raw"]).encode() if "raw" in one else base64.b64decode(one["raw_base64"], validate=True)


def found_by(text: str, known: list[dict[str, Any]]) -> dict[str, Any]:
    """The one failed event whose id begins like this."""
    matches = [one for one in known if one["id"].startswith(text.lower())]
    if len(matches) != 1:
        number = "no" if not matches else str(len(matches))
        raise UsageError(
            f"{number} failed events have an id that begins with {text}.", remedy="See `footfall failed list`."
        )
    return matches[0]
