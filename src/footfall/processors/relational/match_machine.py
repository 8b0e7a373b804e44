"""Turns the rows of one partition, one by one, into matches: follows all partial matches at a time, as Flink does.

A complete match comes out once no partial match that began earlier is left; then what began in the rows that it
skips is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from footfall.core.errors import Failure
from footfall.processors.relational.match_bindings import Path, Taken, steps
from footfall.processors.relational.match_pattern import END, Automaton, Edge
from footfall.processors.relational.matching import Bindings

Skip = Literal["past last row", "to next row", "to first", "to last"]
Partial = tuple[int, int, int, Path]
"""The node where it is, the number and the time (ms) of its first row, and what it has taken."""
Complete = tuple[int, Path]
"""The number of the first row, and what was taken."""
Values = Callable[[str, int], Any]
Looks = Mapping[int, Callable[[Bindings], Any]]
"""The conditions that look at other rows, by variable."""

_ENDLESS: Final = 2**62


@dataclass(slots=True)
class Partition:
    """What is known of one partition: both lists are in the order of the first rows."""

    partials: list[Partial] = field(default_factory=list)
    complete: list[Complete] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    """The rows that are kept for it."""

    queued: int = -1
    """When it ends at the latest, as its state has it."""

    def used(self) -> list[int]:
        """All rows that were taken, each once."""
        if len(self.partials) == 1 and not self.complete:
            return [row for _, row in steps(self.partials[0][3])]
        paths = [partial[3] for partial in self.partials] + [path for _, path in self.complete]
        return list({row for path in paths for _, row in steps(path)})


@dataclass(frozen=True, slots=True)
class _Fast:
    """An edge of the automaton, with all that a row's bits decide in two of them."""

    variable: int
    bit: int
    look: bool
    """Whether the variable's condition must be looked at in the match."""
    barred: int
    """Bits that must not be set."""
    unless: tuple[int, ...]
    """Further conditions that must not hold, and must be looked at in the match."""
    target: int
    ends: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, edge: Edge, looks: Looks) -> _Fast:
        """The same edge."""
        barred = sum(1 << one for one in edge.unless if one not in looks)
        unless = tuple(one for one in edge.unless if one in looks)
        variable = edge.variable
        return cls(variable, 1 << variable, variable in looks, barred, unless, edge.target, edge.ends)


class Machine:
    """Follows an automaton through rows; ``bits`` say of a row which conditions hold, or may hold."""

    def __init__(self, automaton: Automaton, looks: Looks, *, skip: Skip, skip_to: str, within: int | None) -> None:
        self._start = automaton.start
        self._edges = [[_Fast.of(edge, looks) for edge in edges] for edges in automaton.edges]
        self._variables = {name: number for number, name in enumerate(automaton.variables)}
        self._looks = looks
        self._skip = skip
        self._skip_to = skip_to
        self._within = _ENDLESS if within is None else within

    def taken(self, path: Path, values: Values) -> Taken:
        """What measures ask of a match."""
        return Taken(path, self._variables, values)

    def row(self, part: Partition, row: int, time: int, bits: int, begins: bool, values: Values) -> list[Path]:  # noqa: FBT001
        """Take the next row; the matches that come out."""
        out = self.time_out(part, time) if part.partials else []
        going: list[Partial] = []
        for partial in part.partials:
            self._step(partial, row, bits, values, going, part.complete)
        if begins:
            self._step((self._start, row, time, None), row, bits, values, going, part.complete)
        part.partials = going
        return out + self._release(part) if part.complete else out

    def _step(
        self, partial: Partial, row: int, bits: int, values: Values, going: list[Partial], complete: list[Complete]
    ) -> None:
        node, first, began, path = partial
        for edge in self._edges[node]:
            if not bits & edge.bit or bits & edge.barred:
                continue
            if edge.look and not self._holds(edge.variable, row, bits, path, values):
                continue
            if edge.unless and any(self._holds(one, row, bits, path, values) for one in edge.unless):
                continue
            taken = (path, edge.variable, row)
            if edge.target != END:
                going.append((edge.target, first, began, taken))
            if edge.ends and any(
                not any(self._holds(one, row, bits, path, values) for one in way) for way in edge.ends
            ):
                complete.append((first, taken))

    def _holds(self, variable: int, row: int, bits: int, path: Path, values: Values) -> bool:
        if not bits >> variable & 1:
            return False
        look = self._looks.get(variable)
        return look is None or look(Taken((path, variable, row), self._variables, values)) is True

    def time_out(self, part: Partition, time: int) -> list[Path]:
        """Drop the partial matches that began too long ago; the matches that come out by that."""
        latest = time - self._within
        if part.partials[0][2] > latest:
            return []
        part.partials = [partial for partial in part.partials if partial[2] > latest]
        return self._release(part) if part.complete else []

    def expiry(self, part: Partition) -> int:
        """When the first partial match will have begun too long ago."""
        return part.partials[0][2] + self._within

    def _release(self, part: Partition) -> list[Path]:
        out = []
        part.complete.sort(key=_first)
        while part.complete and (not part.partials or part.complete[0][0] <= part.partials[0][1]):
            first, path = part.complete.pop(0)
            limit = self._limit(first, path)
            part.partials = [partial for partial in part.partials if partial[1] >= limit]
            part.complete = [one for one in part.complete if one[0] >= limit]
            out.append(path)
        return out

    def _limit(self, first: int, path: Path) -> int:
        """The first row at which a further match may begin."""
        if self._skip == "to next row" or path is None:
            return first + 1
        if self._skip == "past last row":
            return path[2] + 1
        wanted = self._variables[self._skip_to]
        rows: Sequence[int] = [row for variable, row in steps(path) if variable == wanted]
        if not rows:
            raise Failure(
                f"A match cannot skip to {self._skip_to}: no row of the match was given that variable.",
                remedy="Skip past the last row, or to a variable that each match has.",
            )
        limit = rows[0] if self._skip == "to first" else rows[-1]
        if limit == first:
            raise Failure(
                f"A match cannot skip to {self._skip_to}: that is the match's first row, and it would never end.",
                remedy="Skip to the next row.",
            )
        return limit


def _first(complete: Complete) -> int:
    return complete[0]
