"""Turns functions of texts into columns. Characters are counted as code points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import pyarrow.compute as pc

from footfall.sql.evaluate.frame import Kernel, Value, each, is_scalar
from footfall.sql.expressions import Call
from footfall.sql.types import Family

_ALNUM: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def substring(text: str, start: int, length: int | None = None) -> str | None:
    """From 1, or from the end if negative; 0 is the first, too."""
    if length is not None and length < 0:
        return None
    begin = start - 1 if start > 0 else 0 if start == 0 else len(text) + start
    if begin < 0 or begin >= len(text):
        return ""
    return text[begin:] if length is None else text[begin : begin + length]


def initcap(text: str) -> str:
    """Each word with a capital; words are of plain letters and digits."""
    found, inside = [], False
    for one in text:
        if one in _ALNUM:
            found.append(one.lower() if inside else one.upper())
        else:
            found.append(one)
        inside = one in _ALNUM
    return "".join(found)


def _overlay(text: str, other: str, start: int, length: int | None = None) -> str:
    if start <= 0 or start > len(text):
        return text
    size = len(other) if length is None else length
    rest = text[start - 1 + size :] if size > 0 else ""
    return text[: start - 1] + other + rest


def _locate(part: str, text: str, start: int = 1) -> int:
    return text.find(part, max(start, 1) - 1) + 1


def _pad(text: str, length: int, fill: str, *, left: bool) -> str | None:
    if length < 0 or not fill:
        return None
    missing = length - len(text)
    if missing <= 0:
        return text[:length]
    filling = (fill * (missing // len(fill) + 1))[:missing]
    return filling + text if left else text + filling


def split_index(text: str, separator: str | int, index: int) -> str | None:
    """A part between separators, from 0; a text without any characters has no parts."""
    mark = separator if isinstance(separator, str) else chr(separator)
    if index < 0 or not text:
        return None
    parts = text.split(mark) if mark else [text]
    return parts[index] if index < len(parts) else None


def _translate(text: str, old: str, new: str) -> str:
    table: dict[int, str] = {}
    for at, one in enumerate(old):
        table.setdefault(ord(one), new[at] if at < len(new) else "")
    return text.translate(table)


def _chr(number: int) -> str:
    return "" if number < 0 else chr(number % 256)


def _ascii(text: str) -> int:
    if not text:
        return 0
    first = text.encode()[0]
    return first - 256 if first > 127 else first


def _trim(call: Call) -> Kernel:
    """TRIM: the text; or a side, characters and the text. LTRIM, RTRIM, BTRIM: the text, characters."""
    name, side = call.function, "BOTH"
    arguments = call.arguments
    if name == "TRIM" and len(arguments) == 3:
        side = str(getattr(arguments[0], "value", "BOTH")).upper()
    side = {"LTRIM": "LEADING", "RTRIM": "TRAILING"}.get(name, side)
    strip = {"LEADING": str.lstrip, "TRAILING": str.rstrip, "BOTH": str.strip}[side]
    kernel = each(lambda text, characters=" ": strip(text, characters), call.type)
    if name != "TRIM" or len(arguments) == 1:
        return kernel
    return lambda values, length: kernel([values[-1], values[-2]], length)


def _joined(call: Call) -> Kernel:
    """|| and CONCAT."""
    del call
    return lambda values, _: values[0] if len(values) == 1 else pc.binary_join_element_wise(*values, "")


def _joined_with(call: Call) -> Kernel:
    """CONCAT_WS: NULLs are left out; without a separator it is NULL."""

    def join(mark: str | None, *texts: str | None) -> str | None:
        return None if mark is None else mark.join(one for one in texts if one is not None)

    return each(join, call.type, nulls=True)


def _column(function: Callable[..., Value]) -> Callable[[Call], Kernel]:
    def make(call: Call) -> Kernel:
        del call
        return lambda values, _: function(values[0])

    return make


def _single(function: Callable[..., Any]) -> Callable[[Call], Kernel]:
    return lambda call: each(function, call.type)


def _cased(ascii_only: Callable[[Value], Value], slow: Callable[[str], str]) -> Callable[[Call], Kernel]:
    """Letters beyond ASCII are left to Python, which knows that some become two."""

    def make(call: Call) -> Kernel:
        single = each(slow, call.type)

        def kernel(values: Sequence[Value], length: int) -> Value:
            column = values[0]
            plain = pc.sum(pc.binary_length(column)) == pc.sum(pc.utf8_length(column))
            return ascii_only(column) if plain else single(values, length)

        return kernel

    return make


def _substring(call: Call) -> Kernel:
    """SUBSTRING; in one go if its places are constants, counted from the start."""
    single = each(substring, call.type)

    def kernel(values: Sequence[Value], length: int) -> Value:
        places = [int(one.as_py()) for one in values[1:] if is_scalar(one) and one.is_valid]
        if len(places) < len(values) - 1 or min(places) < 0 or is_scalar(values[0]):
            return single(values, length)
        start = max(places[0] - 1, 0)
        return pc.utf8_slice_codeunits(values[0], start, start + places[1] if len(places) == 2 else None)

    return kernel


def _affix(function: Callable[..., Value], slow: Callable[[str, str], bool]) -> Callable[[Call], Kernel]:
    def make(call: Call) -> Kernel:
        single = each(slow, call.type)

        def kernel(values: Sequence[Value], length: int) -> Value:
            if is_scalar(values[1]) and values[1].is_valid:
                return function(values[0], pattern=values[1].as_py())
            return single(values, length)

        return kernel

    return make


def _hex(call: Call) -> Kernel:
    if call.arguments[0].type.family is Family.STRING:
        return each(lambda text: text.encode().hex().upper(), call.type)
    return each(lambda number: f"{number & (2**64 - 1):X}", call.type)


MAKERS: Final[dict[str, Callable[[Call], Kernel]]] = {
    "UPPER": _cased(pc.ascii_upper, str.upper),
    "LOWER": _cased(pc.ascii_lower, str.lower),
    "INITCAP": _single(initcap),
    **dict.fromkeys(("TRIM", "LTRIM", "RTRIM", "BTRIM"), _trim),
    "SUBSTRING": _substring,
    "SUBSTR": _substring,
    "OVERLAY": _single(_overlay),
    "POSITION": _single(_locate),
    "LOCATE": _single(_locate),
    "INSTR": _single(lambda text, part: text.find(part) + 1),
    "CHAR_LENGTH": _column(pc.utf8_length),
    "CHARACTER_LENGTH": _column(pc.utf8_length),
    "||": _joined,
    "CONCAT": _joined,
    "CONCAT_WS": _joined_with,
    "REPLACE": _single(lambda text, old, new: text.replace(old, new)),
    "TRANSLATE": _single(_translate),
    "REVERSE": _single(lambda text: text[::-1]),
    "REPEAT": _single(lambda text, times: text * times),
    "LPAD": _single(lambda text, length, fill: _pad(text, length, fill, left=True)),
    "RPAD": _single(lambda text, length, fill: _pad(text, length, fill, left=False)),
    "LEFT": _single(lambda text, length: text[: max(length, 0)]),
    "RIGHT": _single(lambda text, length: text[-length:] if length > 0 else ""),
    "SPLIT_INDEX": _single(split_index),
    "STARTSWITH": _affix(pc.starts_with, str.startswith),
    "ENDSWITH": _affix(pc.ends_with, str.endswith),
    "ASCII": _single(_ascii),
    "CHR": _single(_chr),
    "HEX": _hex,
}
