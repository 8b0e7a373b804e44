"""Turns operators into what they mean: arithmetic, comparison, logic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from footfall.sql.expressions import Call, Constant, Expression
from footfall.sql.functions.coercion import (
    APPROXIMATE,
    INTERVALS,
    NUMERIC,
    as_decimal,
    coerced,
    common_number,
    common_type,
    decimal,
    fitted,
)
from footfall.sql.functions.forms import Arguments, Function, Rule, Typed, checked, plain
from footfall.sql.types import BOOLEAN, STRING, Family, SqlType

_TIMES: Final = (Family.DATE, Family.TIME, Family.TIMESTAMP, Family.TIMESTAMP_LTZ)


def arithmetic(given: Arguments) -> Typed:
    """Numbers as Flink computes them; times and intervals."""
    if len(given) == 1:
        found = checked(given, ["interval" if given[0].type.family in INTERVALS else "number"])
        return found[0].type, found
    families = [kind.family for kind in given.types]
    if any(one in _TIMES or one in INTERVALS for one in families):
        return _moved(given)
    left, right = checked(given, ["number", "number"])
    _refuse_zero(given)
    kind = _computed(given.name, left.type, right.type)
    if given.name in {"%", "MOD"} and kind.family in APPROXIMATE:
        raise given.clash("Write CAST(… AS DECIMAL(38, 18)), or of BIGINT.")
    if kind.family is Family.DECIMAL:
        wide = (coerced(left, as_decimal(left.type)), coerced(right, as_decimal(right.type)))
        return kind, wide
    both = (coerced(left, kind), coerced(right, kind))
    # What is left of a division is of the divisor's type.
    return (replace(right.type, nullable=given.nullable) if given.name in {"%", "MOD"} else kind), both


def _refuse_zero(given: Arguments) -> None:
    divisor = given[1]
    whole = divisor.type.family not in {*APPROXIMATE, Family.DECIMAL}
    if given.name in {"/", "%", "MOD"} and whole and isinstance(divisor, Constant) and divisor.value == 0:
        raise given.wrong("Division by zero", "Divide by something else, or by NULLIF(…, 0).")


def _computed(name: str, left: SqlType, right: SqlType) -> SqlType:
    nullable = left.nullable or right.nullable
    kinds = {left.family, right.family}
    if Family.DECIMAL not in kinds or kinds & set(APPROXIMATE):
        return replace(common_number(left, right), nullable=nullable)
    one, two = as_decimal(left), as_decimal(right)
    whole = (one.precision - one.scale, two.precision - two.scale)
    if name == "*":
        return fitted(one.precision + two.precision + 1, one.scale + two.scale, nullable=nullable)
    if name == "/":
        scale = max(6, one.scale + two.precision + 1)
        return fitted(whole[0] + two.scale + scale, scale, nullable=nullable)
    scale = max(one.scale, two.scale)
    if name in {"%", "MOD"}:
        return decimal(min(whole) + scale, scale, nullable=nullable)
    return fitted(max(whole) + scale + 1, scale, nullable=nullable)


def _moved(given: Arguments) -> Typed:
    left, right = (one.type for one in given.all)
    remedy = "Add or take away an INTERVAL; for the time between two, write TIMESTAMPDIFF(SECOND, earlier, later)."
    nullable = given.nullable
    if given.name in {"+", "-"} and left.family in INTERVALS and right.family is left.family:
        return replace(left, nullable=nullable), given.all
    if given.name == "*" and Family.NULL not in {left.family, right.family}:
        interval, number = (left, right) if left.family in INTERVALS else (right, left)
        if interval.family in INTERVALS and number.family in NUMERIC:
            return replace(interval, nullable=nullable), given.all
    if given.name in {"+", "-"} and left.family in _TIMES and right.family in INTERVALS:
        return replace(left, nullable=nullable), given.all
    if given.name == "+" and left.family in INTERVALS and right.family in _TIMES:
        return replace(right, nullable=nullable), (given[1], given[0])
    raise given.clash(remedy)


def compared(given: Arguments, among: Sequence[Expression]) -> tuple[Expression, ...]:
    """Expressions as the one type in which they can be compared."""
    families = {one.type.family for one in among} - {Family.NULL}
    if Family.STRING in families and len(families) == 2:
        other = next(one.type for one in among if one.type.family not in {Family.STRING, Family.NULL})
        if other.family in {*_TIMES, *NUMERIC} and (given.name not in {"=", "<>"} or other.family in _TIMES):
            return tuple(_read(one, other, attempt=given.name in {"=", "<>", "IN"}) for one in among)
    common = common_type([one.type for one in among])
    if common is None or (families & {Family.MAP} and given.name not in {"=", "<>"}):
        raise given.clash("Write CAST(… AS …) so that both sides are of one type.")
    return tuple(coerced(one, common) for one in among)


def _read(one: Expression, kind: SqlType, *, attempt: bool) -> Expression:
    """A text as what it is compared with; as in Flink, for = it need not be one."""
    found = coerced(one, replace(kind, nullable=one.type.nullable))
    if attempt and found is not one and isinstance(found, Call):
        return replace(found, function="TRY_CAST", type=kind.with_null())
    return found


def comparison(given: Arguments) -> Typed:
    """TRUE, FALSE, or NULL if a side is NULL."""
    return replace(BOOLEAN, nullable=given.nullable), compared(given, given.all)


def distinct(given: Arguments) -> Typed:
    """Never NULL."""
    return replace(BOOLEAN, nullable=False), compared(given, given.all)


def joined(given: Arguments) -> Typed:
    """Texts one after another."""
    return replace(STRING, nullable=given.nullable), checked(given, ["text"])


def _operator(name: str, form: str, about: str, rule: Rule, least: int = 2, most: int | None = 2) -> Function:
    return Function(name, "Operators", (form,), about, rule, least, most)


_LOGIC: Final = plain("boolean", BOOLEAN)
_NEVER: Final = plain("any", BOOLEAN, nulls=False)
_TRUTH: Final = plain("boolean", BOOLEAN, nulls=False)

OPERATORS: Final = (
    *(
        _operator(name, f"a {name} b", about, comparison)
        for name, about in {
            "=": "Whether both are equal.",
            "<>": "Whether they differ.",
            "<": "Whether the first is less.",
            "<=": "Whether the first is less, or equal.",
            ">": "Whether the first is greater.",
            ">=": "Whether the first is greater, or equal.",
        }.items()
    ),
    _operator("IS DISTINCT FROM", "a IS DISTINCT FROM b", "Whether they differ; NULL equals NULL.", distinct),
    _operator("IS NOT DISTINCT FROM", "a IS NOT DISTINCT FROM b", "Whether they are equal; so are NULLs.", distinct),
    _operator("BETWEEN", "a BETWEEN low AND high", "Whether it lies between, or on a border.", comparison, 3, 3),
    _operator("IN", "a IN (b, …)", "Whether it equals one of them.", comparison, 2, None),
    _operator("AND", "a AND b", "Both.", _LOGIC, 2, None),
    _operator("OR", "a OR b", "At least one.", _LOGIC, 2, None),
    _operator("NOT", "NOT a", "The opposite; of NULL, NULL.", _LOGIC, 1, 1),
    _operator("IS NULL", "a IS NULL", "Whether there is no value.", _NEVER, 1, 1),
    _operator("IS NOT NULL", "a IS NOT NULL", "Whether there is a value.", _NEVER, 1, 1),
    *(
        _operator(f"IS {word}", f"a IS {word}", about, _TRUTH, 1, 1)
        for word, about in {
            "TRUE": "Whether it is true, not false or NULL.",
            "NOT TRUE": "Whether it is false or NULL.",
            "FALSE": "Whether it is false, not true or NULL.",
            "NOT FALSE": "Whether it is true or NULL.",
            "UNKNOWN": "Whether a condition is NULL.",
            "NOT UNKNOWN": "Whether a condition is true or false.",
        }.items()
    ),
    _operator("+", "a + b", "The sum; a time, so much later.", arithmetic),
    _operator("-", "a - b, -a", "The difference; a time, so much earlier.", arithmetic, 1),
    _operator("*", "a * b", "The product.", arithmetic),
    _operator("/", "a / b", "The quotient; of whole numbers it is whole, cut off towards zero.", arithmetic),
    _operator("%", "a % b", "What is left of a division; has the first one's sign.", arithmetic),
    _operator("||", "a || b", "Texts one after another.", joined, 2, None),
    *(
        _operator(name, f"text {name} pattern [ESCAPE character]", about, plain("text", BOOLEAN), 2, 3)
        for name, about in {
            "LIKE": "Whether a text has a pattern: % is any text, _ any character.",
            "SIMILAR TO": "Whether a text has a pattern of SQL's own regular expressions.",
        }.items()
    ),
)
