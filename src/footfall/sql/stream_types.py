"""Turns the types of a stream's columns, as the log has them, into those that queries know: ids are hex digits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa

from footfall.core.events import EVENT_ID
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


def type_of(kind: pa.DataType) -> SqlType:
    """The type of a column that the log has like this."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if pa.types.is_dictionary(kind):
        return type_of(kind.value_type)
    if pa.types.is_timestamp(kind):
        family = Family.TIMESTAMP if kind.tz is None else Family.TIMESTAMP_LTZ
        return SqlType(family, precision=_DIGITS[kind.unit])
    if pa.types.is_list(kind):
        return SqlType(Family.ARRAY, inner=(type_of(kind.value_type),))
    if pa.types.is_struct(kind):
        fields = list(kind)
        return SqlType(
            Family.ROW, inner=tuple(type_of(one.type) for one in fields), names=tuple(one.name for one in fields)
        )
    return STRING
