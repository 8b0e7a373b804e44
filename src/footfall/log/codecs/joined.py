"""Turns parts of what was decoded, each by another way, into one batch in the order of the messages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.events import Batch

Origins = npt.NDArray[np.int64]
Part = tuple[Batch, Origins]
"""Rows, and for each of them the message that it came from."""


def without_doubt(batch: Batch, doubtful: npt.NDArray[np.bool_], origins: Origins) -> tuple[Part, list[int]]:
    """The rows that are sure, and the messages of the others."""
    if not doubtful.any():
        return (batch, origins), []
    others: list[int] = origins[doubtful].tolist()
    return (batch.filter(pa.array(~doubtful)), origins[~doubtful]), others


def join(parts: Sequence[Part], schema: pa.Schema) -> Part:
    """All rows, in the order of their messages."""
    full = [part for part in parts if part[0].num_rows]
    if not full:
        return Batch.from_arrays([pa.array([], field.type) for field in schema], schema=schema), np.empty(0, np.int64)
    if len(full) == 1:
        return full[0]
    origins = np.concatenate([places for _, places in full])
    table = pa.Table.from_batches([batch for batch, _ in full], schema=schema).unify_dictionaries()
    if (np.diff(origins) < 0).any():
        order = np.argsort(origins, kind="stable")
        table, origins = table.take(pa.array(order)), origins[order]
    (batch,) = table.combine_chunks().to_batches()
    return batch, origins
