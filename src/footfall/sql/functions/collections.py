"""Turns functions of arrays, maps, rows and JSON into what they mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from footfall.sql.expressions import Constant
from footfall.sql.functions.coercion import INTEGERS, coerced, common_type
from footfall.sql.functions.forms import Arguments, Function, Rule, Typed, argument, checked, plain
from footfall.sql.types import BOOLEAN, DOUBLE, INT, STRING, Family, SqlType

_RETURNED: Final = {"STRING": STRING, "BOOLEAN": BOOLEAN, "INTEGER": INT, "INT": INT, "DOUBLE": DOUBLE}
_BEHAVIOURS: Final = ("NULL", "ERROR", "DEFAULT")
_WRAPPED: Final = ("WITHOUT", "CONDITIONAL", "UNCONDITIONAL")


def array(given: Arguments) -> Typed:
    """ARRAY[…]: of one type."""
    kind = common_type(given.types)
    if kind is None:
        raise given.clash("Write CAST(… AS …) so that all elements are of one type.")
    return SqlType(Family.ARRAY, nullable=False, inner=(kind,)), tuple(coerced(one, kind) for one in given.all)


def mapping(given: Arguments) -> Typed:
    """MAP[key, value, …]."""
    keys, values = common_type(given.types[::2]), common_type(given.types[1::2])
    if keys is None or values is None or len(given) % 2:
        raise given.clash("Write MAP[key, value, …] with keys of one type and values of one type.")
    found = tuple(coerced(one, values if index % 2 else keys) for index, one in enumerate(given.all))
    return SqlType(Family.MAP, nullable=False, inner=(keys, values)), found


def row(given: Arguments) -> Typed:
    """ROW(…): its fields are EXPR$0, EXPR$1 and so on."""
    names = tuple(f"EXPR${index}" for index in range(len(given)))
    return SqlType(Family.ROW, nullable=False, inner=tuple(given.types), names=names), given.all


def item(given: Arguments) -> Typed:
    """array[index] from 1, map[key]; NULL if it is not there."""
    kind = given[0].type
    if kind.family is Family.ARRAY and given[1].type.family in INTEGERS:
        if isinstance(given[1], Constant) and given[1].value is not None and given[1].value < 1:
            raise given.wrong("An array's elements are counted from 1", "Write [1] for the first.", at=given[1].at)
        return kind.inner[0].with_null(), given.all
    if kind.family is Family.MAP:
        return kind.inner[1].with_null(), (given[0], coerced(given[1], kind.inner[0]))
    raise given.clash("Write array[number], or map[key].")


def field(given: Arguments) -> Typed:
    """row.name."""
    kind, name = given[0].type, given[1]
    if kind.family is not Family.ROW or not isinstance(name, Constant):
        raise given.clash("Only a ROW has fields.")
    if name.value not in kind.names:
        raise given.wrong(f"The row has no field {name.value}", f"It has {', '.join(kind.names)}.", at=name.at)
    found = kind.inner[kind.names.index(name.value)]
    return replace(found, nullable=found.nullable or kind.nullable), given.all


def cardinality(given: Arguments) -> Typed:
    """Of an array or a map."""
    if given[0].type.family not in {Family.ARRAY, Family.MAP}:
        raise given.clash("Only an ARRAY or a MAP has a number of elements; of a text, write CHAR_LENGTH.")
    return replace(INT, nullable=given.nullable), given.all


def element(given: Arguments) -> Typed:
    """The only one of an array."""
    kind = _array(given)
    return replace(kind.inner[0], nullable=kind.nullable or kind.inner[0].nullable), given.all


def contains(given: Arguments) -> Typed:
    """Whether an array has an element."""
    kind = _array(given)
    return replace(BOOLEAN, nullable=given.nullable), (given[0], coerced(given[1], kind.inner[0]))


def _array(given: Arguments) -> SqlType:
    if given[0].type.family is not Family.ARRAY:
        raise given.clash("Only an ARRAY has elements.")
    return given[0].type


def text_map(given: Arguments) -> Typed:
    """A map of texts."""
    kind = SqlType(Family.MAP, inner=(STRING, STRING))
    return kind, checked(given, ["text"])


def _keys_or_values(given: Arguments) -> Typed:
    kind = given[0].type
    if kind.family is not Family.MAP:
        raise given.clash("Only a MAP has keys and values.")
    return SqlType(Family.ARRAY, kind.nullable, inner=(kind.inner[given.name == "MAP_VALUES"],)), given.all


def json_value(given: Arguments) -> Typed:
    """JSON_VALUE: text, path, then as constants: returned type, on empty, its default, on error, its default."""
    kind = given.text(2) if len(given) > 2 else "STRING"
    if kind not in _RETURNED:
        raise given.wrong(f"JSON_VALUE cannot return {kind}", f"Take one of {', '.join(_RETURNED)}.")
    _behaviours(given, (3, 5), _BEHAVIOURS)
    return _RETURNED[kind], (argument(given, 0, "text"), argument(given, 1, "text"), *given.all[2:])


def json_query(given: Arguments) -> Typed:
    """JSON_QUERY: text, path, then as constants: wrapper, on empty, on error."""
    _behaviours(given, (2,), _WRAPPED)
    _behaviours(given, (3, 4), ("NULL", "ERROR", "EMPTY ARRAY", "EMPTY OBJECT"))
    return STRING, (argument(given, 0, "text"), argument(given, 1, "text"), *given.all[2:])


def json_exists(given: Arguments) -> Typed:
    """JSON_EXISTS: text, path, and as a constant what holds on error."""
    _behaviours(given, (2,), ("TRUE", "FALSE", "UNKNOWN", "ERROR"))
    return BOOLEAN, checked(given, ["text"])


def _behaviours(given: Arguments, places: tuple[int, ...], allowed: tuple[str, ...]) -> None:
    for index in places:
        if index < len(given) and given.text(index) not in allowed:
            raise given.wrong(f"{given.name} does not know {given.text(index)}", f"Take one of {', '.join(allowed)}.")


def _some(name: str, group: str, form: str, about: str, rule: Rule, least: int, most: int | None) -> Function:
    return Function(name, group, (form,), about, rule, least, most)


_MANY: Final = "Arrays, maps, rows"

COLLECTIONS: Final = (
    _some("ARRAY", _MANY, "ARRAY[value, …]", "An array of these.", array, 1, None),
    _some("MAP", _MANY, "MAP[key, value, …]", "A map of these.", mapping, 2, None),
    _some("ROW", _MANY, "ROW(value, …)", "A row of these.", row, 1, None),
    _some("[]", _MANY, "array[index], map[key]", "An element, from 1; NULL if there is none.", item, 2, 2),
    _some(".", _MANY, "row.field", "A field.", field, 2, 2),
    _some("CARDINALITY", _MANY, "CARDINALITY(array)", "The number of elements.", cardinality, 1, 1),
    _some("ELEMENT", _MANY, "ELEMENT(array)", "The only element.", element, 1, 1),
    _some("ARRAY_CONTAINS", _MANY, "ARRAY_CONTAINS(array, value)", "Whether it is an element.", contains, 2, 2),
    _some(
        "STR_TO_MAP", _MANY, "STR_TO_MAP(text[, between, separator])", "A map of texts such as a=1,b=2.", text_map, 1, 3
    ),
    _some("MAP_KEYS", _MANY, "MAP_KEYS(map)", "Its keys.", _keys_or_values, 1, 1),
    _some("MAP_VALUES", _MANY, "MAP_VALUES(map)", "Its values.", _keys_or_values, 1, 1),
    _some(
        "JSON_VALUE",
        "JSON",
        "JSON_VALUE(text, path [RETURNING type] [NULL | ERROR | DEFAULT value ON EMPTY | ERROR])",
        "A single value.",
        json_value,
        2,
        7,
    ),
    _some(
        "JSON_QUERY",
        "JSON",
        "JSON_QUERY(text, path [WITH WRAPPER] [… ON EMPTY] [… ON ERROR])",
        "A part, as JSON.",
        json_query,
        2,
        5,
    ),
    _some(
        "JSON_EXISTS",
        "JSON",
        "JSON_EXISTS(text, path [… ON ERROR])",
        "Whether the path leads to something.",
        json_exists,
        2,
        3,
    ),
    _some(
        "IS JSON",
        "JSON",
        "text IS JSON [VALUE | OBJECT | ARRAY | SCALAR]",
        "Whether a text is JSON.",
        plain("text", BOOLEAN, nulls=False),
        1,
        2,
    ),
)
