"""Conditions and measures of MATCH_RECOGNIZE, over the rows that variables were given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from footfall.processors.relational.matching import OfMatch, OfRow
from footfall.sql.evaluate.frame import RowError
from footfall.sql.evaluate.matched import compile_matched, condition
from footfall.sql.expressions import Matched, MatchedAggregate
from footfall.sql.types import BIGINT, INT, STRING
from tests.unit.expressing import call, constant, rows


class Match:
    """The rows of each variable, in order; "" are all."""

    def __init__(self, **given: Sequence[dict[str, Any]]) -> None:
        self.given = {**given, "": [row for one in given.values() for row in one]}

    def value(self, variable: str, name: str, which: str, offset: int) -> Any:
        found = self.given.get(variable, [])
        at = offset if which == "first" else len(found) - 1 - offset
        return found[at][name] if 0 <= at < len(found) else None

    def values(self, variable: str, name: str | None) -> list[Any]:
        return [True if name is None else row[name] for row in self.given.get(variable, [])]


MATCH = Match(A=[{"n": 1, "t": "x"}, {"n": 4, "t": "y"}], B=[{"n": None, "t": "z"}])


def test_a_condition_on_its_own_row_is_computed_for_many_rows() -> None:
    found = condition("A", call(">", Matched(INT, "A", "n"), constant(2, INT)))

    assert isinstance(found, OfRow)
    assert found.compute(rows({"n": (INT, [1, 3, None])})).to_pylist() == [False, True, None]


@pytest.mark.parametrize(
    "other",
    [
        Matched(INT, "B", "n"),
        Matched(INT, "A", "n", "first"),
        Matched(INT, "A", "n", "last", 1),
        MatchedAggregate(BIGINT, "COUNT", "A", None),
    ],
)
def test_a_condition_on_other_rows_is_computed_for_a_match(other: Any) -> None:
    assert isinstance(condition("A", call(">", Matched(INT, "A", "n"), other)), OfMatch)


def test_a_row_that_is_not_there_is_null() -> None:
    before = Matched(INT, "A", "n", "last", 5)

    assert compile_matched(call(">", Matched(INT, "A", "n"), before))(MATCH) is None
    assert compile_matched(call("IS NULL", before))(MATCH) is True


def test_measures_look_at_first_and_last_rows_and_at_functions_of_them() -> None:
    first, last = Matched(INT, "A", "n", "first"), Matched(INT, "A", "n")
    text = call("UPPER", call("||", Matched(STRING, "A", "t", "first"), Matched(STRING, "B", "t")))

    assert compile_matched(call("-", last, first))(MATCH) == 3
    assert compile_matched(call("/", last, constant(3, INT)))(MATCH) == 1
    assert compile_matched(text)(MATCH) == "XZ"


@pytest.mark.parametrize(
    ("function", "variable", "value"),
    [
        ("SUM", "A", 5),
        ("AVG", "A", 2),
        ("MIN", "A", 1),
        ("MAX", "", 4),
        ("COUNT", "", 2),
        ("SUM", "B", None),
        ("COUNT", "C", 0),
    ],
)
def test_aggregates_leave_null_out(function: str, variable: str, value: int | None) -> None:
    kind = BIGINT if function == "COUNT" else INT

    assert compile_matched(MatchedAggregate(kind, function, variable, Matched(INT, variable, "n")))(MATCH) == value


def test_an_aggregate_of_a_function_of_each_row() -> None:
    doubled = call("*", Matched(INT, "A", "n"), constant(2, INT))

    assert compile_matched(MatchedAggregate(INT, "SUM", "A", doubled))(MATCH) == 10
    assert compile_matched(MatchedAggregate(BIGINT, "COUNT", "", None))(MATCH) == 3


def test_a_value_that_cannot_be_is_a_row_error() -> None:
    zero = call("-", Matched(INT, "A", "n"), constant(4, INT))

    with pytest.raises(RowError):
        compile_matched(call("/", constant(1, INT), zero))(MATCH)
