"""Turns the text of a number into a constant of the type that Flink gives it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from footfall.sql.errors import At, SqlError
from footfall.sql.expressions import Constant, Expression
from footfall.sql.types import BIGINT, DOUBLE, INT, Family, SqlType


def number(text: str, at: At) -> Expression:
    """A number as Flink types it: INT, BIGINT, DECIMAL, or DOUBLE with an exponent."""
    if "e" in text.lower():
        return Constant(DOUBLE.without_null(), float(text), at=at)
    if text.isdigit():
        value = int(text)
        kind = INT if value < 2**31 else BIGINT if value < 2**63 else None
        if kind is not None:
            return Constant(kind.without_null(), value, at=at)
    try:
        exact = Decimal(text)
    except ArithmeticError:
        raise SqlError(f"{text} is no number", at=at, remedy="Write digits, with a point if need be.") from None
    sign, digits, exponent = exact.as_tuple()
    del sign
    scale = -exponent if isinstance(exponent, int) else 0
    precision = max(len(digits), scale + 1)
    if precision > 38:
        raise SqlError(f"{text} has too many digits", at=at, remedy="At most 38 are possible; write 1e40 for a DOUBLE.")
    return Constant(SqlType(Family.DECIMAL, False, precision, scale), exact, at=at)


def negated(value: Expression) -> Expression | None:
    """A constant number with the other sign."""
    if isinstance(value, Constant) and isinstance(value.value, int | float | Decimal):
        return replace(value, value=-value.value)
    return None


def bytes_of(text: str, at: At) -> Constant:
    """Bytes from hexadecimal digits. Raises SqlError."""
    try:
        value = bytes.fromhex(text)
    except ValueError:
        raise SqlError(f"x'{text}' is no text of bytes", at=at, remedy="Write two digits for each: x'0a'.") from None
    return Constant(SqlType(Family.BYTES, nullable=False), value, at=at)
