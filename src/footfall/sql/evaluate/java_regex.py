"""Turns a regular expression of Java's into one of Python's that means the same, or refuses it by name."""

from __future__ import annotations

import re
from typing import Final

_POSIX: Final = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Punct": r"!-/:-@\[-`{-~",
    "Space": r" \t\n\x0b\f\r",
    "Blank": r" \t",
    "XDigit": "0-9a-fA-F",
    "ASCII": r"\x00-\x7f",
    "Cntrl": r"\x00-\x1f\x7f",
    "Graph": "!-~",
    "Print": " -~",
}
_ESCAPES: Final = {
    "z": r"\Z",
    "Z": r"(?=\n?\Z)",
    "h": r"[ \t\xa0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000]",
    "R": r"(?:\r\n|[\n\x0b\f\r\x85\u2028\u2029])",
    "e": r"\x1b",
}
_TOKEN: Final = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|\Z)"
    r"|\\(?P<negated>[pP])(?:\{(?P<class>\w+)\}|(?P<letter>\w))"
    r"|\\x\{(?P<code>[0-9a-fA-F]+)\}"
    r"|\\k<(?P<reference>\w+)>"
    r"|\\(?P<escape>.)"
    r"|\(\?<(?P<name>[A-Za-z]\w*)>"
    r"|(?P<flags>\(\?[a-zA-Z-]+\))"
    r"|(?P<both>&&)"
    r"|(?P<bracket>[\[\]])"
    r"|(?P<other>.)",
    re.DOTALL,
)


class UnsupportedPattern(ValueError):
    """Something that Java's regular expressions have, and ours do not."""


def translated(pattern: str) -> re.Pattern[str]:
    """The pattern for Python. Raises UnsupportedPattern, or re.error if it is no pattern in Java either."""
    found: list[str] = []
    inside = False
    position = 0
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        if token is None:
            raise re.error("not a pattern")
        bracket = token["bracket"]
        if bracket == "[" and inside:
            raise UnsupportedPattern("A class within a class of a regular expression is not supported")
        if bracket:
            first = inside and pattern[position - 1] in "[^" and bracket == "]"
            found.append("\\]" if first else bracket)
            inside = bracket == "[" or first
        else:
            found.append(_one(token, inside=inside, first=position == 0))
        position = token.end()
    return re.compile("".join(found), re.ASCII)


def _one(token: re.Match[str], *, inside: bool, first: bool) -> str:
    if token["quoted"] is not None:
        return re.escape(token["quoted"])
    if token["negated"]:
        return _class(token, inside=inside)
    if token["code"]:
        return re.escape(chr(int(token["code"], 16)))
    if token["reference"]:
        return f"(?P={token['reference']})"
    if token["name"]:
        return f"(?P<{token['name']}>"
    if token["flags"]:
        return _flags(token["flags"], first=first)
    if token["both"]:
        if inside:
            raise UnsupportedPattern("&& in a class of a regular expression is not supported")
        return "&&"
    if token["escape"]:
        return _escape(token["escape"], inside=inside)
    return token["other"]


def _class(token: re.Match[str], *, inside: bool) -> str:
    name = token["class"] or token["letter"]
    if name not in _POSIX:
        raise UnsupportedPattern(f"\\p{{{name}}} in a regular expression is not supported")
    if token["negated"] == "P":
        if inside:
            raise UnsupportedPattern(f"\\P{{{name}}} within a class of a regular expression is not supported")
        return f"[^{_POSIX[name]}]"
    return _POSIX[name] if inside else f"[{_POSIX[name]}]"


def _flags(flags: str, *, first: bool) -> str:
    if not first or not set(flags[2:-1]) <= set("imsx"):
        raise UnsupportedPattern(f"{flags} here in a regular expression is not supported")
    return flags


def _escape(letter: str, *, inside: bool) -> str:
    if letter in {"G", "X", "N", "c"}:
        raise UnsupportedPattern(f"\\{letter} in a regular expression is not supported")
    if letter in _ESCAPES:
        if inside and letter != "e":
            raise UnsupportedPattern(f"\\{letter} within a class of a regular expression is not supported")
        return _ESCAPES[letter]
    if letter.isalpha() and letter not in "bBdDwWsStnrfavuxA":
        raise re.error(f"bad escape \\{letter}")
    return "\\" + letter
