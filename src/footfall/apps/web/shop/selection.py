"""Turns the fields of the cart's form into a selection, or into what is wrong with each field; and that into a row.

The lengths are those of the table that the rows go to: ``clickstream_data`` of the warehouse.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
import pyarrow as pa

from footfall.apps.web.shop.signing import signed, text_of
from footfall.core.events import CART_SCHEMA, Batch
from footfall.core.hashing import column_hashes, ids_of, text_hash

LIMITS: Final = {"username": 32, "category": 10, "gender": 10, "style": 20, "size": 5, "hex_color": 8}
"""Characters that each field may have."""
NAMES: Final = {
    "username": "Username",
    "category": "Category",
    "gender": "Gender",
    "style": "Style",
    "size": "Size",
    "hex_color": "Colour",
}
CATEGORIES: Final = (
    "clothing",
    "shoes",
    "bags",
    "extras",
    "books",
    "movies",
    "games",
    "computers",
    "devices",
    "home",
    "grocery",
    "tools",
    "car",
)
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "category": CATEGORIES,
    "gender": ("Female", "Male", "Unisex"),
    "style": ("Casual", "Classic", "Elegant", "Outdoor", "Sporty", "Street", "Vintage"),
    "size": ("XS", "S", "M", "L", "XL", "XXL", "36", "37", "38", "39", "40", "41", "42", "43", "44", "45"),
}
COLOURS: Final = {
    "#1B1F24": "Ink",
    "#F5F1E8": "Chalk",
    "#8A8F98": "Slate",
    "#1F3A5F": "Navy",
    "#3B82C4": "Sky",
    "#2F6B4F": "Pine",
    "#8DAA5B": "Moss",
    "#E0B33C": "Honey",
    "#D9713C": "Apricot",
    "#B5382F": "Brick",
    "#8C4A6B": "Plum",
    "#7A5338": "Walnut",
}
_SHORT: Final = {
    "accessories": "extras",
    "automotive": "car",
    "electronics": "devices",
    "handbags": "bags",
    "home&garden": "home",
}
_COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{6}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PURPOSE: Final = "cart form"
_TOKEN: Final = re.compile(r"(\d{1,15})\.([0-9a-f]{16})", re.ASCII)
TOKEN_HOURS: Final = 24
"""How long a form may lie open."""
_AHEAD_MS: Final = 300_000
_SECOND_US: Final = 1_000_000


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What a visitor puts into the cart."""

    username: str
    category: str | None = None
    gender: str | None = None
    style: str | None = None
    size: str | None = None
    hex_color: str | None = None


def category_for(category: str) -> str:
    """The cart's category for a product's; empty if none fits."""
    short = _SHORT.get(category, category)
    return short if len(short) <= LIMITS["category"] else ""


def selected(fields: Mapping[str, str]) -> Selection | dict[str, str]:
    """What the form says, or what is wrong with it by field."""
    values = {name: fields.get(name, "").strip() for name in LIMITS}
    wrong = {name: problem for name, value in values.items() if (problem := _problem(name, value))}
    return wrong or Selection(
        username=values["username"], **{name: values[name] or None for name in LIMITS if name != "username"}
    )


def username_problem(username: str) -> str | None:
    """What is wrong with a username; None if nothing is."""
    return _problem("username", username.strip())


def _problem(name: str, value: str) -> str | None:
    limit = LIMITS[name]
    if name == "username" and not value:
        return "Give a username: without one nothing can be put into the cart."
    if len(value) > limit:
        return f"{NAMES[name]} may have at most {limit} characters; this has {len(value)}."
    if _CONTROL.search(value):
        return f"{NAMES[name]} must not hold control characters."
    if name == "hex_color" and value and not _COLOUR.fullmatch(value):
        return "Choose a colour as #RRGGBB, or none."
    return None


# -- one form, one message -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Form:
    """One rendering of the cart's form. However often it is sent, it is one message."""

    made_ms: int
    nonce: str
    """16 hex digits; tells forms apart that were made in one millisecond."""

    def token(self, key: bytes) -> str:
        """What the form carries, so that it is known again."""
        return signed(key, _PURPOSE, f"{self.made_ms}.{self.nonce}")

    def created_us(self, selection: Selection) -> int:
        """The message's creation time: microseconds since 1970 UTC.

        It lies within the second after the form was made. Where, is up to the form and what was chosen: the same
        form sent twice is the same message, and sent again with another choice (by way of Back) it is another one.
        Only one choice in a million falls on another's time; to drop that one as repeated is the price.
        """
        chosen = msgspec.json.encode(selection).decode()
        return self.made_ms * 1000 + text_hash(f"{self.nonce} {chosen}") % _SECOND_US


def form_of_token(token: str | None, *, key: bytes, now_ms: int) -> Form | None:
    """The form that carried this token; None when it is none of ours, or too old."""
    found = _TOKEN.fullmatch(text_of(key, _PURPOSE, token) or "")
    if found is None or not now_ms - TOKEN_HOURS * 3_600_000 <= int(found[1]) <= now_ms + _AHEAD_MS:
        return None
    return Form(int(found[1]), found[2])


def cart_row(selection: Selection, *, created_us: int) -> Batch:
    """One row of ``cart-data``."""
    created = pa.array([created_us], type=pa.int64())
    username = pa.array([selection.username]).dictionary_encode()
    values = {
        "timestamp": created_us // 1000,
        "event_id": ids_of([column_hashes(username), column_hashes(created)])[0].as_py(),
        "creation_timestamp": created_us,
        **msgspec.structs.asdict(selection),
    }
    return pa.RecordBatch.from_pylist([values], schema=CART_SCHEMA)
