"""Turns a table of events into one table a day of event time (UTC)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa

NO_DAY: Final = "__HIVE_DEFAULT_PARTITION__"
"""What Hive, and all that read its folders, call the day of events that have none."""
_TIME: Final = "timestamp"


def by_day(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Each day with its events, in their order; the days in theirs."""
    if _TIME not in table.column_names or not pa.types.is_timestamp(table.schema.field(_TIME).type):
        yield NO_DAY, table
        return
    days = table.column(_TIME).to_numpy().astype("datetime64[D]").view(np.int64)  # a time that is missing is the least
    if days[0] == days.min() == days.max():  # the usual case, without a copy
        yield _name(days[0]), table
        return
    order = np.argsort(days, kind="stable")
    cuts = np.flatnonzero(np.diff(days[order])) + 1
    for rows in np.split(order, cuts):
        yield _name(days[rows[0]]), table.take(pa.array(rows))


def _name(day: np.int64) -> str:
    date = day.view("datetime64[D]")
    return NO_DAY if np.isnat(date) else str(date)
