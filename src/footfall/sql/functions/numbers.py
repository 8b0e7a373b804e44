"""Turns functions of numbers into what they mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from footfall.sql.expressions import Constant
from footfall.sql.functions.coercion import MOST_DIGITS, STAMPS, decimal
from footfall.sql.functions.forms import Arguments, Function, Rule, Typed, checked, plain, same
from footfall.sql.functions.operators import arithmetic
from footfall.sql.types import DOUBLE, Family

UNITS: Final = (
    *("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND"),
    *("DECADE", "CENTURY", "MILLENNIUM"),
)


def whole(given: Arguments) -> Typed:
    """CEIL and FLOOR: of a number, or of a time TO a unit, which then comes first."""
    if len(given) == 1:
        found = checked(given, ["number"])
        kind = found[0].type
        return (replace(kind, scale=0) if kind.family is Family.DECIMAL else kind), found
    if given.text(0) not in UNITS:
        raise given.wrong(f"{given.name} knows no unit {given.text(0)}", f"Take one of {', '.join(UNITS)}.")
    kind = given[1].type
    if kind.family not in {Family.DATE, Family.TIME, *STAMPS}:
        raise given.clash(f"Write {given.name}(time TO DAY).")
    return kind, given.all


def rounded(given: Arguments) -> Typed:
    """ROUND and TRUNCATE: a DECIMAL keeps as many digits as are asked for."""
    found = checked(given, ["number", "integer"])
    kind = replace(found[0].type, nullable=given.nullable)
    if kind.family is not Family.DECIMAL:
        return kind, found
    digits = 0
    if len(given) == 2:
        constant = given[1]
        if not isinstance(constant, Constant) or constant.value is None:
            return kind, found
        digits = int(constant.value)
    if digits >= kind.scale:
        return kind, found
    room = 1 + kind.precision - kind.scale
    if digits < 0:
        return decimal(min(room, MOST_DIGITS), 0, nullable=kind.nullable), found
    return decimal(min(room + digits, MOST_DIGITS), digits, nullable=kind.nullable), found


def _number(name: str, form: str, about: str, rule: Rule, least: int = 1, most: int | None = 1) -> Function:
    return Function(name, "Numbers", (form,), about, rule, least, most)


_DOUBLE: Final = plain("double", DOUBLE)

NUMBERS: Final = (
    _number("ABS", "ABS(number)", "Without its sign.", same("number")),
    _number("CEIL", "CEIL(number), CEIL(time TO unit)", "The next whole number, or unit of time, above.", whole, 1, 2),
    _number("CEILING", "CEILING(number)", "As CEIL.", whole, 1, 2),
    _number("FLOOR", "FLOOR(number), FLOOR(time TO unit)", "The whole number, or unit of time, below.", whole, 1, 2),
    _number("ROUND", "ROUND(number[, digits])", "Rounded, half away from zero.", rounded, 1, 2),
    _number("TRUNCATE", "TRUNCATE(number[, digits])", "Cut off.", rounded, 1, 2),
    _number("MOD", "MOD(a, b)", "As a % b.", arithmetic, 2, 2),
    _number("POWER", "POWER(base, exponent)", "A power.", _DOUBLE, 2, 2),
    _number("SIGN", "SIGN(number)", "-1, 0 or 1.", same("number")),
    _number("LOG", "LOG([base, ]number)", "A logarithm; without a base, the natural one.", _DOUBLE, 1, 2),
    _number("ATAN2", "ATAN2(y, x)", "The angle of a point.", _DOUBLE, 2, 2),
    *(
        _number(name, f"{name}(number)", about, _DOUBLE)
        for name, about in {
            "SQRT": "The square root.",
            "EXP": "A power of e.",
            "LN": "The natural logarithm.",
            "LOG10": "The logarithm to the base of 10.",
            "LOG2": "The logarithm to the base of 2.",
            "SIN": "The sine of an angle in radians.",
            "COS": "The cosine.",
            "TAN": "The tangent.",
            "COT": "The cotangent.",
            "SINH": "The hyperbolic sine.",
            "COSH": "The hyperbolic cosine.",
            "TANH": "The hyperbolic tangent.",
            "ASIN": "The angle of a sine.",
            "ACOS": "The angle of a cosine.",
            "ATAN": "The angle of a tangent.",
            "DEGREES": "Radians in degrees.",
            "RADIANS": "Degrees in radians.",
        }.items()
    ),
    _number("PI", "PI()", "The number π.", plain("any", replace(DOUBLE, nullable=False)), 0, 0),
    _number("E", "E()", "The number e.", plain("any", replace(DOUBLE, nullable=False)), 0, 0),
)
