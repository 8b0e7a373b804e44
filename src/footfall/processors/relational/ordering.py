"""Turns ORDER BY into numbers that sort as it says, and rows into their places within a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.events import Batch
from footfall.processors.relational.integers import Ints
from footfall.processors.relational.key_columns import bits


@dataclass(frozen=True, slots=True)
class Order:
    """One item of ORDER BY."""

    column: str
    descending: bool = False
    nulls_first: bool = True
    """By default NULL is the smallest: first when ascending; who sorts descending says False."""


def sort_keys(batch: Batch, order: Sequence[Order]) -> list[Ints]:
    """Numbers a row, for each item of the order; the most important first."""
    return [numbers for item in order for numbers in _numbers(batch.column(item.column), item)]


def _numbers(column: pa.Array, item: Order) -> list[Ints]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_temporal(kind) or pa.types.is_boolean(kind):
        numbers = bits(column)
        numbers = ~numbers if item.descending else numbers
    else:
        numbers = pc.rank(column, sort_keys="descending" if item.descending else "ascending", tiebreaker="dense")
        numbers = numbers.to_numpy().astype(np.int64)
    if not column.null_count:
        return [numbers]
    missing = column.is_null().to_numpy(zero_copy_only=False)
    return [(~missing if item.nulls_first else missing).astype(np.int64), np.where(missing, 0, numbers)]


def places_in(groups: npt.NDArray[np.integer], keys: Sequence[Ints], arrival: Ints) -> tuple[Ints, Ints]:
    """The rows by group and order, ties by arrival; and for each of these its place in its group, from 0."""
    order = np.lexsort((arrival, *reversed(keys), groups))
    sorted_groups = groups[order]
    begins = np.flatnonzero(np.concatenate([[True], sorted_groups[1:] != sorted_groups[:-1]])[: len(order)])
    return order, np.arange(len(order)) - np.repeat(begins, np.diff(np.append(begins, len(order))))
