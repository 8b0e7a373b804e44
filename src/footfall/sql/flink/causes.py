"""Turns a Java traceback into the sentence in it that tells what was wrong."""

from __future__ import annotations

import re
from typing import Final

_BEGINS: Final = re.compile(r"^(?:Caused by: |\s*\[?CIRCULAR REFERENCE:\s*)?((?:[\w$]+\.)+[\w$]+)(?:: (.*))?$")
_ENDS: Final = re.compile(r"^\s*(?:at .+\(.*\)|\.\.\. \d+ more|End of exception on server side>?)\s*$")
_EXPECTING: Final = re.compile(r"\s*Was expecting (?:one )?of:.*", re.DOTALL)
_VAGUE: Final = re.compile(
    r"^(?:Could not|Failed to|Error while|Unexpected exception|Expected exception|Internal server error|"
    r"Job execution failed|Unable to)[^:]*\.?$"
)
_PLACE: Final = re.compile(r"\bline \d+, column \d+")
_LONGEST: Final = 1_000


def root_cause(traceback: str) -> str:
    """The message of the innermost exception that has one, on one line, with the place in the SQL if one names it.

    The first line where there is no exception.
    """
    messages = [text for text in map(_tidy, _messages(traceback)) if text]
    if not messages:
        lines = [line.strip() for line in traceback.splitlines() if line.strip()]
        return lines[0][:_LONGEST] if lines else "Flink gives no reason."
    telling = [text for text in messages if not _VAGUE.match(text)] or messages
    placed = [text for text in telling if telling[-1] in text and _PLACE.search(text)]
    return min(placed, key=len, default=telling[-1]).removeprefix("SQL validation failed. ")


def _messages(traceback: str) -> list[str]:
    """What each exception says, outermost first. A message may have several lines."""
    found: list[list[str]] = []
    inside = False
    for line in traceback.splitlines():
        begins = _BEGINS.match(line.removeprefix("<Exception on server side:").strip("\r"))
        if begins and (not inside or line.startswith("Caused by: ")):
            found.append([begins[2] or ""])
            inside = True
        elif _ENDS.match(line):
            inside = False
        elif inside:
            found[-1].append(line)
    return ["\n".join(lines) for lines in found]


def _tidy(message: str) -> str:
    """One line, without the list of all words that the parser would have taken, and without names of Java classes."""
    text = " ".join(_EXPECTING.sub("", message).split())
    text = re.sub(r"^(?:(?:[a-z][\w$]*\.)+[A-Z][\w$]*(?:Exception|Error): )+", "", text)
    return text[:_LONGEST]
