"""Turns a planned query into one that runs: batches of its tables go in, rows of its result come out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.core.events import Batch
from footfall.processors.base import NO_TIME, Change, State
from footfall.processors.relational.rows import END_OF_TIME, Rows
from footfall.sql.build import Building
from footfall.sql.functions.user import UserFunctions
from footfall.sql.nodes import Leaf, Node, Operating, Reject
from footfall.sql.plan import Step, Table
from footfall.sql.timing import Timing

_SEPARATOR: Final = "/"


class Dataflow:
    """One query at work. The same rows in any cut give the same result."""

    def __init__(
        self,
        query: Step,
        *,
        state: State,
        reject: Reject,
        functions: UserFunctions | None = None,
        ttl: int | None = None,
    ) -> None:
        """Begin from the saved state. ``ttl``: for how long (ms) a key that nobody touches is kept; None: for ever."""
        building = Building(state=_by_node(state), reject=reject, functions=functions, ttl=ttl)
        self._root = building.node(query)
        self._nodes = building.nodes
        self._paths = {id(leaf): path for leaf, path in _paths(self._root)}
        self._leaves = [node for node in self._nodes if isinstance(node, Leaf)]
        self.tables: Mapping[str, Table] = building.tables
        self._resume()

    def _resume(self) -> None:
        """Let time be everywhere as far as it was when the state was saved."""
        for node in self._nodes:
            if node.inputs and not isinstance(node, Timing):
                time = _time_below(node)
                node.watermark = max(time - node.delay, NO_TIME) if isinstance(node, Operating) else time
                node.resting = all(one.resting for one in node.inputs)

    def columns(self, table: str) -> set[str]:
        """The columns of a table that the query needs."""
        return {name for leaf in self._leaves if leaf.table == table for name in leaf.columns}

    def push(self, table: str, batch: Batch, *, now: int, partition: int = 0) -> list[Rows]:
        """What these rows of a table cause at once. ``now``: when they were appended (ms)."""
        marks = np.full(batch.num_rows, NO_TIME, dtype=np.int64)
        made: list[Rows] = []
        for leaf in self._leaves:
            if leaf.table == table:
                rows = Rows(batch, marks, None, now)
                made += self._climb(leaf, rows, partition)
        return made

    def _climb(self, leaf: Leaf, rows: Rows, partition: int) -> list[Rows]:
        moving = list(leaf.process(rows, 0))
        for node, side in self._paths[id(leaf)]:
            if isinstance(node, Timing):
                node.partition = partition
            moving = [made for one in moving if len(one) for made in node.process(one, side)]
        return [one for one in moving if len(one)]

    def settle(self, *, now: int, ended: bool = False) -> list[Rows]:
        """What comes out because time has come as far as the rows say; with ``ended``, as far as it ever will."""
        if ended:
            for node in self._nodes:
                if not node.inputs:
                    node.watermark = END_OF_TIME
        return [rows for rows in self._settle(self._root, now) if len(rows)]

    def _settle(self, node: Node, now: int) -> list[Rows]:
        made: list[Rows] = []
        for side, below in enumerate(node.inputs):
            for rows in self._settle(below, now):
                if len(rows):
                    made += node.process(rows, side)
        if node.inputs and not isinstance(node, Timing):
            node.resting = all(one.resting for one in node.inputs)
        return [*made, *node.advance(max(node.watermark, _time_below(node)), now)]

    def partitions(self, table: str, number: int, *, idle: AbstractSet[int] | None = None) -> None:
        """Say how many partitions a table has, and for the time of which of them nobody waits (None: as before)."""
        for leaf in self._leaves:
            if leaf.table == table:
                for node, _ in self._paths[id(leaf)]:
                    if isinstance(node, Timing):
                        node.partitions = number
                        node.idle = node.idle if idle is None else frozenset(idle)

    def changes(self) -> list[Change]:
        """What changed in the state since the last call."""
        return [
            replace(change, table=f"{number}{_SEPARATOR}{change.table}")
            for number, node in enumerate(self._nodes)
            for change in node.changes()
        ]


def _time_below(node: Node) -> int:
    """How far time has come in those inputs that are waited for."""
    waited_for = [one for one in node.inputs if not one.resting] or node.inputs
    return min((one.watermark for one in waited_for), default=node.watermark)


def _paths(root: Node) -> Iterator[tuple[Leaf, list[tuple[Node, int]]]]:
    """Each leaf, and the way up from it: each node, and on which side one comes to it."""
    if isinstance(root, Leaf):
        yield root, []
    for side, below in enumerate(root.inputs):
        for leaf, path in _paths(below):
            yield leaf, [*path, (root, side)]


def _by_node(state: State) -> Mapping[int, State]:
    """The saved tables of each node."""
    found: dict[int, dict[str, Sequence[pa.RecordBatch]]] = {}
    for name, batches in state.items():
        number, separator, table = name.partition(_SEPARATOR)
        if separator:
            found.setdefault(int(number), {})[table] = batches
    return found
