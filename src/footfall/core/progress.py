"""Turns progress into nothing: what is called when nobody listens."""

from __future__ import annotations


def unheard(*_values: object, **_fields: object) -> None:
    """Take any report of progress and forget it."""
