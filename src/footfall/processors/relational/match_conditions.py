"""Turns the conditions of DEFINE into a bit for each row and variable, and into what must be looked at in a match."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from footfall.processors.base import flags
from footfall.processors.relational.match_lookahead import Masks
from footfall.processors.relational.matching import Bindings, Condition, OfBoth, OfMatch, OfRow
from footfall.processors.relational.rows import Compute, Rows


class Conditions:
    """The conditions of a pattern's variables, each of which has a number."""

    def __init__(self, variables: Sequence[str], define: Mapping[str, Condition]) -> None:
        self._rows: dict[int, Compute] = {}
        self.looks: dict[int, Callable[[Bindings], Any]] = {}
        """Conditions that look at other rows, by variable."""
        for number, variable in enumerate(variables):
            match define.get(variable):
                case OfRow(compute):
                    self._rows[number] = compute
                case OfMatch(look):
                    self.looks[number] = look
                case OfBoth(compute, look):
                    self._rows[number] = compute
                    self.looks[number] = look
                case None:
                    pass
        self._free = sum(1 << number for number in range(len(variables)) if number not in self._rows)
        self.unsure = sum(1 << number for number in self.looks)
        """The variables whose bit only says that they may hold."""

    def masks(self, rows: Rows) -> Masks:
        """For each row a bit a variable."""
        masks = np.full(len(rows), self._free, dtype=np.int64)
        for number, compute in self._rows.items():
            masks |= flags(compute(rows)).astype(np.int64) << number
        return masks
