"""Turns a planned script into a query that the engine runs on the log: each INSERT a dataflow, streams as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from footfall.core.events import Batch
from footfall.core.hashing import text_hash
from footfall.log.base import Chunk
from footfall.processors.base import Change, State
from footfall.processors.relational.rows import Rows
from footfall.sql.dataflow import Dataflow
from footfall.sql.explain import explained
from footfall.sql.functions.user import UserFunctions
from footfall.sql.nodes import SetAside
from footfall.sql.plan import Insert, Scan, Script, Step, Table
from footfall.sql.rendering import rendered_batch
from footfall.sql.tables import event_batch, key_of, stream_of, table_rows

_SEPARATOR: Final = "/"
_TTL: Final = "table.exec.state.ttl"
_OF_NO_ONE_STREAM: Final = ""


@dataclass(frozen=True, slots=True)
class Output:
    """Rows for a stream, or to be shown (``stream`` None)."""

    stream: str | None
    batch: Batch
    key: str | None


@dataclass(frozen=True, slots=True)
class Wrong:
    """Rows that cannot be worked on, as JSON, and why."""

    stream: str
    rows: Sequence[bytes]
    why: str


@dataclass(frozen=True)
class StandingQuery:
    """See ``engine.queries.Standing``."""

    name: str
    script: Script
    functions: UserFunctions | None = None

    @cached_property
    def fingerprint(self) -> str:
        """Of the plan: a query that is written otherwise, but means the same, goes on with the same state."""
        return f"{text_hash(explained(self.script)):016x}"

    @property
    def streams(self) -> Sequence[str]:
        """What it reads, sorted."""
        scanned = (table for insert in self.script.inserts for table in tables_of(insert).values())
        return sorted({stream_of(table) for table in scanned})

    @property
    def targets(self) -> Sequence[str]:
        """What it writes, sorted."""
        return sorted({stream_of(insert.target) for insert in self.script.inserts if insert.target is not None})

    def start(self, state: State, partitions: Mapping[str, int]) -> RunningScript:
        """Begin from the saved state; the streams have so many partitions."""
        return RunningScript(self, state, partitions)


class RunningScript:
    """See ``engine.queries.RunningQuery``."""

    def __init__(self, query: StandingQuery, state: State, partitions: Mapping[str, int]) -> None:
        """Begin from the saved state."""
        self._partitions = partitions
        self._inserts = query.script.inserts
        self._wrong: list[Wrong] = []
        ttl = milliseconds_of(query.script.settings.get(_TTL, ""))
        self._flows = [
            Dataflow(insert.source, state=_part(state, number), reject=self._reject, functions=query.functions, ttl=ttl)
            for number, insert in enumerate(self._inserts)
        ]
        self._wait_for_all_but(None)

    def _wait_for_all_but(self, idle: Mapping[str, AbstractSet[int]] | None) -> None:
        for flow in self._flows:
            for table in flow.tables.values():
                stream = stream_of(table)
                resting = None if idle is None else idle.get(stream, frozenset())
                flow.partitions(table.name, self._partitions[stream], idle=resting)

    def take(self, chunk: Chunk) -> Sequence[Output]:
        """What these events of a stream cause at once."""
        made: list[Output] = []
        for insert, flow in zip(self._inserts, self._flows, strict=True):
            for table in flow.tables.values():
                if stream_of(table) == chunk.stream:
                    batch = self._rows(table, chunk)
                    rows = flow.push(table.name, batch, now=chunk.appended_ms, partition=chunk.partition)
                    made += outputs(rows, insert)
        return made

    def _rows(self, table: Table, chunk: Chunk) -> Batch:
        batch, wrong = table_rows(table, chunk)
        for row, why in wrong.items():
            self._wrong.append(Wrong(chunk.stream, rendered_batch(chunk.batch.slice(row, 1)), why))
        return batch

    def _reject(self, aside: SetAside) -> None:
        self._wrong.append(Wrong(_OF_NO_ONE_STREAM, rendered_batch(aside.rows), aside.why))

    def settle(self, *, now: int, idle: Mapping[str, AbstractSet[int]]) -> Sequence[Output]:
        """What comes out because time has come further."""
        self._wait_for_all_but(idle)
        return [
            made
            for insert, flow in zip(self._inserts, self._flows, strict=True)
            for made in outputs(flow.settle(now=now), insert)
        ]

    def changes(self) -> Sequence[Change]:
        """What changed in the state since the last call."""
        return [
            replace(change, table=f"{number}{_SEPARATOR}{change.table}")
            for number, flow in enumerate(self._flows)
            for change in flow.changes()
        ]

    def unfit(self) -> Sequence[Wrong]:
        """What could not be worked on since the last call."""
        wrong, self._wrong = self._wrong, []
        return wrong


def directed(script: Script, stream: str) -> Script:
    """The script with the rows of its SELECTs going to a stream."""

    def to_stream(insert: Insert) -> Insert:
        target = Table(stream, insert.source.output, options={"topic": stream})
        return insert if insert.target is not None else replace(insert, target=target)

    return replace(script, inserts=tuple(map(to_stream, script.inserts)))


def streams_of(scripts: Iterable[Script]) -> list[str]:
    """All streams that these scripts read or write, sorted."""
    queries = [StandingQuery("", script) for script in scripts]
    return sorted({stream for query in queries for stream in (*query.streams, *query.targets)})


def tables_of(insert: Insert) -> Mapping[str, Table]:
    """The tables that a query reads, by name."""
    found: dict[str, Table] = {}

    def look(step: Step) -> None:
        if isinstance(step, Scan):
            found[step.table.name] = step.table
        for below in step.inputs:
            look(below)

    look(insert.source)
    return found


def outputs(made: Sequence[Rows], insert: Insert) -> list[Output]:
    """The rows as events of the query's target."""
    stream = None if insert.target is None else stream_of(insert.target)
    key = None if insert.target is None else key_of(insert.target)
    return [Output(stream, event_batch(rows, insert), key) for rows in made]


def milliseconds_of(text: str) -> int | None:
    """A duration as Flink's settings write it (``36 h``, ``90 s``, ``1 d``); None for none or 0."""
    units = {"ms": 1, "s": 1_000, "sec": 1_000, "min": 60_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
    number = text.strip().rstrip("abcdefghijklmnopqrstuvwxyz ").strip()
    unit = text.strip()[len(number) :].strip().rstrip("s") or "ms"
    return int(float(number) * units.get(unit, units.get(unit + "s", 1))) or None if number else None


def _part(state: State, number: int) -> State:
    beginning = f"{number}{_SEPARATOR}"
    return {name.removeprefix(beginning): kept for name, kept in state.items() if name.startswith(beginning)}
