"""Turns the golden queries into the table of docs/reference/streaming-sql.md: ``python -m tests.golden.sql.table``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.golden.sql.cases import FEATURES, Case, all_cases

PAGE: Final = Path(__file__).parents[3] / "docs/reference/streaming-sql.md"
BEGIN: Final = "<!-- from tests/golden/sql -->\n"
END: Final = "<!-- to here -->\n"


def table() -> str:
    """A line a feature, with the cases that prove it."""
    cases = all_cases()
    lines = ["| feature | supported | proven by |", "|---|---|---|"]
    for feature in FEATURES:
        proofs = ", ".join(_name(case) for case in cases if feature in case.features)
        lines.append(f"| {feature} | yes | {proofs} |")
    return "\n".join(lines) + "\n"


def _name(case: Case) -> str:
    """Marked if the rows are not Flink's."""
    return f"[{case.name}*](#where-ours-differs)" if case.differs else case.name


def page() -> str:
    """The page, with today's table."""
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page())
