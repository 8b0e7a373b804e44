"""Turns JSON texts and SQL's paths into values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from footfall.sql.errors import SqlError
from footfall.sql.evaluate.frame import Kernel, each
from footfall.sql.expressions import Call, Constant
from footfall.sql.types import Family, SqlType

_MODE: Final = re.compile(r"\s*(?:(lax|strict)\s+)?\$", re.IGNORECASE)
_STEP: Final = re.compile(
    r"\.(?P<name>[^\W\d][\w-]*)|\['(?P<single>(?:[^'\\]|\\.)*)'\]|\[\"(?P<double>(?:[^\"\\]|\\.)*)\"\]"
    r"|\[\s*(?P<index>-?\d+)\s*\]|(?P<all>\[\s*\*\s*\]|\.\*)"
)
_SPACE: Final = " \t\r\n"


class NoJson(ValueError):
    """A text is no JSON, or the path leads nowhere."""


def _refused(word: str) -> Any:
    raise NoJson(f"{word} is no JSON")


_DECODER: Final = json.JSONDecoder(parse_float=Decimal, parse_constant=_refused)


def parsed(text: str) -> Any:
    """The value that a text begins with, as Flink reads it. Raises NoJson."""
    try:
        return _DECODER.raw_decode(text.lstrip(_SPACE))[0]
    except (ValueError, RecursionError) as error:
        raise NoJson("This is not JSON") from error


@dataclass(frozen=True, slots=True)
class Path:
    """Where to look; ``lax`` takes what is not there for nothing instead of a mistake."""

    lax: bool
    steps: tuple[str | int | None, ...]
    """Names, places, and None for all."""

    def find(self, value: Any) -> Any:
        """What is there; a list if the path has ``[*]``. Raises NoJson."""
        found, many = [value], False
        for step in self.steps:
            many = many or step is None
            found = [inner for one in found for inner in _inside(one, step, many=many)]
        return found if many else found[0]


def _inside(value: Any, step: str | int | None, *, many: bool) -> list[Any]:
    if step is None:
        return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if isinstance(step, str) and isinstance(value, dict) and step in value:
        return [value[step]]
    if isinstance(step, int) and isinstance(value, list) and -len(value) <= step < len(value):
        return [value[step]]
    if many:
        return []
    raise NoJson("The path leads nowhere")


@lru_cache(maxsize=512)
def path(text: str) -> Path:
    """A path such as ``$.a.b[0]`` or ``lax $['a b'][*]``. Raises ValueError for what is not understood."""
    start = _MODE.match(text)
    if start is None:
        raise ValueError(f"The JSON path {text!r} does not begin with $")
    steps: list[str | int | None] = []
    position, end = start.end(), len(text.rstrip())
    while position < end:
        found = _STEP.match(text, position)
        if found is None:
            raise ValueError(f"In the JSON path {text!r}, {text[position:]!r} is not understood")
        position = found.end()
        steps.append(_step(found))
    return Path((start[1] or "strict").lower() == "lax", tuple(steps))


def _step(found: re.Match[str]) -> str | int | None:
    if found["all"]:
        return None
    if found["index"]:
        return int(found["index"])
    if found["name"]:
        return found["name"]
    return re.sub(r"\\(.)", r"\1", found["single"] or found["double"] or "")


def written(value: Any) -> str:
    """A value as JSON: names in order, no spaces."""
    if isinstance(value, dict):
        parts = (f"{json.dumps(name, ensure_ascii=False)}:{written(value[name])}" for name in sorted(value))
        return "{" + ",".join(parts) + "}"
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def _option(call: Call, index: int, default: Any) -> Any:
    found = call.arguments[index] if index < len(call.arguments) else None
    return found.value if isinstance(found, Constant) else default


def _check_path(call: Call) -> None:
    """A constant path is looked at before the first row."""
    given = call.arguments[1]
    if isinstance(given, Constant) and isinstance(given.value, str):
        try:
            path(given.value)
        except ValueError as error:
            raise SqlError(f"{error}", at=given.at, remedy="Write it like $.name['other name'][0].") from error


def _decided(behaviour: str, default: Any, what: str) -> Any:
    if behaviour.upper() == "ERROR":
        raise ValueError(what)
    return default if behaviour.upper() == "DEFAULT" else None


def json_value(call: Call) -> Kernel:
    """JSON_VALUE."""
    _check_path(call)
    empty, empty_default = _option(call, 3, "NULL"), _option(call, 4, None)
    error, error_default = _option(call, 5, "NULL"), _option(call, 6, None)

    def of(text: str, where: str, *_: Any) -> Any:
        looked = path(where)
        try:
            found = looked.find(parsed(text))
        except NoJson as problem:
            if looked.lax:
                return _decided(empty, empty_default, "JSON_VALUE finds nothing")
            return _decided(error, error_default, str(problem))
        if looked.lax and (found is None or isinstance(found, dict | list)):
            return _decided(empty, empty_default, "JSON_VALUE finds nothing")
        if isinstance(found, dict | list):
            return _decided(error, error_default, "JSON_VALUE finds more than one value")
        return None if found is None else _returned(found, call.type)

    kernel = each(of, call.type)
    return lambda values, length: kernel(values[:2], length)


def _returned(value: Any, kind: SqlType) -> Any:
    if kind.family is Family.STRING:
        return value if isinstance(value, str) else written(value)
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if kind.family is Family.BOOLEAN and isinstance(value, bool):
        return value
    if kind.family is Family.DOUBLE and is_number:
        return float(value)
    if kind.family is Family.INT and is_number and value == int(value) and -(2**31) <= value < 2**31:
        return int(value)
    raise ValueError(f"JSON_VALUE finds something that is no {kind.with_null()}")


def json_query(call: Call) -> Kernel:
    """JSON_QUERY."""
    _check_path(call)
    wrapper = _option(call, 2, "WITHOUT").upper()
    empty, error = _option(call, 3, "NULL").upper(), _option(call, 4, "NULL").upper()

    def instead(behaviour: str, what: str) -> str | None:
        if behaviour == "ERROR":
            raise ValueError(what)
        return {"EMPTY ARRAY": "[]", "EMPTY OBJECT": "{}"}.get(behaviour)

    def of(text: str, where: str, *_: Any) -> str | None:
        looked = path(where)
        try:
            found = looked.find(parsed(text))
        except NoJson as problem:
            return instead(empty if looked.lax else error, str(problem))
        if found is None:
            return instead(empty, "JSON_QUERY finds nothing")
        is_whole = isinstance(found, dict | list)
        if wrapper == "UNCONDITIONAL" or (wrapper == "CONDITIONAL" and not is_whole):
            return f"[{written(found)}]"
        if is_whole:
            return written(found)
        return instead(empty if looked.lax else error, "JSON_QUERY finds a single value")

    kernel = each(of, call.type)
    return lambda values, length: kernel(values[:2], length)


def json_exists(call: Call) -> Kernel:
    """JSON_EXISTS."""
    _check_path(call)
    behaviour = _option(call, 2, "FALSE").upper()

    def of(text: str, where: str) -> bool | None:
        looked = path(where)
        try:
            return looked.find(parsed(text)) is not None
        except NoJson as problem:
            if looked.lax:
                return False
            if behaviour == "ERROR":
                raise ValueError(str(problem)) from problem
            return {"TRUE": True, "FALSE": False}.get(behaviour)

    kernel = each(of, call.type)
    return lambda values, length: kernel(values[:2], length)


def is_json(call: Call) -> Kernel:
    """IS JSON; a text that is not there is none."""
    kind = _option(call, 1, "VALUE").upper()

    def of(text: str | None, *_: Any) -> bool:
        try:
            value = parsed(text or "")
        except NoJson:
            return False
        if kind == "SCALAR":
            return not isinstance(value, dict | list)
        return kind == "VALUE" or isinstance(value, dict if kind == "OBJECT" else list)

    kernel = each(of, call.type, nulls=True)
    return lambda values, length: kernel(values[:1], length)


MAKERS: Final[dict[str, Callable[[Call], Kernel]]] = {
    "JSON_VALUE": json_value,
    "JSON_QUERY": json_query,
    "JSON_EXISTS": json_exists,
    "IS JSON": is_json,
}
