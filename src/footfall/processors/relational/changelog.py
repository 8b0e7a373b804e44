"""Turns what rows were and what they are now into a changelog: each -U right before its +U."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.events import Batch
from footfall.processors.base import Flags, Times
from footfall.processors.relational.integers import Ints
from footfall.processors.relational.rows import Kind, Kinds, Rows

GONE: Final = np.int8(Kind.DELETE)
NEW: Final = np.int8(Kind.INSERT)
BEFORE: Final = np.int8(Kind.UPDATE_BEFORE)
AFTER: Final = np.int8(Kind.UPDATE_AFTER)


@dataclass(frozen=True, slots=True)
class Side:
    """Rows as they were, or as they are, with the place of what they are about."""

    batch: Batch
    places: Ints
    kinds: Kinds


def changelog(was: Side, now: Side, marks: Times, at: int, *, width: int = 1) -> Rows | None:
    """Both sides by place, what was before what is. None if there is nothing.

    ``marks`` has one for each ``width`` places.
    """
    places = np.concatenate([was.places * 2, now.places * 2 + 1])
    if not len(places):
        return None
    order = np.argsort(places, kind="stable")
    kinds = np.concatenate([was.kinds, now.kinds])[order]
    whole = now.batch if not was.batch.num_rows else pa.concat_batches([was.batch, now.batch])
    batch = whole.take(pa.array(order))
    inserts = bool((kinds == NEW).all())
    return Rows(batch, marks[places[order] // (2 * width)], None if inserts else kinds, at)


def differing(was: list[pa.Array], now: list[pa.Array], rows: int) -> Flags:
    """Which rows are not the same in all columns; NULL equals NULL, and NaN equals NaN."""
    found: Flags = np.zeros(rows, dtype=np.bool_)
    for one, other in zip(was, now, strict=True):
        if pa.types.is_nested(one.type):
            pairs = zip(one.to_pylist(), other.to_pylist(), strict=True)
            found |= np.array([a != b for a, b in pairs], dtype=np.bool_)
            continue
        unequal = pc.fill_null(pc.not_equal(one, other), False).to_numpy(zero_copy_only=False)
        if pa.types.is_floating(one.type):
            nan = (pc.is_nan(side).fill_null(False).to_numpy(zero_copy_only=False) for side in (one, other))
            unequal &= ~np.logical_and(*nan)
        nulls = (side.is_null().to_numpy(zero_copy_only=False) for side in (one, other))
        found |= unequal | np.not_equal(*nulls)
    return found


def signs_of(rows: Rows) -> Ints | None:
    """1 for each row that comes, -1 for each that is taken back; None when all come."""
    removes = rows.removes
    return None if removes is None or not removes.any() else np.where(removes, -1, 1)


def shaped(columns: list[pa.Array], schema: pa.Schema) -> Batch:
    """A batch of these columns, by their place, as the schema has them."""
    fitting = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    batch: Batch = pa.RecordBatch.from_arrays(fitting, schema=schema)
    return batch
