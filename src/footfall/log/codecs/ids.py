"""Turns event ids into text and back, and clicks without one into their ids. The rules are in core.hashing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from footfall.core.events import Batch
from footfall.core.hashing import column_hashes, id_from_text, ids_from_lanes, ids_of, lanes_of

IDENTITY: Final = ("timestamp", "userId", "productId", "event_type", "ip", "userAgent")
"""What makes two clicks without an id the same event."""

_HEX: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


def id_from(text: str) -> bytes:
    """The 16 bytes of an id: of 32 hex digits themselves (dashes as in a UUID allowed), of any other text its hash."""
    return bytes.fromhex(text.replace("-", "")) if _HEX.fullmatch(text) else id_from_text(text)


def text_of(event_id: bytes) -> str:
    """An event id as 32 hex digits."""
    return event_id.hex()


def with_ids(clicks: Batch, *, missing: Sequence[int]) -> Batch:
    """The same clicks, with ids made from their content in these rows."""
    if not missing:
        return clicks
    position = clicks.schema.get_field_index("event_id")
    made = ids_of([column_hashes(clicks.column(name)) for name in IDENTITY])
    if len(missing) < len(clicks):
        lanes = lanes_of(clicks.column(position)).copy()
        lanes[missing] = lanes_of(made)[missing]
        made = ids_from_lanes(lanes)
    return clicks.set_column(position, clicks.schema.field(position), made)
