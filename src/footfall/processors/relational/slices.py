"""Turns times into slices and windows: a window consists of slices, so that overlapping windows count a row once."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.codes import Codes, grown
from footfall.core.errors import UsageError
from footfall.processors.base import Flags, Times
from footfall.processors.relational.integers import Ints
from footfall.processors.relational.rows import Rows

WINDOW: tuple[str, str, str] = ("window_start", "window_end", "window_time")
"""The columns that name a window: its begin, its end (exclusive), and the last ms in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which windows a row is in. Times in ms."""

    kind: Literal["TUMBLE", "HOP", "CUMULATE", "SESSION"]
    time: str
    """The column; of no meaning if ``arrival``."""
    size: int
    """Of a SESSION its gap; of CUMULATE the largest size."""
    slide: int = 0
    """Of HOP, and the step of CUMULATE."""
    offset: int = 0
    partition: tuple[str, ...] = ()
    """Of SESSION."""
    arrival: bool = False
    """Whether a row's time is that of its arrival (``Rows.now``)."""

    def __post_init__(self) -> None:
        """Check the sizes. Raises UsageError."""
        slides = self.kind in {"HOP", "CUMULATE"}
        if self.size <= 0 or (slides and self.slide <= 0):
            raise UsageError("A window needs a size that is larger than 0.", remedy="Give a positive interval.")
        if self.kind == "CUMULATE" and self.size % self.slide:
            raise UsageError(
                f"The size of a CUMULATE window ({self.size} ms) is no multiple of its step ({self.slide} ms).",
                remedy="Choose a size that is a multiple of the step.",
            )

    @property
    def step(self) -> int:
        """How far the end of a window is from that of the next that a row is in."""
        return self.slide or self.size

    @property
    def slice(self) -> int:
        """How long a slice is."""
        return {"TUMBLE": self.size, "HOP": gcd(self.size, self.slide)}.get(self.kind, self.slide)

    def slices(self, times: Times) -> Times:
        """The begin of the slice that each time is in."""
        return times - (times - self.offset) % self.slice

    def first_ends(self, slices: Times) -> Times:
        """The end of the first window that each slice is in."""
        if self.kind == "HOP":
            return slices + self.slice + (self.offset + self.size - slices - self.slice) % self.slide
        return slices + self.slice

    def last_ends(self, slices: Times) -> Times:
        """The end of the last window that each slice is in."""
        if self.kind == "HOP":
            return slices - (slices - self.offset) % self.slide + self.size
        return self.starts(slices + self.slice) + self.size

    def starts(self, ends: Times) -> Times:
        """The begin of the window that ends there."""
        if self.kind == "CUMULATE":
            return ends - 1 - (ends - 1 - self.offset) % self.size
        return ends - self.size

    def next_ends(self, slices: Times, skips: Ints, after: int) -> Times:
        """The end of the first window of each slice that ends later than ``after``; it may be none of the slice's.

        Of its windows a slice is not in the first ``skips``.
        """
        first = self.first_ends(slices) + skips * self.step
        ends: Times = first + np.maximum(-((first - after - 1) // self.step), 0) * self.step
        return ends

    def windows(self, slices: Times, skips: Ints, after: int, until: int) -> tuple[Ints, Times]:
        """The windows of slices that end later than ``after`` and not later than ``until``: place and end of each."""
        first = self.next_ends(slices, skips, after)
        last = np.minimum(self.last_ends(slices), until)
        times = np.maximum((last - first) // self.step + 1, 0)
        places = np.repeat(np.arange(len(slices)), times)
        nth = np.arange(len(places)) - np.repeat(np.cumsum(times) - times, times)
        return places, first[places] + nth * self.step


class Slices:
    """Gives each slice, or window, a code that lives on. Each is two numbers."""

    def __init__(self) -> None:
        self._code_of: dict[tuple[int, int], int] = {}
        self._free: list[int] = []
        self.first: Ints = np.zeros(0, dtype=np.int64)
        self.second: Ints = np.zeros(0, dtype=np.int64)

    def add(self, first: Ints, second: Ints) -> Codes:
        """A code a row."""
        if not len(first):
            return np.zeros(0, dtype=np.int32)
        heads = np.flatnonzero((np.diff(first) != 0) | (np.diff(second) != 0)) + 1
        heads = np.concatenate([[0], heads])
        values, which = np.unique(second[heads], return_inverse=True)
        starts, at = np.unique(first[heads], return_inverse=True)
        pairs, place = np.unique(at * len(values) + which, return_inverse=True)
        ones, others = starts[pairs // len(values)].tolist(), values[pairs % len(values)].tolist()
        codes = np.array([self._code(one, other) for one, other in zip(ones, others, strict=True)], dtype=np.int32)
        return np.repeat(codes[place], np.diff(np.append(heads, len(first))))

    def _code(self, first: int, second: int) -> int:
        code = self._code_of.get((first, second))
        if code is None:
            code = self._free.pop() if self._free else len(self._code_of)
            self._code_of[first, second] = code
            self.first, self.second = grown(self.first, code + 1), grown(self.second, code + 1)
            self.first[code], self.second[code] = first, second
        return code

    def keep(self, used: Codes) -> None:
        """Forget all others."""
        if len(used) == len(self._code_of):
            return
        kept = set(used.tolist())
        for pair, code in list(self._code_of.items()):
            if code not in kept:
                del self._code_of[pair]
                self._free.append(code)


def milliseconds(column: pa.Array) -> tuple[Times, Flags | None]:
    """A time column in ms, and which rows have NULL there (None: no row)."""
    missing = column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None
    numbers = column.cast(pa.int64())
    if missing is not None:
        numbers = pc.fill_null(numbers, 0)
    times: Times = numbers.to_numpy(zero_copy_only=False)
    parts = {"s": 1_000, "ms": 1, "us": 1_000, "ns": 1_000_000}[column.type.unit]
    if column.type.unit == "s":
        return times * parts, missing
    return (times if parts == 1 else times // parts), missing


def times_of(rows: Rows, window: Window, reached: int) -> tuple[Times, Flags | None]:
    """The time of each row in ms, and which rows have none. ``reached`` is the watermark so far."""
    if window.arrival:
        return np.full(len(rows), max(rows.now, reached + 1), dtype=np.int64), None
    return milliseconds(rows.batch.column(window.time))


def time_array(times: Times, kind: pa.DataType) -> pa.Array:
    """Times in ms as a column."""
    return pa.array(times).cast(pa.timestamp("ms", tz=kind.tz)).cast(kind)
