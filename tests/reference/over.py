"""Aggregates with OVER, and ORDER BY time, once more: Flink's timers and state, row by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from footfall.processors.base import NO_TIME
from footfall.processors.relational.over import Over
from footfall.processors.relational.rows import END_OF_TIME
from tests.reference.aggregates import aggregate_of
from tests.reference.changelogs import MARK, Row


@dataclass
class Key:
    waiting: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    timers: set[int] = field(default_factory=set)
    last: int | None = None
    end: int | None = None


@dataclass
class Timers:
    """Rows of keys that are put out by timers, as in RowTimeRangeBoundedPrecedingFunction and its siblings."""

    key_of: Callable[[Row], Any]
    show: Callable[[Key, list[Row]], None]
    span: int | None = None
    strict: bool = False
    """Whether rows that are late by the watermark are dropped."""
    keys: dict[Any, Key] = field(default_factory=dict)
    now: int = NO_TIME
    late: int = 0

    def feed(self, rows: Sequence[Row], time: str) -> None:
        for row in rows:
            if row[time] is not None:
                self.advance(row[MARK], time)
                self.take(row, row[time])
        self.advance(END_OF_TIME, time)

    def advance(self, watermark: int, time: str) -> None:
        if watermark <= self.now:
            return
        due = sorted((at, n) for n, key in enumerate(self.keys.values()) for at in key.timers if at <= watermark)
        keys = list(self.keys.values())
        for at, number in due:
            keys[number].timers.discard(at)
            self.fire(keys[number], at, time)
        self.now = watermark

    def take(self, row: Row, at: int) -> None:
        key = self.keys.setdefault(self.key_of(row), Key())
        if (self.strict and at <= self.now) or (not self.strict and key.last is not None and at <= key.last):
            self.late += 1
            return
        key.waiting.append(row)
        key.timers.add(at)
        if self.span is not None and (key.end is None or key.end < at + self.span + 1):
            key.end = at + int(self.span * 1.5) + 1
            key.timers.add(key.end)

    def fire(self, key: Key, at: int, time: str) -> None:
        if key.end is not None and key.end <= at:
            key.waiting, key.history, key.last, key.end = [], [], None, None
            return
        rows = [row for row in key.waiting if row[time] == at]
        if rows:
            key.waiting = [row for row in key.waiting if row[time] != at]
            self.show(key, rows)
        key.last = at


def over(settings: Over, rows: Sequence[Row]) -> tuple[list[Row], int]:
    """What comes out, in the order of timers, and how many rows were late."""
    found: list[Row] = []

    def show(key: Key, some: list[Row]) -> None:
        for group in [[row] for row in some] if settings.by_rows else [some]:
            key.history += group
            found.extend(with_aggregates(settings, row, frame_of(settings, key.history)) for row in group)

    bounded = settings.preceding is not None
    span = None if settings.by_rows else settings.preceding
    timers = Timers(lambda row: tuple(row[name] for name in settings.partition), show, span, strict=not bounded)
    timers.feed(rows, settings.time)
    return found, timers.late


def frame_of(settings: Over, history: list[Row]) -> list[Row]:
    if settings.preceding is None:
        return history
    if settings.by_rows:
        return history[-settings.preceding - 1 :]
    return [row for row in history if row[settings.time] >= history[-1][settings.time] - settings.preceding]


def with_aggregates(settings: Over, row: Row, frame: list[Row]) -> Row:
    bare = {name: value for name, value in row.items() if name != MARK}
    return bare | {call.name: aggregate_of(call, frame) for call in settings.aggregates}
