"""Turns the inputs of cases in which Flink loses rows into the right ones: ``python -m tests.golden.sql.by_hand``.

A plain fold over the lines of a file, without any of our engine.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.golden.sql.cases import Case, Line, all_cases, lines

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows over Clicks, as the query says it, and what it asks of each."""

    size: timedelta
    slide: timedelta
    offset: timedelta
    delay: timedelta
    """How far the watermark is behind the newest row."""
    columns: Callable[[Rows], Line]

    def starts(self, time: datetime) -> list[datetime]:
        """Where the windows begin that a time is in."""
        last = time - (time - datetime.fromtimestamp(0, UTC) - self.offset) % self.slide
        return [
            last - n * self.slide
            for n in range(-(-self.size // self.slide))
            if last - n * self.slide > time - self.size
        ]

    def rows(self, clicks: Rows) -> list[Line]:
        """A row a window. A click is in those of its windows that were not over when it came."""
        found: dict[datetime, list[Mapping[str, Any]]] = {}
        watermark = datetime.min.replace(tzinfo=UTC)
        for click in clicks:
            time = datetime.fromisoformat(click["event_time"]).replace(tzinfo=UTC)
            for start in self.starts(time):
                if start + self.size - timedelta(milliseconds=1) > watermark:
                    found.setdefault(start, []).append(click)
            watermark = max(watermark, time - self.delay)
        return [
            {**self.columns(rows), "window_start": _text(start), "window_end": _text(start + self.size)}
            for start, rows in found.items()
        ]


def _text(time: datetime) -> str:
    return time.replace(tzinfo=None).isoformat(timespec="milliseconds")


def _measures(rows: Rows) -> Line:
    pages = [row["page"] for row in rows if row["page"] is not None]
    users = {row["user_id"] for row in rows if row["user_id"] is not None}
    return {"visitors": len(users), "clicks": len(rows), "average": sum(pages) // len(pages) if pages else None}


BY_HAND: Final = {
    "hopping-distinct": Windows(
        timedelta(minutes=2), timedelta(seconds=30), timedelta(seconds=10), timedelta(seconds=30), _measures
    ),
    "tumbling-offset": Windows(
        timedelta(minutes=5),
        timedelta(minutes=5),
        timedelta(minutes=1),
        timedelta(seconds=30),
        lambda rows: {"clicks": len(rows)},
    ),
}
"""By the name of the case."""


def made(case: Case) -> str:
    """What its file must hold."""
    clicks = [json.loads(line) for line in case.inputs["Clicks"].read_text().splitlines()]
    return "".join(f"{line}\n" for line in lines(BY_HAND[case.name].rows(clicks)))


if __name__ == "__main__":
    for one in all_cases(BY_HAND):
        one.file_of_ours.write_text(made(one))
