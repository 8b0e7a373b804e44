"""Turns golden queries into their expected rows, on a real Flink: ``python -m tests.golden.sql.make [case…]``."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from footfall.sql.flink.gateway import Gateway, Result, Session
from footfall.sql.flink.tables import CreatedTable
from tests.golden.sql.cases import Case, Line, all_cases, folded, lines
from tests.golden.sql.rendering import row_of, type_name
from tests.servers.flink import Flink

SETTINGS: Final = {
    "execution.runtime-mode": "streaming",
    "parallelism.default": "1",
    "table.local-time-zone": "UTC",
    # A watermark follows every row that moves it (WatermarkAssignerOperator emits when it has grown by more than this),
    # so which rows are late is a matter of the input alone.
    "pipeline.auto-watermark-interval": "0",
    "table.exec.source.idle-timeout": "0",
}
_FORMATS: Final[Mapping[str, Mapping[str, str]]] = {
    ".ndjson": {"format": "json", "json.timestamp-format.standard": "ISO-8601"},
    ".csv": {"format": "csv", "csv.null-literal": ""},
}

_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Made:
    """What Flink made of a case."""

    rows: Mapping[str | None, list[str]]
    """The lines of each expected file, by table; None is the result of a SELECT."""
    types: Mapping[str, str]
    """The columns of a SELECT, in order, and their types."""


def make(case: Case, gateway: Gateway) -> Made:
    """Run a case. Inputs and outputs lie in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="footfall-golden-") as name, gateway.session(SETTINGS) as session:
        folder = Path(name)
        for statement in case.statements[:-1]:
            table = next((one for one in case.tables.values() if one.statement is statement), None)
            session.execute(statement.text if table is None else _bound(case, table, folder))
        if case.targets:
            return Made(_inserted(case, session, folder), {})
        result = session.execute(case.last.text)
        return Made({None: lines(_selected(case, result))}, {one.name: type_name(one.type) for one in result.columns})


def _bound(case: Case, table: CreatedTable, folder: Path) -> str:
    """The declaration of a table, with where its rows are."""
    place = folder / f"{list(case.tables).index(table.name)}"
    kind = ".ndjson"
    if table.name in case.inputs:
        source = case.inputs[table.name]
        kind = source.suffix
        shutil.copyfile(source, place)
    return table.bind({"connector": "filesystem", "path": str(place), **_FORMATS[kind]}).text


def _selected(case: Case, result: Result) -> list[Line]:
    names, kinds = [one.name for one in result.columns], [one.type for one in result.columns]
    changes = [(row.kind, row_of(names, kinds, row.fields)) for row in result.rows()]
    only_inserts = all(kind == "INSERT" for kind, _ in changes)
    assert only_inserts or case.changes == "updates", f"{case.name}: Flink changes rows"
    return folded(changes)


def _inserted(case: Case, session: Session, folder: Path) -> dict[str | None, list[str]]:
    """The rows of each table that was inserted into, read back by Flink, so that their types are known."""
    for setting in ("'table.dml-sync' = 'true'", "'execution.checkpointing.interval' = '100 ms'"):  # files end with one
        session.execute(f"SET {setting}")
    list(session.execute(case.last.text).rows())
    found: dict[str | None, list[str]] = {}
    for target in case.targets:
        result = session.execute(f"SELECT * FROM `{target}`")
        found[target] = lines(_selected(case, result))
    return found


def write(case: Case, made: Made) -> None:
    """Keep what Flink made beside the query."""
    for target, found in made.rows.items():
        case.expected_file(target).write_text("".join(f"{line}\n" for line in found))
    if made.types:
        (case.folder / "types.json").write_text(json.dumps(made.types, indent=1, ensure_ascii=False) + "\n")


def make_all(cases: Sequence[Case], gateway: Gateway) -> Iterator[tuple[Case, Made | Exception]]:
    """Each case and what Flink made of it, or why it did not; several at a time, as Flink mostly waits."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = [(case, pool.submit(make, case, gateway)) for case in cases]
        for case, future in futures:
            error = future.exception()
            yield case, error if isinstance(error, Exception) else future.result()


def main(names: list[str]) -> int:
    """Make these cases, or all, and say what changed. The exit code is 1 when Flink refuses one."""
    refused = 0
    with Flink() as flink:
        for case, made in make_all(all_cases(names), Gateway(flink.gateway)):
            if isinstance(made, Exception):
                refused += 1
                print(f"{case.name}: {made}")
            else:
                write(case, made)
                print(f"{case.name}: {', '.join(str(len(rows)) for rows in made.rows.values())} rows")
    return 1 if refused else 0


if __name__ == "__main__":
    assert shutil.which("java"), "Flink needs Java"
    sys.exit(main(sys.argv[1:]))
