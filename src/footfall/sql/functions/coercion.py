"""Turns several types into the one that holds all their values, and says which types can be cast to which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from footfall.sql.errors import At, SqlError
from footfall.sql.expressions import Call, Constant, Expression
from footfall.sql.types import DOUBLE, Family, SqlType

INTEGERS: Final = (Family.TINYINT, Family.SMALLINT, Family.INT, Family.BIGINT)
"""From small to large."""
APPROXIMATE: Final = (Family.FLOAT, Family.DOUBLE)
NUMERIC: Final = (*INTEGERS, *APPROXIMATE, Family.DECIMAL)
STAMPS: Final = (Family.TIMESTAMP, Family.TIMESTAMP_LTZ)
INTERVALS: Final = (Family.INTERVAL_MONTH, Family.INTERVAL_SECOND)
MOST_DIGITS: Final = 38
_DIGITS: Final = {Family.TINYINT: 3, Family.SMALLINT: 5, Family.INT: 10, Family.BIGINT: 19}
_TIMES: Final = (Family.DATE, Family.TIME, *STAMPS)
_CASTS: Final[dict[Family, tuple[Family, ...]]] = {
    Family.STRING: (Family.BYTES, Family.BOOLEAN, *NUMERIC, *_TIMES),
    Family.BYTES: (Family.STRING,),
    Family.BOOLEAN: (Family.STRING, *NUMERIC),
    **dict.fromkeys(NUMERIC, (Family.STRING, Family.BOOLEAN, *NUMERIC)),
    Family.DATE: (Family.STRING, *STAMPS),
    Family.TIME: (Family.STRING, *STAMPS),
    **dict.fromkeys(STAMPS, (Family.STRING, Family.DATE, Family.TIME, *STAMPS)),
    **dict.fromkeys(INTERVALS, (Family.STRING,)),
}


def decimal(precision: int, scale: int, *, nullable: bool = True) -> SqlType:
    """DECIMAL with these digits."""
    return SqlType(Family.DECIMAL, nullable, precision, scale)


def as_decimal(kind: SqlType) -> SqlType:
    """The DECIMAL that an exact number is when it meets another."""
    if kind.family is Family.DECIMAL:
        return kind
    return decimal(_DIGITS[kind.family], 0, nullable=kind.nullable)


def fitted(precision: int, scale: int, *, nullable: bool) -> SqlType:
    """The DECIMAL for a result that would need so many digits: beyond 38, digits behind the point are given up."""
    if precision <= MOST_DIGITS:
        return decimal(precision, scale, nullable=nullable)
    whole = precision - scale
    return decimal(MOST_DIGITS, max(MOST_DIGITS - whole, min(scale, 6)), nullable=nullable)


def common_type(types: Sequence[SqlType]) -> SqlType | None:
    """The least type that holds the values of all, as for UNION, CASE and joins; None if there is none."""
    if not types:
        return None
    nullable = any(one.nullable for one in types)
    found: SqlType | None = types[0]
    for one in types[1:]:
        found = None if found is None else _both(found, one)
    return None if found is None else replace(found, nullable=nullable)


def _both(one: SqlType, other: SqlType) -> SqlType | None:
    if one.family is Family.NULL:
        return other
    if other.family is Family.NULL:
        return one
    if one.family in NUMERIC and other.family in NUMERIC:
        return common_number(one, other)
    if one.family is not other.family:
        return one if {one.family, other.family} == set(STAMPS) else None
    if one.inner:
        return _inside(one, other)
    if one.family is Family.STRING and 0 in {one.precision, other.precision}:
        return replace(one, precision=0)
    return replace(one, precision=max(one.precision, other.precision))


def common_number(one: SqlType, other: SqlType) -> SqlType:
    """The type of two numbers together."""
    exact = [kind for kind in (one, other) if kind.family not in APPROXIMATE]
    if len(exact) < 2:
        # As Flink has it: with a DECIMAL it is DOUBLE; else the first FLOAT or DOUBLE says what it is.
        if any(kind.family is Family.DECIMAL for kind in exact):
            return DOUBLE
        return one if one.family in APPROXIMATE else other
    if Family.DECIMAL not in {one.family, other.family}:
        return max(one, other, key=lambda kind: INTEGERS.index(kind.family))
    left, right = as_decimal(one), as_decimal(other)
    scale = max(left.scale, right.scale)
    whole = max(left.precision - left.scale, right.precision - right.scale)
    return decimal(min(whole + scale, MOST_DIGITS), min(scale, MOST_DIGITS))


def _inside(one: SqlType, other: SqlType) -> SqlType | None:
    if len(one.inner) != len(other.inner):
        return None
    inner = [common_type(pair) for pair in zip(one.inner, other.inner, strict=True)]
    if any(kind is None for kind in inner):
        return None
    return replace(one, inner=tuple(kind for kind in inner if kind is not None))


def can_cast(source: SqlType, target: SqlType) -> bool:
    """Whether CAST takes values of one type to the other. Values may still fail."""
    if source.family is Family.NULL:
        return True
    if source.inner:
        if target.family is Family.STRING:
            return True
        same = source.family is target.family and len(source.inner) == len(target.inner)
        return same and all(can_cast(one, two) for one, two in zip(source.inner, target.inner, strict=True))
    return source.family is target.family or target.family in _CASTS.get(source.family, ())


def cast_call(argument: Expression, target: SqlType, *, attempt: bool = False, at: At) -> Expression:
    """CAST, or TRY_CAST if it is an ``attempt``. Raises SqlError for types that cannot be cast."""
    if not can_cast(argument.type, target):
        raise SqlError(
            f"{argument.type.without_null()} cannot be cast to {target.without_null()}".replace(" NOT NULL", ""),
            at=at,
            remedy=_cast_remedy(argument.type, target),
        )
    nullable = attempt or argument.type.nullable or argument.type.family is Family.NULL
    name = "TRY_CAST" if attempt else "CAST"
    return Call(replace(target, nullable=nullable), name, (argument,), at=at)


def _cast_remedy(source: SqlType, target: SqlType) -> str:
    if source.family in NUMERIC and target.family in STAMPS:
        return "Write TO_TIMESTAMP_LTZ(number, 3) for milliseconds since 1970, or (number, 0) for seconds."
    if source.family in STAMPS and target.family in NUMERIC:
        return "Write UNIX_TIMESTAMP(CAST(time AS STRING)) for seconds since 1970."
    return "Cast it to STRING first, or leave the CAST out."


def coerced(argument: Expression, target: SqlType) -> Expression:
    """The argument as that type: with a CAST if it is of another."""
    kind = argument.type
    if replace(kind, nullable=True) == replace(target, nullable=True):
        return argument
    if kind.family is Family.STRING and target.family is Family.STRING:
        return argument
    if isinstance(argument, Constant) and kind.family is Family.NULL:
        return Constant(target.with_null(), None, at=argument.at)
    return Call(replace(target, nullable=kind.nullable), "CAST", (argument,), at=argument.at)
