"""Turns the arguments of a call into checked ones: how many there are, and of which kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from footfall.sql.errors import At, SqlError
from footfall.sql.expressions import Constant, Expression
from footfall.sql.functions.coercion import INTEGERS, INTERVALS, NUMERIC, STAMPS, coerced
from footfall.sql.types import BOOLEAN, BYTES, DOUBLE, STRING, Family, SqlType

Typed = tuple[SqlType, tuple[Expression, ...]]
"""The type of a result, and the arguments with CASTs where they are needed."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What stands in the parentheses, or beside an operator."""

    name: str
    form: str
    """How the function is written."""
    all: tuple[Expression, ...]
    at: At

    def __len__(self) -> int:
        return len(self.all)

    def __getitem__(self, index: int) -> Expression:
        return self.all[index]

    @property
    def types(self) -> list[SqlType]:
        """The type of each."""
        return [one.type for one in self.all]

    @property
    def nullable(self) -> bool:
        """Whether any of them may be NULL."""
        return any(one.type.nullable for one in self.all)

    def wrong(self, message: str, remedy: str, *, at: At | None = None) -> SqlError:
        """The error to raise."""
        return SqlError(message, at=at or self.at, remedy=remedy)

    def clash(self, remedy: str) -> SqlError:
        """The error for types that do not go together."""
        shown = ", ".join(_plain(one) for one in self.types)
        return self.wrong(f"{self.name} does not take {shown}", remedy)

    def text(self, index: int) -> str:
        """The value of an argument that must be a constant text, in capitals: a unit, an option."""
        found = self.all[index]
        if not isinstance(found, Constant) or not isinstance(found.value, str):
            raise self.wrong(f"Argument {index + 1} of {self.name} must be a constant", f"Write {self.form}.")
        return found.value.upper()


Rule = Callable[[Arguments], Typed]


@dataclass(frozen=True, slots=True)
class Function:
    """A function or an operator that queries may use."""

    name: str
    group: str
    forms: tuple[str, ...]
    """How it is written."""
    about: str
    rule: Rule
    least: int
    most: int | None
    """The number of arguments; None for any."""

    def typed(self, arguments: Sequence[Expression], at: At) -> Typed:
        """Check and complete a call's arguments."""
        given = Arguments(self.name, self.forms[0], tuple(arguments), at)
        if len(given) < self.least or (self.most is not None and len(given) > self.most):
            count = _count(self.least, self.most)
            raise given.wrong(f"{self.name} takes {count}, not {len(given)}", f"Write {' or '.join(self.forms)}.")
        return self.rule(given)


def _count(least: int, most: int | None) -> str:
    if most is None:
        return f"at least {least} argument{'s' * (least != 1)}"
    if least == most:
        return f"{least or 'no'} argument{'s' * (least != 1)}"
    return f"{least} to {most} arguments"


@dataclass(frozen=True, slots=True)
class Kind:
    """What an argument may be."""

    called: str
    families: tuple[Family, ...]
    to: SqlType | None = None
    """What it is cast to; None leaves it."""
    remedy: str = ""


KINDS: Final[dict[str, Kind]] = {
    "text": Kind("a text", (Family.STRING,), STRING, "Write CAST(… AS STRING)."),
    "integer": Kind("a whole number", INTEGERS, None, "Write CAST(… AS INT)."),
    "number": Kind("a number", NUMERIC, None, "Write CAST(… AS INT), or AS DOUBLE."),
    "double": Kind("a number", NUMERIC, DOUBLE, "Write CAST(… AS DOUBLE)."),
    "boolean": Kind("a condition", (Family.BOOLEAN,), BOOLEAN, "Compare it with something, as in x <> 0."),
    "bytes": Kind("bytes", (Family.BYTES,), BYTES, "Write CAST(… AS BYTES)."),
    "time": Kind("a date or time", (Family.DATE, *STAMPS), None, "Write CAST(… AS TIMESTAMP(3))."),
    "stamp": Kind("a timestamp", STAMPS, None, "Write CAST(… AS TIMESTAMP(3))."),
    "interval": Kind("an interval", INTERVALS, None, "Write INTERVAL '1' DAY, or in another unit."),
    "any": Kind("anything", tuple(Family)),
}


def checked(given: Arguments, kinds: Sequence[str]) -> tuple[Expression, ...]:
    """The arguments, each of its kind, the last kind for all further ones. NULL is of any kind."""
    return tuple(argument(given, index, kinds[min(index, len(kinds) - 1)]) for index in range(len(given)))


def argument(given: Arguments, index: int, kind: str) -> Expression:
    """One argument, checked, with a CAST if it needs one."""
    found, wanted = given[index], KINDS[kind]
    if found.type.family is Family.NULL:
        return coerced(found, wanted.to or SqlType(wanted.families[0])) if kind != "any" else found
    if found.type.family not in wanted.families:
        raise given.wrong(
            f"Argument {index + 1} of {given.name} must be {wanted.called}, not {_plain(found.type)}",
            wanted.remedy,
            at=found.at,
        )
    return coerced(found, wanted.to) if wanted.to else found


def plain(kinds: str, result: SqlType, *, nulls: bool | None = None) -> Rule:
    """A rule: arguments of these kinds, a result of this type. ``nulls``: whether it may be NULL, if not as they."""
    wanted = kinds.split()

    def rule(given: Arguments) -> Typed:
        nullable = given.nullable if nulls is None else nulls
        return replace(result, nullable=nullable), checked(given, wanted)

    return rule


def same(kinds: str, *, nulls: bool | None = None) -> Rule:
    """A rule: the result is of the first argument's type."""
    wanted = kinds.split()

    def rule(given: Arguments) -> Typed:
        found = checked(given, wanted)
        return replace(found[0].type, nullable=given.nullable if nulls is None else nulls), found

    return rule


def _plain(kind: SqlType) -> str:
    return str(kind.with_null())
