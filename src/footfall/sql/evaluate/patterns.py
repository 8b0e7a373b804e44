"""Turns LIKE, SIMILAR TO and Java's regular expressions into columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import pyarrow.compute as pc

from footfall.sql.errors import SqlError
from footfall.sql.evaluate.frame import Kernel, Value, each, is_scalar
from footfall.sql.evaluate.java_regex import UnsupportedPattern, translated
from footfall.sql.expressions import Call, Constant

_SPECIAL: Final = frozenset("|*+?{}()[]^-,0123456789")
"""What SIMILAR TO means as regular expressions do; digits and signs are here for {1,2} and [a-z]."""
_compiled = lru_cache(maxsize=512)(translated)


def pieces(pattern: str, escape: str) -> list[str]:
    """A pattern's characters; the wildcards stay ``%`` and ``_``, all else is a text of two: a backslash and it.

    Raises ValueError for an escape before anything but a wildcard or itself.
    """
    if escape and len(escape) != 1:
        raise ValueError(f"The escape {escape!r} is not one character")
    found, characters = [], iter(pattern)
    for one in characters:
        if escape and one == escape:
            following = next(characters, "")
            if following not in {"%", "_", escape}:
                raise ValueError(f"In the pattern {pattern!r}, {escape}{following} means nothing")
            found.append("\\" + following)
        else:
            found.append(one if one in "%_" else "\\" + one)
    return found


@lru_cache(maxsize=512)
def like_regex(pattern: str, escape: str = "") -> re.Pattern[str]:
    """A LIKE pattern as a regular expression for a whole text."""
    wild = {"%": ".*", "_": "."}
    return re.compile("".join(wild.get(one) or re.escape(one[1]) for one in pieces(pattern, escape)), re.DOTALL)


def like(call: Call) -> Kernel:
    """LIKE; a constant pattern as the simplest search that does it."""
    single = each(lambda text, *rest: like_regex(*rest).fullmatch(text) is not None, call.type)
    _check(call, like_regex)

    def kernel(values: Sequence[Value], length: int) -> Value:
        if any(not is_scalar(one) or not one.is_valid for one in values[1:]):
            return single(values, length)
        escape = values[2].as_py() if len(values) == 3 else ""
        return _search(values[0], pieces(values[1].as_py(), escape))

    return kernel


def _search(column: Value, parts: list[str]) -> Value:
    wild = [at for at, one in enumerate(parts) if len(one) == 1]
    text = "".join(one[-1] for one in parts if len(one) == 2)
    if not wild:
        return pc.equal(column, text)
    if all(parts[at] == "%" for at in wild):
        last = len(parts) - 1
        if wild == [last]:
            return pc.starts_with(column, text)
        if wild == [0]:
            return pc.ends_with(column, text)
        if wild == [0, last]:
            return pc.match_substring(column, text)
    regex = "".join({"%": ".*", "_": "."}.get(one) or re.escape(one[1]) for one in parts)
    return pc.match_substring_regex(column, rf"(?s)\A(?:{regex})\z")


def _check(call: Call, make: Callable[..., Any]) -> None:
    """Constant patterns are looked at before the first row."""
    rest = call.arguments[1:]
    if not all(isinstance(one, Constant) and isinstance(one.value, str) for one in rest):
        return
    try:
        make(*(one.value for one in rest if isinstance(one, Constant)))
    except UnsupportedPattern as error:
        raise SqlError(f"{error}", at=rest[0].at, remedy="Write the pattern without it.") from error
    except re.error:
        return
    except ValueError as error:
        raise SqlError(f"{error}", at=rest[0].at, remedy="Put the escape before %, _ or itself only.") from error


@lru_cache(maxsize=512)
def similar_regex(pattern: str, escape: str = "") -> re.Pattern[str]:
    """A SIMILAR TO pattern as a regular expression for a whole text."""
    found, characters = [], iter(pattern)
    for one in characters:
        if escape and one == escape:
            found.append(re.escape(next(characters, "")))
        elif one in "%_":
            found.append(".*" if one == "%" else ".")
        else:
            found.append(one if one in _SPECIAL else re.escape(one))
    return re.compile("".join(found), re.DOTALL)


def similar(call: Call) -> Kernel:
    """SIMILAR TO."""
    return each(lambda text, *rest: similar_regex(*rest).fullmatch(text) is not None, call.type)


def _pattern(pattern: str) -> re.Pattern[str] | None:
    """None if it is no pattern at all: then nothing matches, as in Flink."""
    try:
        return _compiled(pattern)
    except re.error:
        return None


def _found(text: str, pattern: str) -> bool:
    regex = _pattern(pattern) if pattern else None
    return regex is not None and regex.search(text) is not None


def _extracted(text: str, pattern: str, group: int = 0) -> str | None:
    regex = _pattern(pattern)
    if regex is None or group < 0 or group > regex.groups:
        return None
    match = regex.search(text)
    return None if match is None else match[group]


def _replaced(text: str, pattern: str, new: str) -> str | None:
    regex = _pattern(pattern)
    return None if regex is None else regex.sub(lambda _: new, text)


def _regex(function: Callable[..., Any]) -> Callable[[Call], Kernel]:
    def make(call: Call) -> Kernel:
        pattern = call.arguments[1]
        if isinstance(pattern, Constant) and isinstance(pattern.value, str):
            try:
                _compiled(pattern.value)
            except UnsupportedPattern as error:
                raise SqlError(f"{error}", at=pattern.at, remedy="Write the pattern without it.") from error
            except re.error:
                pass
        return each(function, call.type)

    return make


MAKERS: Final[dict[str, Callable[[Call], Kernel]]] = {
    "LIKE": like,
    "SIMILAR TO": similar,
    "REGEXP": _regex(_found),
    "REGEXP_EXTRACT": _regex(_extracted),
    "REGEXP_REPLACE": _regex(_replaced),
}
