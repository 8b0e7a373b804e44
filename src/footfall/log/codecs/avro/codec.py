"""Turns batches into Avro messages, one an event, and such messages back into batches.

A message is a zero byte, the four bytes of the schema's number in the registry, and the event in Avro.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import fastavro
import numpy as np
import pyarrow as pa
from fastavro.schema import SchemaParseException, UnknownType

from footfall.core.errors import Reason
from footfall.core.events import Batch
from footfall.log.codecs.avro.fragments import encode
from footfall.log.codecs.avro.registry import Registry
from footfall.log.codecs.avro.schemas import field_names, read_with, without_logical_types, written
from footfall.log.codecs.avro.values import exact, from_avro
from footfall.log.codecs.base import Decoded
from footfall.log.codecs.columns import checked, gathered, readers_of
from footfall.log.codecs.joined import join, without_doubt
from footfall.log.codecs.rows import LONGEST_MESSAGE, BadMessage, Parsed, Row, placed_batch_of

_HEAD: Final = struct.Struct(">bI")
_UNREADABLE: Final = (ValueError, EOFError, LookupError, TypeError, ArithmeticError, AttributeError, struct.error)
"""What fastavro raises at bytes that are not what the schema says."""


class AvroCodec:
    """Avro in the Confluent wire format.

    ``topic`` turns a stream's name into its topic's, whose name the registry's subject has. Raises Unavailable while
    the registry is away, and UsageError if it refuses: that is never a message's fault.
    """

    name: Final = "avro"

    def __init__(self, registry: Registry, *, topic: Callable[[str], str] = str) -> None:
        self._registry = registry
        self._topic = topic
        self._writing: dict[tuple[str, pa.Schema], tuple[bytes, Any]] = {}
        self._writers: dict[int, Any] = {}
        self._reading: dict[tuple[str, pa.Schema], dict[int, tuple[Any, Any]]] = {}

    def encode(self, stream: str, batch: Batch) -> Sequence[bytes]:
        """One message a row, in order."""
        if not batch.num_rows:
            return []
        head, schema = self._written(stream, batch.schema)
        return encode(head, schema, batch)

    def decode(
        self,
        stream: str,
        messages: Sequence[bytes],
        *,
        schema: pa.Schema,
        keys: Sequence[bytes | None] | None = None,  # noqa: ARG002 - messages name the visitor themselves
    ) -> Decoded:
        """The rows of the messages. Fields that the schema does not have are ignored; absent ones have defaults."""
        found: list[Row] = []
        places: list[int] = []
        bad: list[BadMessage] = []
        schemas = _Schemas(self, stream, schema)
        for index, message in enumerate(messages):
            event = schemas.read(message, index)
            if isinstance(event, BadMessage):
                bad.append(event)
            else:
                found.append(event)
                places.append(index)
        return _judged(found, places, bad, schema=schema, messages=messages)

    def _written(self, stream: str, schema: pa.Schema) -> tuple[bytes, Any]:
        """The first bytes of the stream's messages, and the schema to write them with."""
        known = self._writing.get((stream, schema))
        if known is None:
            avro = written(stream, schema)
            number = self._registry.number_of(f"{self._topic(stream)}-value", avro)
            known = self._writing[stream, schema] = _HEAD.pack(0, number), avro
        return known

    def reading(self, stream: str, schema: pa.Schema, number: int) -> tuple[Any, Any] | None:
        """The schemas of the writer and the reader for a number; None if the registry has none that can be used.

        The reader's is None if it would change nothing: that of another client costs half of the time again.
        """
        known = self._reading.setdefault((stream, schema), {})
        if number not in known:
            writer = self._writer(number)
            if writer is None:
                return None
            reader = read_with(stream, schema, writer=writer)
            is_ours = writer == fastavro.parse_schema(without_logical_types(written(stream, schema)))
            known[number] = writer, None if is_ours else fastavro.parse_schema(reader)
        return known[number]

    def _writer(self, number: int) -> Any | None:
        """The schema that messages with this number were written with."""
        if number not in self._writers:
            schema = self._registry.schema_of(number)
            if not isinstance(schema, dict) or schema.get("type") != "record":
                return None
            try:
                self._writers[number] = fastavro.parse_schema(without_logical_types(schema))
            except (SchemaParseException, UnknownType):
                return None
        return self._writers[number]


class _Schemas:
    """Reads the messages of one call. A number that the registry does not have is asked for once, not for ever."""

    def __init__(self, codec: AvroCodec, stream: str, schema: pa.Schema) -> None:
        self._codec = codec
        self._stream = stream
        self._schema = schema
        self._of: dict[int, tuple[Any, Any] | None] = {}

    def read(self, message: bytes, index: int) -> Row | BadMessage:
        """The event of a message, or what is wrong with it."""
        if len(message) > LONGEST_MESSAGE:
            return BadMessage(index, Reason.FIELD_TOO_LONG, f"longer than {LONGEST_MESSAGE:,} bytes", message)
        if len(message) < _HEAD.size or message[0]:
            return BadMessage(index, Reason.BAD_SYNTAX, _NO_HEAD, message)
        number = int.from_bytes(message[1 : _HEAD.size])
        if number not in self._of:
            self._of[number] = self._codec.reading(self._stream, self._schema, number)
        schemas = self._of[number]
        if schemas is None:
            detail = f"the registry has no Avro schema {number} that can be used"
            return BadMessage(index, Reason.UNKNOWN_SCHEMA, detail, message)
        data = io.BytesIO(message)
        data.seek(_HEAD.size)
        try:
            event = fastavro.schemaless_reader(data, *schemas)
        except fastavro.read.SchemaResolutionError:
            detail = f"schema {number} does not go with that of {self._stream}"
            return BadMessage(index, Reason.BAD_SYNTAX, detail, message)
        except _UNREADABLE:
            return BadMessage(index, Reason.BAD_SYNTAX, f"not what schema {number} says", message)
        if data.tell() != len(message):
            return BadMessage(index, Reason.BAD_SYNTAX, f"more bytes than schema {number} says", message)
        return cast("Row", event)


_NO_HEAD: Final = (
    "not in the Confluent wire format: does not begin with a zero byte and the number of a schema. "
    "Correct the producer's serializer, or the topic's format in the settings"
)


def _judged(
    found: list[Row], places: list[int], bad: list[BadMessage], *, schema: pa.Schema, messages: Sequence[bytes]
) -> Decoded:
    """The events as columns, if their values keep the rules; what does not is looked at one by one."""
    events = _json_columns(found, schema)
    columns = [[gathered(reader, values)] for reader, values in zip(readers_of(schema), events, strict=True)]
    sure, doubtful = without_doubt(*checked(columns, schema, rows=len(found)), np.array(places, dtype=np.int64))
    at = {place: row for row, place in enumerate(places)}
    rows = [_row(schema, [values[at[place]] for values in events]) for place in doubtful]
    batch, origins, all_bad = placed_batch_of(Parsed(rows, doubtful, bad), schema=schema, messages=messages)
    return Decoded(*join([sure, (batch, np.array(origins, dtype=np.int64))], schema), all_bad)


def _json_columns(found: list[Row], schema: pa.Schema) -> list[Sequence[Any]]:
    """For each field, the values that JSON would hold."""
    columns: list[Sequence[Any]] = []
    for name, field in zip(field_names(schema), schema, strict=True):
        values = [event[name] for event in found]
        convert = from_avro(field.type)
        columns.append(convert(values) if convert else values)
    return columns


def _holds_integers(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind.value_type if pa.types.is_dictionary(kind) else kind))


def _row(schema: pa.Schema, values: Sequence[Any]) -> Row:
    """An event as JSON would hold it, without what it does not have."""
    return {
        field.name: exact(value) if _holds_integers(field.type) else value
        for field, value in zip(schema, values, strict=True)
        if value is not None
    }
