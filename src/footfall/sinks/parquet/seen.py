"""Turns events of a stream that may repeat into those that did not come before.

A log that delivers at least once repeats what was written just before a crash: the same ``event_id``, a bounded number
of events later. So it is enough to look back over the ids of the newest files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from footfall.sinks.parquet.manifest import Held, path_of

LOOK_BACK: Final = 500_000
"""Offsets: a repetition is found if its event stands so far back, or less."""
_ID: Final = "event_id"


class Seen:
    """The ids of a partition's newest events."""

    def __init__(self, folder: Path, files: Sequence[Held], *, end: int, look_back: int = LOOK_BACK) -> None:
        self._look_back = look_back
        self._ids: list[tuple[int, pa.Array]] = []
        for one in files:
            path = path_of(folder, one)
            if one.end > end - look_back and _ID in pq.read_schema(path).names:
                self._ids.append((one.end, pq.read_table(path, columns=[_ID]).column(_ID).combine_chunks()))

    def new(self, table: pa.Table, *, end: int) -> pa.Table:
        """The events that are new, each once; remembers them. ``end`` is the offset after the table's last event."""
        if _ID not in table.column_names or table.num_rows == 0:
            return table
        ids = table.column(_ID).combine_chunks()
        first = np.zeros(len(ids), bool)
        first[pc.index_in(pc.unique(ids), value_set=ids).to_numpy()] = True
        kept = pa.array(first)
        for _, before in self._ids:
            kept = pc.and_not(kept, pc.is_in(ids, value_set=before.cast(ids.type)))
        self._ids = [one for one in self._ids if one[0] > end - self._look_back]
        self._ids.append((end, ids))
        return table.filter(kept)
