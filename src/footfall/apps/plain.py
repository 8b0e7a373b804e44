"""Turns text from outside into text that a terminal shows and does not obey.

User agents, products and texts of errors come as they came: with escape sequences, if somebody wants that.
"""

from __future__ import annotations

from typing import Final

_CONTROL: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_CONTROL_BUT_LINE_ENDS: Final = {code: shown for code, shown in _CONTROL.items() if code != ord("\n")}
_CONTROL_IN_JSON: Final = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}


def plain(text: str, *, lines: bool = False) -> str:
    """The text with its control characters shown as numbers (``x1b`` after a backslash); ``lines`` keeps line ends."""
    return text.translate(_CONTROL_BUT_LINE_ENDS if lines else _CONTROL)


def plain_json(line: str) -> str:
    """JSON with the control characters escaped that JSON allows in a text, but terminals obey."""
    return line.translate(_CONTROL_IN_JSON)
