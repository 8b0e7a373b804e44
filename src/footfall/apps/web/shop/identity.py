"""Turns the choice of an age and a gender into what clicks carry, and into a cookie and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

COOKIE: Final = "identity"
YOUNGEST: Final = 18
OLDEST: Final = 65
GENDERS: Final = {"F": "Female", "M": "Male", "U": "Unknown"}
_COOKIE: Final = re.compile(r"(\d\d)\.([FMU])", re.ASCII)
_AGE: Final = re.compile(r"\d{1,3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a visitor plays."""

    age: int
    """In whole years, YOUNGEST to OLDEST."""
    gender: str
    """One of GENDERS."""

    @property
    def words(self) -> str:
        """As ``Female, 30``."""
        return f"{GENDERS[self.gender]}, {self.age}"

    @property
    def cookie(self) -> str:
        """As a browser keeps it."""
        return f"{self.age}.{self.gender}"


def identity_of(cookie: str | None) -> Identity | None:
    """What the cookie says; None when it says nothing that can be used."""
    found = _COOKIE.fullmatch(cookie or "")
    if found is None or not YOUNGEST <= int(found[1]) <= OLDEST:
        return None
    return Identity(int(found[1]), found[2])


def chosen(fields: Mapping[str, str]) -> Identity | dict[str, str]:
    """The identity that a form names, or what is wrong with it by field."""
    age, gender = fields.get("age", "").strip(), fields.get("gender", "")
    wrong = {}
    if not _AGE.fullmatch(age) or not YOUNGEST <= int(age) <= OLDEST:
        wrong["age"] = f"Choose an age from {YOUNGEST} to {OLDEST}, in whole years."
    if gender not in GENDERS:
        wrong["gender"] = f"Choose one of {', '.join(GENDERS.values())}."
    return wrong or Identity(int(age), gender)
