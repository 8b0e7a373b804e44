"""Turns what the log holds into declarations of tables: streams that a query may name without CREATE TABLE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

import pyarrow as pa

from footfall.log.base import Log
from footfall.sql.flink.streams import LATENESS, ddl_for, table_names
from footfall.sql.flink.tables import named, quoted
from footfall.sql.stream_types import type_of

_ALSO_KNOWN_AS: Final = "timestamp"
"""Every event has its time."""


class KnownStreams(Mapping[str, str]):
    """CREATE TABLE statements by the name of a table: the pipeline's streams, those declared, and all in the log.

    A stream may be called by its name in backticks, or with underscores.
    """

    def __init__(self, log: Log | None, *, declared: Mapping[str, str], lateness: timedelta) -> None:
        """Without a log only the pipeline's and the declared ones are known."""
        self._log = log
        self._declared = declared
        self._lateness = lateness
        own = table_names()
        others = [] if log is None else [name for name in log.names() if name not in own]
        self._in_log = {each: name for name in others for each in (name, name.replace("-", "_"))}
        self._own = own

    def __getitem__(self, name: str) -> str:
        if name in self._declared:
            return self._declared[name]
        if name in self._own:
            statement = ddl_for(self._own[name], name=name, lateness=self._lateness)
            return f"{statement} WITH ('topic' = {quoted(self._own[name])})"
        stream = self._in_log[name]
        schema = None if self._log is None else schema_of(self._log, stream)
        if schema is None:
            raise KeyError(name)
        return statement_of(schema, name=name, stream=stream, lateness=self._lateness)

    def __iter__(self) -> Iterator[str]:
        yield from {**self._own, **self._in_log, **self._declared}

    def __len__(self) -> int:
        return len({**self._own, **self._in_log, **self._declared})

    def __contains__(self, name: object) -> bool:
        return name in self._declared or name in self._own or name in self._in_log


def own_streams(lateness: timedelta = LATENESS) -> Mapping[str, str]:
    """The streams that Footfall has by itself."""
    return KnownStreams(None, declared={}, lateness=lateness)


def schema_of(log: Log, stream: str) -> pa.Schema | None:
    """What the first events look like that a stream still holds; None if it holds none."""
    for partition in range(log.partitions(stream)):
        read = log.read(stream, partition, log.place(stream, partition), max_rows=1)
        if read.chunks:
            schema: pa.Schema = read.chunks[0].batch.schema
            return schema
    return None


def statement_of(schema: pa.Schema, *, name: str, stream: str, lateness: timedelta) -> str:
    """The CREATE TABLE of a stream whose events look like this; time comes as far as its watermark."""
    columns = [
        f"{named(field.name)} {type_of(field.type).with_null()}" for field in schema if field.name != _ALSO_KNOWN_AS
    ]
    columns = [f"{named(_ALSO_KNOWN_AS)} TIMESTAMP_LTZ(3) METADATA", *columns]
    seconds = round(lateness.total_seconds())
    time = named(_ALSO_KNOWN_AS)
    columns.append(f"WATERMARK FOR {time} AS {time} - INTERVAL '{seconds}' SECOND(9)")
    return f"CREATE TABLE {named(name)} ({', '.join(columns)}) WITH ('topic' = {quoted(stream)})"
