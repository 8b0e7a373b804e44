"""Turns functions of dates and times into what they mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from footfall.sql.expressions import Constant
from footfall.sql.functions.coercion import INTERVALS, STAMPS, coerced
from footfall.sql.functions.forms import Arguments, Function, Rule, Typed, argument, checked, plain
from footfall.sql.types import BIGINT, DATE, INT, STRING, TIMESTAMP, TIMESTAMP_LTZ, Family, SqlType

PARTS: Final = (
    *("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DOW", "ISODOW", "DOY", "HOUR", "MINUTE", "SECOND", "MILLISECOND"),
    *("EPOCH", "DECADE", "CENTURY", "MILLENNIUM"),
)
STEPS: Final = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND")
_TIMES: Final = (Family.DATE, Family.TIME, *STAMPS)


def _unit(given: Arguments, allowed: tuple[str, ...]) -> str:
    unit = given.text(0)
    if unit not in allowed:
        raise given.wrong(f"{given.name} knows no unit {unit}", f"Take one of {', '.join(allowed)}.", at=given[0].at)
    return unit


def extract(given: Arguments) -> Typed:
    """EXTRACT: a unit, and a time or an interval."""
    _unit(given, PARTS)
    found = given[1]
    if found.type.family not in {*_TIMES, *INTERVALS, Family.NULL}:
        raise given.wrong(
            f"EXTRACT takes a date, a time or an interval, not {found.type.with_null()}",
            "Write CAST(… AS TIMESTAMP(3)).",
            at=found.at,
        )
    return replace(BIGINT, nullable=found.type.nullable), given.all


def part(given: Arguments) -> Typed:
    """YEAR(time) and the like."""
    return replace(BIGINT, nullable=given.nullable), (argument(given, 0, "time"),)


def difference(given: Arguments) -> Typed:
    """TIMESTAMPDIFF: a unit, from, to."""
    _unit(given, (*STEPS, "MILLISECOND"))
    return replace(INT, nullable=given.nullable), (given[0], argument(given, 1, "time"), argument(given, 2, "time"))


def later(given: Arguments) -> Typed:
    """TIMESTAMPADD: a unit, how many, a time. A date stays one, if days are added."""
    unit = _unit(given, STEPS)
    found = (given[0], argument(given, 1, "integer"), argument(given, 2, "time"))
    kind = found[2].type
    if kind.family is Family.DATE and unit in {"HOUR", "MINUTE", "SECOND"}:
        kind = SqlType(Family.TIMESTAMP, precision=6)
        found = (found[0], found[1], coerced(found[2], replace(kind, nullable=found[2].type.nullable)))
    return replace(kind, nullable=given.nullable), found


def formatted(given: Arguments) -> Typed:
    """DATE_FORMAT: of a timestamp, or of a text that is one."""
    kind = "text" if given[0].type.family in {Family.STRING, Family.NULL} else "stamp"
    return STRING, checked(given, [kind, "text"])


def stamp_of(given: Arguments) -> Typed:
    """TO_TIMESTAMP_LTZ: a number and a precision, or a text and a pattern."""
    if given[0].type.family is Family.STRING:
        return TIMESTAMP_LTZ, checked(given, ["text"])
    found = checked(given, ["number", "integer"])
    if len(given) == 2 and not (isinstance(found[1], Constant) and found[1].value in {0, 3}):
        raise given.wrong(
            "TO_TIMESTAMP_LTZ takes seconds or milliseconds",
            "Write 0 for seconds or 3 for milliseconds as its second argument.",
            at=given[1].at,
        )
    return TIMESTAMP_LTZ, found


def mark(given: Arguments) -> Typed:
    """CURRENT_WATERMARK: of a time attribute; the same type, and NULL before the first."""
    found = argument(given, 0, "stamp")
    return replace(found.type, precision=3, nullable=True), (found,)


def _time(name: str, form: str, about: str, rule: Rule, least: int, most: int | None = None) -> Function:
    return Function(name, "Dates and times", (form,), about, rule, least, least if most is None else most)


def _now(name: str, form: str, about: str, kind: SqlType) -> Function:
    return _time(name, form, about, plain("any", kind, nulls=False), 0)


_TIME: Final = SqlType(Family.TIME, precision=0)

TIMES: Final = (
    _time("EXTRACT", "EXTRACT(unit FROM time)", "A part of a time as a number.", extract, 2),
    *(
        _time(name, f"{name}(time)", about, part, 1)
        for name, about in {
            "YEAR": "The year.",
            "QUARTER": "The quarter, 1 to 4.",
            "MONTH": "The month, 1 to 12.",
            "WEEK": "The week of the year, as in ISO 8601.",
            "DAYOFYEAR": "The day of the year.",
            "DAYOFMONTH": "The day of the month.",
            "DAYOFWEEK": "The day of the week; 1 is Sunday.",
            "HOUR": "The hour.",
            "MINUTE": "The minute.",
            "SECOND": "The second.",
        }.items()
    ),
    _time("TIMESTAMPDIFF", "TIMESTAMPDIFF(unit, from, to)", "The whole units between two times.", difference, 3),
    _time("TIMESTAMPADD", "TIMESTAMPADD(unit, number, time)", "So many units later.", later, 3),
    _time("DATE_FORMAT", "DATE_FORMAT(time, pattern)", "As a text, by a Java pattern.", formatted, 2),
    _time(
        "TO_DATE",
        "TO_DATE(text[, pattern])",
        "A date from a text; NULL if it is none.",
        plain("text", DATE, nulls=True),
        1,
        2,
    ),
    _time(
        "TO_TIMESTAMP",
        "TO_TIMESTAMP(text[, pattern])",
        "A timestamp from a text; NULL if it is none.",
        plain("text", TIMESTAMP, nulls=True),
        1,
        2,
    ),
    _time(
        "TO_TIMESTAMP_LTZ",
        "TO_TIMESTAMP_LTZ(number[, 0 | 3]), TO_TIMESTAMP_LTZ(text[, pattern])",
        "A moment from milliseconds (3) or seconds (0) since 1970, or from a text.",
        stamp_of,
        1,
        2,
    ),
    _time(
        "UNIX_TIMESTAMP",
        "UNIX_TIMESTAMP([text[, pattern]])",
        "Seconds since 1970: of a text, or now.",
        plain("text", BIGINT),
        0,
        2,
    ),
    _time(
        "FROM_UNIXTIME",
        "FROM_UNIXTIME(seconds[, pattern])",
        "Seconds since 1970 as a text.",
        plain("integer text", STRING, nulls=True),
        1,
        2,
    ),
    _now("CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP", "Now.", TIMESTAMP_LTZ),
    _now("NOW", "NOW()", "Now.", TIMESTAMP_LTZ),
    _now("CURRENT_ROW_TIMESTAMP", "CURRENT_ROW_TIMESTAMP()", "Now.", TIMESTAMP_LTZ),
    _now("PROCTIME", "PROCTIME()", "Now, as a time attribute.", TIMESTAMP_LTZ),
    _now("LOCALTIMESTAMP", "LOCALTIMESTAMP", "Now, in UTC.", TIMESTAMP),
    _now("CURRENT_DATE", "CURRENT_DATE", "Today, in UTC.", DATE),
    _now("CURRENT_TIME", "CURRENT_TIME", "The time of day, in UTC.", _TIME),
    _now("LOCALTIME", "LOCALTIME", "The time of day, in UTC.", _TIME),
    _time("CURRENT_WATERMARK", "CURRENT_WATERMARK(time)", "How far time has come; NULL before it began.", mark, 1),
)
