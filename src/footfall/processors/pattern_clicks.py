"""What goes into a pattern's machine and what comes out: columns of clicks, completed patterns, moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from footfall.core.codes import Codes
from footfall.processors.base import Times

Rows = npt.NDArray[np.int64]


class Clicks(NamedTuple):
    """What one frame's clicks are to one pattern: columns by position, grouped by visitor, in log order within."""

    rows: Rows
    """The row of the frame."""
    visitors: Codes
    products: Codes
    times: Times
    categories: Codes
    """As codes of the detector's own dictionary."""
    classes: Codes
    """As in ``Table``."""
    audience: npt.NDArray[np.int8]
    """The audience's entry that the visitor belongs to at this click."""


class Hit(NamedTuple):
    """A completed pattern."""

    row: int
    audience: int
    matched: list[tuple[int, int, int]]
    """(time, product, category) of the clicks that entered each state, in the order of the states, and of the last."""


@dataclass(slots=True)
class Moves:
    """What happened in a frame."""

    hits: list[Hit] = field(default_factory=list)
    rows: list[Rows] = field(default_factory=list)
    actions: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    """What to log: rows of the frame, and for each the action that took place there."""
