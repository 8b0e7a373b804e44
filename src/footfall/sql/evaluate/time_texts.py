"""Turns times into texts and texts into times, by Java's patterns."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pyarrow as pa

from footfall.sql.errors import SqlError
from footfall.sql.evaluate.frame import Kernel, Value, all_valid, each, is_scalar
from footfall.sql.evaluate.read_text import date_days, stamp
from footfall.sql.evaluate.time_patterns import Pattern, PatternError, compiled, from_millis, to_millis
from footfall.sql.evaluate.times import millis
from footfall.sql.evaluate.times import moment as moment_of_number
from footfall.sql.expressions import Call, Constant, Expression
from footfall.sql.types import TIMESTAMP, Family

_DEFAULT: Final = "yyyy-MM-dd HH:mm:ss"
_START: Final = re.compile(r"\s*(\d{1,4})-(\d{1,2})-(\d{1,2}) (\d{1,2}):(\d{1,2}):(\d{1,2})", re.ASCII)
_UNREADABLE: Final = -(2**63)
_EPOCH: Final = dt.date(1970, 1, 1)
_pattern = lru_cache(maxsize=256)(compiled)


def _checked(expression: Expression) -> None:
    """A constant pattern is looked at before the first row."""
    if isinstance(expression, Constant) and isinstance(expression.value, str):
        try:
            _pattern(expression.value)
        except PatternError as error:
            raise SqlError(f"{error}", at=expression.at, remedy="Write it with yyyy MM dd HH mm ss SSS.") from error


def formatted(call: Call) -> Kernel:
    """DATE_FORMAT."""
    _checked(call.arguments[1])
    kind = call.arguments[0].type
    if kind.family is Family.STRING:
        return each(_reformatted, call.type)
    slow = each(lambda moment, pattern: _pattern(pattern).written(moment.replace(tzinfo=None)), call.type)

    def kernel(values: Sequence[Value], length: int) -> Value:
        if not is_scalar(values[1]) or not values[1].is_valid or kind.precision > 3:
            return slow(values, length)
        pattern = _pattern(values[1].as_py())
        moments = millis(values[0], kind, length) // pattern.finest * pattern.finest
        return _written(pattern, moments, all_valid([values[0]], length))

    return kernel


def _written(pattern: Pattern, moments: Any, valid: Any) -> Value:
    """Each distinct time is written once."""
    distinct, places = np.unique(moments, return_inverse=True)
    texts = pa.array([pattern.written(from_millis(int(one))) for one in distinct], type=pa.string())
    return texts.take(pa.array(places, mask=~valid))


def _reformatted(text: str, pattern: str) -> str | None:
    found = _START.match(text)
    if found is None:
        return None
    try:
        moment = dt.datetime(*(int(one) for one in found.groups()))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None
    return _pattern(pattern).written(moment)


def _from_seconds(call: Call) -> Kernel:
    """FROM_UNIXTIME."""
    if len(call.arguments) == 2:
        _checked(call.arguments[1])
    return each(lambda seconds, pattern=_DEFAULT: _pattern(pattern).written(from_millis(seconds * 1000)), call.type)


def _read_stamp(text: str, pattern: str | None = None) -> int:
    return stamp(text, TIMESTAMP) if pattern is None else to_millis(_pattern(pattern).read(text))


def _or_null(function: Callable[..., Any]) -> Callable[..., Any]:
    def attempt(*given: Any) -> Any:
        try:
            return function(*given)
        except (ValueError, StopIteration, OverflowError):
            return None

    return attempt


def to_timestamp(call: Call) -> Kernel:
    """TO_TIMESTAMP: NULL if it cannot be read."""
    if len(call.arguments) == 2:
        _checked(call.arguments[1])
    return each(_or_null(_read_stamp), call.type)


def to_moment(call: Call) -> Kernel:
    """TO_TIMESTAMP_LTZ: of a number, or of a text, which must be readable."""
    if call.arguments[0].type.family is not Family.STRING:
        return moment_of_number(call)
    if len(call.arguments) == 2:
        _checked(call.arguments[1])
    return each(_read_stamp, call.type)


def to_date(call: Call) -> Kernel:
    """TO_DATE: NULL if it cannot be read."""
    if len(call.arguments) == 2:
        _checked(call.arguments[1])

    def read(text: str, pattern: str | None = None) -> dt.date:
        if pattern is not None:
            return _pattern(pattern).read(text).date()
        return _EPOCH + dt.timedelta(days=date_days(text))

    return each(_or_null(read), call.type)


def to_seconds(call: Call) -> Kernel:
    """UNIX_TIMESTAMP of a text; the least BIGINT if it cannot be read."""
    if len(call.arguments) == 2:
        _checked(call.arguments[1])

    def read(text: str, pattern: str | None = None) -> int:
        try:
            if pattern is not None:
                return to_millis(_pattern(pattern).read(text)) // 1000
            found = _START.match(text)
            if found is None:
                return _UNREADABLE
            return to_millis(dt.datetime(*(int(one) for one in found.groups()))) // 1000  # type: ignore[arg-type]  # noqa: DTZ001
        except (ValueError, StopIteration):
            return _UNREADABLE

    return each(read, call.type)


MAKERS: Final[dict[str, Callable[[Call], Kernel]]] = {
    "DATE_FORMAT": formatted,
    "FROM_UNIXTIME": _from_seconds,
    "TO_TIMESTAMP": to_timestamp,
    "TO_TIMESTAMP_LTZ": to_moment,
    "TO_DATE": to_date,
    "UNIX_TIMESTAMP": to_seconds,
}
