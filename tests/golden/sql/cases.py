"""Turns a folder below this one into a golden case: a query, its inputs, and the rows that Flink makes of them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from footfall.sql.flink.statements import Statement, split
from footfall.sql.flink.tables import CreatedTable, created_table

HERE: Final = Path(__file__).parent
SHARED: Final = HERE / "_inputs"
FEATURES: Final = (
    "projection",
    "filter",
    "three-valued logic",
    "string functions",
    "math functions",
    "conditional functions",
    "casts",
    "time functions",
    "json functions",
    "hash functions",
    "computed columns",
    "views",
    "union all",
    "distinct",
    "group by",
    "having",
    "tumbling windows",
    "hopping windows",
    "cumulating windows",
    "session windows",
    "window top-n",
    "window de-duplication",
    "window join",
    "regular join",
    "outer join",
    "semi join",
    "interval join",
    "temporal join",
    "top-n",
    "de-duplication",
    "over aggregates",
    "order by time",
    "match_recognize",
    "quoted names",
    "insert into",
    "statement set",
)
"""All that a case may say of itself; docs list which cases prove which."""
CHANGES: Final = ("append", "updates")
_HEADER: Final = re.compile(r"^-- (\w+): (.*)$", re.MULTILINE)

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One golden query."""

    name: str
    folder: Path
    features: Sequence[str]
    changes: str
    """append: the result only ever grows. updates: it also changes rows, and what counts is what is left."""
    statements: Sequence[Statement]
    differs: str = ""
    """Why the right rows are not those that Flink makes; then they are in a file of their own."""

    @property
    def tables(self) -> dict[str, CreatedTable]:
        """The tables that it declares, by name."""
        made = [created_table(one) for one in self.statements]
        return {one.name: one for one in made if one is not None}

    @property
    def targets(self) -> list[str]:
        """The tables into which it inserts, in order; none when it ends with a SELECT."""
        return list(dict.fromkeys(name for one in self.statements for name in one.targets))

    @property
    def inputs(self) -> dict[str, Path]:
        """The file of each table that is read."""
        return {name: self._input(name) for name in self.tables if name not in self.targets}

    @property
    def last(self) -> Statement:
        """What is run when all is declared."""
        return self.statements[-1]

    @property
    def outputs(self) -> Sequence[str | None]:
        """What has expected rows: each table that is inserted into, or None for the result of a SELECT."""
        return self.targets or (None,)

    def expected_file(self, target: str | None = None) -> Path:
        """Where the expected rows are: one file, or one for each table of a statement set."""
        return self.folder / (f"expected.{target}.ndjson" if target and len(self.targets) > 1 else "expected.ndjson")

    def expected(self, target: str | None = None) -> list[dict[str, Any]]:
        """The rows that Flink made, sorted."""
        return [json.loads(line) for line in self.expected_file(target).read_text().splitlines()]

    @property
    def file_of_ours(self) -> Path:
        """Where the right rows are if ``differs`` says that Flink's are not."""
        return self.folder / "expected.ours.ndjson"

    def right(self, target: str | None = None) -> list[dict[str, Any]]:
        """The rows that a query must give, sorted: Flink's, but for a defect of Flink."""
        if not self.differs:
            return self.expected(target)
        return [json.loads(line) for line in self.file_of_ours.read_text().splitlines()]

    @property
    def types(self) -> dict[str, str]:
        """The columns of a SELECT in order, and Flink's types; empty for what inserts."""
        file = self.folder / "types.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def _input(self, name: str) -> Path:
        candidates = [place / f"{name}.{kind}" for place in (self.folder, SHARED) for kind in ("ndjson", "csv")]
        found = next((one for one in candidates if one.exists()), None)
        assert found is not None, f"{self.name}: there is no file of rows for {name}"
        return found


def read(folder: Path) -> Case:
    """The case in a folder. Fails when its header is not complete, or names a feature that is not in the list."""
    text = (folder / "query.sql").read_text()
    header = dict(_HEADER.findall(text))
    features = tuple(one.strip() for one in header["feature"].split(","))
    assert set(features) <= set(FEATURES), f"{folder.name}: unknown feature in {features}"
    assert header["changes"] in CHANGES, f"{folder.name}: changes: {header['changes']}"
    differs = header.get("differs", "")
    return Case(folder.name, folder, features, header["changes"], split(text), differs)


def all_cases(names: Iterable[str] = ()) -> list[Case]:
    """These cases, or all there are, by name."""
    folders = [HERE / name for name in names] or sorted(path.parent for path in HERE.glob("*/query.sql"))
    return [read(folder) for folder in folders]


def lines(rows: Iterable[Line]) -> list[str]:
    """Rows as the expected files have them: JSON with sorted keys, sorted."""
    return sorted(json.dumps(row, sort_keys=True, ensure_ascii=False) for row in rows)


def folded(changes: Iterable[tuple[str, Line]]) -> list[Line]:
    """What is left of a stream of changes, each with its kind. Fails when a row is taken away that is not there."""
    left: Counter[str] = Counter()
    for kind, row in changes:
        text = json.dumps(row, sort_keys=True, ensure_ascii=False)
        left[text] += 1 if kind in {"INSERT", "UPDATE_AFTER"} else -1
        assert left[text] >= 0, f"{kind} of a row that is not there: {text}"
    return [json.loads(text) for text in left.elements()]
