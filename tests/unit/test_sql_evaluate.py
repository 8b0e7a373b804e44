"""What expressions give that Flink cannot be asked about: which rows fail, what is not computed, what is now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from footfall.core.events import CODED
from footfall.processors.base import NO_TIME
from footfall.processors.relational.rows import Rows
from footfall.sql.errors import SqlError
from footfall.sql.evaluate.compile import compile_columns, compile_expression, predicate
from footfall.sql.evaluate.frame import RowError
from footfall.sql.evaluate.kernels import MAKERS
from footfall.sql.evaluate.lazily import FORMS
from footfall.sql.evaluate.moments import FORMS as NOW
from footfall.sql.functions.registry import FUNCTIONS
from footfall.sql.functions.user import UserFunctions
from footfall.sql.types import BIGINT, BOOLEAN, DOUBLE, INT, STRING, TIMESTAMP, TIMESTAMP_LTZ
from tests.unit.expressing import call, cast, column, computed, constant, rows

X, Y, TEXT = column("x", INT), column("y", INT), column("t", STRING)
NUMBERS = rows(
    {"x": (INT, [7, 1, None, 5, -9]), "y": (INT, [2, 0, 0, 0, 4]), "t": (STRING, ["1", "a", None, "3", "b"])}
)


def test_every_function_that_has_a_type_has_a_value() -> None:
    assert set(FUNCTIONS) - set(MAKERS) - set(FORMS) - set(NOW) == set()


def test_a_division_by_zero_names_all_its_rows_but_not_those_with_null() -> None:
    with pytest.raises(RowError, match="Division by zero") as raised:
        computed(call("/", X, Y), NUMBERS)

    assert raised.value.rows.tolist() == [1, 3]


def test_doubles_are_divided_by_zero_to_infinity() -> None:
    given = rows({"a": (DOUBLE, [1.0, -1.0, None])})

    found = computed(call("/", column("a", DOUBLE), constant(0.0, DOUBLE)), given)

    assert found == [float("inf"), float("-inf"), None]


@pytest.mark.parametrize("coded", [False, True])
def test_a_failed_cast_names_its_rows_and_try_cast_gives_null(coded: bool) -> None:
    given = NUMBERS if not coded else rows({"t": (STRING, ["1", "a", None, "3", "b"])}, coded=True)

    with pytest.raises(RowError) as raised:
        computed(cast(TEXT, INT), given)

    assert raised.value.rows.tolist() == [1, 4]
    assert computed(cast(TEXT, INT, attempt=True), given) == [1, None, None, 3, None]


def test_case_does_not_compute_what_is_not_chosen() -> None:
    safe = call("CASE", call("<>", Y, constant(0, INT)), call("/", X, Y), constant(-1, INT))

    assert computed(safe, NUMBERS) == [3, -1, -1, -1, -2]


def test_and_and_or_stop_where_they_are_decided() -> None:
    divided = call(">", call("/", X, Y), constant(0, INT))
    nonzero = call("<>", Y, constant(0, INT))

    assert computed(call("AND", nonzero, divided), NUMBERS) == [True, False, False, False, False]
    assert computed(call("OR", call("=", Y, constant(0, INT)), divided), NUMBERS) == [True, True, True, True, False]


def test_coalesce_computes_the_second_only_where_the_first_is_null() -> None:
    found = computed(
        call("COALESCE", X, call("/", constant(1, INT), Y)), rows({"x": (INT, [1, None]), "y": (INT, [0, 1])})
    )

    assert found == [1, 1]


def test_rows_of_a_failure_within_case_are_numbered_as_in_the_batch() -> None:
    risky = call("CASE", call("IS NOT NULL", X), call("/", X, Y), constant(0, INT))

    with pytest.raises(RowError) as raised:
        computed(risky, NUMBERS)

    assert raised.value.rows.tolist() == [1, 3]


def test_whole_numbers_wrap_as_in_java() -> None:
    given = rows({"x": (INT, [2**31 - 1, -(2**31)]), "y": (INT, [1, -1])})

    assert computed(call("+", X, Y), given) == [-(2**31), 2**31 - 1]
    assert computed(call("/", X, Y), given) == [2**31 - 1, -(2**31)]
    assert computed(call("-", X), given) == [-(2**31) + 1, -(2**31)]


def test_a_function_of_a_coded_text_stays_coded_and_is_called_once_a_text() -> None:
    seen: list[str] = []

    def shout(text: str) -> str:
        seen.append(text)
        return text.upper()

    given = rows({"t": (STRING, ["a", "b", None] * 100)}, coded=True)
    found = compile_expression(call("UPPER", TEXT))(given)
    functions = UserFunctions().with_function("shout", shout)
    own = computed(call("shout", TEXT, functions=functions), rows({"t": (STRING, ["a"] * 3)}), functions=functions)

    assert found.type == CODED
    assert len(found.dictionary) == 2
    assert found.to_pylist()[:3] == ["A", "B", None]
    assert own == ["A"] * 3
    assert len(seen) == 3


def test_a_text_that_no_row_has_does_not_fail() -> None:
    codes = pa.DictionaryArray.from_arrays(pa.array([0, 0], type=pa.int32()), pa.array(["1", "no number"]))
    batch = pa.RecordBatch.from_arrays([codes], names=["t"])

    assert computed(cast(TEXT, INT), Rows(batch, np.zeros(2, dtype=np.int64))) == [1, 1]


def test_now_is_when_the_rows_were_appended() -> None:
    given = rows({"x": (INT, [1, 2])}, now=1_582_979_696_789)
    moment = dt.datetime(2020, 2, 29, 12, 34, 56, 789000, tzinfo=dt.UTC)

    assert computed(call("PROCTIME"), given) == [moment, moment]
    assert computed(call("LOCALTIMESTAMP"), given) == [moment.replace(tzinfo=None)] * 2
    assert computed(call("CURRENT_DATE"), given) == [dt.date(2020, 2, 29)] * 2
    assert computed(call("CURRENT_TIME"), given) == [dt.time(12, 34, 56)] * 2
    assert computed(call("UNIX_TIMESTAMP"), given) == [1_582_979_696] * 2


def test_the_watermark_is_null_before_the_first() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([0, 0], type=TIMESTAMP_LTZ.arrow)], names=["ts"])
    given = Rows(batch, np.array([NO_TIME, 1000]))

    found = computed(call("CURRENT_WATERMARK", column("ts", TIMESTAMP_LTZ)), given)

    assert found == [None, dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC)]


def test_a_user_function_that_raises_names_itself_and_types_but_no_values() -> None:
    def check(text: str | None, number: int) -> bool:
        if text == "secret":
            raise KeyError(text)
        return text is None

    functions = UserFunctions().with_function("check_it", check)
    expression = call("check_it", TEXT, column("n", BIGINT), functions=functions)
    given = rows({"t": (STRING, [None, "secret"]), "n": (BIGINT, [1, 2])})

    with pytest.raises(RowError) as raised:
        computed(expression, given, functions=functions)

    assert raised.value.rows.tolist() == [1]
    assert "check_it(str, int) raised KeyError" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_user_function_must_return_what_it_says() -> None:
    wrong: Callable[[int], Any] = lambda number: "text"  # noqa: E731
    wrong.__annotations__ = {"number": int, "return": int}
    functions = UserFunctions().with_function("wrong", wrong)

    with pytest.raises(RowError, match="TypeError"):
        computed(
            call("wrong", column("n", BIGINT), functions=functions), rows({"n": (BIGINT, [1])}), functions=functions
        )


def test_a_predicate_is_false_where_it_is_null() -> None:
    found = predicate(call(">", X, constant(4, INT)))(NUMBERS)

    assert found.tolist() == [True, False, False, True, False]


def test_what_columns_share_is_computed_once() -> None:
    calls = []

    def slow(text: str | None) -> str | None:
        calls.append(text)
        return text

    functions = UserFunctions().with_function("slow", slow)
    one = call("slow", TEXT, functions=functions)

    found = compile_columns([one, call("UPPER", one)], functions=functions)(rows({"t": (STRING, ["a", "b"])}))

    assert found[1].to_pylist() == ["A", "B"]
    assert calls == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "pattern", "said"),
    [
        ("REGEXP", r"\p{L}", r"\p{L}"),
        ("REGEXP_EXTRACT", "[a&&[b]]", "&&"),
        ("LIKE", "a!c", "!c means nothing"),
        ("DATE_FORMAT", "yyyy-ww", "ww"),
        ("JSON_VALUE", "a.b", "does not begin with $"),
    ],
)
def test_what_a_pattern_cannot_mean_here_is_said_before_the_first_row(name: str, pattern: str, said: str) -> None:
    first = column("ts", TIMESTAMP) if name == "DATE_FORMAT" else TEXT
    more = [constant("!", STRING)] if name == "LIKE" else []

    with pytest.raises(SqlError) as raised:
        compile_expression(call(name, first, constant(pattern, STRING), *more))

    assert said in str(raised.value)


def test_no_rows_give_no_values_and_fail_never() -> None:
    given = rows({"x": (INT, []), "y": (INT, []), "t": (STRING, [])})

    assert computed(call("/", X, Y), given) == []
    assert computed(call("UPPER", TEXT), given) == []
    assert predicate(call("=", X, Y))(given).tolist() == []


def test_a_constant_is_spread_over_all_rows() -> None:
    assert computed(call("+", constant(1, INT), constant(2, INT)), NUMBERS) == [3] * 5
    assert computed(constant(None, BOOLEAN), NUMBERS) == [None] * 5
