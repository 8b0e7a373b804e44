"""Whole columns give what single rows give, computed plainly; codes and cuts change nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.processors.relational.rows import Rows
from footfall.sql.evaluate.frame import RowError
from footfall.sql.evaluate.matched import compile_matched
from footfall.sql.expressions import Call, Column, Constant, Expression, Matched
from footfall.sql.types import BIGINT, BOOLEAN, DOUBLE, INT, STRING, SqlType
from tests.unit.expressing import call, cast, column, computed, constant, rows

COLUMNS: dict[str, SqlType] = {"i": INT, "j": INT, "l": BIGINT, "d": DOUBLE, "s": STRING, "b": BOOLEAN, "c": BOOLEAN}
ints = st.none() | st.integers(-5, 5) | st.sampled_from([2**31 - 1, -(2**31)])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "i": ints,
    "j": ints,
    "l": st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-9, 9),
    "d": st.none() | st.sampled_from([0.0, 1.5, -2.25, 1e300, math.inf, math.nan]),
    "s": st.none() | st.sampled_from(["", "a", "ab", "abc", "12", "-3", "ä%_"]),
    "b": st.none() | st.booleans(),
    "c": st.none() | st.booleans(),
}
tables = st.lists(st.fixed_dictionaries(VALUES), max_size=12)
numbers = st.sampled_from(["i", "j", "l", "d"]).map(lambda name: column(name, COLUMNS[name]))
literals = st.integers(1, 9).map(lambda value: constant(value, INT))


def joined(children: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """Sums, products and quotients of numbers."""
    return st.builds(call, st.sampled_from("+-*/"), children, children)


arithmetic = st.recursive(numbers | literals, joined, max_leaves=4)
comparisons = st.builds(call, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), arithmetic, arithmetic)
text_tests = st.builds(
    call,
    st.sampled_from(["=", "<", "LIKE"]),
    st.just(column("s", STRING)),
    st.sampled_from(["a", "a%", "%b%", "_b", "%_c", "ä%"]).map(lambda value: constant(value, STRING)),
)
leaves = comparisons | text_tests | st.sampled_from(["b", "c"]).map(lambda name: column(name, BOOLEAN))


def logic(children: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """AND, OR, NOT, IS NULL, CASE of conditions."""
    return (
        st.builds(call, st.sampled_from(["AND", "OR"]), children, children)
        | st.builds(call, st.sampled_from(["NOT", "IS NULL", "IS NOT TRUE"]), children)
        | st.builds(lambda *parts: call("CASE", *parts), children, children, children)
        | st.builds(lambda *parts: call("COALESCE", *parts), children, children)
    )


conditions = st.recursive(leaves, logic, max_leaves=6)


class Fails(Exception):
    """A row has no result."""


def plain(expression: Expression, row: dict[str, Any]) -> Any:
    """One row's value, as the rules say it, without columns."""
    match expression:
        case Column(name=name):
            return row[name]
        case Constant(value=value):
            return value
        case Call(function=function, arguments=arguments):
            if function in LAZY:
                return LAZY[function](arguments, row)
            values = [plain(one, row) for one in arguments]
            if function in SEES_NULL:
                return SEES_NULL[function](values[0])
            if any(one is None for one in values):
                return None
            return strict(function, expression.type, values)
    raise TypeError(expression)


def strict(function: str, kind: SqlType, values: list[Any]) -> Any:
    """A function that is NULL where an argument is."""
    if function == "CAST":
        return float(values[0]) if kind.family is DOUBLE.family else values[0]
    if function in {"+", "-", "*", "/"}:
        return fitted(computing(function, kind, *values), kind)
    if function == "NOT":
        return not values[0]
    if function == "LIKE":
        return like(*values)
    return COMPARED[function](*values)


def computing(function: str, kind: SqlType, one: Any, other: Any) -> Any:
    """+ - * / of numbers."""
    if function == "/" and kind.family is not DOUBLE.family:
        if other == 0:
            raise Fails
        return abs(one) // abs(other) * (1 if (one < 0) == (other < 0) else -1)
    with np.errstate(all="ignore"):
        if kind.family is DOUBLE.family:
            one, other = np.float64(one), np.float64(other)
        compute: dict[str, Callable[[], Any]] = {
            "+": lambda: one + other,
            "-": lambda: one - other,
            "*": lambda: one * other,
            "/": lambda: one / other,
        }
        return compute[function]()


def fitted(value: Any, kind: SqlType) -> Any:
    """As many bits as the type has."""
    if kind.family is DOUBLE.family:
        return float(value)
    bits = kind.arrow.bit_width
    return (int(value) + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)


def like(text: str, pattern: str) -> bool:
    """The definition, letter by letter."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(like(text[at:], pattern[1:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] in {"_", text[0]} and like(text[1:], pattern[1:])


def both(arguments: tuple[Expression, ...], row: dict[str, Any]) -> Any:
    one = plain(arguments[0], row)
    if one is False:
        return False
    other = plain(arguments[1], row)
    return False if other is False else None if one is None or other is None else True


def either(arguments: tuple[Expression, ...], row: dict[str, Any]) -> Any:
    one = plain(arguments[0], row)
    if one is True:
        return True
    other = plain(arguments[1], row)
    return True if other is True else None if one is None or other is None else False


def chosen(arguments: tuple[Expression, ...], row: dict[str, Any]) -> Any:
    return plain(arguments[1] if plain(arguments[0], row) is True else arguments[2], row)


def first_known(arguments: tuple[Expression, ...], row: dict[str, Any]) -> Any:
    one = plain(arguments[0], row)
    return plain(arguments[1], row) if one is None else one


LAZY: dict[str, Callable[[tuple[Expression, ...], dict[str, Any]], Any]] = {
    "AND": both,
    "OR": either,
    "CASE": chosen,
    "COALESCE": first_known,
}
SEES_NULL: dict[str, Callable[[Any], bool]] = {
    "IS NULL": lambda value: value is None,
    "IS NOT TRUE": lambda value: value is not True,
}
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: one == other,
    "<>": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


def table_rows(table: list[dict[str, Any]], *, coded: bool = False) -> Rows:
    return rows({name: (kind, [one[name] for one in table]) for name, kind in COLUMNS.items()}, coded=coded)


def outcome(expression: Expression, given: Rows) -> tuple[str, Any]:
    """The values, or the rows that fail; NaN as a text so that it equals itself."""
    try:
        return "values", [str(one) for one in computed(expression, given)]
    except RowError as error:
        return "rows", error.rows.tolist()


def expected(expression: Expression, table: list[dict[str, Any]]) -> tuple[str, Any]:
    values: list[str] = []
    wrong = []
    for at, row in enumerate(table):
        try:
            values.append(str(plain(expression, row)))
        except Fails:
            wrong.append(at)
    return ("rows", wrong) if wrong else ("values", values)


@given(arithmetic, tables)
@settings(max_examples=150, deadline=None)
def test_arithmetic_over_columns_is_that_of_each_row(expression: Expression, table: list[dict[str, Any]]) -> None:
    kind, found = outcome(expression, table_rows(table))
    wanted_kind, wanted = expected(expression, table)

    assert kind == wanted_kind
    # Of a chain of divisions, the rows of the first that fails are named; the others are found when it is tried again.
    assert found == wanted if kind == "values" else set(found) <= set(wanted)


@given(conditions, tables, st.booleans())
@settings(max_examples=150, deadline=None)
def test_conditions_over_columns_are_those_of_each_row(
    expression: Expression, table: list[dict[str, Any]], coded: bool
) -> None:
    kind, found = outcome(expression, table_rows(table, coded=coded))
    wanted_kind, wanted = expected(expression, table)

    assert kind == wanted_kind
    assert found == wanted if kind == "values" else set(found) <= set(wanted)


@given(conditions, tables, st.integers(0, 12))
@settings(max_examples=75, deadline=None)
def test_any_cut_gives_the_same_values(expression: Expression, table: list[dict[str, Any]], cut: int) -> None:
    kind, whole = outcome(expression, table_rows(table))
    parts = [outcome(expression, table_rows(one)) for one in (table[:cut], table[cut:])]

    if kind == "values":
        assert [one for _, values in parts for one in values] == whole
    else:
        assert "rows" in {one for one, _ in parts}


def test_logic_has_three_values() -> None:
    three = [True, False, None]
    table = [{**dict.fromkeys(COLUMNS), "b": one, "c": other} for one in three for other in three]
    one, other = column("b", BOOLEAN), column("c", BOOLEAN)
    risky = call(
        "=", call("/", constant(1, INT), call("CASE", other, constant(1, INT), constant(2, INT))), column("i", INT)
    )

    for name in ("AND", "OR", "=", "<>", "<", "COALESCE"):
        for left, right in ((one, other), (one, call("NOT", other)), (one, risky)):
            if name != "<" or right is not risky:
                expression = call(name, left, right)
                assert outcome(expression, table_rows(table)) == expected(expression, table), expression


def test_functions_of_coded_texts_are_those_of_plain_ones() -> None:
    text = column("s", STRING)
    table = [{**dict.fromkeys(COLUMNS), "s": value} for value in ["a", None, "", "ab", "a", "12", None, "ab"]]
    pairs = [
        call("UPPER", text),
        call("SUBSTRING", text, constant(2, INT)),
        call("LPAD", text, constant(4, INT), constant("-", STRING)),
        call("REGEXP_EXTRACT", text, constant("(b)?", STRING), constant(1, INT)),
        call("CONCAT_WS", constant("-", STRING), text, constant("x", STRING)),
        call("COALESCE", text, constant("none", STRING)),
        call("CHAR_LENGTH", text),
        call("IN", text, constant("a", STRING), constant(None, STRING)),
        call("IS JSON", text),
        call("=", call("LOWER", text), text),
        cast(text, INT, attempt=True),
    ]

    for one in pairs:
        assert outcome(one, table_rows(table, coded=True)) == outcome(one, table_rows(table)), one


class OneRow:
    """A match in which the variable A was given one row."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row

    def value(self, variable: str, name: str, which: str, offset: int) -> Any:
        return self.row[name] if offset == 0 else None

    def values(self, variable: str, name: str | None) -> list[Any]:
        return [True if name is None else self.row[name]]


def in_match(expression: Expression) -> Expression:
    """The same, of a match's row."""
    match expression:
        case Column(type=kind, name=name):
            return Matched(kind, "A", name)
        case Call(type=kind, function=function, arguments=arguments):
            return Call(kind, function, tuple(in_match(one) for one in arguments))
    return expression


@given(conditions, st.fixed_dictionaries(VALUES))
@settings(max_examples=150, deadline=None)
def test_a_condition_on_a_match_is_that_on_its_row(expression: Expression, row: dict[str, Any]) -> None:
    wanted_kind, wanted = expected(expression, [row])

    try:
        found = [str(compile_matched(in_match(expression))(OneRow(row)))]
    except RowError:
        assert wanted_kind == "rows"
        return

    assert ("values", found) == (wanted_kind, wanted)
