"""Turns batches into the Quix time-series envelope, or its event form for offers, and back.

An envelope holds one or more rows: nanoseconds under ``Timestamps``, numbers and flags (1, 0) under
``NumericValues``, texts under ``StringValues``, each an array with a value or null a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from footfall.core.errors import Reason
from footfall.core.events import OFFER_SCHEMA, Batch
from footfall.core.hashing import id_from_text
from footfall.log.codecs.base import Decoded
from footfall.log.codecs.ids import text_of
from footfall.log.codecs.json import parse
from footfall.log.codecs.rows import BadMessage, Parsed, Row, batch_of, placed_batch_of, rows

OFFER: Final = "offer"
_NS: Final = 1_000_000
_ENCODER: Final = msgspec.json.Encoder()


class QuixCodec:
    """The Quix envelope, or its event form for offers. Slower than the other formats: it has no way by columns."""

    name: Final = "quix"

    def encode(self, stream: str, batch: Batch) -> Sequence[bytes]:  # noqa: ARG002 - the codec's interface
        """One message a row, in order."""
        return encode(batch)

    def decode(
        self,
        stream: str,  # noqa: ARG002 - the codec's interface
        messages: Sequence[bytes],
        *,
        schema: pa.Schema,
        keys: Sequence[bytes | None] | None = None,
    ) -> Decoded:
        """The rows of the messages. ``keys`` name the visitors of offers; one that is not UTF-8 names nobody."""
        names = None if keys is None else [None if key is None else _text_of(key) for key in keys]
        parsed = _parsed(messages, schema, names)
        batch, origins, bad = placed_batch_of(parsed, schema=schema, messages=messages)
        return Decoded(batch, np.array(origins, dtype=np.int64), bad)


def _text_of(key: bytes) -> str | None:
    try:
        return key.decode()
    except UnicodeDecodeError:
        return None


class _Malformed(Exception):
    """The envelope is not one."""


def encode(batch: Batch, *, rows_per_message: int = 1) -> list[bytes]:
    """Messages with this many events each, in order; offers (OFFER_SCHEMA) in the event form, one a message."""
    events = rows(batch)
    if batch.schema == OFFER_SCHEMA:
        return [_ENCODER.encode([_offer_event(event)]) for event in events]
    starts = range(0, len(events), rows_per_message)
    return [_ENCODER.encode(_envelope(events[start : start + rows_per_message])) for start in starts]


def decode(
    messages: Sequence[bytes], schema: pa.Schema, *, keys: Sequence[str | None] | None = None
) -> tuple[Batch, list[BadMessage]]:
    """The events of the messages, in order, and the messages that are none.

    ``keys`` are the messages' keys: the visitors that the event form of offers does not name.
    """
    return batch_of(_parsed(messages, schema, keys), schema=schema, messages=messages)


def _parsed(messages: Sequence[bytes], schema: pa.Schema, keys: Sequence[str | None] | None) -> Parsed:
    found: list[Row] = []
    origins: list[int] = []
    bad: list[BadMessage] = []
    for index, message in enumerate(messages):
        value = parse(message, index=index)
        if isinstance(value, BadMessage):
            bad.append(value)
            continue
        try:
            if schema == OFFER_SCHEMA:
                held = list(_offers(value, key=keys[index] if keys else None))
            else:
                held = list(_rows(value))
        except _Malformed as error:
            bad.append(BadMessage(index, Reason.BAD_SYNTAX, str(error), message))
            continue
        found.extend(held)
        origins.extend([index] * len(held))
    return Parsed(found, origins, bad)


def _envelope(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    numbers: dict[str, list[Any]] = {}
    texts: dict[str, list[Any]] = {}
    for name in dict.fromkeys(name for event in events for name in event if name != "timestamp"):
        values = [event.get(name) for event in events]
        if isinstance(next(value for value in values if value is not None), str):
            texts[name] = values
        else:
            numbers[name] = [int(value) if isinstance(value, bool) else value for value in values]
    return {
        "Epoch": 0,
        "Timestamps": [event["timestamp"] * _NS for event in events],
        "NumericValues": numbers,
        "StringValues": texts,
        "BinaryValues": {},
        "TagValues": {},
    }


def _rows(envelope: object) -> Iterator[Row]:
    if not isinstance(envelope, dict):
        msg = "not a Quix envelope: no JSON object"
        raise _Malformed(msg)
    times, epoch = envelope.get("Timestamps"), envelope.get("Epoch", 0)
    if not isinstance(times, list) or not times or not all(map(_is_integer, times)) or not _is_integer(epoch):
        msg = "not a Quix envelope: Timestamps is not a list of nanoseconds"
        raise _Malformed(msg)
    columns = {name: values for group in ("NumericValues", "StringValues") for name, values in _arrays(envelope, group)}
    for name, values in columns.items():
        if not isinstance(values, list) or len(values) != len(times):
            msg = f"{name[:80]!a} does not hold {len(times)} values, one for each of Timestamps"
            raise _Malformed(msg)
    for row, time in enumerate(times):
        event = {name: values[row] for name, values in columns.items() if values[row] is not None}
        yield {**event, "timestamp": (epoch + time) // _NS}


def _arrays(envelope: Mapping[str, Any], group: str) -> Iterator[tuple[str, Any]]:
    arrays = envelope.get(group)
    if arrays is None:
        return
    if not isinstance(arrays, dict):
        msg = f"not a Quix envelope: {group} is not an object"
        raise _Malformed(msg)
    yield from arrays.items()


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _offer_event(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"Timestamp": event["timestamp"] * _NS, "Tags": {}, "Id": OFFER, "Value": event["offer"]}


def _offers(events: object, *, key: str | None) -> Iterator[Row]:
    """The offers among the events; an id is made from visitor, time and offer. Other events are passed over."""
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        msg = "not a list of Quix events"
        raise _Malformed(msg)
    for event in events:
        if event.get("Id") != OFFER:
            continue
        time, offer = event.get("Timestamp"), event.get("Value")
        if not _is_integer(time) or not isinstance(offer, str):
            msg = "an offer's Timestamp is not in nanoseconds, or its Value is not a text"
            raise _Malformed(msg)
        identity = "\n".join((key or "", str(time), ascii(offer)))
        yield {
            "timestamp": time // _NS,
            "event_id": text_of(id_from_text(identity)),
            "userId": key,
            "offer": offer,
            "pattern": offer,
            "matched": [],
        }
