"""Turns functions of arrays, maps and rows into columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.sql.evaluate.frame import Kernel, Value, decoded, each, spread
from footfall.sql.evaluate.java_regex import translated
from footfall.sql.expressions import Call, Constant
from footfall.sql.types import Family


def _array(call: Call) -> Kernel:
    kind = call.type.arrow
    width = len(call.arguments)

    def kernel(values: Sequence[Value], length: int) -> Value:
        columns = [decoded(spread(one, length)).cast(kind.value_type) for one in values]
        order = np.arange(width * length).reshape(width, length).T.ravel()
        offsets = pa.array(np.arange(length + 1, dtype=np.int32) * width)
        return pa.ListArray.from_arrays(offsets, pa.concat_arrays(columns).take(pa.array(order)), type=kind)

    return kernel


def _map(call: Call) -> Kernel:
    return each(lambda *given: list(dict(zip(given[::2], given[1::2], strict=True)).items()), call.type, nulls=True)


def _row(call: Call) -> Kernel:
    kind = call.type.arrow

    def kernel(values: Sequence[Value], length: int) -> Value:
        pairs = zip(values, kind, strict=True)
        columns = [decoded(spread(one, length)).cast(field.type) for one, field in pairs]
        return pa.StructArray.from_arrays(columns, fields=list(kind))

    return kernel


def _item(call: Call) -> Kernel:
    if call.arguments[0].type.family is Family.MAP:
        return each(lambda pairs, key: dict(pairs).get(key), call.type)

    def of(values: list[Any], index: int) -> Any:
        if index < 1:
            raise ValueError("An array's elements are counted from 1")
        return values[index - 1] if index <= len(values) else None

    return each(of, call.type)


def _field(call: Call) -> Kernel:
    name = call.arguments[1]
    wanted = name.value if isinstance(name, Constant) else ""
    index = call.arguments[0].type.names.index(wanted)
    return lambda values, _: pc.struct_field(values[0], [index])


def _cardinality(call: Call) -> Kernel:
    if call.arguments[0].type.family is Family.MAP:
        return each(len, call.type)
    return lambda values, _: pc.list_value_length(values[0])


def _element(values: list[Any]) -> Any:
    if len(values) > 1:
        raise ValueError("ELEMENT of an array with more than one element")
    return values[0] if values else None


def _text_map(text: str, between: str = ",", separator: str = "=") -> list[tuple[str, str | None]]:
    """Both separators are regular expressions."""
    found: dict[str, str | None] = {}
    for one in translated(between).split(text):
        parts = translated(separator).split(one, maxsplit=1)
        found[parts[0]] = parts[1] if len(parts) > 1 else None
    return list(found.items())


def _side(place: int) -> Callable[[Call], Kernel]:
    return lambda call: each(lambda pairs: [pair[place] for pair in pairs], call.type)


MAKERS: Final[dict[str, Callable[[Call], Kernel]]] = {
    "ARRAY": _array,
    "MAP": _map,
    "ROW": _row,
    "[]": _item,
    ".": _field,
    "CARDINALITY": _cardinality,
    "ELEMENT": lambda call: each(_element, call.type),
    "ARRAY_CONTAINS": lambda call: each(lambda values, one: one in values, call.type),
    "STR_TO_MAP": lambda call: each(_text_map, call.type),
    "MAP_KEYS": _side(0),
    "MAP_VALUES": _side(1),
}
