"""Which types functions take and give, and what is said when they do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from footfall.core.errors import UsageError
from footfall.sql.errors import SqlError
from footfall.sql.functions.coercion import can_cast, common_type, decimal
from footfall.sql.functions.reference import lines
from footfall.sql.functions.registry import FUNCTIONS, aggregate_type, is_aggregate, names, result_type
from footfall.sql.functions.user import UserFunctions
from footfall.sql.types import BIGINT, BOOLEAN, DATE, DOUBLE, INT, STRING, TIMESTAMP, TIMESTAMP_LTZ, Family, SqlType
from tests.unit.expressing import AT, call, column, constant

FLOAT = SqlType(Family.FLOAT)
INTS, LONGS = (SqlType(Family.ARRAY, inner=(one,)) for one in (INT, BIGINT))


@pytest.mark.parametrize(
    ("types", "common"),
    [
        ([INT, BIGINT], BIGINT),
        ([INT, decimal(2, 1)], decimal(11, 1)),
        ([decimal(10, 2), DOUBLE], DOUBLE),
        ([decimal(10, 2), FLOAT], DOUBLE),
        ([FLOAT, DOUBLE], FLOAT),
        ([DOUBLE, FLOAT], DOUBLE),
        ([BIGINT, FLOAT], FLOAT),
        ([SqlType(Family.NULL), STRING], STRING),
        ([INT, STRING], None),
        ([DATE, TIMESTAMP], None),
        ([INTS, LONGS], LONGS),
    ],
)
def test_the_common_type_is_the_one_that_flink_takes(types: list[SqlType], common: SqlType | None) -> None:
    assert common_type(types) == common


def test_what_may_be_null_stays_so() -> None:
    sure, maybe = column("a", INT.without_null()), column("b", INT)

    assert not call("+", sure, sure).type.nullable
    assert call("+", sure, maybe).type.nullable
    assert not call("COALESCE", maybe, sure).type.nullable
    assert not call("IS NULL", maybe).type.nullable


def test_casts_that_mean_nothing_are_refused() -> None:
    assert can_cast(STRING, TIMESTAMP)
    assert not can_cast(BIGINT, TIMESTAMP_LTZ)
    assert not can_cast(TIMESTAMP, BIGINT)
    assert not can_cast(STRING, SqlType(Family.ARRAY, inner=(INT,)))


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("UPER", [], "Did you mean UPPER"),
        ("LENGTH", [], "Write CHAR_LENGTH"),
        ("RAND", [], "another result each time"),
        ("SUM", [], "with GROUP BY"),
        ("UPPER", [], "takes 1 argument, not 0"),
        ("SUBSTRING", [constant("a", STRING)], "takes 2 to 3 arguments, not 1"),
        ("UPPER", [constant(1, INT)], "must be a text, not INT (line 1, column 1). Write CAST(… AS STRING)."),
        ("+", [constant("a", STRING), constant(1, INT)], "must be a number, not STRING"),
        ("=", [column("a", INT), column("b", STRING)], "so that both sides are of one type"),
        ("/", [column("a", INT), constant(0, INT)], "Division by zero"),
        ("-", [column("a", TIMESTAMP), column("b", TIMESTAMP)], "TIMESTAMPDIFF"),
        ("EXTRACT", [constant("YAER", STRING), column("a", TIMESTAMP)], "knows no unit YAER"),
        ("AND", [column("a", INT), column("b", BOOLEAN)], "must be a condition"),
        ("CASE", [column("a", BOOLEAN), constant(1, INT), constant("a", STRING)], "mixes types"),
    ],
)
def test_a_wrong_call_says_what_to_write_instead(name: str, arguments: list[Any], said: str) -> None:
    with pytest.raises(SqlError) as raised:
        result_type(name, arguments, AT)

    assert said in str(raised.value)
    assert raised.value.remedy
    assert ". (line " not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "argument", "result"),
    [
        ("COUNT", None, BIGINT.without_null()),
        ("SUM", INT, INT),
        ("SUM", decimal(10, 2), decimal(38, 2)),
        ("AVG", INT, INT),
        ("AVG", decimal(10, 2), decimal(38, 6)),
        ("MAX", STRING, STRING),
        ("LISTAGG", STRING, STRING),
    ],
)
def test_aggregates_have_the_types_of_flink(name: str, argument: SqlType | None, result: SqlType) -> None:
    assert is_aggregate(name)
    assert aggregate_type(name, argument, AT) == result


@pytest.mark.parametrize(("name", "argument"), [("SUM", STRING), ("LISTAGG", INT), ("MAX", None), ("MEDIAN", INT)])
def test_an_aggregate_of_what_it_does_not_take_is_refused(name: str, argument: SqlType | None) -> None:
    with pytest.raises(SqlError):
        aggregate_type(name, argument, AT)


def test_every_function_says_how_it_is_written() -> None:
    assert [one.name for one in FUNCTIONS.values() if not one.about.endswith(".") or not one.forms] == []
    assert {"UPPER", "COUNT", "CAST"} <= set(names())


def test_a_function_of_the_user_has_the_types_of_its_annotations() -> None:
    def discount(price: float, level: str | None = None) -> float | None:
        return price if level is None else price / 2

    functions = UserFunctions().with_function("discount", discount)

    found = call("DISCOUNT", column("a", INT), functions=functions)

    assert found.type == DOUBLE
    assert [one.type.family for one in found.arguments] == [Family.DOUBLE]
    with pytest.raises(SqlError, match=r"takes DOUBLE here"):
        call("discount", column("a", STRING), functions=functions)
    with pytest.raises(SqlError, match="takes 2 arguments, not 0"):
        call("discount", functions=functions)


def test_a_function_without_annotations_is_refused_with_what_to_write() -> None:
    with pytest.raises(UsageError, match="Annotate it"):
        UserFunctions().with_function("f", lambda value: value)


@pytest.mark.parametrize("path", ["nowhere", "nowhere.f", "footfall.sql.types.nothing", "footfall.sql.types.INT"])
def test_a_function_that_is_not_there_is_refused(path: str) -> None:
    with pytest.raises(UsageError):
        UserFunctions().load("f", path)


def test_the_page_of_functions_is_that_of_the_registry() -> None:
    page = Path(__file__).parents[2] / "docs/reference/sql-functions.md"

    assert page.read_text() == "\n".join(lines()) + "\n", "python -m footfall.sql.functions.reference writes it"
