"""Turns a table into one whose columns are what our messages hold, and back by a view and by what is inserted.

In messages, times of milliseconds are integers and decimals are texts (``log.codecs``); Flink has other words for both.
So the table of the file becomes a view over ``NAME$messages``, and an INSERT goes to that one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from footfall.sql.flink.inserts import Insert
from footfall.sql.flink.statements import Statement, Token
from footfall.sql.flink.tables import CreatedTable, Element, Origin, named, text_of, with_clause

SUFFIX: Final = "$messages"
_TIME: Final = "$time"
_STAMP: Final = "timestamp"
"""The field of each message of ours that holds the event's time; it is the message's time, too."""
_SENT: Final = "$sent"
_BEHIND_A_TYPE: Final = ("NOT", "NULL", "COMMENT", "PRIMARY")


class _Form(Enum):
    """How a column's value stands in a message, if not as Flink has it."""

    TIME = auto()
    """TIMESTAMP: an integer of milliseconds."""
    MOMENT = auto()
    """TIMESTAMP_LTZ: likewise."""
    DECIMAL = auto()
    """A text."""
    LEFT_OUT = auto()
    """Left out where it is what it mostly is."""


@dataclass(frozen=True, slots=True)
class _Other:
    """A column that messages hold in another form."""

    name: str
    type: str
    form: _Form
    default: str = "NULL"
    """In SQL."""

    @property
    def held(self) -> str:
        """The column as a message holds it."""
        types = {_Form.TIME: "BIGINT", _Form.MOMENT: "BIGINT", _Form.DECIMAL: "STRING", _Form.LEFT_OUT: self.type}
        return f"{named(self.name)} {types[self.form]}"

    @property
    def read(self) -> str:
        """What a value in a message means."""
        if self.form is _Form.LEFT_OUT:
            return f"COALESCE({named(self.name)}, {self.default})"
        if self.form is _Form.DECIMAL:
            return f"CAST({named(self.name)} AS {self.type})"
        moment = f"TO_TIMESTAMP_LTZ({named(self.name)}, 3)"
        return moment if self.form is _Form.MOMENT else f"CAST({moment} AS TIMESTAMP(3))"

    @property
    def written(self) -> str:
        """A value as a message holds it."""
        if self.form is _Form.LEFT_OUT:
            return named(self.name)
        typed = f"CAST({named(self.name)} AS {self.type})"
        if self.form is _Form.DECIMAL:
            return f"CAST({typed} AS STRING)"
        return f"CAST(EXTRACT(EPOCH FROM {typed}) AS BIGINT) * 1000 + EXTRACT(MILLISECOND FROM {typed})"

    @property
    def moment(self) -> str:
        """A time as Flink has a message's."""
        return f"CAST({named(self.name)} AS TIMESTAMP_LTZ(3))"


@dataclass(frozen=True, slots=True)
class MessageTable:
    """The statements that declare a table over messages, and how to insert into it."""

    table: CreatedTable
    statements: Sequence[Statement]
    target: str
    """The table that takes what is inserted."""
    others: Mapping[str, _Other]
    stamp: _Other | None = None
    """The column that is the time of what is inserted."""

    def rewritten(self, insert: Insert) -> str | None:
        """The INSERT, as it goes to ``target``; None if it can stay."""
        if not self.others:
            return None
        names = insert.columns or [one.name for one in self.table.columns if one.is_written]
        values = [self.others[one].written if one in self.others else named(one) for one in names]
        targets = list(map(named, names))
        listed = ", ".join(targets)
        if self.stamp is not None and self.stamp.name in names:
            values += [self.stamp.written, self.stamp.moment]
            targets += [named(_STAMP), named(_SENT)]
        return (
            f"INSERT INTO {named(self.target)} ({', '.join(targets)})\n"
            f"SELECT {', '.join(values)} FROM (\n{insert.query}\n) AS `rows` ({listed})"
        )


def message_table(
    table: CreatedTable,
    options: Mapping[str, str],
    *,
    defaults: Mapping[str, str] | None = None,
    written: bool = False,
) -> MessageTable:
    """How a table over messages of ours is declared, with these options of the connector.

    ``defaults`` says, in SQL, what a column is where a message has no such field. What is ``written`` gets its time
    from the first column that is one, as in a run here.
    """
    others = {one.name: one for one in _others(table, defaults or {})}
    if not others:
        return MessageTable(table, [table.bind(options)], table.name, {})
    raw = table.name + SUFFIX
    stamp = _stamp(table, others) if written else None
    sent = [f"{named(_STAMP)} BIGINT", f"{named(_SENT)} TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'"] if stamp else []
    inside = ",\n  ".join([*sent[:1], *_raw(table, others), *sent[1:]])
    values = ",\n  ".join(_shown(one.name, others, _time_of(table)) for one in table.columns)
    texts = (
        f"CREATE TEMPORARY TABLE {named(raw)} (\n  {inside}\n) {with_clause(options)}",
        f"CREATE TEMPORARY VIEW {named(table.name)} AS SELECT\n  {values}\nFROM {named(raw)}",
    )
    return MessageTable(table, [replace(table.statement, text=one) for one in texts], raw, others, stamp)


def _others(table: CreatedTable, defaults: Mapping[str, str]) -> list[_Other]:
    """The columns that messages hold in another form."""
    found = []
    for column in table.columns:
        form = _Form.LEFT_OUT if column.name in defaults else _form(column)
        if form is not None:
            default = defaults.get(column.name, "NULL")
            found.append(_Other(column.name, _type_text(column, table.statement.text), form, default))
    return found


def _form(column: Element) -> _Form | None:
    if column.origin is not Origin.MESSAGE:
        return None
    words = [one.keyword for one in column.type]
    if words[0] in {"DECIMAL", "DEC", "NUMERIC"}:
        return _Form.DECIMAL
    if words[0] not in {"TIMESTAMP", "TIMESTAMP_LTZ"} or _digits(words) > 3:
        return None
    return _Form.MOMENT if words[0] == "TIMESTAMP_LTZ" or "LOCAL" in words else _Form.TIME


def _digits(words: Sequence[str]) -> int:
    """Of a second; what is not said is 6."""
    return int(words[2]) if len(words) > 2 and words[1] == "(" and words[2].isdigit() else 6


def _type_text(column: Element, text: str) -> str:
    """The declared type, without what follows it."""
    ends = (index for index, one in enumerate(column.type) if index and one.keyword in _BEHIND_A_TYPE)
    return text_of(column.type[: next(ends, len(column.type))], text)


def _stamp(table: CreatedTable, others: Mapping[str, _Other]) -> _Other | None:
    """The first column that is a time; None where the table sees to the messages' time itself."""
    if any(one.name == _STAMP or (one.origin is Origin.METADATA and _is_time(one)) for one in table.columns):
        return None
    return next((one for one in others.values() if one.form in {_Form.TIME, _Form.MOMENT}), None)


def _is_time(column: Element) -> bool:
    return column.name == _STAMP or any(one.text == f"'{_STAMP}'" for one in column.type)


def _time_of(table: CreatedTable) -> str:
    """The column that the watermark speaks of."""
    return table.watermark[2].name if len(table.watermark) > 2 else ""


def _raw(table: CreatedTable, others: Mapping[str, _Other]) -> list[str]:
    """What is declared of the table over the messages themselves."""
    text, at = table.statement.text, _time_of(table)
    readings = {name: one.read for name, one in others.items()}
    lines = []
    for column in table.columns:
        if column.name in others:
            lines.append(others[column.name].held)
        elif column.origin is Origin.COMPUTED:
            lines.append(f"{named(column.name)} {_replaced(column.type, text, readings)}")
        else:
            lines.append(column.text)
    if at in others:
        lines.append(f"{named(at + _TIME)} AS {others[at].read}")
    if table.watermark:
        lines.append(_replaced(table.watermark, text, {at: named(at + _TIME)} if at in others else {}))
    if table.key:
        lines.append(f"PRIMARY KEY ({', '.join(map(named, table.key))}) NOT ENFORCED")
    return lines


def _shown(name: str, others: Mapping[str, _Other], at: str) -> str:
    """A column of the view."""
    if name not in others:
        return named(name)
    return f"{named(at + _TIME) if name == at else others[name].read} AS {named(name)}"


def _replaced(tokens: Sequence[Token], text: str, names: Mapping[str, str]) -> str:
    """The tokens' text, with other words for some names. A name before a bracket is a function's."""
    parts: list[str] = []
    at, end = tokens[0].at, tokens[-1].at + len(tokens[-1].text)
    for index, one in enumerate(tokens):
        called = index + 1 < len(tokens) and tokens[index + 1].text == "("
        if one.is_name and one.name in names and not called:
            parts += [text[at : one.at], names[one.name]]
            at = one.at + len(one.text)
    return "".join([*parts, text[at:end]])
