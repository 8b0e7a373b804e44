"""Turns the packaged catalogue into products: a shop of our own to try things with."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from footfall.sources.lookups import ProductRow

Product = ProductRow

CATEGORIES: Final = (
    "accessories",
    "automotive",
    "books",
    "clothing",
    "computers",
    "electronics",
    "games",
    "grocery",
    "handbags",
    "home&garden",
    "movies",
    "shoes",
    "tools",
)
"""The shop's departments."""


@cache
def _products() -> tuple[Product, ...]:
    raw = files("footfall.sources").joinpath("data/products.json").read_bytes()
    return tuple(msgspec.json.decode(raw, type=list[Product]))


def load_catalogue() -> list[Product]:
    """The products of our own shop, in the catalogue's order; each field is there."""
    return list(_products())
