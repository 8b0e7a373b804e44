"""Turns batches into flat JSON, one object an event, and such messages back into batches.

``JsonCodec`` does so by columns; the functions do so row by row. What it cannot decode quickly and be sure of, it
leaves to them, so both give the same for any message.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.errors import Reason
from footfall.core.events import CLICK_SCHEMA, Batch
from footfall.log.codecs import fragments
from footfall.log.codecs.base import Decoded
from footfall.log.codecs.columns import checked
from footfall.log.codecs.ids import with_ids
from footfall.log.codecs.joined import join, without_doubt
from footfall.log.codecs.rows import LONGEST_MESSAGE, BadMessage, Parsed, Row, batch_of, placed_batch_of, rows
from footfall.log.codecs.typed import Taken, taken

__all__ = ["JsonCodec", "decode", "encode", "parse", "rows"]

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder()
_ANY_ID: Final = "0" * 32


class JsonCodec:
    """Flat JSON, one object an event."""

    name: Final = "json"

    def encode(self, stream: str, batch: Batch) -> Sequence[bytes]:  # noqa: ARG002 - the codec's interface
        """One message a row, in order."""
        return fragments.encode(batch)

    def decode(
        self,
        stream: str,  # noqa: ARG002 - the codec's interface
        messages: Sequence[bytes],
        *,
        schema: pa.Schema,
        keys: Sequence[bytes | None] | None = None,  # noqa: ARG002 - messages name the visitor themselves
    ) -> Decoded:
        """The rows of the messages; see the function ``decode``."""
        found = taken(messages, schema, id_optional=schema == CLICK_SCHEMA)
        sure, doubtful = without_doubt(*_checked(found, schema), found.origins)
        strict = _parsed(sorted([*found.left, *doubtful]), messages)
        batch, origins, bad = placed_batch_of(strict, schema=schema, messages=messages)
        return Decoded(*join([sure, (batch, np.array(origins, dtype=np.int64))], schema), bad)


def _checked(found: Taken, schema: pa.Schema) -> tuple[Batch, npt.NDArray[np.bool_]]:
    """The rows, and which of them are in doubt."""
    columns = list(found.columns)
    missing: Sequence[int] = ()
    if schema == CLICK_SCHEMA:
        place = schema.get_field_index("event_id")
        ids = pa.chunked_array(columns[place], pa.string())
        if ids.null_count:
            missing = np.flatnonzero(ids.is_null()).tolist()
            columns[place] = ids.fill_null(_ANY_ID).chunks
    batch, doubtful = checked(columns, schema, rows=len(found.origins))
    return with_ids(batch, missing=missing), doubtful


def encode(batch: Batch) -> list[bytes]:
    """One message an event, in order."""
    return [_ENCODER.encode(row) for row in rows(batch)]


def decode(messages: Sequence[bytes], schema: pa.Schema) -> tuple[Batch, list[BadMessage]]:
    """The events of the messages, in order, and the messages that are none. Unknown fields are ignored.

    A click may leave out ``event_id`` (made from its content), ``event_type`` (view) and ``late`` (false).
    """
    return batch_of(_parsed(range(len(messages)), messages), schema=schema, messages=messages)


def _parsed(places: Sequence[int], messages: Sequence[bytes]) -> Parsed:
    """What these of the messages hold."""
    found: list[Row] = []
    origins: list[int] = []
    bad: list[BadMessage] = []
    for index in places:
        message = messages[index]
        value = parse(message, index=index)
        if isinstance(value, dict):
            found.append(value)
            origins.append(index)
        elif isinstance(value, BadMessage):
            bad.append(value)
        else:
            bad.append(BadMessage(index, Reason.BAD_SYNTAX, "not a JSON object", message))
    return Parsed(found, origins, bad)


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
