"""Turns rows of a result into JSON values: what is printed, a row a line."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.events import Batch
from footfall.processors.relational.rows import Kind, Rows
from footfall.sql.plan import Field
from footfall.sql.types import Family, SqlType

_ENCODER: Final = msgspec.json.Encoder()

OP: Final = "_op"
"""Stands first in a row that is no insert, with what it does: -U, +U or -D."""


def rendered(rows: Rows, fields: Sequence[Field]) -> Iterator[dict[str, Any]]:
    """A JSON object a row, in order. Times are ISO 8601, decimals texts, bytes base64."""
    columns = [column_values(rows.batch.column(index), field.type) for index, field in enumerate(fields)]
    names = [field.name for field in fields]
    kinds = [Kind.INSERT] * len(rows) if rows.kinds is None else list(map(Kind, rows.kinds.tolist()))
    for kind, values in zip(kinds, zip(*columns, strict=True), strict=True):
        row = dict(zip(names, values, strict=True))
        yield row if kind is Kind.INSERT else {OP: kind.short_name, **row}


def rendered_events(batch: Batch, fields: Sequence[Field]) -> list[dict[str, Any]]:
    """The same for rows that became events (see ``sql.tables.event_batch``)."""
    columns = {field.name: column_values(batch.column(field.name), field.type) for field in fields}
    if OP in batch.schema.names:
        columns = {OP: [None if op == "+I" else op for op in batch.column(OP).to_pylist()], **columns}
    rows = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
    return [{name: value for name, value in row.items() if (name, value) != (OP, None)} for row in rows]


def rendered_batch(batch: Batch) -> list[bytes]:
    """A JSON object a row, of whatever there is in it: for people who look for what went wrong."""
    columns = [[_plain(value) for value in column.to_pylist()] for column in batch.columns]
    return [_ENCODER.encode(dict(zip(batch.schema.names, row, strict=True))) for row in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def column_values(array: pa.Array, kind: SqlType) -> list[Any]:
    """A column's values as JSON has them."""
    if kind.family in {Family.TIMESTAMP, Family.TIMESTAMP_LTZ}:
        return _times(array, kind)
    convert = _converter(kind)
    values = array.to_pylist()
    return values if convert is None else [None if value is None else convert(value) for value in values]


def _times(array: pa.Array, kind: SqlType) -> list[Any]:
    digits = max(3, kind.precision)
    unit = "ms" if digits == 3 else "us" if digits <= 6 else "ns"
    naive = array.cast(pa.int64()).cast(pa.timestamp(array.type.unit)).cast(pa.timestamp(unit))
    texts = pc.strftime(naive, "%Y-%m-%dT%H:%M:%S").to_pylist()
    end = "Z" if kind.family is Family.TIMESTAMP_LTZ else ""
    full = {"ms": 3, "us": 6, "ns": 9}[unit]
    return [None if text is None else text[: len(text) - full + digits] + end for text in texts]


def _converter(kind: SqlType) -> Callable[[Any], Any] | None:
    family = kind.family
    if family in {Family.FLOAT, Family.DOUBLE}:
        return _number
    if family is Family.DECIMAL:
        return lambda value: f"{value:f}"
    if family is Family.BYTES:
        return lambda value: base64.b64encode(value).decode()
    if family in {Family.DATE, Family.TIME}:
        return lambda value: value.isoformat()
    if family is Family.ARRAY:
        return lambda values: column_values(pa.array(values, kind.inner[0].arrow), kind.inner[0])
    if family is Family.MAP:
        return lambda pairs: {str(key): _one(value, kind.inner[1]) for key, value in pairs}
    if family is Family.ROW:
        return lambda row: {name: _one(row[name], of) for name, of in zip(kind.names, kind.inner, strict=True)}
    return None


def _one(value: Any, kind: SqlType) -> Any:
    return column_values(pa.array([value], kind.arrow), kind)[0]


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
