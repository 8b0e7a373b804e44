"""Turns a file of SQL into its statements, and a statement into the little that must be known of it to submit it.

Flink itself reads the statements: nothing here parses expressions. Strings, quoted names and comments are kept apart,
so that a semicolon or a keyword in them is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from footfall.core.errors import UsageError


class Kind(Enum):
    """What a piece of SQL is."""

    WORD = auto()
    """A name or a keyword, without quotes."""
    QUOTED = auto()
    """A name in backticks."""
    STRING = auto()
    SYMBOL = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL, and where it begins."""

    kind: Kind
    text: str
    at: int

    @property
    def name(self) -> str:
        """The name that it is, without quotes."""
        return self.text[1:-1].replace("``", "`") if self.kind is Kind.QUOTED else self.text

    @property
    def is_name(self) -> bool:
        """Whether it can be a name."""
        return self.kind in {Kind.WORD, Kind.QUOTED}

    @property
    def keyword(self) -> str:
        """The keyword that it may be, in capitals; nothing for a quoted name."""
        return self.text.upper() if self.kind is not Kind.QUOTED else ""


_PIECE: Final = re.compile(
    r"""(?P<skip>\s+|--[^\n]*|/\*.*?\*/)
      |(?P<STRING>'(?:[^']|'')*')
      |(?P<QUOTED>`(?:[^`]|``)*`)
      |(?P<WORD>[^\W\d][\w$]*)
      |(?P<SYMBOL>\d[\w.]*|.)""",
    re.VERBOSE | re.DOTALL,
)
_INTO: Final = ("INTO", "OVERWRITE")
_OPEN: Final = {"'": "This text has no end", "`": "This name has no end"}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, without its semicolon."""

    text: str
    line: int
    """Where it begins in the file; the first line is 1."""
    tokens: Sequence[Token]
    """Their places count from the statement's own beginning."""

    def begins(self, *words: str) -> bool:
        """Whether it begins with these keywords."""
        return [one.keyword for one in self.tokens[: len(words)]] == list(words)

    @property
    def targets(self) -> list[str]:
        """The tables into which it inserts."""
        pairs = zip(self.tokens, self.tokens[1:], self.tokens[2:], strict=False)
        return [
            table.name
            for verb, into, table in pairs
            if verb.keyword == "INSERT" and into.keyword in {"INTO", "OVERWRITE"}
        ]

    @property
    def names(self) -> set[str]:
        """Every name that it mentions, whatever it is."""
        return {one.name for one in self.tokens if one.is_name}


def tokens(text: str) -> Iterator[Token]:
    """The pieces of a text. Raises UsageError, with line and column, for a quote that is never closed."""
    for found in _PIECE.finditer(text):
        kind = found.lastgroup
        if kind is None or kind == "skip":
            continue
        token = Token(Kind[kind], found.group(), found.start())
        if token.kind is Kind.SYMBOL and token.text in _OPEN:
            line, column = place(text, token.at)
            raise UsageError(
                f"Line {line}, column {column}: {_OPEN[token.text]}.", remedy=f"Close it with {token.text}."
            )
        yield token


def place(text: str, at: int) -> tuple[int, int]:
    """Line and column of a place in a text, both from 1."""
    before = text[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1


def split(text: str) -> list[Statement]:
    """The statements of a file. A statement set, with all that is between its BEGIN and END, is one statement."""
    found: list[Statement] = []
    pending: list[Token] = []
    for token in tokens(text):
        ends = token.kind is Kind.SYMBOL and token.text == ";"
        if not ends:
            pending.append(token)
        elif not _is_open_set(pending):
            found += _statement(text, pending, token.at)
            pending = []
        else:
            pending.append(token)
    return found + _statement(text, pending, len(text))


def _is_open_set(pending: Sequence[Token]) -> bool:
    """Whether a statement set has begun, and not ended. A CASE has an END as well."""
    words = [one.keyword for one in pending]
    if words[:4] != ["EXECUTE", "STATEMENT", "SET", "BEGIN"]:
        return False
    return words.count("BEGIN") + words.count("CASE") > words.count("END")


def _statement(text: str, pending: Sequence[Token], end: int) -> list[Statement]:
    if not pending:
        return []
    start = pending[0].at
    moved = [Token(one.kind, one.text, one.at - start) for one in pending]
    return [Statement(text[start:end].rstrip(), place(text, start)[0], moved)]
