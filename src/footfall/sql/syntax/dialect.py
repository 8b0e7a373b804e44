"""Turns a file's text into its statements, and what is wrong with it into a line, a column and a remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlglot import Dialect
from sqlglot.dialects.dialect import NormalizationStrategy
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from footfall.sql.errors import At, SqlError
from footfall.sql.syntax.nodes import Explain, SetEdge, Statement
from footfall.sql.syntax.places import Places
from footfall.sql.syntax.reading import Unreadable
from footfall.sql.syntax.statements import StatementParser
from footfall.sql.syntax.tokens import KEYWORDS, RESERVED, FlinkTokenizer

LONGEST: Final = 1_000_000
"""Characters in a file of SQL."""
DEEPEST: Final = 60
"""Parentheses within parentheses."""
_OPENING: Final = {TokenType.L_PAREN, TokenType.L_BRACKET}
_CLOSING: Final = {TokenType.R_PAREN, TokenType.R_BRACKET}
_WORDS: Final = sorted({word for key in KEYWORDS for word in key.split() if word.isalpha()} | {"WATERMARK", "GROUP"})


class Flink(Dialect):
    """Flink SQL. Names are what they are: capitals count."""

    NORMALIZATION_STRATEGY = NormalizationStrategy.CASE_SENSITIVE
    NULL_ORDERING = "nulls_are_small"
    TYPED_DIVISION = True
    STRICT_STRING_CONCAT = True

    Tokenizer = FlinkTokenizer
    Parser = StatementParser


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file's statements, and where things stand in it."""

    statements: Sequence[Statement]
    places: Places


def read(text: str) -> Parsed:
    """Read a file.

    Raises:
        SqlError: It is no SQL of this dialect.
    """
    places = Places(text)
    if len(text) > LONGEST:
        raise SqlError("The query is too long", at=At(), remedy=f"A file of SQL has at most {LONGEST:,} characters.")
    statements: list[Statement] = []
    for tokens in _chunks(_tokens(text, places)):
        statements.extend(_statements(tokens, text, places))
    return Parsed(statements, places)


def _tokens(text: str, places: Places) -> list[Token]:
    try:
        tokens = Flink().tokenize(text)
    except TokenError as error:
        raise _unclosed(text, places, error) from error
    if any(comment.startswith("+") for token in tokens for comment in token.comments):
        place = max(text.find("/*+"), 0)
        raise SqlError(
            "Hints are not supported",
            at=places.at(place),
            remedy="Leave the hint out; WITH (…) takes a table's options.",
        )
    depth = 0
    for token in tokens:
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        if depth > DEEPEST:
            raise SqlError(
                f"More than {DEEPEST} parentheses stand within one another",
                at=places.of(token),
                remedy="Give parts of the query names, with CREATE VIEW or WITH.",
            )
    return tokens


def _unclosed(text: str, places: Places, error: TokenError) -> SqlError:
    """What the tokenizer could not bear is nearly always a quote that nothing closes: find it."""
    quote, start, place = "", 0, 0
    while place < len(text):
        char = text[place]
        if quote:
            if char == quote:
                quote = ""
        elif text.startswith("--", place):
            place = text.find("\n", place)
            if place < 0:
                break
        elif text.startswith("/*", place):
            place = text.find("*/", place) + 1
            if place <= 0:
                break
        elif char in "'`":
            quote, start = char, place
        place += 1
    if quote:
        what = "text" if quote == "'" else "name"
        return SqlError(
            f"This {what} has no end", at=places.at(start), remedy=f"Close it with {quote}; double a {quote} inside."
        )
    return SqlError(f"This cannot be read: {error}", at=places.end(), remedy="Close what is open there.")


def _chunks(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    chunk: list[Token] = []
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            yield chunk
            chunk = []
        else:
            chunk.append(token)
    yield chunk


def _statements(tokens: list[Token], text: str, places: Places) -> Iterator[Statement]:
    if not tokens:
        return
    parser: Any = Flink().parser()
    parser.places = places
    parser.begin(tokens, text)
    try:
        while True:
            found = parser.statement()
            yield found
            more = isinstance(found, SetEdge) or (isinstance(found, Explain) and isinstance(found.statement, SetEdge))
            if not more or parser.at_end():
                break
        if not parser.at_end():
            raise parser.unreadable("")
    except ParseError as error:
        raise _unreadable(error, places) from error
    except RecursionError as error:
        raise SqlError(
            "The query is nested too deeply",
            at=places.of(tokens[0]),
            remedy="Give parts of the query names, with CREATE VIEW or WITH.",
        ) from error


def _unreadable(error: ParseError, places: Places) -> SqlError:
    token = error.token if isinstance(error, Unreadable) else None
    remedy = error.remedy if isinstance(error, Unreadable) else ""
    message = str(error) if isinstance(error, Unreadable) else ""
    at = places.of(token)
    if token is None:
        return SqlError(message or "The statement ends too early", at=at, remedy=remedy or "Something is missing here.")
    if not message and token.token_type == RESERVED:
        word = f"`{token.text}`"
        return SqlError(
            f"{token.text} is a word of SQL and cannot stand here",
            at=at,
            remedy=f"{remedy} If it is a name, put it in backticks: {word}.".strip(),
        )
    if not message and token.text == '"':
        return SqlError('" is no quote', at=at, remedy="Put names in backticks, and texts in single quotes.")
    return SqlError(message or f"{token.text} cannot stand here", at=at, remedy=remedy or _guess(token, error))


def _guess(token: Token, error: ParseError) -> str:
    before = error.before if isinstance(error, Unreadable) else None
    for one in (token, before):
        word = one.text.upper() if one is not None and one.token_type == TokenType.VAR else ""
        near = difflib.get_close_matches(word, _WORDS, n=1, cutoff=0.75)
        if near:
            return f"Did you mean {near[0]}?" if one is token else f"Did you mean {near[0]} instead of {word}?"
    return "Look at what stands before it: a comma, an operator, ) or ; may be missing."
