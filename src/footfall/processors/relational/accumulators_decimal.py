"""Turns decimals into exact sums and averages of each group, by arrays of three numbers of 32, 32 and 64 bits."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.processors.base import Flags
from footfall.processors.relational.accumulators import Counted
from footfall.processors.relational.integers import Ints, Slots

_LOW: Final = np.int64((1 << 32) - 1)
_LIMIT: Final = 10**38
_WORD: Final = (1 << 64) - 1


class DecimalSum(Counted):
    """SUM and AVG of decimals. A sum of more than 38 digits is NULL, as it is in Flink."""

    def __init__(self, function: str, argument: pa.DataType, result: pa.DataType) -> None:
        super().__init__(dict.fromkeys(("count", "low", "middle", "high"), (np.int64, 0)))
        self._function = function
        self._argument = pa.decimal128(38, argument.scale)
        self._result = result

    def add(self, slots: Slots, signs: Ints | None, column: pa.Array | None) -> None:
        assert column is not None  # noqa: S101 - a sum has an argument
        low, high = _words(column.cast(self._argument))
        parts = {"low": low & _LOW, "middle": (low >> 32) & _LOW, "high": high}
        np.add.at(self.state["count"], slots, 1 if signs is None else signs)
        for name, part in parts.items():
            np.add.at(self.state[name], slots, part if signs is None else part * signs)
        self.settle(slots)

    def merge(self, source: Slots, target: Slots) -> None:
        super().merge(source, target)
        self.settle(target)

    def settle(self, slots: Slots) -> None:
        """Move what does not fit into 32 bits on to the next part."""
        for part, following in (("low", "middle"), ("middle", "high")):
            moved = self.state[part][slots] >> 32
            rest, larger = self.state[part][slots] & _LOW, self.state[following][slots] + moved
            self.state[part][slots] = rest
            self.state[following][slots] = larger

    def results(self, slots: Slots) -> pa.Array:
        low = (self.state["middle"][slots] << 32) | self.state["low"][slots]
        high, count = self.state["high"][slots], self.state["count"][slots]
        known = _fits(low, high)
        if self._function in {"SUM", "AVG"}:
            known &= count > 0
        if self._function == "AVG":
            return self._averages(low, high, np.where(known, count, 0))
        return _decimals(low, high, self._argument, known).cast(self._result, safe=False)

    def _averages(self, low: Ints, high: Ints, count: Ints) -> pa.Array:
        """Rounded half away from zero."""
        found: list[Decimal | None] = []
        up, down = 10**self._result.scale, 10**self._argument.scale
        for below, above, number in zip(low.view(np.uint64).tolist(), high.tolist(), count.tolist(), strict=True):
            if not number:
                found.append(None)
                continue
            total = (above << 64) | below
            quotient = (2 * abs(total) * up // (number * down) + 1) // 2
            found.append(Decimal(f"{-quotient if total < 0 else quotient}E-{self._result.scale}"))
        return pa.array(found, type=self._result)


def _words(column: pa.Array) -> tuple[Ints, Ints]:
    """The lower and the upper half of each decimal."""
    words = np.frombuffer(column.buffers()[1], dtype=np.int64).reshape(-1, 2)
    words = words[column.offset : column.offset + len(column)]
    return words[:, 0], words[:, 1]


def _fits(low: Ints, high: Ints) -> Flags:
    """Whether 38 digits are enough."""
    words: npt.NDArray[np.uint64] = low.view(np.uint64)
    top, bottom = _LIMIT >> 64, -_LIMIT >> 64
    large = (high > top) | ((high == top) & (words >= np.uint64(_LIMIT & _WORD)))
    small = (high < bottom) | ((high == bottom) & (words <= np.uint64(-_LIMIT & _WORD)))
    fits: Flags = ~(large | small)
    return fits


def _decimals(low: Ints, high: Ints, kind: pa.DataType, known: Flags) -> pa.Array:
    words = np.stack([np.where(known, low, 0), np.where(known, high, 0)], axis=1)
    valid = None if known.all() else pa.array(known).buffers()[1]
    return pa.Array.from_buffers(kind, len(known), [valid, pa.py_buffer(words.tobytes())])
