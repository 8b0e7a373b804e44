"""Turns SQL types into what holds their values in a batch, and names them as Flink does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import pyarrow as pa


class Family(StrEnum):
    """A kind of type, as far as rules for expressions go."""

    BOOLEAN = "BOOLEAN"
    TINYINT = "TINYINT"
    SMALLINT = "SMALLINT"
    INT = "INT"
    BIGINT = "BIGINT"
    FLOAT = "FLOAT"
    DOUBLE = "DOUBLE"
    DECIMAL = "DECIMAL"
    STRING = "STRING"
    """CHAR, VARCHAR and STRING: lengths are checked nowhere but in a CAST."""
    BYTES = "BYTES"
    DATE = "DATE"
    TIME = "TIME"
    TIMESTAMP = "TIMESTAMP"
    """Without a time zone."""
    TIMESTAMP_LTZ = "TIMESTAMP_LTZ"
    """A moment; shown in UTC."""
    INTERVAL_MONTH = "INTERVAL MONTH"
    """Held as a number of months."""
    INTERVAL_SECOND = "INTERVAL SECOND"
    """Held as a number of milliseconds."""
    ARRAY = "ARRAY"
    ROW = "ROW"
    MAP = "MAP"
    NULL = "NULL"
    """Of the word NULL alone."""


@dataclass(frozen=True, slots=True)
class SqlType:
    """A type of the dialect."""

    family: Family
    nullable: bool = True
    precision: int = 0
    """Of DECIMAL; digits of a second for times; length of a text, 0 for any."""
    scale: int = 0
    """Of DECIMAL."""
    inner: tuple[SqlType, ...] = ()
    """Of an ARRAY its elements; of a MAP keys and values; of a ROW its fields."""
    names: tuple[str, ...] = ()
    """Of a ROW's fields."""

    @property
    def arrow(self) -> pa.DataType:
        """What holds values of this type in a batch. A text's column may as well be coded."""
        return _arrow(self)

    def with_null(self) -> SqlType:
        """The same type, and NULL."""
        return replace(self, nullable=True)

    def without_null(self) -> SqlType:
        """The same type without NULL."""
        return replace(self, nullable=False)

    def __str__(self) -> str:
        """As Flink writes it."""
        return _text(self) + ("" if self.nullable else " NOT NULL")


BOOLEAN: Final = SqlType(Family.BOOLEAN)
INT: Final = SqlType(Family.INT)
BIGINT: Final = SqlType(Family.BIGINT)
DOUBLE: Final = SqlType(Family.DOUBLE)
STRING: Final = SqlType(Family.STRING)
BYTES: Final = SqlType(Family.BYTES)
DATE: Final = SqlType(Family.DATE)
TIMESTAMP: Final = SqlType(Family.TIMESTAMP, precision=3)
TIMESTAMP_LTZ: Final = SqlType(Family.TIMESTAMP_LTZ, precision=3)

_PLAIN: Final[dict[Family, pa.DataType]] = {
    Family.BOOLEAN: pa.bool_(),
    Family.TINYINT: pa.int8(),
    Family.SMALLINT: pa.int16(),
    Family.INT: pa.int32(),
    Family.BIGINT: pa.int64(),
    Family.FLOAT: pa.float32(),
    Family.DOUBLE: pa.float64(),
    Family.STRING: pa.string(),
    Family.BYTES: pa.binary(),
    Family.DATE: pa.date32(),
    Family.TIME: pa.time32("ms"),
    Family.INTERVAL_MONTH: pa.int64(),
    Family.INTERVAL_SECOND: pa.int64(),
    Family.NULL: pa.null(),
}


def _arrow(kind: SqlType) -> pa.DataType:
    if kind.family in _PLAIN:
        return _PLAIN[kind.family]
    if kind.family is Family.DECIMAL:
        return pa.decimal128(kind.precision, kind.scale)
    if kind.family in {Family.TIMESTAMP, Family.TIMESTAMP_LTZ}:
        unit = "ms" if kind.precision <= 3 else "us" if kind.precision <= 6 else "ns"
        return pa.timestamp(unit, tz="UTC" if kind.family is Family.TIMESTAMP_LTZ else None)
    inner = [one.arrow for one in kind.inner]
    if kind.family is Family.ARRAY:
        return pa.list_(inner[0])
    if kind.family is Family.MAP:
        return pa.map_(inner[0], inner[1])
    return pa.struct([pa.field(name, of, nullable=True) for name, of in zip(kind.names, inner, strict=True)])


def _text(kind: SqlType) -> str:
    family = kind.family
    if family is Family.DECIMAL:
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if family in {Family.TIMESTAMP, Family.TIMESTAMP_LTZ}:
        return f"{family}({kind.precision})"
    if family is Family.STRING and kind.precision:
        return f"VARCHAR({kind.precision})"
    if family in {Family.ARRAY, Family.MAP}:
        return f"{family}<{', '.join(map(str, kind.inner))}>"
    if family is Family.ROW:
        fields = zip(kind.names, kind.inner, strict=True)
        return f"ROW<{', '.join(f'`{name}` {of}' for name, of in fields)}>"
    return str(family)
