"""Turns a pattern of MATCH_RECOGNIZE into an automaton: which variables a row may be given, and what follows.

It is built as Flink builds its own, and so does what that does: a greedy variable takes every row that it can, and
the variable behind it gets none of these, even if the pattern then fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

END: Final = -1
"""The node after the last variable."""


@dataclass(frozen=True, slots=True)
class PatternItem:
    """A variable, or items in a row, so often."""

    variable: str = ""
    items: tuple[PatternItem, ...] = ()
    choice: bool = False
    """Whether one of ``items`` is enough: Flink does not support that, and neither do we."""
    least: int = 1
    most: int | None = 1
    """None: any number."""
    reluctant: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """A row can be given a variable if its condition holds, and those of ``unless`` do not."""

    variable: int
    unless: tuple[int, ...]
    target: int
    ends: tuple[tuple[int, ...], ...]
    """The match is complete with this row if one of these sets of conditions has none that holds."""


@dataclass(frozen=True, slots=True)
class Automaton:
    """Where one can be, and how it goes on from there; it begins at ``start``."""

    variables: tuple[str, ...]
    edges: tuple[tuple[Edge, ...], ...]
    start: int


@dataclass(slots=True)
class _Node:
    """A place between rows. ``unless`` holds for everything that leads on from it."""

    takes: list[tuple[int, int]] = field(default_factory=list)
    proceeds: list[int] = field(default_factory=list)
    unless: set[int] = field(default_factory=set)


class _Builder:
    """Nodes, from the last one to the first."""

    def __init__(self) -> None:
        self.nodes: list[_Node] = []

    def _node(self) -> int:
        self.nodes.append(_Node())
        return len(self.nodes) - 1

    def _single(self, variable: int, sink: int, *, beyond: int | None) -> int:
        """A node for one row; ``beyond`` is where to go on without it."""
        node = self._node()
        self.nodes[node].takes.append((variable, sink))
        if beyond is not None:
            self.nodes[node].proceeds.append(beyond)
        return node

    def item(self, item: PatternItem, variable: int, sink: int) -> int:
        """Nodes for a variable so often, before what is there; where it begins."""
        least, most = max(item.least, 1), item.most
        optional = sink if item.least == 0 else None
        last = sink
        if not item.reluctant and most not in {least, 1} and sink != END:
            self.nodes[sink].unless.add(variable)
        if most is None:
            last = self._node()
            self.nodes[last].proceeds.append(sink)
            self.nodes[last].takes.append((variable, last))
            most = least
        for _ in range(least, most):
            last = self._single(variable, last, beyond=sink)
        for _ in range(least - 1):
            last = self._single(variable, last, beyond=None)
        return self._single(variable, last, beyond=optional)

    def edges(self, node: int) -> Iterator[Edge]:
        """What can happen with the next row."""
        for at, unless in self.reached(node):
            if at != END:
                for variable, target in self.nodes[at].takes:
                    ends = tuple(tuple(sorted(way)) for end, way in self.reached(target) if end == END)
                    yield Edge(variable, tuple(sorted(unless | self.nodes[at].unless)), target, ends)

    def reached(self, node: int) -> Iterator[tuple[int, frozenset[int]]]:
        """Where one can be without a further row, and which conditions must not hold on the way."""
        waiting: list[tuple[int, frozenset[int]]] = [(node, frozenset())]
        while waiting:
            at, unless = waiting.pop()
            yield at, unless
            if at != END:
                here = unless | self.nodes[at].unless
                waiting += [(there, here) for there in self.nodes[at].proceeds]


def automaton(pattern: PatternItem) -> Automaton:
    """The automaton of a pattern; ValueError for what Flink does not support either."""
    items = list(_flat(pattern))
    variables = tuple(dict.fromkeys(item.variable for item in items))
    builder = _Builder()
    start = END
    for item in reversed(items):
        start = builder.item(item, variables.index(item.variable), start)
    edges = tuple(tuple(builder.edges(node)) for node in range(len(builder.nodes)))
    if any(end == END for end, _ in builder.reached(start)):
        msg = "a pattern must take at least one row"
        raise ValueError(msg)
    return Automaton(variables, edges, start)


def _flat(item: PatternItem) -> Iterator[PatternItem]:
    """The variables in a row."""
    if item.variable:
        yield item
        return
    if item.choice or (item.least, item.most) != (1, 1):
        msg = "a pattern can neither choose between variables nor repeat several together"
        raise ValueError(msg)
    for inner in item.items:
        yield from _flat(inner)
