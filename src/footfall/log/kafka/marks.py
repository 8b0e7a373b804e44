"""Turns a watermark into a message without a value, and such a message back.

A mark has no key and no value, so that who only wants events passes over it as over a deleted one. Its header says how
far time has come with all events before it, and when these were appended.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HEADER: Final = "footfall-mark"
_LAYOUT: Final = struct.Struct(">qq")
_NONE: Final = -(1 << 63)


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands between two batches."""

    watermark: int | None
    """Event time, ms: no older events are expected."""
    appended_ms: int

    def header(self) -> list[tuple[str, bytes]]:
        """The headers of its message."""
        watermark = _NONE if self.watermark is None else self.watermark
        return [(HEADER, _LAYOUT.pack(watermark, self.appended_ms))]


def mark_of(headers: Sequence[tuple[str, bytes | None]] | None) -> Mark | None:
    """The mark in the headers of a message without a value; None if it is somebody else's."""
    for name, value in headers or ():
        if name == HEADER and value is not None and len(value) == _LAYOUT.size:
            watermark, appended_ms = _LAYOUT.unpack(value)
            return Mark(None if watermark == _NONE else watermark, appended_ms)
    return None
