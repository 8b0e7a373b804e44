"""Turns what does not depend on a row's columns into values: the time now, and how far time has come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pyarrow as pa

from footfall.processors.base import NO_TIME
from footfall.sql.evaluate.arithmetic import DAY
from footfall.sql.evaluate.frame import Evaluate, Frame, Value
from footfall.sql.expressions import Call
from footfall.sql.types import Family

NAMES: Final = (
    *("CURRENT_TIMESTAMP", "NOW", "CURRENT_ROW_TIMESTAMP", "PROCTIME", "LOCALTIMESTAMP"),
    *("CURRENT_DATE", "CURRENT_TIME", "LOCALTIME"),
)


def now(call: Call) -> Evaluate:
    """The time at which the rows were appended."""
    kind, family = call.type.arrow, call.type.family

    def evaluate(frame: Frame) -> Value:
        moment = frame.rows.now
        if family is Family.DATE:
            return pa.scalar(moment // DAY, type=pa.int32()).cast(kind)
        if family is Family.TIME:
            return pa.scalar(moment % DAY // 1000 * 1000, type=pa.int32()).cast(kind)
        return pa.scalar(moment, type=pa.int64()).cast(kind)

    return evaluate


def seconds_now(call: Call) -> Evaluate:
    """UNIX_TIMESTAMP()."""
    del call
    return lambda frame: pa.scalar(frame.rows.now // 1000, type=pa.int64())


def watermark(call: Call) -> Evaluate:
    """CURRENT_WATERMARK: NULL before time began."""
    kind = call.type.arrow

    def evaluate(frame: Frame) -> Value:
        marks = frame.marks
        return pa.array(marks, type=pa.int64(), mask=marks <= NO_TIME).cast(kind)

    return evaluate


FORMS: Final[dict[str, Callable[[Call], Evaluate]]] = {
    **dict.fromkeys(NAMES, now),
    "CURRENT_WATERMARK": watermark,
}
