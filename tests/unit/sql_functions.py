"""Functions that the tests of SQL call by name."""

from __future__ import annotations


def loud(text: str | None) -> str:
    return (text or "").upper()
