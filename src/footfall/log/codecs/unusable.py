"""Turns a value that a column cannot hold into the reason why, in words for people."""

from __future__ import annotations

from footfall.core.errors import Reason


class Unusable(Exception):
    """A value that the column cannot hold."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def bad_value(name: str, value: object, rule: str) -> Unusable:
    """That the field's value breaks this rule."""
    return Unusable(Reason.BAD_VALUE, f"{name}: {shown(value)} is not {rule}")


def shown(value: object) -> str:
    """The value, or its beginning, as it can be shown anywhere."""
    text = value if isinstance(value, str) else "a list" if isinstance(value, list) else str(value)[:80]
    return ascii(text[:80])
