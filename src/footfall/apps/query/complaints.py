"""Turns what the sandbox says on standard error into an error of ours: where, what, and what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from footfall.core.errors import Failure, FootfallError, UsageError

_FAILURES: Final = frozenset({"io", "internal", "fatal", "interrupt", "resource in use"})
_CANDIDATES: Final = re.compile(r"\s*Candidate bindings: :?(.*)", re.DOTALL)
_QUOTED: Final = re.compile(r'"([^"]+)"')
_REFERENCED: Final = re.compile(r'Referenced column "(?P<column>.+?)"|does not have a column named "(?P<other>.+?)"')
_LESS: Final = "Ask for less: a shorter time, fewer columns, an aggregate."
_KINDS: Final = {
    "parser": "Check the spelling there and just before it.",
    "conversion": "Use TRY_CAST for values that may not fit.",
}
_OTHERWISE: Final = "See DESCRIBE of the table for its columns, and docs/reference/query.md for the functions."


def broken_off(code: int) -> FootfallError:
    """The error for a process that ended without a word."""
    return Failure(
        f"The query's process broke off (exit code {code}).",
        remedy="Ask for less, in fewer nested parts: it may have run out of memory.",
    )


def explained(complaint: bytes, *, memory_mb: int, columns: Sequence[str] = ()) -> FootfallError:
    """The error for what a query's process wrote; the columns are those that may have been meant."""
    try:
        found = json.loads(complaint)
        kind, what = str(found["kind"]), str(found["what"]).strip()
    except (ValueError, KeyError, TypeError):
        return Failure("The query's process broke off.", remedy="Ask for less: it may have run out of memory.")
    where = _where(found.get("place"))
    if kind == "memory":
        return Failure(f"The query needs more than {memory_mb} MB of memory.", remedy=_LESS)
    if kind == "refused":
        return UsageError(where + what, remedy=str(found.get("remedy", "")))
    if kind == "permission":
        return UsageError(f"{where}Queries read the tables only, no files, and no other host.", remedy=_OTHERWISE)
    if kind in _FAILURES:
        return Failure(f"{where}The query failed: {_first_line(what)}", remedy=_LESS)
    column = _REFERENCED.search(what)
    if column:
        name = column["column"] or column["other"]
        return UsageError(f"{where}There is no column {name}.", remedy=_meant(name, _proposed(found, what), columns))
    return UsageError(where + _sentence(_first_line(what)), remedy=_KINDS.get(kind, _second_line(what) or _OTHERWISE))


def _where(place: object) -> str:
    match place:
        case [int(line), int(column)]:
            return f"Line {line}, column {column}: "
        case _:
            return ""


def _proposed(found: Mapping[str, Any], what: str) -> Sequence[str]:
    """The columns that DuckDB proposes, if it does."""
    listed = _CANDIDATES.search(what)
    quoted = _QUOTED.findall(listed[1]) if listed else []
    return quoted or [name for name in str(found.get("candidates") or "").split(",") if name]


def _meant(name: str, proposed: Sequence[str], columns: Sequence[str]) -> str:
    by_name = {column.lower(): column for column in proposed or columns}
    near = get_close_matches(name.lower(), by_name, n=1, cutoff=0.6)
    meant = f"Did you mean {by_name[near[0]]}? " if near else ""
    return meant + (f"There are: {', '.join(proposed)}." if proposed else _OTHERWISE)


def _first_line(message: str) -> str:
    return message.partition("\n")[0]


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _second_line(message: str) -> str:
    return message.partition("\n")[2].strip().partition("\n")[0].strip()
