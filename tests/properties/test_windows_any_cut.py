"""Windows equal a plain fold over the events, however these are cut into frames, partitions and restarts."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import groupby, pairwise
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.processors.base import NO_TIME, Change, Codebook, Frame
from footfall.processors.window_model import Aggregate
from footfall.processors.windows import (
    Count,
    Distinct,
    Hopping,
    Max,
    MergedWindows,
    Min,
    PartialWindows,
    Session,
    Sum,
    Top,
    Tumbling,
    Windowed,
)
from tests.unit.frames import enriched

Row = dict[str, Any]
Saved = dict[str, list[Any]]
START: Final = 1_331_802_578_000
LATENESS: Final = 10_000
"""Small, so that some rows are late and some windows close in between."""

SECOND: Final = timedelta(seconds=1)
WINDOWS: Final = (
    Tumbling(5 * SECOND),
    Tumbling(timedelta(milliseconds=700)),
    Hopping(12 * SECOND, 4 * SECOND),
    Session(3 * SECOND),
    Session(3 * SECOND, longest=7 * SECOND),
)
AGGREGATES: Final[Mapping[str, Aggregate]] = {
    "clicks": Count(),
    "visitors": Distinct("userId"),
    "ages": Sum("age"),
    "oldest": Max("age"),
    "first": Min("timestamp"),
    "products": Distinct("productId"),
    "adults": Distinct("age"),
}


def rows_of(seed: int, count: int) -> list[Row]:
    """Rows around a time that moves on, each late or not as the enrichment would say, with its watermark after."""
    draw = random.Random(seed)
    longest_step = draw.choice([300, 1_500, 4_000])
    users, things = draw.randint(1, 4), draw.randint(1, 6)
    rows: list[Row] = []
    now, high = START, NO_TIME
    for _ in range(count):
        now += draw.randint(0, longest_step)
        time = now - draw.choice([0, 0, 0, draw.randint(0, 9_000), draw.randint(0, 25_000)])
        user, thing = draw.randrange(users), draw.randrange(things)
        watermark = high - LATENESS
        late = time < watermark
        if not late:
            high = max(high, time)
        rows.append(
            {
                "timestamp": time,
                "userId": f"u{user}",
                "productId": f"P{thing}",
                "category": f"c{thing % 3}",
                "gender": None if user == 2 else "F",
                "age": draw.choice([None, 10, 11, 12]),
                "late": late,
                "before": watermark,
                "after": high - LATENESS,
            }
        )
    return rows


DRAWS = st.builds(rows_of, st.integers(0, 1 << 30), st.integers(0, 80))
KEYS = st.sampled_from([(), ("userId",), ("category",), ("category", "gender"), ("age",), ("is_bot", "userId")])


# -- the plain fold ---------------------------------------------------------------------------------------


def ms(length: timedelta | None) -> int:
    """Whole milliseconds."""
    return 0 if length is None else length // timedelta(milliseconds=1)


def plain(windowed: Windowed, rows: Sequence[Row], watermark: int) -> tuple[list[Row], int]:
    """The windows that the watermark has passed, in order, and how many rows were left out."""
    grace = ms(windowed.grace)
    taken = [row for row in rows if not row["late"] or (grace and row["timestamp"] >= row["before"] - grace)]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in sorted(taken, key=lambda row: row["timestamp"]):
        full = {"is_bot": False, **row}
        groups.setdefault(tuple(full[key] for key in windowed.keys), []).append(row)
    found = []
    for key, held in groups.items():
        for start, end, closed, members in cut(windowed, held, watermark - grace):
            if closed:
                found.append((start, end, key, members))
    out = [output(windowed, *window) for window in sorted(found, key=lambda w: (w[1], w[0], text(w[2])))]
    return (out if windowed.top is None else best(out, windowed.top)), len(rows) - len(taken)


def best(windows: Sequence[Row], top: Top) -> list[Row]:
    """Of windows in order, the top ones of each."""
    chosen: list[Row] = []
    for _, same in groupby(windows, key=lambda row: (row["window_end"], row["window_start"])):
        chosen += sorted(same, key=lambda row: -row[top.by])[: top.n]
    return chosen


def text(key: tuple[Any, ...]) -> str:
    """What decides the order of windows that end together."""
    return json.dumps(key, separators=(",", ":"))


def cut(windowed: Windowed, rows: list[Row], horizon: int) -> list[tuple[int, int, bool, list[Row]]]:
    """One group's windows: start, end, whether they are closed, and their rows."""
    window = windowed.window
    if isinstance(window, Session):
        return cut_into_sessions(window, rows, horizon // 1_000 * 1_000)
    size = ms(window.size)
    every = ms(window.every) if isinstance(window, Hopping) else size
    windows: dict[int, list[Row]] = {}
    for row in rows:
        last = row["timestamp"] // every * every
        for start in range(last, row["timestamp"] - size, -every):
            windows.setdefault(start, []).append(row)
    return [(start, start + size, start + size <= horizon, held) for start, held in windows.items()]


def cut_into_sessions(window: Session, rows: list[Row], horizon: int) -> list[tuple[int, int, bool, list[Row]]]:
    """Rows by time, cut where they pause for too long or go on for too long."""
    sessions: list[list[Row]] = []
    for row in rows:
        time, current = row["timestamp"], sessions[-1] if sessions else []
        near = bool(current) and time - current[-1]["timestamp"] <= ms(window.gap)
        if near and (window.longest is None or time - current[0]["timestamp"] <= ms(window.longest)):
            current.append(row)
        else:
            sessions.append([row])
    bounds = [(one[0]["timestamp"], one[-1]["timestamp"], one) for one in sessions]
    return [(start, end, end + ms(window.gap) < horizon, one) for start, end, one in bounds]


def output(windowed: Windowed, start: int, end: int, key: tuple[Any, ...], rows: list[Row]) -> Row:
    """One window as it is put out, without its id."""
    ages = [row["age"] for row in rows if row["age"] is not None]
    return {
        "timestamp": end,
        "window_start": start,
        "window_end": end,
        **dict(zip(windowed.keys, key, strict=True)),
        "clicks": len(rows),
        "visitors": len({row["userId"] for row in rows}),
        "ages": sum(ages),
        "oldest": max(ages, default=None),
        "first": min(row["timestamp"] for row in rows),
        "products": len({row["productId"] for row in rows}),
        "adults": len(set(ages)),
    }


# -- the operators ----------------------------------------------------------------------------------------


def frames(rows: Sequence[Row], cuts: Sequence[int]) -> list[Frame]:
    """The rows in frames; time moves on with them."""
    places = sorted({0, len(rows), *(cut for cut in cuts if cut <= len(rows))})
    found = []
    watermark = NO_TIME
    for begin, end in pairwise(places):
        part = rows[begin:end]
        watermark = max([watermark, *(row["after"] for row in part)])
        columns = [{k: v for k, v in row.items() if k not in ("before", "after")} for row in part]
        found.append(frame(columns, watermark))
    return found


def frame(rows: Sequence[Mapping[str, Any]], watermark: int) -> Frame:
    """A frame that brings time to ``watermark``."""
    high = watermark if watermark == NO_TIME else watermark + LATENESS
    return Frame(enriched(rows), book=Codebook(), before=NO_TIME, watermark=watermark, high=high)


def save(saved: Saved, changes: Sequence[Change]) -> None:
    """Do with changes what the log does."""
    for change in changes:
        if change.reset:
            saved[change.table] = []
        saved.setdefault(change.table, []).append(change.batch)


def shown(batch: Any) -> list[Row]:
    """A batch's rows, times in ms, without ids."""
    times = ("timestamp", "window_start", "window_end", "first")
    rows: list[Row] = batch.to_pylist()
    for row in rows:
        row.pop("event_id")
        row.update({name: round(row[name].timestamp() * 1_000) for name in times})
    return rows


def direct(windowed: Windowed, made: Sequence[Frame], restarts: set[int]) -> tuple[list[Row], int]:
    """What the operator puts out, started again from its saved state at some frames."""
    saved: Saved = {}
    out: list[Row] = []
    running = windowed.start(book=Codebook(), state={})
    for number, one in enumerate(made):
        for put_out in running.process(one):
            assert put_out.stream == windowed.to
            out += shown(put_out.batch)
        save(saved, running.changes())
        if number in restarts:
            running = windowed.start(book=Codebook(), state=saved)
    return out, running.late


@given(
    rows=DRAWS,
    keys=KEYS,
    window=st.sampled_from(WINDOWS),
    grace=st.sampled_from([0, 1, 4, 60]),
    top=st.sampled_from([None, Top(1, "clicks"), Top(2, "visitors")]),
    cuts=st.lists(st.integers(0, 80), max_size=30),
    restarts=st.sets(st.integers(0, 30)),
    end=st.integers(0, 40_000),
)
@settings(max_examples=300, deadline=None)
def test_windows_equal_a_plain_fold_in_any_cut_and_with_any_restarts(
    rows: list[Row],
    keys: tuple[str, ...],
    window: Tumbling | Hopping | Session,
    grace: int,
    top: Top | None,
    cuts: list[int],
    restarts: set[int],
    end: int,
) -> None:
    windowed = Windowed(
        name="w", to="out", window=window, keys=keys, aggregates=AGGREGATES, grace=grace * SECOND, top=top
    )
    watermark = max([START, *(row["after"] for row in rows)]) + end

    made = [*frames(rows, cuts), frame([], watermark)]

    assert direct(windowed, made, restarts) == plain(windowed, rows, watermark)


@given(
    rows=DRAWS,
    keys=KEYS,
    window=st.sampled_from(WINDOWS),
    top=st.sampled_from([None, Top(2, "clicks")]),
    turns=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9), st.booleans()), max_size=60),
    end=st.integers(0, 40_000),
)
@settings(max_examples=300, deadline=None)
def test_parts_of_partitions_come_to_the_same_windows_in_any_order(
    rows: list[Row],
    keys: tuple[str, ...],
    window: Tumbling | Hopping | Session,
    top: Top | None,
    turns: list[tuple[int, int, bool]],
    end: int,
) -> None:
    """Two partitions by visitor and two that merge; a turn lets one of the four do something, and start again."""
    windowed = Windowed(name="w", to="out", window=window, keys=keys, aggregates=AGGREGATES, top=top)
    rows = [row for row in rows if not row["late"]]
    finish = max([START, *(row["timestamp"] for row in rows)]) + end
    flow = TwoPartitions(windowed, rows)
    for who, much, again in turns:
        if who < 2:
            flow.count(who, much, again=again)
        else:
            flow.merge(who % 2, much, again=again)
    for source in range(2):
        flow.count(source, len(rows) + 1, again=True)
        flow.count_to(source, finish)
    for target in range(2):
        flow.merge(target, 1_000, again=False)

    expected, _ = plain(windowed, rows, finish)
    order = [row["window_end"] for row in expected]
    assert sorted(map(repr, flow.out)) == sorted(map(repr, expected))
    assert len(keys) > 0 or [row["window_end"] for row in flow.out] == order


class TwoPartitions:
    """Two partitions of events, the stream between, and the two partitions in which windows are put together."""

    def __init__(self, windowed: Windowed, rows: Sequence[Row]) -> None:
        self.windowed = windowed
        self.rows = [[r for r in rows if int(r["userId"][1:]) % 2 == number] for number in range(2)]
        self.states: list[Saved] = [{}, {}, {}, {}]
        self.between: list[list[Any]] = [[], []]
        self.out: list[Row] = []
        self.counting = [self.counter(number) for number in range(2)]
        self.merging = [self.merger(number) for number in range(2)]

    def counter(self, number: int) -> PartialWindows:
        return PartialWindows(self.windowed, self.states[number], source=number, partitions=2)

    def merger(self, number: int) -> MergedWindows:
        return MergedWindows(self.windowed, self.states[2 + number], sources=2)

    def count(self, source: int, much: int, *, again: bool) -> None:
        part, self.rows[source] = self.rows[source][:much], self.rows[source][much:]
        for made in frames(part, []):
            self.tell(source, made)
        if again:
            self.counting[source] = self.counter(source)

    def count_to(self, source: int, watermark: int) -> None:
        self.tell(source, frame([], watermark))

    def tell(self, source: int, made: Frame) -> None:
        for target, batch in self.counting[source].process(made).items():
            self.between[target].append(batch)
        save(self.states[source], self.counting[source].changes())

    def merge(self, target: int, much: int, *, again: bool) -> None:
        part, self.between[target] = self.between[target][:much], self.between[target][much:]
        for told in part:
            batch = self.merging[target].process(told)
            self.out += [] if batch is None else shown(batch)
            save(self.states[2 + target], self.merging[target].changes())
        if again:
            self.merging[target] = self.merger(target)
