"""Turns a watermark into a message without a value, and such a message back.

A mark has no key and no value, so that who only wants events passes over it as over a deleted one. Its header says how
far time has come with all events before it, and when these were appended.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Message

HEADER: Final = "footfall-mark"
_LAYOUT: Final = struct.Struct(">qq")
_NONE: Final = -(1 << 63)


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands between two batches."""

    watermark: int | None
    """Event time, ms: no older events are expected."""
    appended_ms: int

    def header(self) -> list[tuple[str, str | bytes | None]]:
        """The headers of its message."""
        watermark = _NONE if self.watermark is None else self.watermark
        return [(HEADER, _LAYOUT.pack(watermark, self.appended_ms))]


def offset_of(message: Message) -> int:
    """The offset of a message that was read or acknowledged."""
    offset = message.offset()
    if offset is None:
        raise RuntimeError("a message of a topic without an offset")
    return offset


def mark_of(message: Message) -> Mark | None:
    """The mark that a message without a value is; None if it is somebody else's."""
    headers = message.headers()
    for name, value in headers if isinstance(headers, list) else ():
        if name == HEADER and isinstance(value, bytes) and len(value) == _LAYOUT.size:
            watermark, appended_ms = _LAYOUT.unpack(value)
            return Mark(None if watermark == _NONE else watermark, appended_ms)
    return None
