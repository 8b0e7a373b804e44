"""Turns a user's Python functions into functions of SQL: types from annotations, one call a row."""

from __future__ import annotations

import datetime as dt
import importlib
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from footfall.core.errors import UsageError
from footfall.sql.errors import At, SqlError
from footfall.sql.expressions import Expression
from footfall.sql.functions.coercion import NUMERIC, coerced, decimal
from footfall.sql.functions.forms import Typed
from footfall.sql.types import BIGINT, BOOLEAN, BYTES, DATE, DOUBLE, STRING, Family, SqlType

_TYPES: Final[dict[Any, SqlType]] = {
    str: STRING,
    int: BIGINT,
    float: DOUBLE,
    bool: BOOLEAN,
    bytes: BYTES,
    Decimal: decimal(38, 18),
    dt.datetime: SqlType(Family.TIMESTAMP, precision=3),
    dt.date: DATE,
}
_KNOWN: Final = "str, int, float, bool, datetime, date, Decimal or bytes, each also with `| None`"


@dataclass(frozen=True, slots=True)
class UserFunction:
    """One function of the user: what it is called in SQL, what is called, and its types."""

    name: str
    call: Callable[..., Any]
    parameters: tuple[SqlType, ...]
    required: int
    result: SqlType

    @property
    def form(self) -> str:
        """How it is written."""
        return f"{self.name}({', '.join(str(one.with_null()) for one in self.parameters)})"


@dataclass(frozen=True, slots=True)
class UserFunctions:
    """Functions by the name they have in SQL; upper and lower case are the same."""

    by_name: Mapping[str, UserFunction] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name.upper() in self.by_name

    def __getitem__(self, name: str) -> UserFunction:
        return self.by_name[name.upper()]

    def names(self) -> Sequence[str]:
        """All names, as written."""
        return [one.name for one in self.by_name.values()]

    def with_function(self, name: str, function: Callable[..., Any]) -> UserFunctions:
        """These and one more. Raises UsageError if its annotations do not say its types."""
        return UserFunctions({**self.by_name, name.upper(): _described(name, function)})

    def load(self, name: str, path: str) -> UserFunctions:
        """These and the one at ``module.function``. Raises UsageError if it is not there, or has no types."""
        return self.with_function(name, _loaded(path))

    def result_type(self, name: str, arguments: Sequence[Expression], at: At) -> Typed:
        """The type of a call, and the arguments as the types that the function takes."""
        found = self[name]
        if not found.required <= len(arguments) <= len(found.parameters):
            raise SqlError(
                f"{found.name} takes {len(found.parameters)} arguments, not {len(arguments)}",
                at=at,
                remedy=f"Write {found.form}.",
            )
        pairs = zip(arguments, found.parameters, strict=False)
        return found.result, tuple(_taken(found, one, kind) for one, kind in pairs)


def _taken(function: UserFunction, given: Expression, wanted: SqlType) -> Expression:
    families = {given.type.family, wanted.family}
    stamps = {Family.TIMESTAMP, Family.TIMESTAMP_LTZ}
    fits = Family.NULL in families or len(families) == 1 or families <= set(NUMERIC) or families <= stamps
    if not fits:
        raise SqlError(
            f"{function.name} takes {wanted.with_null()} here, not {given.type.with_null()}",
            at=given.at,
            remedy=f"Write CAST(… AS {wanted.with_null()}).",
        )
    return coerced(given, replace(wanted, nullable=given.type.nullable))


def _loaded(path: str) -> Callable[..., Any]:
    module, _, attribute = path.rpartition(".")
    if not module:
        raise UsageError(f"{path!r} names no function.", remedy="Write module.function.")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise UsageError(
            f"The module {module} of the function {path} cannot be imported: {error}.",
            remedy="Its folder must be in PYTHONPATH, or be the one you are in.",
        ) from error
    except AttributeError as error:
        raise UsageError(f"The module {module} has no {attribute}.", remedy="Write module.function.") from error
    if not callable(found):
        raise UsageError(f"{path} is not a function.", remedy="Write module.function.")
    return typing.cast("Callable[..., Any]", found)


def _described(name: str, function: Callable[..., Any]) -> UserFunction:
    hints = typing.get_type_hints(function)
    parameters = inspect.signature(function).parameters.values()
    for one in parameters:
        if one.kind not in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD} and one.default is one.empty:
            raise UsageError(
                f"{name} has the parameter {one.name}, which SQL cannot give.", remedy="Use plain parameters."
            )
    plain = [one for one in parameters if one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD}]
    taken = tuple(_annotated(name, one.name, hints.get(one.name)) for one in plain)
    required = sum(one.default is one.empty for one in plain)
    return UserFunction(name, function, taken, required, _annotated(name, "what it returns", hints.get("return")))


def _annotated(name: str, what: str, hint: Any) -> SqlType:
    nullable = False
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        inner = [one for one in typing.get_args(hint) if one is not type(None)]
        nullable = len(inner) < len(typing.get_args(hint))
        hint = inner[0] if len(inner) == 1 else hint
    if hint not in _TYPES:
        raise UsageError(f"The function {name} does not say of which type {what} is.", remedy=f"Annotate it: {_KNOWN}.")
    return replace(_TYPES[hint], nullable=nullable)
