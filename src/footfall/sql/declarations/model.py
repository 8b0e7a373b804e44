"""Turns what a declaration says into a value that is checked, and the value into the CREATE TABLE that says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

from footfall.sql.plan import Field, Table
from footfall.sql.types import BIGINT, BYTES, INT, STRING, TIMESTAMP_LTZ, Family, SqlType


class Protocol(StrEnum):
    """What carries a stream's events."""

    LOG = "log"
    """The pipeline's log, whatever it is."""
    KAFKA = "kafka"
    """A topic of Kafka; where the pipeline's log is embedded, its stream of the same name stands in."""
    RABBITMQ = "rabbitmq"
    """Messages of RabbitMQ; only to be written to."""


METADATA: Final[Mapping[str, SqlType]] = {
    "timestamp": TIMESTAMP_LTZ,
    "partition": INT,
    "offset": BIGINT,
    "headers": SqlType(Family.MAP, inner=(STRING, BYTES)),
}
"""What comes with a message, and its type unless the declaration says another one."""
_READ_ONLY: Final = ("partition", "offset")
PROCTIME: Final = "PROCTIME()"
_CONNECTORS: Final = {Protocol.KAFKA: "kafka", Protocol.RABBITMQ: "rabbitmq"}
"""A table without a connector is a stream of the log."""
_UPSERT: Final = "upsert-kafka"
STREAM: Final = "stream"
TOPIC: Final = "topic"
KEY_FIELDS: Final = "key.fields"
_TIMES: Final = (Family.TIMESTAMP, Family.TIMESTAMP_LTZ)


class NotMeantError(ValueError):
    """A declaration that contradicts itself: what is wrong, where (a field of the YAML form), and what to do."""

    def __init__(self, message: str, *, where: str, remedy: str) -> None:
        super().__init__(message)
        self.where = where
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class TimeAttribute:
    """The column that is a stream's event time, and how far its watermark stays behind the newest one."""

    column: str
    delay: timedelta


@dataclass(frozen=True, slots=True)
class Computed:
    """A column that is computed when the stream is read. Its time of processing is ``PROCTIME()``."""

    name: str
    expression: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """A stream as declared. Two declarations that mean the same are equal."""

    table: Table
    """Its name in queries, its columns but the computed ones, its primary key; ``stream`` is its name in the log.

    ``options`` are what would stand in WITH.
    """
    protocol: Protocol = Protocol.LOG
    key: str | None = None
    """The column that decides on an event's partition."""
    time: TimeAttribute | None = None
    computed: tuple[Computed, ...] = ()
    order: tuple[str, ...] = ()
    """All columns, as ``SELECT *`` gives them."""

    @property
    def name(self) -> str:
        """What queries call it."""
        return self.table.name

    @property
    def stream(self) -> str:
        """What the log calls it."""
        return self.table.stream

    def create_table(self) -> str:
        """The declaration in SQL."""
        types = {column.name: column.type for column in self.table.columns}
        expressions = {column.name: column.expression for column in self.computed}
        lines = [
            f"{quoted(name)} {types[name]}{self._metadata(name)}"
            if name in types
            else f"{quoted(name)} AS {expressions[name]}"
            for name in self.order
        ]
        if self.time is not None:
            column = quoted(self.time.column)
            lines.append(f"WATERMARK FOR {column} AS {column}{_interval(self.time.delay)}")
        if self.table.primary_key:
            lines.append(f"PRIMARY KEY ({', '.join(map(quoted, self.table.primary_key))}) NOT ENFORCED")
        options = [f"{text(name)} = {text(value)}" for name, value in self.table.options.items()]
        body, given = ",\n  ".join(lines), ",\n  ".join(options)
        return f"CREATE TABLE {quoted(self.name)} (\n  {body}\n) WITH (\n  {given}\n)"

    def _metadata(self, column: str) -> str:
        what = self.table.metadata.get(column)
        if what is None:
            return ""
        return f" METADATA FROM {text(what)}" + (" VIRTUAL" if what in _READ_ONLY else "")


@dataclass(slots=True, kw_only=True)
class Draft:
    """What a declaration says, before it is checked. Columns in the order in which they are declared."""

    name: str
    stream: str | None = None
    protocol: Protocol = Protocol.LOG
    columns: list[tuple[str, SqlType]] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    """Of columns that come with the message: what of it."""
    computed: list[Computed] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    time: TimeAttribute | None = None
    primary_key: Sequence[str] = ()
    key: str | None = None
    options: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, kind: SqlType, *, metadata: str | None = None) -> None:
        """One more column that is stored, or comes with the message."""
        self.columns.append((name, kind))
        self.order.append(name)
        if metadata is not None:
            self.metadata[name] = metadata

    def compute(self, name: str, expression: str) -> None:
        """One more column that is computed."""
        tidy = " ".join(expression.split())
        self.computed.append(Computed(name, PROCTIME if tidy.upper() == PROCTIME else tidy))
        self.order.append(name)

    def finished(self) -> Declaration:
        """The declaration. Raises NotMeantError when its parts do not fit together."""
        self._check_columns()
        self._check_time()
        stream, primary = self.stream or self.name, tuple(self.primary_key)
        key = self.key or (primary[0] if len(primary) == 1 else None)
        if self.protocol is Protocol.LOG:
            options = {STREAM: stream}
        else:
            upsert = primary and self.protocol is Protocol.KAFKA
            options = {"connector": _UPSERT if upsert else _CONNECTORS[self.protocol], TOPIC: stream}
        if key is not None and not primary:
            options[KEY_FIELDS] = key
        for name in self.options:
            if name in {"connector", STREAM, TOPIC, KEY_FIELDS}:
                raise NotMeantError(
                    f"{name} follows from the other fields.", where="options", remedy="Leave it out of options."
                )
        table = Table(
            self.name,
            tuple(Field(name, kind.without_null() if name in primary else kind) for name, kind in self.columns),
            metadata=dict(self.metadata),
            primary_key=primary,
            options=options | dict(sorted(self.options.items())),
            stream=stream,
        )
        return Declaration(table, self.protocol, key, self.time, tuple(self.computed), tuple(self.order))

    def _check_columns(self) -> None:
        if not self.order:
            raise NotMeantError("it has no columns.", where="schema", remedy="Name at least one.")
        twice = [name for name, times in Counter(self.order).items() if times > 1]
        if twice:
            raise NotMeantError(f"two columns are called {twice[0]}.", where="schema", remedy="Rename one of them.")
        stored = [name for name, _ in self.columns if name not in self.metadata]
        for where, names in (("key", [self.key] if self.key else []), ("primary_key", self.primary_key)):
            for name in names:
                if name not in stored:
                    raise NotMeantError(
                        f"there is no stored column {name}.", where=where, remedy=f"Columns are: {', '.join(stored)}."
                    )
        if len(self.primary_key) == 1 and self.key not in {None, self.primary_key[0]}:
            raise NotMeantError(
                f"the key is {self.key}, but the primary key is {self.primary_key[0]}.",
                where="key",
                remedy="Leave the key out: rows that replace one another must be in one partition.",
            )

    def _check_time(self) -> None:
        if self.time is None:
            return
        if self.time.column not in self.order:
            raise NotMeantError(
                f"there is no column {self.time.column}.", where="time", remedy="Add it, or say `from: timestamp`."
            )
        kind = dict(self.columns).get(self.time.column)
        if kind is not None and (kind.family not in _TIMES or kind.precision > 3):
            raise NotMeantError(
                f"{self.time.column} is {kind}, and cannot be an event time.",
                where="time",
                remedy="It must be TIMESTAMP(3) or TIMESTAMP_LTZ(3).",
            )
        proctime = [one.name for one in self.computed if one.expression == PROCTIME]
        if self.time.column in proctime:
            raise NotMeantError(
                f"{self.time.column} is the time of processing, which needs no watermark.",
                where="time",
                remedy="Leave its watermark out.",
            )


def quoted(name: str) -> str:
    """A name in SQL."""
    return "`" + name.replace("`", "``") + "`"


def text(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"


def _interval(delay: timedelta) -> str:
    """What is taken off; in a unit of which there are at most 99, so that SQL takes the number as it is."""
    ms = delay // timedelta(milliseconds=1)
    if not ms:
        return ""
    for unit, size in (("SECOND", 1000), ("MINUTE", 60_000), ("HOUR", 3_600_000), ("DAY", 86_400_000)):
        if ms % size == 0 and ms // size < 100:
            return f" - INTERVAL '{ms // size}' {unit}"
    days, rest = divmod(ms, 86_400_000)
    seconds, fraction = divmod(rest, 1000)
    time = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:03d}"
    return f" - INTERVAL '{days} {time}' DAY({len(str(days))}) TO SECOND(3)"
