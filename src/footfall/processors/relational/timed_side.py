"""Turns the rows of one input of an interval join into state: rows that are found by key and time, until time passes.

Time is cut into slots as long as the interval, so that the partners of a row are in two slots of its key.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from footfall.core.codes import grown
from footfall.core.events import Batch
from footfall.processors.base import Times
from footfall.processors.relational.integers import IntegerIndex
from footfall.processors.relational.join_side import JoinSide
from footfall.processors.relational.key_runs import NO_KEY, KeyCodes
from footfall.processors.relational.keys import packed
from footfall.processors.relational.numbered_rows import Numbers


class TimedSide(JoinSide):
    """All rows of one input for which a partner can still come.

    Partners of a row with the time t have times from t + ``lower`` to t + ``upper``.
    """

    def __init__(
        self, name: str, schema: pa.Schema, keys: tuple[str, ...], *, time: str, lower: int, upper: int
    ) -> None:
        self.lower = lower
        self.upper = upper
        self._slot = max(upper - lower + 1, 1)
        super().__init__(name, schema, keys, time=time)

    def _new_numbering(self) -> None:
        super()._new_numbering()
        self._key_codes = np.zeros(0, dtype=np.int32)
        self._slots = IntegerIndex()
        self._places = IntegerIndex()

    def _placed(self, batch: Batch, codes: KeyCodes) -> KeyCodes:
        first, end = len(self), len(self) + batch.num_rows
        times = self.times_of(batch)
        self._key_codes = grown(self._key_codes, end)
        self._key_codes[first:end] = codes
        places = np.full(len(codes), NO_KEY, dtype=np.int32)
        there = np.flatnonzero(codes != NO_KEY)
        places[there] = self._places.add(packed(codes[there], self._slots.add(times[there] // self._slot)))
        return places

    def codes(self, numbers: Numbers) -> KeyCodes:
        """The key codes of rows."""
        return self._key_codes[numbers]

    def places(self, codes: KeyCodes, first: Times, last: Times) -> tuple[KeyCodes, KeyCodes]:
        """Where rows with these key codes and times can be: in two places, of which the second may be NO_KEY."""
        slots = first // self._slot
        further = last // self._slot
        here = self._found(codes, slots)
        there = self._found(codes, further)
        there[further == slots] = NO_KEY
        return here, there

    def _found(self, codes: KeyCodes, slots: Times) -> KeyCodes:
        slot_codes = self._slots.find(slots)
        found = self._places.find(packed(codes, np.maximum(slot_codes, 0)))
        found[(codes == NO_KEY) | (slot_codes < 0)] = NO_KEY
        return found

    def ends(self, times: Times) -> Times:
        """When rows with these times need not be kept any more: all their partners have come."""
        return times + self.upper

    def passed(self, watermark: int) -> Numbers:
        """The rows that need not be kept any more, in the order of their times."""
        return self.until(watermark - self.upper)
