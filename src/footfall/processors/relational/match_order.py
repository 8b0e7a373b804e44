"""Turns rows of some times into their order by these and further columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.events import Batch
from footfall.processors.base import Times
from footfall.processors.relational.numbered_rows import Numbers, plain


@dataclass(frozen=True, slots=True)
class Order:
    """One item of ORDER BY."""

    column: str
    descending: bool = False
    nulls_first: bool = True
    """By default NULL is the smallest, as in Flink: first when ascending, last when descending."""


def in_order(batch: Batch, times: Times, order: Sequence[Order]) -> Numbers:
    """The numbers of rows by time, then by these columns, then as they came."""
    keys = [("time", "ascending")]
    columns: dict[str, pa.Array] = {"time": pa.array(times), "row": pa.array(np.arange(len(times)))}
    for place, one in enumerate(order):
        column = plain(batch.column(one.column))
        columns |= {f"valid{place}": column.is_valid().cast(pa.int8()), f"value{place}": column}
        keys.append((f"valid{place}", "ascending" if one.nulls_first else "descending"))
        keys.append((f"value{place}", "descending" if one.descending else "ascending"))
    keys.append(("row", "ascending"))
    numbers: Numbers = pc.sort_indices(pa.table(columns), sort_keys=keys).to_numpy().astype(np.int64)
    return numbers
