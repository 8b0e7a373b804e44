"""Turns a stream's columns into its Avro schema: the one that is registered, and the one that we read with.

Both have the same fields. Where we read, each may be absent: what is then missing is for the checks to say, with the
field's name. Names of logical types are left out there, so that times are read as numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from footfall.core.events import EVENT_ID
from footfall.log.codecs.rare import is_bytes, is_list, is_text
from footfall.log.codecs.rows import DEFAULTS

Avro = Any
"""A schema as JSON has it: the name of a type, an object, or a list (a union)."""

NAMESPACE: Final = "footfall"
_WORDS: Final = re.compile(r"[A-Za-z0-9]+")
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_]")
_TIMES: Final = {"ms": "timestamp-millis", "us": "timestamp-micros", "ns": "timestamp-nanos"}
_AS_NUMBERS: Final = ("timestamp-", "local-timestamp-", "time-", "date", "uuid")
"""How the logical types begin whose plain values we read."""
_DOCS: Final = {
    "timestamp": "When it happened, in milliseconds since 1970 UTC.",
    "event_id": "What makes the event itself: 32 hex digits.",
    "userId": "The visitor; the message's key.",
    "username": "Who put it into the cart; the message's key.",
    "productId": "What was looked at.",
    "event_type": "view, cart, remove_from_cart, purchase or page.",
    "late": "Its source saw it too late.",
    "original_timestamp": "Unix seconds of the interaction, in a replay.",
    "matched": "The clicks that led to the offer.",
    "reason": "Why it was set aside: one of a closed list.",
    "raw": "The bytes as they came.",
}


def record_name(stream: str) -> str:
    """``ClickData`` for ``click-data``."""
    name = "".join(word[0].upper() + word[1:] for word in _WORDS.findall(stream))
    return name if name[:1].isalpha() else f"Stream{name}"


def field_names(schema: pa.Schema) -> list[str]:
    """A name that Avro allows for each column, no two the same."""
    found: list[str] = []
    for name in schema.names:
        plain = _NO_NAME.sub("_", name)
        plain = f"_{plain}" if not plain or plain[0].isdigit() else plain
        while plain in found:
            plain += "_"
        found.append(plain)
    return found


def written(stream: str, schema: pa.Schema) -> dict[str, Any]:
    """The schema to register for the stream: what may be null is so by default."""
    name = record_name(stream)
    fields = []
    for field_name, field in zip(field_names(schema), schema, strict=True):
        kind = _type(field.type, f"{name}_{field_name}")
        avro: dict[str, Any] = {"name": field_name, "type": kind}
        if field.nullable:
            avro |= {"type": ["null", kind], "default": None}
        elif field.name in DEFAULTS:
            avro["default"] = DEFAULTS[field.name]
        if field.name in _DOCS:
            avro["doc"] = _DOCS[field.name]
        fields.append(avro)
    doc = f"An event of Footfall's stream {stream}."
    return {"type": "record", "name": name, "namespace": NAMESPACE, "doc": doc, "fields": fields}


def read_with(stream: str, schema: pa.Schema, *, writer: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that we read the stream with, whatever the writer calls its record."""
    record = without_logical_types(written(stream, schema))
    for avro, field in zip(record["fields"], schema, strict=True):
        if field.name in DEFAULTS and not field.nullable:
            avro["type"] = [avro["type"], "null"]
        elif not field.nullable:
            avro |= {"type": ["null", avro["type"]], "default": None}
    return {**record, "aliases": [str(writer.get("name", "")).rpartition(".")[2] or record["name"]]}


def without_logical_types(schema: Avro) -> Avro:
    """The same schema, with times as the numbers that are written. Decimals stay decimals."""
    if isinstance(schema, list):
        return [without_logical_types(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = not str(schema.get("logicalType", "")).startswith(_AS_NUMBERS)
    nested = ("type", "items", "values", "fields")
    return {
        name: without_logical_types(value) if name in nested else value
        for name, value in schema.items()
        if plain or name != "logicalType"
    }


def _type(kind: pa.DataType, path: str) -> Avro:
    if pa.types.is_dictionary(kind):
        return _type(kind.value_type, path)
    if is_text(kind) or kind == EVENT_ID:
        return "string"
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return _integer(kind)
    if pa.types.is_floating(kind):
        return "double" if kind.bit_width == 64 else "float"
    if pa.types.is_timestamp(kind) and kind.unit in _TIMES:
        return {"type": "long", "logicalType": ("local-" if kind.tz is None else "") + _TIMES[kind.unit]}
    if pa.types.is_date(kind):
        return {"type": "int", "logicalType": "date"}
    return _nested(kind, path)


def _integer(kind: pa.DataType) -> Avro:
    if kind.bit_width < 32 or kind == pa.int32():
        return "int"
    return "string" if kind == pa.uint64() else "long"


def _nested(kind: pa.DataType, path: str) -> Avro:
    if is_bytes(kind):
        return "bytes"
    if is_list(kind):
        return {"type": "array", "items": ["null", _type(kind.value_type, path)]}
    if pa.types.is_struct(kind):
        names = field_names(pa.schema(list(kind)))
        fields = [
            {"name": name, "type": ["null", _type(each.type, f"{path}_{name}")], "default": None}
            for name, each in zip(names, kind, strict=True)
        ]
        return {"type": "record", "name": path, "fields": fields}
    return "long" if pa.types.is_duration(kind) else "string"
