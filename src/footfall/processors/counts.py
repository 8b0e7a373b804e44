"""Turns increments into counts by packed integer key: sorted arrays that live on, no Python object a cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class Counts:
    """A count for each int64 key. Remembers what was added since it was last saved."""

    def __init__(self) -> None:
        self.keys: Ints = np.zeros(0, dtype=np.int64)
        self.values: Ints = np.zeros(0, dtype=np.int64)
        self._unsaved: list[tuple[Ints, Ints]] = []
        self._saved_rows = 0

    def count(self, keys: Ints) -> None:
        """Count each key once a row."""
        if len(keys):
            self.add(*np.unique(keys, return_counts=True))

    def add(self, keys: Ints, increments: Ints) -> None:
        """Add to some keys: sorted, each once."""
        if not len(keys):
            return
        self._unsaved.append((keys, increments))
        self._merge(keys, increments)

    def _merge(self, keys: Ints, increments: Ints) -> None:
        at = np.searchsorted(self.keys, keys)
        known = at < len(self.keys)
        known[known] = self.keys[at[known]] == keys[known]
        self.values[at[known]] += increments[known]
        new = ~known
        if new.any():
            self.keys = np.insert(self.keys, at[new], keys[new])
            self.values = np.insert(self.values, at[new], increments[new])

    def drop_below(self, key: int) -> None:
        """Forget all keys smaller than this one."""
        cut = int(np.searchsorted(self.keys, key))
        if cut:
            self.keys = self.keys[cut:]
            self.values = self.values[cut:].copy()

    def changes(self) -> tuple[Ints, Ints, bool] | None:
        """Keys, increments, and whether they replace what was saved; None if nothing changed."""
        if not self._unsaved:
            return None
        keys = np.concatenate([k for k, _ in self._unsaved])
        increments = np.concatenate([v for _, v in self._unsaved])
        self._unsaved.clear()
        self._saved_rows += len(keys)
        if self._saved_rows > 2 * len(self.keys) + 10_000:
            self._saved_rows = len(self.keys)
            return self.keys.copy(), self.values.copy(), True
        return keys, increments, False

    def restore(self, parts: Sequence[tuple[Ints, Ints]]) -> None:
        """Take in what ``changes`` gave, in order. Keys may repeat."""
        for keys, increments in parts:
            unique, inverse = np.unique(keys, return_inverse=True)
            summed = np.zeros(len(unique), dtype=np.int64)
            np.add.at(summed, inverse, increments)
            self._merge(unique, summed)
            self._saved_rows += len(keys)
