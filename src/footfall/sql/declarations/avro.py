"""Turns an Avro schema into the columns that it declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from footfall.sql.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    DOUBLE,
    INT,
    STRING,
    Family,
    SqlType,
)

_PLAIN: Final[Mapping[str, SqlType]] = {
    "boolean": BOOLEAN,
    "int": INT,
    "long": BIGINT,
    "float": SqlType(Family.FLOAT),
    "double": DOUBLE,
    "string": STRING,
    "bytes": BYTES,
}
_LOGICAL: Final[Mapping[tuple[str, str], SqlType]] = {
    ("int", "date"): DATE,
    ("int", "time-millis"): SqlType(Family.TIME),
    ("long", "timestamp-millis"): SqlType(Family.TIMESTAMP_LTZ, precision=3),
    ("long", "timestamp-micros"): SqlType(Family.TIMESTAMP_LTZ, precision=6),
    ("long", "timestamp-nanos"): SqlType(Family.TIMESTAMP_LTZ, precision=9),
    ("long", "local-timestamp-millis"): SqlType(Family.TIMESTAMP, precision=3),
    ("long", "local-timestamp-micros"): SqlType(Family.TIMESTAMP, precision=6),
    ("long", "local-timestamp-nanos"): SqlType(Family.TIMESTAMP, precision=9),
    ("string", "uuid"): STRING,
}
_DEEPEST: Final = 20


class NotAvroError(ValueError):
    """A schema that declares no columns: what is wrong, and in which field."""


def read_avro(schema: Any) -> list[tuple[str, SqlType]]:
    """The columns of a record's schema, in order. What may be null can be NULL; nothing else can.

    Raises NotAvroError.
    """
    if not isinstance(schema, Mapping) or schema.get("type") != "record":
        raise NotAvroError('the schema must be a record: {"type": "record", "name": …, "fields": […]}.')
    return _fields(schema, "", {}, 0)


def _fields(schema: Mapping[str, Any], path: str, named: dict[str, SqlType], depth: int) -> list[tuple[str, SqlType]]:
    fields = schema.get("fields")
    if not isinstance(fields, list) or not fields:
        raise NotAvroError(f"{path or 'the record'} has no fields.")
    found = []
    for field in fields:
        if not isinstance(field, Mapping) or not isinstance(field.get("name"), str) or "type" not in field:
            raise NotAvroError(f"a field of {path or 'the record'} has no name or no type.")
        name = field["name"]
        found.append((name, _type(field["type"], f"{path}.{name}".lstrip("."), named, depth + 1)))
    return found


def _type(schema: Any, path: str, named: dict[str, SqlType], depth: int) -> SqlType:
    if depth > _DEEPEST:
        raise NotAvroError(f"{path} is nested too deeply.")
    if isinstance(schema, list):
        return _union(schema, path, named, depth)
    if isinstance(schema, str):
        if schema in _PLAIN:
            return _PLAIN[schema].without_null()
        if schema in named:
            return named[schema]
        raise NotAvroError(f"{path}: there is no type {schema}; types are {', '.join(_PLAIN)}.")
    if not isinstance(schema, Mapping):
        raise NotAvroError(f"{path}: a type is a name, an object or a list.")
    return _complex(schema, path, named, depth)


def _union(schema: list[Any], path: str, named: dict[str, SqlType], depth: int) -> SqlType:
    others = [one for one in schema if one != "null"]
    if len(others) != 1:
        raise NotAvroError(f'{path}: a union may only be of null and one other type, like ["null", "string"].')
    found = _type(others[0], path, named, depth)
    return found.with_null() if len(others) < len(schema) else found


def _complex(schema: Mapping[str, Any], path: str, named: dict[str, SqlType], depth: int) -> SqlType:
    kind = schema.get("type")
    logical = schema.get("logicalType")
    if logical == "decimal" and kind in {"bytes", "fixed"}:
        return SqlType(
            Family.DECIMAL, precision=int(schema.get("precision", 0)), scale=int(schema.get("scale", 0))
        ).without_null()
    if isinstance(kind, str) and isinstance(logical, str) and (kind, logical) in _LOGICAL:
        return _LOGICAL[kind, logical].without_null()
    match kind:
        case "array":
            found = SqlType(Family.ARRAY, inner=(_type(schema.get("items"), path, named, depth + 1),))
        case "map":
            values = _type(schema.get("values"), path, named, depth + 1)
            found = SqlType(Family.MAP, inner=(STRING.without_null(), values))
        case "record":
            fields = _fields(schema, path, named, depth)
            found = SqlType(Family.ROW, inner=tuple(one for _, one in fields), names=tuple(name for name, _ in fields))
        case "enum":
            found = STRING
        case "fixed":
            found = BYTES
        case _:
            return _type(kind, path, named, depth + 1)
    found = found.without_null()
    if isinstance(schema.get("name"), str):
        named[schema["name"]] = found
    return found
