"""Turns expressions into their types and values, by a real Flink: ``python -m tests.golden.expressions.make``."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from decimal import getcontext
from pathlib import Path
from typing import Any, Final

from footfall.core.errors import FootfallError
from footfall.sql.flink.gateway import Gateway, Session
from tests.golden.sql.rendering import rendered, type_name
from tests.servers.flink import Flink

HERE: Final = Path(__file__).parent
EXPRESSIONS: Final = HERE / "expressions.txt"
"""One a line, over the columns of the view below."""
MADE: Final = HERE / "flink.ndjson"
VIEW: Final = (
    "CREATE VIEW t AS SELECT CAST(i AS INT) i, CAST(i AS BIGINT) l, CAST(d AS DOUBLE) d, CAST(z AS DOUBLE) z, "
    "CAST(s AS STRING) s, CAST(i AS DECIMAL(10, 2)) de, TO_TIMESTAMP(x) ts, CAST(x AS DATE) da, "
    "CAST(NULL AS INT) nn, i = 1 AS b FROM (VALUES (1, 2.5, 0, 'abc', '2020-02-29 12:34:56.789')) AS v(i, d, z, s, x)"
)
_SETTINGS: Final = {"execution.runtime-mode": "batch", "parallelism.default": "1", "table.local-time-zone": "UTC"}
_AT_ONCE: Final = 16

Line = Mapping[str, Any]


def made(expressions: Sequence[str], session: Session) -> Iterator[Line]:
    """What Flink says of each. All in one query; if that fails, in halves, down to the one that is wrong."""
    selected = ", ".join(f"{one} AS x{at}" for at, one in enumerate(expressions))
    try:
        result = session.execute(f"SELECT {selected} FROM t")
        (row,) = result.rows()
    except FootfallError as error:
        if len(expressions) == 1:
            yield {"expression": expressions[0], "error": str(error).splitlines()[0][:120]}
            return
        half = len(expressions) // 2
        yield from made(expressions[:half], session)
        yield from made(expressions[half:], session)
        return
    for one, column, value in zip(expressions, result.columns, row.fields, strict=True):
        yield {
            "expression": one,
            "type": type_name(column.type).replace("INTEGER", "INT"),
            "value": rendered(value, column.type),
        }


def main() -> int:
    """Write them all anew."""
    expressions = EXPRESSIONS.read_text().splitlines()
    getcontext().prec = 76
    with Flink() as flink, Gateway(flink.gateway).session(_SETTINGS) as session, MADE.open("w") as file:
        session.execute(VIEW)
        for start in range(0, len(expressions), _AT_ONCE):
            for line in made(expressions[start : start + _AT_ONCE], session):
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    assert shutil.which("java"), "Flink needs Java"
    sys.exit(main())
