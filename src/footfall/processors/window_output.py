"""Turns closed windows into the batch that is put out, and cells into what partitions tell one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.events import EVENT_ID, TIME, Batch
from footfall.core.hashing import ids_of, text_hash, text_hashes
from footfall.processors.window_cells import NOTHING, Cells, Elements, Ints, named, no_elements
from footfall.processors.window_close import Closing
from footfall.processors.window_model import Plan, Top
from footfall.processors.window_rows import keys_of_text


def windows_batch(plan: Plan, closed: Cells, windows: Closing) -> Batch | None:
    """The closed windows by end, start and keys (or by rank, if only the top ones count); None if there are none."""
    if not len(closed):
        return None
    cells, texts = named(closed, windows.groups)
    ends = cells.start + plan.size if plan.size else cells.end
    counts = _set_sizes(plan, cells)
    rank = np.argsort(np.argsort(np.array(texts)))[cells.group]
    order = np.lexsort((rank, cells.start, ends))
    if plan.top is not None:
        order = _top(plan.top, _ranked_by(plan, plan.top, cells, counts), cells.start, ends, rank)
    group = cells.group[order]
    kinds = {key: plan.schema.field(key).type for key in plan.keys}
    keys = [keys_of_text(text) for text in texts]
    names = np.full(len(order), text_hash(plan.name), dtype=np.uint64)
    columns: dict[str, pa.Array] = {
        "timestamp": pa.array(ends[order]).cast(TIME),
        "event_id": ids_of([names, cells.start[order].view(np.uint64), text_hashes(texts)[group]]),
        "window_start": pa.array(cells.start[order]).cast(TIME),
        "window_end": pa.array(ends[order]).cast(TIME),
    }
    for index, (key, kind) in enumerate(kinds.items()):
        columns[key] = _key_column([row[index] for row in keys], kind, group)
    for name, place in plan.names:
        columns[name] = _aggregate(plan, cells, counts, place, plan.schema.field(name).type).take(pa.array(order))
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=plan.schema)


def _set_sizes(plan: Plan, cells: Cells) -> Ints:
    """How many distinct values each set of each window has: (sets, windows)."""
    size = len(cells)
    place = cells.located() + cells.elements.which.astype(np.int64) * size
    return np.bincount(place, minlength=size * len(plan.sets)).reshape(len(plan.sets), size)


def _ranked_by(plan: Plan, top: Top, cells: Cells, counts: Ints) -> Ints:
    """What decides the rank; nothing at all ranks last."""
    place = dict(plan.names)[top.by]
    if place >= len(plan.kinds):
        sizes: Ints = counts[place - len(plan.kinds)]
        return sizes
    values: Ints = cells.values[place]
    if plan.kinds[place] == "sum":
        return values
    return np.where(values == NOTHING[plan.kinds[place]], NOTHING["max"], values)


def _top(top: Top, by: Ints, starts: Ints, ends: Ints, rank: Ints) -> Ints:
    """The rows to keep of each window, best first."""
    order = np.lexsort((rank, ~by, starts, ends))
    new = np.concatenate([[True], (np.diff(starts[order]) != 0) | (np.diff(ends[order]) != 0)])
    rows = np.arange(len(order))
    kept: Ints = order[rows - np.maximum.accumulate(np.where(new, rows, 0)) < top.n]
    return kept


def _key_column(values: Sequence[Any], kind: pa.DataType, group: npt.NDArray[np.int32]) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return pa.array(values, type=pa.string()).dictionary_encode().take(pa.array(group))
    if pa.types.is_date(kind):
        values = [None if value is None else date.fromisoformat(value) for value in values]
    return pa.array(values, type=kind).take(pa.array(group))


def _aggregate(plan: Plan, cells: Cells, counts: Ints, place: int, kind: pa.DataType) -> pa.Array:
    if place >= len(plan.kinds):
        return pa.array(counts[place - len(plan.kinds)])
    values = cells.values[place]
    missing = values == NOTHING[plan.kinds[place]] if plan.kinds[place] != "sum" else None
    column = pa.array(values, mask=missing)
    return column.cast(pa.int32()).cast(kind) if pa.types.is_date(kind) else column.cast(kind)


# -- what partitions tell one another ---------------------------------------------------------------------


def partial_schema(plan: Plan) -> pa.Schema:
    """Cells of one partition; a row without a group says that all before ``horizon`` have come."""
    return pa.schema(
        [
            pa.field("timestamp", TIME, nullable=False),
            pa.field("event_id", EVENT_ID, nullable=False),
            pa.field("source", pa.int32(), nullable=False),
            pa.field("horizon", pa.int64(), nullable=False),
            pa.field("group", pa.string()),
            pa.field("start", pa.int64(), nullable=False),
            pa.field("end", pa.int64(), nullable=False),
            *[pa.field(f"value{index}", pa.int64(), nullable=False) for index in range(len(plan.kinds))],
            *[pa.field(f"set{index}", pa.list_(pa.uint64()), nullable=False) for index in range(len(plan.sets))],
        ]
    )


def partial_batch(plan: Plan, cells: Cells, texts: Sequence[str], *, source: int, horizon: int) -> Batch:
    """Sorted cells, whose groups are places in ``texts``, and the row that says how far they reach."""
    rows = len(cells) + 1
    starts, ends = np.append(cells.start, horizon), np.append(cells.end, horizon)
    groups = [*(texts[code] for code in cells.group.tolist()), None]
    sources = np.full(rows, source, dtype=np.int32)
    horizons = np.full(rows, horizon, dtype=np.int64)
    numbers = [sources.astype(np.uint64), horizons.view(np.uint64), starts.view(np.uint64), text_hashes(groups)]
    columns = [
        pa.array(horizons).cast(TIME),
        ids_of(numbers),
        pa.array(sources),
        pa.array(horizons),
        pa.array(groups, type=pa.string()),
        pa.array(starts),
        pa.array(ends),
        *[pa.array(np.append(row, 0)) for row in cells.values],
        *[_lists(cells, which) for which in range(len(plan.sets))],
    ]
    return pa.RecordBatch.from_arrays(columns, schema=partial_schema(plan))


def _lists(cells: Cells, which: int) -> pa.Array:
    """The members of one set, a list a cell, and an empty one at the end."""
    chosen = np.flatnonzero(cells.elements.which == which)
    place = cells.located()[chosen]
    order = np.argsort(place, kind="stable")
    sizes = np.bincount(place, minlength=len(cells) + 1)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(cells.elements.value[chosen][order]))


def cells_of_partial(plan: Plan, batch: Batch) -> tuple[Cells, Sequence[str], Mapping[int, int]]:
    """The cells, the texts that their groups are places in, and how far each source's cells reach."""
    marks = batch.column("group").is_null().to_numpy(zero_copy_only=False)
    told = np.flatnonzero(marks)
    horizons: dict[int, int] = {}
    for source, horizon in zip(
        batch.column("source").take(pa.array(told)).to_pylist(),
        batch.column("horizon").take(pa.array(told)).to_pylist(),
        strict=True,
    ):
        horizons[source] = max(horizon, horizons.get(source, horizon))
    held = batch.take(pa.array(np.flatnonzero(~marks)))
    groups = held.column("group").dictionary_encode()
    codes = groups.indices.to_numpy().astype(np.int32)
    starts, ends = held.column("start").to_numpy(), held.column("end").to_numpy()
    values = [held.column(f"value{index}").to_numpy() for index in range(len(plan.kinds))]
    stacked = np.stack(values) if values else np.zeros((0, len(codes)), dtype=np.int64)
    parts = []
    for which in range(len(plan.sets)):
        lists = held.column(f"set{which}")
        row = np.repeat(np.arange(len(codes)), lists.value_lengths().to_numpy())
        members = lists.flatten().to_numpy()
        parts.append(Elements(codes[row], starts[row], np.full(len(row), which, dtype=np.int8), members))
    elements = no_elements()
    if parts:
        elements = Elements(
            np.concatenate([part.group for part in parts]),
            np.concatenate([part.time for part in parts]),
            np.concatenate([part.which for part in parts]),
            np.concatenate([part.value for part in parts]),
        )
    return Cells(codes, starts, ends, stacked, elements), groups.dictionary.to_pylist(), horizons
