"""Turns the attempts of a pattern into batches to save, and such batches into attempts again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.codes import Codes, Dictionary, coded, constant
from footfall.core.events import CODED, Batch
from footfall.processors.base import Codebook
from footfall.processors.pattern_machine import Machine

ENTRY: Final = pa.struct(
    [
        pa.field("state", pa.int8()),
        pa.field("timestamp", pa.int64()),
        pa.field("product", CODED),
        pa.field("category", CODED),
    ]
)
ATTEMPTS: Final = pa.schema(
    [
        pa.field("pattern", CODED),
        pa.field("definition", pa.uint64()),  # attempts at another definition do not count
        pa.field("userId", pa.string()),
        pa.field("state", pa.int8()),  # 0: the attempt is over; the latest row of a pattern and visitor counts
        pa.field("first_time", pa.int64()),
        pa.field("first_product", CODED),
        pa.field("last_product", CODED),
        pa.field("entries", pa.list_(ENTRY)),  # the click that entered each state of the attempt
    ]
)


def saved_batch(machine: Machine, visitors: Codes, *, book: Codebook, categories: Dictionary) -> Batch:
    """The attempts of these visitors as ``ATTEMPTS``."""
    size = len(visitors)
    entered = machine.entered[visitors].astype(np.int64)[:, None] >> np.arange(machine.table.states) & 1
    entered[:, 0] = 0
    entered[machine.state[visitors] == 0] = 0
    line, state = np.nonzero(entered)
    place = (visitors[line], state)
    offsets = np.zeros(size + 1, dtype=np.int32)
    np.cumsum(entered.sum(axis=1), out=offsets[1:])
    entries = pa.StructArray.from_arrays(
        [
            pa.array(state.astype(np.int8)),
            pa.array(machine.entry_time[place]),
            _texts(machine.entry_product[place], book.products),
            _texts(machine.entry_category[place], categories),
        ],
        fields=list(ENTRY),
    )
    columns = [
        constant(machine.pattern.name, size),
        pa.array(np.full(size, machine.pattern.definition, dtype=np.uint64)),
        book.visitors.decode(visitors.tolist()),
        pa.array(machine.state[visitors]),
        pa.array(machine.first_time[visitors]),
        _texts(machine.first_product[visitors], book.products),
        _texts(machine.last_product[visitors], book.products),
        pa.ListArray.from_arrays(pa.array(offsets), entries),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=ATTEMPTS)


def restore(machine: Machine, batches: Sequence[Batch], *, book: Codebook, categories: Dictionary) -> int:
    """Take up the attempts at this machine's pattern, in this definition; says how many rows were its own."""
    own = 0
    for batch in batches:
        named = pc.equal(batch.column("pattern").cast(pa.string()), machine.pattern.name)
        same = pc.equal(batch.column("definition"), pa.scalar(machine.pattern.definition, pa.uint64()))
        rows = batch.filter(pc.and_(named, same))
        own += rows.num_rows
        if rows.num_rows:
            _take_up(machine, rows, book=book, categories=categories)
    machine.saved = machine.running()
    machine.lead(machine.last_product[machine.saved])
    return own


def _take_up(machine: Machine, batch: Batch, *, book: Codebook, categories: Dictionary) -> None:
    visitors = book.visitors.add(batch.column("userId").to_pylist())
    first, last = (book.products.encode(batch.column(name)) for name in ("first_product", "last_product"))
    entries = batch.column("entries")
    flat = entries.flatten()
    products = book.products.encode(flat.field("product"))
    machine.grow(visitors=len(book.visitors), products=len(book.products))
    machine.state[visitors] = batch.column("state").to_numpy()
    machine.first_time[visitors] = batch.column("first_time").to_numpy()
    machine.first_product[visitors], machine.last_product[visitors] = first, last
    owner = np.repeat(visitors, entries.value_lengths().to_numpy())
    state = flat.field("state").to_numpy().astype(np.int64)
    machine.entered[visitors] = 0
    np.bitwise_or.at(machine.entered, owner, np.left_shift(1, state).astype(np.uint16))
    machine.entry_time[owner, state] = flat.field("timestamp").to_numpy()
    machine.entry_product[owner, state] = products
    machine.entry_category[owner, state] = categories.encode(flat.field("category"))


def _texts(codes: npt.NDArray[np.int32], dictionary: Dictionary) -> pa.DictionaryArray:
    distinct, index = np.unique(codes, return_inverse=True)
    return coded(index.astype(np.int32), dictionary.decode(distinct.tolist()))
