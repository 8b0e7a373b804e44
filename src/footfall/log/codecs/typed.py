"""Turns JSON messages into columns of values by a decoder that knows the schema; what it does not take is named.

It takes less than is allowed, never more: each field of the one type that it is mostly written with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.events import EVENT_ID
from footfall.log.codecs.columns import gathered, readers_of
from footfall.log.codecs.rare import is_bytes, is_milliseconds, is_text
from footfall.log.codecs.rows import DEFAULTS, LONGEST_MESSAGE

_PIECE: Final = 1_000
"""Messages that are taken at a time: their values stay in the processor's cache until they are in columns."""
_ENCODER: Final = msgspec.json.Encoder()
_any = msgspec.json.Decoder().decode
_NOT_TAKEN: Final = (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError)

_fields = msgspec.structs.astuple

Decode = Callable[[bytes], msgspec.Struct]


@dataclass(frozen=True, slots=True)
class Taken:
    """What could be decoded."""

    columns: Sequence[Sequence[Any]]
    """For each field of the schema, its gathered values, piece by piece. An id that was left out is null."""
    origins: npt.NDArray[np.int64]
    """For each row, which message it came from."""
    left: list[int]
    """The other messages."""


@dataclass(frozen=True, slots=True)
class _Decoders:
    exact: Decode
    """Takes messages with known fields only."""
    lenient: Decode | None
    """Takes any, and does not look at what stands in unknown fields. None, if such may hold a column's bytes."""


def taken(messages: Sequence[bytes], schema: pa.Schema, *, id_optional: bool) -> Taken:
    """The messages' values, as columns."""
    if not all(map(_can_be_named, schema.names)):
        nothing: list[list[Any]] = [[] for _ in schema]
        return Taken(nothing, np.empty(0, dtype=np.int64), [*range(len(messages))])
    decoders = _decoders_of(schema, id_optional=id_optional)
    readers = readers_of(schema)
    columns: list[list[Any]] = [[] for _ in schema]
    left: list[int] = []
    for start in range(0, len(messages), _PIECE):
        values = _columns(messages[start : start + _PIECE], start, decoders, left)
        for reader, column, each in zip(readers, columns, values, strict=False):
            column.append(gathered(reader, each))
    origins = np.delete(np.arange(len(messages), dtype=np.int64), left)
    return Taken(columns, origins, left)


def _can_be_named(name: str) -> bool:
    """Whether a typed decoder can have a field of this name: JSON must hold it as it is."""
    return _ENCODER.encode(name) == f'"{name}"'.encode()


def _columns(messages: Sequence[bytes], start: int, decoders: _Decoders, left: list[int]) -> list[tuple[Any, ...]]:
    """The values of some messages; the places of those that were not taken go to ``left``."""
    try:
        if max(map(len, messages)) <= LONGEST_MESSAGE:
            return [*zip(*map(_fields, map(decoders.exact, messages)), strict=True)]
    except _NOT_TAKEN:
        pass
    found = [_one(message, decoders) for message in messages]
    left += [place for place, value in enumerate(found, start) if value is None]
    return [*zip(*(_fields(value) for value in found if value is not None), strict=True)]


def _one(message: bytes, decoders: _Decoders) -> msgspec.Struct | None:
    if len(message) > LONGEST_MESSAGE:
        return None
    try:
        return decoders.exact(message)
    except _NOT_TAKEN:
        pass
    if decoders.lenient is None:
        return None
    try:
        _any(message)  # whatever stands in an unknown field must be sound too
        return decoders.lenient(message)
    except _NOT_TAKEN:
        return None


@lru_cache(maxsize=256)
def _decoders_of(schema: pa.Schema, *, id_optional: bool) -> _Decoders:
    exact, lenient = (_struct_of(schema, id_optional=id_optional, forbid_unknown=each) for each in (True, False))
    has_second_names = any(is_bytes(field.type) for field in schema)
    return _Decoders(
        msgspec.json.Decoder(exact).decode, None if has_second_names else msgspec.json.Decoder(lenient).decode
    )


def _struct_of(schema: pa.Schema, *, id_optional: bool, forbid_unknown: bool) -> type[msgspec.Struct]:
    """A type with a field for each of the schema's, in the same order."""
    names = {f"f{place}": field.name for place, field in enumerate(schema)}
    fields = []
    for name, field in zip(names, schema, strict=True):
        kind = _type_of(field.type)
        if field.name in DEFAULTS:
            fields.append((name, kind | None if field.nullable else kind, DEFAULTS[field.name]))
        elif field.type == EVENT_ID and id_optional:
            fields.append((name, kind, None))  # None as the default, but not as a value
        elif field.nullable:
            fields.append((name, kind | None, None))
        else:
            fields.append((name, kind, msgspec.NODEFAULT))
    return msgspec.defstruct(
        "Event", fields, rename=names, gc=False, kw_only=True, forbid_unknown_fields=forbid_unknown
    )


def _type_of(kind: pa.DataType) -> Any:
    if is_text(kind) or pa.types.is_date32(kind) or kind == EVENT_ID:
        return str
    if pa.types.is_integer(kind) or is_milliseconds(kind):
        return int
    return bool if pa.types.is_boolean(kind) else Any
