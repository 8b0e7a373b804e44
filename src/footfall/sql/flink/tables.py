"""Turns a CREATE TABLE into what it says of its table, and adds to it where the table's rows are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from footfall.sql.flink.statements import Kind, Statement, Token

KAFKA: Final = ("kafka", "upsert-kafka")
BROKERS: Final = "properties.bootstrap.servers"


class Origin(Enum):
    """Where a column's value comes from."""

    MESSAGE = auto()
    """It is a field of the message."""
    COMPUTED = auto()
    METADATA = auto()
    """It is about the message: its time, its partition."""


@dataclass(frozen=True, slots=True)
class Element:
    """A column as it is declared."""

    name: str
    origin: Origin
    type: Sequence[Token]
    """What stands behind the name: type and all that follows."""
    text: str

    @property
    def is_written(self) -> bool:
        """Whether an INSERT gives it a value."""
        virtual = any(one.keyword == "VIRTUAL" for one in self.type)
        return self.origin is Origin.MESSAGE or (self.origin is Origin.METADATA and not virtual)


@dataclass(frozen=True, slots=True)
class CreatedTable:
    """A table as a file declares it."""

    name: str
    statement: Statement
    columns: Sequence[Element]
    watermark: Sequence[Token]
    """``WATERMARK FOR …``; nothing if there is none."""
    key: Sequence[str]
    """The columns of its primary key."""
    options: Mapping[str, str] | None
    """What stands in WITH; None without a WITH."""
    copies: bool
    """Whether it is made like another table, which says the rest."""
    head: str
    """The statement up to the bracket that opens its columns."""
    body: tuple[int, int]
    """Where its columns begin and end in the statement, without the brackets."""
    tail: tuple[int, int]
    """Where WITH stands, or would stand."""

    @property
    def bound(self) -> bool:
        """Whether it says itself where its rows are. On Kafka without brokers, they are in the log."""
        given = self.options or {}
        at_home = given.get("connector", KAFKA[0]) in KAFKA and BROKERS not in given
        return self.copies or not at_home

    def bind(self, options: Mapping[str, str]) -> Statement:
        """The same statement, with these options instead of its own."""
        start, end = self.tail
        text = self.statement.text
        rest = text[end:].strip()
        return replace(
            self.statement, text=f"{text[:start].rstrip()} {with_clause(options)}" + (f"\n{rest}" if rest else "")
        )


def with_clause(options: Mapping[str, str]) -> str:
    """``WITH (…)``."""
    inside = ",\n  ".join(f"{quoted(name)} = {quoted(value)}" for name, value in options.items())
    return f"WITH (\n  {inside}\n)"


def quoted(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def named(name: str) -> str:
    """A name in SQL."""
    return "`" + name.replace("`", "``") + "`"


def created_table(statement: Statement) -> CreatedTable | None:
    """What the statement says of the table that it makes; None if it makes none, or has no list of columns."""
    rest = _after_verb(statement, "TABLE")
    at = 1
    while at + 1 < len(rest) and rest[at].text == ".":
        at += 2
    if at >= len(rest) or rest[at].text != "(":
        return None
    end = closing(rest, at)
    elements = _elements(rest[at + 1 : end])
    behind = rest[end + 1 :]
    last = rest[min(end, len(rest) - 1)]
    options, tail = _with(behind, last.at + 1, len(statement.text))
    return CreatedTable(
        name=rest[at - 1].name,
        statement=statement,
        columns=[_column(one, statement.text) for one in elements if _is_column(one)],
        watermark=next((one for one in elements if one[0].keyword == "WATERMARK"), ()),
        key=_key(elements),
        options=options,
        copies=any(one.keyword in {"LIKE", "AS"} for one in outermost(behind)),
        head=statement.text[: rest[at].at],
        body=(rest[at].at + 1, last.at),
        tail=tail,
    )


def created_view(statement: Statement) -> str | None:
    """The name of the view that the statement makes; None if it makes none."""
    rest = _after_verb(statement, "VIEW")
    return rest[0].name if rest else None


def closing(tokens: Sequence[Token], start: int) -> int:
    """The index of the bracket that closes the one at ``start``; the number of tokens where there is none."""
    depth = 0
    for index in range(start, len(tokens)):
        depth += _step(tokens[index])
        if depth == 0:
            return index
    return len(tokens)


def outermost(tokens: Sequence[Token]) -> list[Token]:
    """Those that stand in no brackets; of brackets, those that open."""
    found, depth = [], 0
    for one in tokens:
        if depth == 0:
            found.append(one)
        depth += _step(one)
    return found


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


def _step(token: Token) -> int:
    return {"(": 1, ")": -1}.get(token.text, 0) if token.kind is Kind.SYMBOL else 0


def _with(behind: Sequence[Token], start: int, end: int) -> tuple[Mapping[str, str] | None, tuple[int, int]]:
    """The options behind the columns, and where they stand; or where they would."""
    for index, one in enumerate(behind):
        if one.keyword == "WITH" and index + 1 < len(behind):
            last = closing(behind, index + 1)
            texts = [each for each in behind[index + 1 : last] if each.kind is Kind.STRING]
            found = {_plain(name): _plain(value) for name, value in zip(texts[::2], texts[1::2], strict=False)}
            return found, (one.at, behind[last].at + 1 if last < len(behind) else end)
    place = next((one.at for one in outermost(behind) if one.keyword in {"LIKE", "AS"}), end)
    return None, (max(place, start), max(place, start))


def _plain(token: Token) -> str:
    return token.text[1:-1].replace("''", "'")


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


def _is_column(element: Sequence[Token]) -> bool:
    return element[0].keyword not in {"WATERMARK", "PRIMARY", "CONSTRAINT"} and len(element) > 1


def _column(element: Sequence[Token], text: str) -> Element:
    words = [one.keyword for one in element]
    if words[1] == "AS":
        origin = Origin.COMPUTED
    else:
        origin = Origin.METADATA if "METADATA" in words else Origin.MESSAGE
    return Element(element[0].name, origin, element[1:], text_of(element, text))


def text_of(tokens: Sequence[Token], text: str) -> str:
    """The part of the text that these tokens are."""
    return text[tokens[0].at : tokens[-1].at + len(tokens[-1].text)]


def _key(elements: Sequence[Sequence[Token]]) -> Sequence[str]:
    for element in elements:
        words = [one.keyword for one in element]
        if "PRIMARY" not in words or "KEY" not in words:
            continue
        rest = element[words.index("KEY") + 1 :]
        if rest and rest[0].text == "(":
            return [one.name for one in rest[1 : closing(rest, 0)] if one.is_name]
        return [element[0].name]
    return ()
