"""Turns batches into flat JSON, one object an event, and such messages back into batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa

from footfall.core.errors import Reason
from footfall.core.events import Batch
from footfall.log.codecs.rows import LONGEST_MESSAGE, BadMessage, Parsed, Row, batch_of, rows

__all__ = ["decode", "encode", "rows"]

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder()


def encode(batch: Batch) -> list[bytes]:
    """One message an event, in order."""
    return [_ENCODER.encode(row) for row in rows(batch)]


def decode(messages: Sequence[bytes], schema: pa.Schema) -> tuple[Batch, list[BadMessage]]:
    """The events of the messages, in order, and the messages that are none. Unknown fields are ignored.

    A click may leave out ``event_id`` (made from its content), ``event_type`` (view) and ``late`` (false).
    """
    found: list[Row] = []
    origins: list[int] = []
    bad: list[BadMessage] = []
    for index, message in enumerate(messages):
        value = parse(message, index=index)
        if isinstance(value, dict):
            found.append(value)
            origins.append(index)
        elif isinstance(value, BadMessage):
            bad.append(value)
        else:
            bad.append(BadMessage(index, Reason.BAD_SYNTAX, "not a JSON object", message))
    return batch_of(Parsed(found, origins, bad), schema=schema, messages=messages)


def parse(message: bytes, *, index: int) -> Any:
    """The JSON value of one message, or the BadMessage that it is."""
    if len(message) > LONGEST_MESSAGE:
        return BadMessage(index, Reason.FIELD_TOO_LONG, f"longer than {LONGEST_MESSAGE:,} bytes", message)
    try:
        return _DECODER.decode(message)
    except UnicodeDecodeError as error:
        return BadMessage(index, Reason.BAD_ENCODING, f"not UTF-8 at byte {error.start}", message)
    except RecursionError:
        return BadMessage(index, Reason.BAD_SYNTAX, "nested too deeply", message)
    except (msgspec.DecodeError, ValueError) as error:
        return BadMessage(index, Reason.BAD_SYNTAX, str(error), message)
