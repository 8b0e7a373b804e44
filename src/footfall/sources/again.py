"""Turns one raw row of a file or event of a request, kept with its layout, into a click again: for failed events."""

from __future__ import annotations

from footfall.sources.base import Block
from footfall.sources.collect import collect_row
from footfall.sources.delimited import delimited_row
from footfall.sources.layouts import layout_of
from footfall.sources.ndjson import json_row


def parse_row(layout: str, raw: bytes) -> Block:
    """Parse one raw row again: a block with one click, or one bad row, or neither if it is empty."""
    known = layout_of(layout)
    if known.form == "collect":
        return collect_row(known, raw)
    return delimited_row(known, raw) if known.form == "delimited" else json_row(known, raw)
