"""Turns the Arrow batches of a query's answer into rows that JSON can carry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa

from footfall.core.events import Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A query's answer."""

    schema: pa.Schema
    batches: Sequence[Batch]
    notices: Sequence[str] = ()
    """What a person should know, such as that rows were left out."""

    @property
    def columns(self) -> list[str]:
        """The columns' names; a name that comes again gets a number."""
        seen: Counter[str] = Counter()
        names = []
        for name in self.schema.names:
            names.append(f"{name}_{seen[name]}" if seen[name] else name)
            seen[name] += 1
        return names

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows, as values that JSON can carry: times as ISO 8601 in UTC, bytes as hexadecimal text."""
        names = self.columns
        for batch in self.batches:
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield {name: _plain(value) for name, value in zip(names, values, strict=True)}

    def json_lines(self) -> Iterator[bytes]:
        """One JSON object a row, without line ends."""
        return map(msgspec.json.encode, self.rows())


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            aware = value.replace(tzinfo=None) if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
            return _seconds(aware.isoformat()) + ("" if value.tzinfo is None else "Z")
        case date() | time():
            return value.isoformat()
        case Decimal():
            return _plain(int(value)) if value == value.to_integral_value() else float(value)
        case timedelta():
            return value.total_seconds()
        case bytes():
            return value.hex()
        case float() if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN
            return None
        case dict():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case pa.MonthDayNano():
            return f"{value.months} months {value.days} days {value.nanoseconds / 1e9:g} seconds"
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case int() if not -(2**63) <= value < 2**64:
            return str(value)  # beyond what JSON readers take as a number
        case str() | int() | float() | None:
            return value
        case _:
            return str(value)


def _seconds(text: str) -> str:
    """A time with as many digits after the second as it needs: none, three or six."""
    whole, point, fraction = text.partition(".")
    if not point:
        return whole
    return f"{whole}.{fraction[:3] if fraction.endswith('000') else fraction}"
