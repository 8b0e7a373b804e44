"""Turns the rows that a partial match has taken into what its conditions and measures ask of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import pyarrow as pa

from footfall.processors.relational.numbered_rows import plain

_DEAR: Final = 8
"""A value by itself takes as long as so many of a whole column."""

Path = tuple["Path", int, int] | None
"""What a partial match has taken: all before, then a variable and the number of its row."""


def steps(path: Path) -> list[tuple[int, int]]:
    """Variables and rows, in order."""
    found = []
    while path is not None:
        path, variable, row = path
        found.append((variable, row))
    found.reverse()
    return found


def path_of(taken: Sequence[Sequence[int]]) -> Path:
    """The path of variables and rows."""
    path: Path = None
    for variable, row in taken:
        path = (path, variable, row)
    return path


class _Column:
    """A column whose values are made one by one, until so many are asked for that all are made at once."""

    __slots__ = ("_array", "_asked", "_values")

    def __init__(self, array: pa.Array) -> None:
        self._array = array
        self._asked = 0
        self._values: list[Any] | None = None

    def value(self, place: int) -> Any:
        """What it holds there."""
        if self._values is not None:
            return self._values[place]
        self._asked += 1
        if self._asked * _DEAR < len(self._array):
            return self._array[place].as_py()
        self._values = plain(self._array).to_pylist()
        return self._values[place]


class Values:
    """Columns of rows by number, as Python values.

    Rows from ``first`` on are new, and numbered on; of older ones only those in ``held`` are there, in this order.
    """

    def __init__(
        self, new: Callable[[str], pa.Array], *, first: int, old: Callable[[str], pa.Array], held: Sequence[int]
    ) -> None:
        self._make = (new, old)
        self._first = first
        self._held = held
        self._places: dict[int, int] | None = None
        self._new: dict[str, _Column] = {}
        self._old: dict[str, _Column] = {}

    def __call__(self, name: str, row: int) -> Any:
        """What a column holds in a row."""
        if row >= self._first:
            column = self._new.get(name)
            if column is None:
                column = self._new[name] = _Column(self._make[0](name))
            return column.value(row - self._first)
        column = self._old.get(name)
        if column is None:
            column = self._old[name] = _Column(self._make[1](name))
        if self._places is None:
            self._places = {row: place for place, row in enumerate(self._held)}
        return column.value(self._places[row])


class Taken:
    """The rows of a match by variable (``matching.Bindings``)."""

    __slots__ = ("_path", "_rows", "_values", "_variables")

    def __init__(self, path: Path, variables: Mapping[str, int], values: Callable[[str, int], Any]) -> None:
        self._path = path
        self._variables = variables
        self._values = values
        self._rows: list[tuple[int, int]] | None = None

    def _of(self, variable: str) -> list[int]:
        if self._rows is None:
            self._rows = steps(self._path)
        if not variable:
            return [row for _, row in self._rows]
        wanted = self._variables[variable]
        return [row for of, row in self._rows if of == wanted]

    def value(self, variable: str, column: str, which: Literal["first", "last"], offset: int) -> Any:
        """A column of the first or last row of a variable ("" for all), so many rows on; None without such a row."""
        if which == "last" and not offset:
            row = self._last(variable)
            return None if row is None else self._values(column, row)
        rows = self._of(variable)
        if offset >= len(rows):
            return None
        return self._values(column, rows[offset] if which == "first" else rows[-1 - offset])

    def _last(self, variable: str) -> int | None:
        """The last row of a variable, found without looking at all of them."""
        wanted = self._variables[variable] if variable else None
        path = self._path
        while path is not None:
            path, of, row = path
            if wanted is None or of == wanted:
                return row
        return None

    def values(self, variable: str, column: str | None) -> Sequence[Any]:
        """The column in all rows of a variable, in order; ``column`` None: True for each row."""
        rows = self._of(variable)
        if column is None:
            return [True] * len(rows)
        return [self._values(column, row) for row in rows]
