"""Turns a Java pattern of dates and times into what writes and reads them."""

from __future__ import annotations

import datetime as dt
import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_EPOCH: Final = dt.datetime(1970, 1, 1)  # noqa: DTZ001
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_TOKEN: Final = re.compile(r"''|'((?:[^']|'')*)'|([A-Za-z])\2*|.", re.DOTALL)
_FINEST: Final = {**dict.fromkeys("Hhka", 3_600_000), "K": 3_600_000, "m": 60_000, "s": 1000}
_OFFSET: Final = r"(?:Z|[+-]\d{2}:?(?:\d{2})?)"


class PatternError(ValueError):
    """A pattern that is not understood."""


@dataclass(frozen=True, slots=True)
class Item:
    """A letter so many times, or a text as it is (``letter`` "")."""

    letter: str
    text: str


def _items(pattern: str) -> list[Item]:
    found = []
    for match in _TOKEN.finditer(pattern):
        whole = match[0]
        if match[2]:
            if whole not in _WRITERS and not (set(whole) <= {"S"} and len(whole) <= 9) and match[2] not in "Xx":
                raise PatternError(f"{whole} in {pattern!r} is not understood")
            found.append(Item(match[2], whole))
        elif whole == "''":
            found.append(Item("", "'"))
        elif whole.startswith("'") and len(whole) > 1:
            found.append(Item("", whole[1:-1].replace("''", "'")))
        elif whole in "'[]{}#":
            raise PatternError(f"{whole} in {pattern!r} is not understood")
        else:
            found.append(Item("", whole))
    return found


def _padded(width: int, of: Callable[[dt.datetime], int]) -> Callable[[dt.datetime], str]:
    return lambda moment: f"{of(moment):0{width}d}"


def _year(moment: dt.datetime) -> int:
    return moment.year


_NUMBERS: Final[dict[str, Callable[[dt.datetime], int]]] = {
    "M": lambda moment: moment.month,
    "d": lambda moment: moment.day,
    "H": lambda moment: moment.hour,
    "h": lambda moment: moment.hour % 12 or 12,
    "k": lambda moment: moment.hour or 24,
    "K": lambda moment: moment.hour % 12,
    "m": lambda moment: moment.minute,
    "s": lambda moment: moment.second,
}
_WRITERS: Final[dict[str, Callable[[dt.datetime], str]]] = {
    **{letter: _padded(1, of) for letter, of in _NUMBERS.items()},
    **{letter * 2: _padded(2, of) for letter, of in _NUMBERS.items()},
    "L": _padded(1, _NUMBERS["M"]),
    "LL": _padded(2, _NUMBERS["M"]),
    "MMM": lambda moment: _MONTHS[moment.month - 1][:3],
    "MMMM": lambda moment: _MONTHS[moment.month - 1],
    "MMMMM": lambda moment: _MONTHS[moment.month - 1][:1],
    "D": _padded(1, lambda moment: moment.timetuple().tm_yday),
    "DDD": _padded(3, lambda moment: moment.timetuple().tm_yday),
    "Q": _padded(1, lambda moment: (moment.month + 2) // 3),
    **{f"{letter}": _padded(1, _year) for letter in "yu"},
    **{f"{letter * 2}": _padded(2, lambda moment: moment.year % 100) for letter in "yu"},
    **{f"{letter * width}": _padded(width, _year) for letter in "yu" for width in (3, 4)},
    **{"E" * width: lambda moment: _DAYS[moment.weekday()][:3] for width in (1, 2, 3)},
    "EEEE": lambda moment: _DAYS[moment.weekday()],
    "a": lambda moment: "AM" if moment.hour < 12 else "PM",
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, ready to write and to read."""

    items: tuple[Item, ...]
    regex: re.Pattern[str]

    @property
    def finest(self) -> int:
        """The smallest unit, in ms, that a text by it can tell apart."""
        units = [1 if one.letter == "S" else _FINEST.get(one.letter, 86_400_000) for one in self.items if one.letter]
        return min(units, default=86_400_000)

    def written(self, moment: dt.datetime) -> str:
        """A time as a text."""
        return "".join(self._part(one, moment) for one in self.items)

    def _part(self, item: Item, moment: dt.datetime) -> str:
        if not item.letter:
            return item.text
        if item.letter == "S":
            return f"{moment.microsecond:06d}000"[: len(item.text)]
        if item.letter in "Xx":
            raise ValueError("A time without a zone has no offset")
        return _WRITERS[item.text](moment)

    def read(self, text: str) -> dt.datetime:
        """A text as a time. A day beyond its month's last is the last. Raises ValueError."""
        found = self.regex.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text[:40]!r} does not have the pattern")
        parts: dict[str, str] = {}
        groups = iter(found.groups())
        for one in self.items:
            if one.letter and one.letter not in "XxE":
                parts[one.letter] = next(groups)
        return _assembled(parts)


def _assembled(parts: dict[str, str]) -> dt.datetime:
    year_text = parts.get("y") or parts.get("u") or "1970"
    year = int(year_text) + (2000 if len(year_text) == 2 else 0)
    if "D" in parts:
        day_of_year = dt.datetime(year, 1, 1) + dt.timedelta(days=int(parts["D"]) - 1)  # noqa: DTZ001
        month, day = day_of_year.month, day_of_year.day
    else:
        month, day = _month(parts.get("M") or parts.get("L") or "1"), int(parts.get("d", 1))
    if not 1 <= day <= 31:
        raise ValueError("There is no such day")
    day = min(day, monthrange(year, month)[1])
    micros = int(parts.get("S", "0").ljust(9, "0")[:6])
    return dt.datetime(year, month, day, _hour(parts), int(parts.get("m", 0)), int(parts.get("s", 0)), micros)  # noqa: DTZ001


def _month(text: str) -> int:
    if text.isdigit():
        return int(text)
    return next(at for at, name in enumerate(_MONTHS, 1) if name.lower().startswith(text.lower()))


def _hour(parts: dict[str, str]) -> int:
    if "H" in parts or "k" in parts:
        return int(parts.get("H") or parts["k"]) % 24 if "k" in parts else int(parts["H"])
    return int(parts.get("h") or parts.get("K") or 0) % 12 + 12 * (parts.get("a", "").upper() == "PM")


def _regex(items: list[Item]) -> str:
    found = []
    for one in items:
        width = len(one.text)
        if not one.letter:
            found.append(re.escape(one.text))
        elif one.letter in "Xx":
            found.append(_OFFSET)
        elif one.letter == "E":
            found.append(f"(?:{'|'.join(name if width > 3 else name[:3] for name in _DAYS)})")
        elif one.letter in "ML" and width > 2:
            found.append(f"({'|'.join(name if width > 3 else name[:3] for name in _MONTHS)})")
        elif one.letter == "a":
            found.append("([AaPp][Mm])")
        else:
            found.append(r"(\d{1,4})" if width == 1 and one.letter != "S" else rf"(\d{{{width}}})")
    return "".join(found)


def compiled(pattern: str) -> Pattern:
    """Make a pattern ready. Raises PatternError for what is not understood."""
    items = _items(pattern)
    return Pattern(tuple(items), re.compile(_regex(items), re.ASCII))


def from_millis(millis: int) -> dt.datetime:
    """A number of ms since 1970 as a time without a zone."""
    return _EPOCH + dt.timedelta(milliseconds=millis)


def to_millis(moment: dt.datetime) -> int:
    """Back from that; less than a ms is cut off."""
    return (moment - _EPOCH) // dt.timedelta(milliseconds=1)
