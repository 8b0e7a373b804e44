"""Turns the registry into docs/reference/sql-functions.md: ``python -m footfall.sql.functions.reference``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from footfall.sql.functions.aggregates import AGGREGATES
from footfall.sql.functions.registry import FUNCTIONS

_HEAD = """# Functions of SQL

Names, types and values are those of Flink SQL 2.2, as [golden expressions](../../tests/golden/expressions/README.md)
prove.
Upper and lower case are the same.
Where no other rule is given, the result is NULL when an argument is.

The session's time zone is UTC.
`RAND`, `RAND_INTEGER` and `UUID` are refused: each restart would give other rows.
Regular expressions are Java's; what Python's cannot do (`\\p{L}`, `&&` and classes within a class) is refused by name.
Patterns of dates know `y u M L d D E a H h k K m s S Q X x` and texts in quotes.
JSON paths are `$.name['other name'][0][*]`, with `strict` (if nothing is said) or `lax` before them.

A row may have no result: a division by zero, a text that is no number.
Flink stops there; here the row is set aside, and the query goes on.
"""
_CASTS = (
    ("CAST(value AS type)", "The same as another type; fails if it cannot be."),
    ("TRY_CAST(value AS type)", "The same as another type; NULL if it cannot be."),
)


def lines() -> Iterator[str]:
    """The page."""
    yield from _HEAD.splitlines()
    for group in dict.fromkeys(one.group for one in FUNCTIONS.values()):
        yield from _table(group, [(one.forms[0], one.about) for one in FUNCTIONS.values() if one.group == group])
        if group == "Conditions":
            yield from _table("Casts", list(_CASTS))
    yield from _table("Aggregates", [(one.form, one.about) for one in AGGREGATES.values()])


def _table(title: str, rows: list[tuple[str, str]]) -> Iterator[str]:
    yield from ("", f"## {title}", "", "| form | gives |", "|---|---|")
    for form, about in rows:
        yield f"| `{form.replace('|', chr(92) + '|')}` | {about} |"


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()) + "\n")
