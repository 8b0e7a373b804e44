"""What expressions are and give, beside what a real Flink said of them (tests/golden/expressions)."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
import re
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pytest

from footfall.processors.relational.rows import Rows
from footfall.sql.errors import SqlError
from footfall.sql.evaluate.compile import compile_expression
from footfall.sql.evaluate.frame import RowError
from footfall.sql.expressions import Expression
from footfall.sql.functions.coercion import decimal
from footfall.sql.plan import Calc, Field, Table
from footfall.sql.planning import plan_script
from footfall.sql.types import BIGINT, BOOLEAN, DATE, DOUBLE, INT, STRING, TIMESTAMP, Family, SqlType
from tests.golden.expressions.make import EXPRESSIONS, MADE

LINES: Final = [json.loads(line) for line in MADE.read_text().splitlines()]
ROW: Final[dict[str, tuple[SqlType, Any]]] = {
    "i": (INT.without_null(), 1),
    "l": (BIGINT.without_null(), 1),
    "d": (DOUBLE.without_null(), 2.5),
    "z": (DOUBLE.without_null(), 0.0),
    "s": (STRING.without_null(), "abc"),
    "de": (decimal(10, 2, nullable=False), Decimal("1.00")),
    "ts": (TIMESTAMP, dt.datetime(2020, 2, 29, 12, 34, 56, 789000)),  # noqa: DTZ001
    "da": (DATE.without_null(), dt.date(2020, 2, 29)),
    "nn": (INT, None),
    "b": (BOOLEAN.without_null(), True),
}
TABLE: Final = Table("t", tuple(Field(name, kind) for name, (kind, _) in ROW.items()))
FOLDED: Final = "Flink computes constants beforehand, and otherwise than in rows"
DIFFERENT: Final = {
    "CAST(CAST(1.1 AS FLOAT) AS DOUBLE)": FOLDED,
    "ARRAY[1,2,3][5]": FOLDED,
    "MAP['a',1]['b']": FOLDED,
    "z / z = z / z": "Flink takes x = x for TRUE before it looks at NaN",
    "da = s": "Flink's constant text that is no date equals nothing; ours is NULL, as with columns",
    "EXTRACT(SECOND FROM TIMESTAMP '1960-01-01 00:00:59.999')": "Flink's seconds before 1970 are off",
    "LPAD('x', 4, '😀')": "Flink cuts a character in two",
    "UNHEX('1')": "Flink gives 0 for one digit",
    "CAST(CAST(1e23 AS DOUBLE) AS STRING)": FOLDED,
}


def batch(length: int = 2) -> Rows:
    arrays = [pa.array([value] * length, type=kind.arrow) for kind, value in ROW.values()]
    return Rows(pa.RecordBatch.from_arrays(arrays, names=list(ROW)), np.zeros(length, dtype=np.int64))


def planned(text: str) -> Expression:
    step = plan_script(f"SELECT {text} AS x FROM t", streams={"t": TABLE}).inserts[0].source
    assert isinstance(step, Calc)
    return step.columns[0]


def shown(value: Any, kind: SqlType) -> Any:
    """As the golden files have it."""
    if value is None:
        return None
    match kind.family:
        case Family.DECIMAL:
            return f"{value:f}"
        case Family.DATE | Family.TIME:
            return value.isoformat()
        case Family.TIMESTAMP:
            return value.isoformat(timespec="milliseconds")
        case Family.TIMESTAMP_LTZ:
            return value.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
        case Family.DOUBLE | Family.FLOAT:
            return value if math.isfinite(value) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
        case Family.BYTES:
            return base64.b64encode(value).decode()
        case Family.ARRAY:
            return [shown(one, kind.inner[0]) for one in value]
        case Family.MAP:
            return {key: shown(one, kind.inner[1]) for key, one in value}
        case Family.ROW:
            return {name: shown(value[name], of) for name, of in zip(kind.names, kind.inner, strict=True)}
    return value


def type_text(text: str) -> str:
    """Without lengths of texts, which we do not keep."""
    found = re.sub(r"(?:VAR)?CHAR\(\d+\)", "STRING", text)
    found = found.replace("INTEGER", "INT")
    return found.replace("TIME(0)", "TIME").replace("INTERVAL SECOND(3)", "INTERVAL SECOND")


def same(one: Any, other: Any, kind: SqlType) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-7 if kind.family is Family.FLOAT else 1e-14)
    return bool(one == other)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["expression"])
def test_an_expression_is_and_gives_what_flink_says(line: dict[str, Any]) -> None:
    text = line["expression"]
    if "error" in line:
        assert_refused(text)
        return

    expression = planned(text)
    values = compile_expression(expression)(batch()).to_pylist()

    assert type_text(str(expression.type)) == type_text(line["type"])
    # What is named as different must be so, lest the list grows old.
    agrees = [same(shown(one, expression.type), line["value"], expression.type) for one in values]
    assert agrees == [text not in DIFFERENT] * 2, (values, line["value"])


def assert_refused(text: str) -> None:
    """Before the first row, or in it; where Flink trips over NULL in a column without, we give NULL."""
    try:
        expression = planned(text)
        values = compile_expression(expression)(batch()).to_pylist()
    except (SqlError, RowError):
        return
    assert values == [None, None]


def test_flink_was_asked_about_every_expression() -> None:
    assert sorted(one["expression"] for one in LINES) == sorted(EXPRESSIONS.read_text().splitlines())
