"""Turns a statement into the INSERTs that it is made of, and puts others in their places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from footfall.sql.flink.statements import Kind, Statement, Token
from footfall.sql.flink.tables import closing, text_of

_SET: Final = ("EXECUTE", "STATEMENT", "SET", "BEGIN")


@dataclass(frozen=True, slots=True)
class Insert:
    """One INSERT INTO."""

    target: str
    columns: Sequence[str]
    """Those that it names; none when it means all."""
    query: str


def with_inserts(statement: Statement, change: Callable[[Insert], str | None]) -> Statement:
    """The statement with other INSERTs; None leaves one as it is."""
    parts: list[str] = []
    at = 0
    for tokens in _inserting(statement):
        found = _insert(tokens, statement.text)
        new = change(found) if found is not None else None
        if new is not None:
            parts += [statement.text[at : tokens[0].at], new]
            at = tokens[-1].at + len(tokens[-1].text)
    return replace(statement, text="".join([*parts, statement.text[at:]]))


def _inserting(statement: Statement) -> list[Sequence[Token]]:
    """The tokens of each INSERT: of the statement itself, or of those in a set."""
    tokens = statement.tokens
    if tokens and tokens[0].keyword == "EXECUTE" and tokens[1].keyword == "INSERT":
        return [tokens[1:]]
    if not statement.begins(*_SET):
        return [tokens]
    found: list[list[Token]] = [[]]
    for one in tokens[len(_SET) :]:
        if one.kind is Kind.SYMBOL and one.text == ";":
            found.append([])
        else:
            found[-1].append(one)
    return [one for one in found if len(one) > 1]


def _insert(tokens: Sequence[Token], text: str) -> Insert | None:
    if len(tokens) < 4 or [one.keyword for one in tokens[:2]] != ["INSERT", "INTO"]:
        return None
    at = 3
    while at + 1 < len(tokens) and tokens[at].text == ".":
        at += 2
    target = tokens[at - 1].name
    columns: tuple[str, ...] = ()
    if tokens[at].text == "(" and tokens[at + 1].keyword not in {"SELECT", "WITH", "VALUES", "("}:
        end = closing(tokens, at)
        columns = tuple(one.name for one in tokens[at + 1 : end] if one.is_name)
        at = end + 1
    return Insert(target, columns, text_of(tokens[at:], text)) if at < len(tokens) else None
