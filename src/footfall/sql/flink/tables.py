"""Turns a CREATE TABLE into what it says of its table, and adds to it where the table's rows are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from footfall.sql.flink.statements import Kind, Statement, Token

_BEFORE_OPTIONS: Final = ("LIKE", "AS")
"""What may stand behind WITH."""


@dataclass(frozen=True, slots=True)
class CreatedTable:
    """A table as a file declares it."""

    name: str
    statement: Statement
    bound: bool
    """Whether it says itself, WITH options, where its rows are."""
    keyed: bool
    """Whether it has a primary key."""
    columns: Sequence[str]
    """The columns that come from outside: neither computed, nor from a message's metadata."""
    key: Sequence[str]
    """The columns of its primary key."""
    at: int
    """Where in the statement WITH would stand."""

    def bind(self, options: Mapping[str, str]) -> Statement:
        """The same statement, with these options."""
        inside = ",\n  ".join(f"{quoted(name)} = {quoted(value)}" for name, value in options.items())
        text = self.statement.text
        head, tail = text[: self.at].rstrip(), text[self.at :]
        return replace(self.statement, text=f"{head} WITH (\n  {inside}\n)" + (f"\n{tail}" if tail.strip() else ""))


def quoted(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def named(name: str) -> str:
    """A name in SQL."""
    return "`" + name.replace("`", "``") + "`"


def created_table(statement: Statement) -> CreatedTable | None:
    """What the statement says of the table that it makes; None if it makes none."""
    rest = _after_verb(statement, "TABLE")
    if not rest:
        return None
    at = 1
    while at + 1 < len(rest) and rest[at].text == ".":
        at += 2
    name = rest[at - 1].name
    end = _closing(rest, at)
    body = rest[at + 1 : end]
    behind = rest[end + 1 :]
    words = [one.keyword for one in _outermost(behind)]
    place = next((one.at for one in _outermost(behind) if one.keyword in _BEFORE_OPTIONS), len(statement.text))
    elements = _elements(body)
    key = _key(elements)
    return CreatedTable(
        name=name,
        statement=statement,
        bound="WITH" in words or "LIKE" in words,
        keyed=bool(key),
        columns=[one[0].name for one in elements if _is_physical(one)],
        key=key,
        at=place,
    )


def created_view(statement: Statement) -> str | None:
    """The name of the view that the statement makes; None if it makes none."""
    rest = _after_verb(statement, "VIEW")
    return rest[0].name if rest else None


def _after_verb(statement: Statement, kind: str) -> Sequence[Token]:
    """What follows CREATE … TABLE, or CREATE … VIEW."""
    rest = list(statement.tokens)
    if not rest or rest.pop(0).keyword != "CREATE":
        return ()
    while rest and rest[0].keyword in {"TEMPORARY", "OR", "REPLACE"}:
        rest.pop(0)
    if not rest or rest.pop(0).keyword != kind:
        return ()
    return rest[3:] if [one.keyword for one in rest[:3]] == ["IF", "NOT", "EXISTS"] else rest


def _closing(tokens: Sequence[Token], start: int) -> int:
    """The index of the bracket that closes the one at ``start``; -1 short of it where there is none."""
    depth = 0
    for index in range(start, len(tokens)):
        depth += _step(tokens[index])
        if depth == 0:
            return index if tokens[index].text == ")" else start - 1
    return len(tokens)


def _step(token: Token) -> int:
    if token.kind is not Kind.SYMBOL:
        return 0
    return {"(": 1, ")": -1}.get(token.text, 0)


def _outermost(tokens: Sequence[Token]) -> list[Token]:
    """Those that stand in no brackets."""
    found, depth = [], 0
    for one in tokens:
        if depth == 0:
            found.append(one)
        depth += _step(one)
    return found


def _elements(body: Sequence[Token]) -> list[Sequence[Token]]:
    """Columns and constraints, as commas separate them. Types such as ``ROW<a INT, b INT>`` have commas as well."""
    found: list[list[Token]] = [[]]
    depth = 0
    for one in body:
        depth += _step(one)
        if one.kind is Kind.SYMBOL:
            depth += {"<": 1, ">": -1}.get(one.text, 0) if _in_type(found[-1]) else 0
        if one.text == "," and one.kind is Kind.SYMBOL and depth == 0:
            found.append([])
        else:
            found[-1].append(one)
    return [one for one in found if one]


def _in_type(element: Sequence[Token]) -> bool:
    """Whether a column's type is being read: a computed column and a watermark compare with < and >."""
    return bool(element) and not {"AS", "WATERMARK"} & {one.keyword for one in element}


def _is_physical(element: Sequence[Token]) -> bool:
    words = [one.keyword for one in element]
    if words[0] in {"WATERMARK", "PRIMARY", "CONSTRAINT"}:
        return False
    return len(words) > 1 and words[1] != "AS" and "METADATA" not in words


def _key(elements: Sequence[Sequence[Token]]) -> Sequence[str]:
    for element in elements:
        words = [one.keyword for one in element]
        if "PRIMARY" not in words or "KEY" not in words:
            continue
        rest = element[words.index("KEY") + 1 :]
        if rest and rest[0].text == "(":
            return [one.name for one in rest[1 : _closing(rest, 0)] if one.kind in {Kind.WORD, Kind.QUOTED}]
        return [element[0].name]
    return ()
