"""Turns the streams of the pipeline into tables of Flink: what a query may name without declaring it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pyarrow as pa

from footfall.core.errors import UsageError
from footfall.core.events import EVENT_ID, SCHEMAS
from footfall.log.codecs.rows import DEFAULTS
from footfall.sql.flink.tables import named, quoted

_TIME: Final = "timestamp"
"""The event's time is the message's, too."""
_TYPES: Final = {
    pa.string(): "STRING",
    pa.bool_(): "BOOLEAN",
    pa.int16(): "SMALLINT",
    pa.int32(): "INT",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.date32(): "DATE",
    pa.timestamp("us"): "TIMESTAMP(6)",
    pa.timestamp("ms", tz="UTC"): "TIMESTAMP_LTZ(3)",
    pa.binary(): "STRING",
    EVENT_ID: "STRING",
}
LATENESS: Final = timedelta(minutes=10)
LEFT_OUT: Final = {
    name: str(value).upper() if isinstance(value, bool) else quoted(value) for name, value in DEFAULTS.items()
}
"""What a message of ours may leave out, and what it then means, in SQL."""


def table_names() -> dict[str, str]:
    """How a query may call each stream: by its name in backticks, or with underscores."""
    return {each: stream for stream in SCHEMAS for each in (stream, stream.replace("-", "_"))}


def pipeline_tables(lateness: timedelta = LATENESS) -> dict[str, str]:
    """The CREATE TABLE of each stream of the pipeline, by each name that a query may use."""
    return {
        name: f"{ddl_for(stream, name=name, lateness=lateness)} WITH ('topic' = {quoted(stream)})"
        for name, stream in table_names().items()
    }


def ddl_for(stream: str, *, name: str | None = None, lateness: timedelta = LATENESS) -> str:
    """The CREATE TABLE of a stream of the pipeline, without a place. Time comes as far as its watermark, ``lateness``.

    ``event_id`` is a text of hex digits. Times inside of lists stay integers of milliseconds.
    """
    if stream not in SCHEMAS:
        raise UsageError(f"There is no stream {stream} in the pipeline.", remedy=f"There are {', '.join(SCHEMAS)}.")
    lines = [_column(field) for field in SCHEMAS[stream]]
    seconds = round(lateness.total_seconds())
    lines.append(f"WATERMARK FOR {named(_TIME)} AS {named(_TIME)} - INTERVAL {_interval(seconds)}")
    inside = ",\n  ".join(lines)
    return f"CREATE TEMPORARY TABLE {named(name or stream)} (\n  {inside}\n)"


def _column(field: pa.Field) -> str:
    if field.name == _TIME:
        return f"{named(_TIME)} TIMESTAMP_LTZ(3) METADATA"
    return f"{named(field.name)} {_type(field.type)}"


def _type(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        return _type(kind.value_type)
    if pa.types.is_list(kind):
        return f"ARRAY<{_inner(kind.value_type)}>"
    return _inner(kind) if pa.types.is_struct(kind) else _TYPES[kind]


def _inner(kind: pa.DataType) -> str:
    if pa.types.is_struct(kind):
        return f"ROW<{', '.join(f'{named(one.name)} {_inner(one.type)}' for one in kind)}>"
    return "BIGINT" if pa.types.is_timestamp(kind) else _type(kind)


def _interval(seconds: int) -> str:
    """A span of time, which has at most two digits of each unit."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"'{days} {hours:02}:{minutes:02}:{rest:02}' DAY TO SECOND"
