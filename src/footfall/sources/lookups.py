"""Turns files of products and users into rows for the look-up store, and the rows that could not be used.

A file is a JSON array, JSON lines or CSV (commas, semicolons or tabs), also packed with gzip; its content
says which. Later rows of the same id replace earlier ones. Unknown fields are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final, Generic, TypeVar

from footfall.core.errors import Reason
from footfall.sources.base import BadRow
from footfall.sources.lookup_files import Fields, Unusable, raw_rows, shown


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product of the shop."""

    id: str
    category: str | None = None
    title: str | None = None
    price: float | None = None
    description: str | None = None
    image: str | None = None


@dataclass(frozen=True, slots=True)
class UserRow:
    """What is known of a visitor."""

    userId: str  # noqa: N815 - the field's name in the file
    gender: str | None = None
    """M, F or U."""
    birthday: str | None = None
    """YYYY-MM-DD."""


Row = TypeVar("Row", ProductRow, UserRow)


@dataclass(frozen=True, slots=True)
class Lookup(Generic[Row]):
    """What a file of look-up data holds."""

    rows: Sequence[Row]
    """One for each id, in the order in which the ids first appear."""
    bad: Sequence[BadRow] = field(default_factory=tuple)
    replaced: int = 0
    """How many rows gave way to a later one of the same id."""


def read_products(path: Path) -> Lookup[ProductRow]:
    """The products of a file: ``id``, ``category``, ``title``, ``description``, ``image``, ``price``."""
    return _read(path, names=_PRODUCT_NAMES, build=_product, key=lambda row: row.id)


def read_users(path: Path) -> Lookup[UserRow]:
    """The users of a file: ``userId``, ``gender``, ``birthDate``.

    Stray braces and quotes around an id are taken off. Of a gender the first letter counts.
    """
    return _read(path, names=_USER_NAMES, build=_user, key=lambda row: row.userId)


_PRODUCT_NAMES: Final[Mapping[str, str]] = {
    **{name: name for name in ("id", "category", "title", "description", "image", "price")},
    "product_id": "id",
    "productid": "id",
    "cat": "category",
}
_USER_NAMES: Final[Mapping[str, str]] = {
    "userid": "userId",
    "user_id": "userId",
    "gender": "gender",
    **dict.fromkeys(("birthdate", "birthday", "birth_date"), "birthday"),
}
_LIMIT: Final = 8192
_UNCLEAN: Final = re.compile(r'[\s"{}\x00-\x1f\x7f]')
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_EARLIEST_BIRTH: Final = 1890


def _read(
    path: Path, *, names: Mapping[str, str], build: Callable[[Fields], Row], key: Callable[[Row], str]
) -> Lookup[Row]:
    rows: dict[str, Row] = {}
    bad: list[BadRow] = []
    good = 0
    for item in raw_rows(path, names):
        try:
            if isinstance(item.fields, Unusable):
                raise item.fields
            row = build(item.fields)
        except Unusable as why:
            bad.append(BadRow(item.line, why.reason, why.detail, item.raw))
            continue
        good += 1
        rows[key(row)] = row
    return Lookup(list(rows.values()), bad, good - len(rows))


def _product(fields: Fields) -> ProductRow:
    return ProductRow(
        id=_id("id", fields),
        category=_text("category", fields),
        title=_text("title", fields),
        price=_price(fields.get("price")),
        description=_text("description", fields),
        image=_text("image", fields),
    )


def _user(fields: Fields) -> UserRow:
    return UserRow(_id("userId", fields), _gender(fields), _birthday(fields))


def _id(name: str, fields: Fields) -> str:
    value = fields.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = (_text(name, fields) or "").strip('{}"')
    if not text:
        raise Unusable(Reason.MISSING_FIELD, f"{name} is empty, but every row needs one")
    if _UNCLEAN.search(text):
        raise Unusable(Reason.BAD_VALUE, f"{name} is {shown(value)}: spaces, quotes and braces are not allowed in it")
    return text


def _text(name: str, fields: Fields) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Unusable(Reason.BAD_VALUE, f"{name} is {shown(value)}, not a text")
    if len(value) * 4 > _LIMIT and len(value.encode()) > _LIMIT:
        raise Unusable(Reason.FIELD_TOO_LONG, f"{name} is longer than {_LIMIT:,} bytes: {shown(value)}")
    if "\0" in value:
        raise Unusable(Reason.BAD_ENCODING, f"{name} holds a NUL: {shown(value)}")
    return value.strip() or None


def _gender(fields: Fields) -> str | None:
    text = _text("gender", fields)
    if text is None:
        return None
    letter = text[0].upper()
    return letter if letter in "MF" else "U"


def _birthday(fields: Fields) -> str | None:
    text = _text("birthday", fields)
    if text is None:
        return None
    day = text[:10]
    try:
        if _DATE.fullmatch(day) and text[10:11] in ("", " ", "T") and date.fromisoformat(day).year >= _EARLIEST_BIRTH:
            return day
    except ValueError:
        pass
    raise Unusable(Reason.BAD_VALUE, f"birthDate is {shown(text)}, not a date from {_EARLIEST_BIRTH} on (YYYY-MM-DD)")


def _price(value: object) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            price = float(value)
        except (ValueError, OverflowError):
            price = -1.0
        if 0 <= price < float("inf"):
            return price
    raise Unusable(Reason.BAD_VALUE, f"price is {shown(value)}, not a number from 0 up")
