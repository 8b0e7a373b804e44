"""Turns the columns of a stream, as the log has them, into the table that queries know it as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa

from footfall.core.events import EVENT_ID, SCHEMAS
from footfall.sql.plan import Field, Table
from footfall.sql.types import BIGINT, BOOLEAN, BYTES, DATE, DOUBLE, INT, STRING, Family, SqlType

_PLAIN: Final[Mapping[pa.DataType, SqlType]] = {
    pa.bool_(): BOOLEAN,
    pa.int8(): SqlType(Family.TINYINT),
    pa.int16(): SqlType(Family.SMALLINT),
    pa.int32(): INT,
    pa.int64(): BIGINT,
    pa.float32(): SqlType(Family.FLOAT),
    pa.float64(): DOUBLE,
    pa.string(): STRING,
    pa.large_string(): STRING,
    pa.binary(): BYTES,
    pa.date32(): DATE,
    EVENT_ID: STRING,
}
_DIGITS: Final = {"s": 0, "ms": 3, "us": 6, "ns": 9}


def stream_table(stream: str, schema: pa.Schema) -> Table:
    """The table of a stream with these columns. Ids of events are texts of hex digits; ``timestamp`` is a time."""
    columns = tuple(Field(one.name, _nullable(_type(one.type), one.nullable)) for one in schema)
    return Table(stream, columns, stream=stream)


def own_tables() -> dict[str, Table]:
    """The tables of Footfall's own streams, by name."""
    return {stream: stream_table(stream, schema) for stream, schema in SCHEMAS.items()}


def _nullable(kind: SqlType, nullable: bool) -> SqlType:  # noqa: FBT001 - of the column
    return kind.with_null() if nullable else kind.without_null()


def _type(kind: pa.DataType) -> SqlType:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if pa.types.is_dictionary(kind):
        return _type(kind.value_type)
    if pa.types.is_timestamp(kind):
        family = Family.TIMESTAMP if kind.tz is None else Family.TIMESTAMP_LTZ
        return SqlType(family, precision=_DIGITS[kind.unit])
    if pa.types.is_list(kind):
        return SqlType(Family.ARRAY, inner=(_type(kind.value_type),))
    if pa.types.is_struct(kind):
        fields = list(kind)
        return SqlType(
            Family.ROW, inner=tuple(_type(one.type) for one in fields), names=tuple(one.name for one in fields)
        )
    return STRING
