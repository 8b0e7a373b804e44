"""Turns state that is held by code into rows to be saved: those that changed, or all once that is shorter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.codes import Codes, grown
from footfall.core.events import Batch
from footfall.processors.base import Change, Flags, State

_SLACK: Final = 10_000
"""So many saved rows more than needed are never worth a fresh start."""
_CODE: Final = "code"
_LIVE: Final = "is_live"


class Journal:
    """One state table with a row a code: what is saved later replaces what was saved before."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._touched: Flags = np.zeros(0, dtype=np.bool_)
        self._saved_rows = 0

    def touch(self, codes: npt.NDArray[np.integer]) -> None:
        """The state of these codes has changed, or is gone."""
        if len(codes):
            self._touched = grown(self._touched, int(codes.max()) + 1)
            self._touched[codes] = True

    def changes(self, is_live: Flags, columns: Callable[[Codes], Mapping[str, pa.Array]]) -> list[Change]:
        """What to save. ``is_live`` says of each code whether it has state, ``columns`` what that is."""
        touched = np.flatnonzero(self._touched).astype(np.int32)
        self._touched[touched] = False
        if not len(touched):
            return []
        held = int(np.count_nonzero(is_live))
        reset = self._saved_rows + len(touched) > 2 * held + _SLACK
        if reset:
            touched, self._saved_rows = np.flatnonzero(is_live).astype(np.int32), 0
        self._saved_rows += len(touched)
        return [Change(self._table, _rows(touched, is_live, columns), reset)]

    def restore(self, state: State) -> tuple[Codes, Batch | None]:
        """The codes that have state, and a row for each of them; no rows if nothing was saved."""
        batches = [batch for batch in state.get(self._table, ()) if batch.num_rows]
        if not batches:
            return np.zeros(0, dtype=np.int32), None
        rows = pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
        self._saved_rows = rows.num_rows
        codes = rows.column(_CODE).to_numpy()
        last = len(codes) - 1 - np.unique(codes[::-1], return_index=True)[1]
        last = last[rows.column(_LIVE).to_numpy(zero_copy_only=False)[last]]
        kept: Batch = rows.take(pa.array(last))
        return codes[last].astype(np.int32), kept


def _rows(codes: Codes, is_live: Flags, columns: Callable[[Codes], Mapping[str, pa.Array]]) -> Batch:
    known = codes[codes < len(is_live)]
    alive, gone = known[is_live[known]], known[~is_live[known]]
    gone = np.concatenate([gone, codes[codes >= len(is_live)]])
    rows = {_CODE: pa.array(np.concatenate([alive, gone])), _LIVE: pa.array(np.arange(len(codes)) < len(alive))}
    for name, column in columns(alive).items():
        rows[name] = pa.concat_arrays([column, pa.nulls(len(gone), column.type)]) if len(gone) else column
    return pa.RecordBatch.from_pydict(rows)


def joined(batches: Sequence[Batch]) -> Batch:
    """All rows in one batch; there is at least one batch."""
    if len(batches) == 1:
        return batches[0]
    whole: Batch = pa.concat_batches(batches)
    return whole
