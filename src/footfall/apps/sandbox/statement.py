"""Turns a SQL text into yes, or into what in it is refused, where, and what to do: read by the engine's own parser.

A second parser would be a hole wherever it understands a text otherwise than the engine does.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from footfall.apps.sandbox import allowed

if TYPE_CHECKING:
    import duckdb

_NOWHERE: Final = 2**62
"""Places beyond this one are the parser's word for "I do not know"."""
_SPECIAL: Final = frozenset({'"tables"', "tables"})
_READS_ONLY: Final = "Queries only read; use SELECT."
_FUNCTIONS_PAGE: Final = "docs/reference/query.md lists the functions that are."


class Refused(Exception):
    """The query asks for something that queries may not do."""

    def __init__(self, what: str, remedy: str, *, at: int) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.at = at
        """Bytes into the text."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A query that may run."""

    statement: duckdb.Statement


class _Token(NamedTuple):
    at: int
    word: str


def check(connection: duckdb.DuckDBPyConnection, sql: str, tables: Collection[str]) -> Checked:
    """The one statement in the text. Raises Refused unless it only reads, and from these tables alone.

    The parser's own errors go through.
    """
    if "\0" in sql:
        raise Refused("A NUL character is no part of SQL.", "Remove it.", at=len(sql.partition("\0")[0].encode()))
    statements = _statements(connection, sql)
    words = _words(sql)
    if not statements:
        raise Refused("There is no statement.", allowed.SUMMARY, at=0)
    if len(statements) > 1:
        second = next((token.at for token, before in zip(words[1:], words, strict=False) if before.word == ";"), 0)
        raise Refused(f"There are {len(statements)} statements.", allowed.SUMMARY, at=second)
    start = next(token for token in words if token.word != ";")
    kind = _kind(statements[0])
    text = sql
    if kind == "EXPLAIN":
        text = _explained(sql, words)
    elif kind != "SELECT":
        raise _no_query(kind, start)
    _check_tree(_tree(connection, text, start), tables, words)
    return Checked(statements[0])


def _statements(connection: duckdb.DuckDBPyConnection, sql: str) -> list[duckdb.Statement]:
    import duckdb

    try:
        return connection.extract_statements(sql)
    except duckdb.ParserException as error:
        if "depth" in str(error):
            raise _too_deep(0) from None
        raise


def _kind(statement: duckdb.Statement) -> str:
    try:
        return statement.type.name
    except ValueError:  # the engine has kinds that its Python part has no name for
        return "UNKNOWN"


def _too_deep(at: int) -> Refused:
    return Refused("The query is nested too deeply.", "Use WITH for its parts.", at=at)


def place(sql: str, at: int) -> tuple[int, int]:
    """Line and column, from 1, of so many bytes into the text."""
    before = sql.encode()[:at].decode(errors="replace")
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _words(sql: str) -> list[_Token]:
    """The text's tokens, in capitals, without comments; with nothing else behind each than its own characters."""
    import duckdb

    raw = sql.encode()
    found = duckdb.tokenize(sql)
    ends = [*(at for at, _kind in found[1:]), len(raw)][: len(found)]
    return [
        _Token(at, raw[at:end].decode(errors="replace").strip().upper())
        for (at, kind), end in zip(found, ends, strict=True)
        if kind != duckdb.token_type.comment
    ]


def _explained(sql: str, words: list[_Token]) -> str:
    """The query behind EXPLAIN, at its place: before it stand blanks."""
    rest = [token for token in words if token.word != ";"][1:]
    if rest and rest[0].word == "ANALYZE":
        rest = rest[1:]
    raw = sql.encode()
    at = rest[0].at if rest else len(raw)
    return " " * at + raw[at:].decode(errors="replace")


def _no_query(kind: str, start: _Token) -> Refused:
    if kind == "MULTI":
        return Refused(
            f"{start.word} finds its columns by a query of its own, which is not allowed.",
            "Name the values: PIVOT … ON column IN ('a', 'b').",
            at=start.at,
        )
    return Refused(f"{start.word} is not allowed.", f"{_READS_ONLY} {allowed.SUMMARY}", at=start.at)


def _tree(connection: duckdb.DuckDBPyConnection, text: str, start: _Token) -> dict[str, Any]:
    [(serialized,)] = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchall()
    try:
        tree: dict[str, Any] = json.loads(serialized)
    except RecursionError:
        raise _too_deep(start.at) from None
    if not tree["error"]:
        return tree
    if "depth" in tree["error_message"]:
        raise _too_deep(start.at)
    raise Refused(f"{start.word} does not stand before a query here.", allowed.SUMMARY, at=start.at)


class _Seen(NamedTuple):
    """A part of the tree, with what holds at its place."""

    value: Any
    names: frozenset[str]
    """Names of the WITH parts that it may use."""
    at: int


def _check_tree(tree: dict[str, Any], tables: Collection[str], words: list[_Token]) -> None:
    rules = _Rules({table.lower() for table in tables}, sorted(tables), words)
    start = next(token.at for token in words if token.word != ";")
    waiting = [_Seen(tree["statements"], frozenset(), start)]
    while waiting:
        seen = waiting.pop()
        if isinstance(seen.value, list):
            waiting.extend(_Seen(one, seen.names, seen.at) for one in reversed(seen.value))
        elif isinstance(seen.value, dict):
            at = _at(seen.value, seen.at)
            rules.check(seen.value, seen.names, at)
            waiting.extend(reversed(list(_inside(seen.value, seen.names, at))))


def _at(node: Mapping[str, Any], otherwise: int) -> int:
    at = node.get("query_location")
    return at if isinstance(at, int) and at < _NOWHERE else otherwise


def _inside(node: Mapping[str, Any], names: frozenset[str], at: int) -> Iterator[_Seen]:
    """A node's parts. A WITH part sees those before it, and itself only if it is recursive."""
    parts = node.get("cte_map")
    for part in parts["map"] if isinstance(parts, dict) else ():
        query = part["value"].get("query_node") or {}
        own = {part["key"].lower()} if query.get("type") == "RECURSIVE_CTE_NODE" else frozenset()
        yield _Seen(part["value"], names | own, at)
        names |= {part["key"].lower()}
    for key, value in node.items():
        if key == "function" and node.get("type") == "TABLE_FUNCTION":  # it has a list of its own
            yield _Seen(list(value.values()), names, at)
        elif key != "cte_map":
            yield _Seen(value, names, at)


@dataclass(frozen=True, slots=True)
class _Rules:
    """What one node of the tree may be."""

    tables: Collection[str]
    shown: list[str]
    words: list[_Token]

    def check(self, node: Mapping[str, Any], names: frozenset[str], at: int) -> None:
        """Raise Refused if this node, by itself, is more than reading these tables."""
        kind, group = node.get("type"), node.get("class")
        if isinstance(group, str):
            self._expression(group, node, at)
        elif isinstance(kind, str):
            self._part(kind, node, names, at)

    def _expression(self, group: str, node: Mapping[str, Any], at: int) -> None:
        if group == "PARAMETER":
            raise Refused("A parameter has no value here.", "Write the value itself.", at=at)
        if group not in allowed.EXPRESSIONS:
            raise Refused(f"An expression of kind {group} is not allowed.", _READS_ONLY, at=at)
        if group in {"FUNCTION", "WINDOW"}:
            name = str(node["function_name"])
            if name.lower() not in allowed.NAMES:
                raise Refused(f"The function {name} is not allowed.", _nearest(name, allowed.NAMES), at=at)

    def _part(self, kind: str, node: Mapping[str, Any], names: frozenset[str], at: int) -> None:
        if kind.endswith("_NODE") and kind not in allowed.QUERIES:
            word = kind.partition("_")[0]
            raise Refused(f"{word} is not allowed.", _READS_ONLY, at=self._find(word, at))
        if kind == "BASE_TABLE":
            self._table(node, names, at)
        elif kind == "TABLE_FUNCTION":
            self._table_function(node, at)
        elif kind == "SHOW_REF":
            self._shown(node, at)
        elif kind not in allowed.QUERIES | allowed.PLACES | allowed.MODIFIERS:
            raise Refused(f"{kind} is not allowed.", _READS_ONLY, at=at)

    def _table(self, node: Mapping[str, Any], names: frozenset[str], at: int) -> None:
        name = str(node["table_name"])
        above = [str(node.get(key) or "").lower() for key in ("catalog_name", "schema_name")]
        at = at if _at(node, _NOWHERE) < _NOWHERE else self._find(name, at)
        if node.get("at_clause"):
            raise Refused("AT is not allowed: a table is as it is now.", "Leave AT out.", at=at)
        if name.lower() in names and not any(above):
            return
        if name.lower() not in self.tables or above[0] not in {"", "memory"} or above[1] not in {"", "main"}:
            full = ".".join([*filter(None, above), name])
            near = get_close_matches(name.lower(), self.shown, n=1, cutoff=0.7)
            meant = f"Did you mean {near[0]}? " if near else ""
            raise Refused(f"There is no table {full}.", f"{meant}Tables: {', '.join(self.shown)}.", at=at)

    def _table_function(self, node: Mapping[str, Any], at: int) -> None:
        name = str(node["function"].get("function_name", ""))
        if name.lower() not in allowed.TABLE_FUNCTIONS:
            raise Refused(
                f"The table function {name} is not allowed.",
                f"Queries read tables only, no files (SHOW TABLES); allowed: {_listed(allowed.TABLE_FUNCTIONS)}.",
                at=at,
            )

    def _shown(self, node: Mapping[str, Any], at: int) -> None:
        if node.get("query") is not None:
            return
        name = str(node["table_name"])
        above = node.get("catalog_name") or node.get("schema_name")
        special = node.get("show_type") == "SHOW_SPECIAL"
        if above or name.lower() not in (_SPECIAL if special else self.tables):
            shown = name.strip('"')
            raise Refused(f"SHOW {shown} is not allowed.", "Use SHOW TABLES, or DESCRIBE a table.", at=at)

    def _find(self, name: str, otherwise: int) -> int:
        """Where a name stands first, for nodes that do not know their place."""
        wanted = name.upper()
        return next((token.at for token in self.words if token.word.strip("\"'") == wanted), otherwise)


def _nearest(name: str, names: Collection[str]) -> str:
    near = get_close_matches(name.lower(), sorted(names), n=1, cutoff=0.75)
    return f"Did you mean {near[0]}? {_FUNCTIONS_PAGE}" if near else _FUNCTIONS_PAGE


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
