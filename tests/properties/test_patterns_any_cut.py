"""Pattern detection equals a plain state machine, however the clicks are cut into frames and wherever it restarts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.processors import pattern_machine
from footfall.processors.base import NO_TIME, Change, Codebook
from footfall.processors.behaviour import Behaviour, Detector
from footfall.processors.patterns import PatternSet, builtin_patterns, parse_patterns
from tests.unit.frames import LATENESS, enriched, frame

Row = dict[str, Any]
Offers = list[tuple[str, int, str, str, list[tuple[int, str, str]]]]
MINUTE: Final = 60_000
START: Final = 1_331_802_578_000

HARDER: Final = parse_patterns(
    """
patterns:
  - name: products
    within: 20 minutes
    ignore_refresh: false
    audience: [{gender: any, age: [20, 50], offer: thing}]
    states:
      init:
        - {on: {productId: [P1, P2], category: [clothing, shoes]}, to: a}
        - {on: {productId: P3}, to: offer}
      a:
        - {on: {category: books}, product: different-from-first, to: b}
        - {on: {productId: P1}, to: a}
      b:
        - {on: {productId: P4}, to: a}
        - {on: {category: clothing}, to: c}
      c:
        - {on: {category: [shoes, books]}, to: offer}
  - name: lab
    within: 30 minutes
    audience: [{gender: F, age: [60, 65], offer: lab}, {gender: M, age: [35, 65], offer: lab}]
    states:
      init: [{on: {category: shoes}, to: shoes_visited}]
      shoes_visited:
        - {on: {category: clothing}, to: clothes_visited}
        - {on: {category: shoes}, to: shoes_visited}
      clothes_visited:
        - {on: {category: shoes}, product: different-from-first, to: offer}
        - {on: {category: shoes}, to: shoes_visited}
"""
)
BOTH: Final = PatternSet((*builtin_patterns(), *HARDER))


@dataclass
class Attempt:
    """What the plain machine knows of one visitor at one pattern."""

    state: str = "init"
    first: tuple[int, str] = (0, "")
    last: str = ""
    entries: dict[str, tuple[int, str, str]] = field(default_factory=dict)


def plain(rows: Sequence[Row], patterns: PatternSet) -> tuple[Offers, list[str]]:
    """Offers and log lines, one click at a time, as the rules read."""
    offers: Offers = []
    lines: list[str] = []
    attempts: dict[tuple[str, str], Attempt] = {}
    for row in rows:
        for pattern in patterns:
            names = [
                a.offer
                for a in pattern.audience
                if row["age"] is not None
                and a.gender in (row["gender"], "any")
                and a.youngest <= row["age"] <= a.oldest
            ]
            if row["late"] or row["is_bot"] or not names:
                continue
            user, click = row["userId"], (row["timestamp"], row["productId"], row["category"])
            attempt = attempts.setdefault((pattern.name, user), Attempt())
            if attempt.state != "init" and click[0] - attempt.first[0] >= pattern.within_ms:
                attempt.state = "init"
            if attempt.state != "init" and pattern.ignore_refresh and click[1] == attempt.last:
                continue
            target, restarted = None, False
            looks = [attempt.state] if attempt.state == "init" else [attempt.state, "init"]
            for look in looks:
                for t in next(s.transitions for s in pattern.states if s.name == look):
                    fits = (not t.categories or click[2] in t.categories) and (not t.products or click[1] in t.products)
                    if target is None and fits and not (t.different and click[1] == attempt.first[1]):
                        target, restarted = t.to, look == "init"
            before = attempt.state
            if restarted:
                attempt.first, attempt.entries = (click[0], click[1]), {}
            if target == "offer":
                matched = [attempt.entries[s.name] for s in pattern.states if s.name in attempt.entries]
                offers.append((user, click[0], names[0], pattern.name, [*matched, click]))
                lines.append(f"[User {user} triggered offer {names[0]}]")
                attempt.state = "init"
                continue
            attempt.state, attempt.last = target or "init", click[1]
            if attempt.state != before or restarted:
                lines.append(
                    f"[User {user} entered state {attempt.state}][Event: clicked {click[1]}][Category: {click[2]}]"
                )
                order = [s.name for s in pattern.states]
                earlier = order[: order.index(attempt.state)]
                kept = {name: entry for name, entry in attempt.entries.items() if name in [*earlier, attempt.state]}
                attempt.entries = {attempt.state: click} | kept
    return offers, lines[-100:]


def offers_of(batch: pa.RecordBatch) -> Offers:
    found = []
    times = batch.column("timestamp").cast(pa.int64()).to_pylist()
    for time, row in zip(times, batch.drop_columns(["timestamp"]).to_pylist(), strict=True):
        matched = [(int(m["timestamp"].timestamp() * 1000), m["productId"], m["category"]) for m in row["matched"]]
        found.append((row["userId"], time, row["offer"], row["pattern"], matched))
    return found


class Saved(dict[str, list[pa.RecordBatch]]):
    """State tables as an engine keeps them."""

    def take(self, changes: Sequence[Change]) -> None:
        for change in changes:
            kept = [] if change.reset else self.get(change.table, [])
            self[change.table] = [*kept, change.batch]


def release(detector: Detector, book: Codebook) -> None:
    """Give the codes of visitors back that nobody holds state for, as the engine does."""
    live = detector.live()
    book.visitors.release([int(code) for code in book.visitors.codes() if not live[code]])


def detect(rows: Sequence[Row], patterns: PatternSet, *, cuts: Sequence[int], restarts: Sequence[int]) -> Any:
    """Offers, ids and log lines with frames cut at ``cuts``; saved, and at ``restarts`` restarted, in between."""
    saved = Saved()
    book = Codebook()
    detector = Behaviour(patterns).start(book=book, state=saved)
    batch = enriched(rows)
    bounds = sorted({0, len(rows), *(c for c in cuts if c < len(rows))})
    offers: Offers = []
    ids: list[bytes] = []
    watermark = NO_TIME
    for number, (begin, end) in enumerate(pairwise(bounds)):
        part = frame(batch.slice(begin, end - begin), book, before=watermark)
        watermark = part.watermark
        for output in detector.process(part):
            offers += offers_of(output.batch)
            ids += output.batch.column("event_id").to_pylist()
        if number % 3 == 0 or begin in restarts:
            saved.take(detector.changes())
            release(detector, book)
        if begin in restarts:
            book = Codebook()
            book.visitors.add(["someone else"])
            detector = Behaviour(patterns).start(book=book, state=saved)
    return offers, ids, detector.partials()[0].batch.column("line").to_pylist(), dict(detector.offers)


CLICK: Final = st.fixed_dictionaries(
    {
        "gap": st.sampled_from([0, 0, 1, 2, 3, 5, 9, 15, 30, 45]),
        "back": st.sampled_from([0, 0, 0, 0, 0, 3, 9]),
        "userId": st.sampled_from(["ada", "bob", "cyd"]),
        "productId": st.sampled_from(["P1", "P2", "P3", "P4", "P5", "P6"]),
        "category": st.sampled_from([None, None, None, None, "clothing", "shoes", "books"]),
        "who": st.sampled_from(
            [("M", 40), ("M", 40), ("F", 30), ("F", 60), ("U", 40), ("M", None), ("M", 35), ("F", 36)]
        ),
        "late": st.sampled_from([False] * 12 + [True]),
        "is_bot": st.sampled_from([False] * 12 + [True]),
    }
)
OWN: Final = {"P1": "clothing", "P2": "clothing", "P3": "shoes", "P4": "books", "P5": "clothing", "P6": "games"}
PEOPLE: Final = {"ada": ("M", 40), "bob": ("F", 30), "cyd": ("M", 60)}


def rows_of(clicks: Sequence[dict[str, Any]], *, steady: bool) -> list[Row]:
    """Clicks within the allowed lateness; ``steady`` visitors keep their age and gender."""
    rows, now = [], START
    for click in clicks:
        now += click["gap"] * MINUTE
        gender, age = PEOPLE[click["userId"]] if steady else click["who"]
        rows.append(
            {
                "timestamp": max(now - click["back"] * MINUTE, START) if not click["late"] else now - 3 * LATENESS,
                "userId": click["userId"],
                "productId": click["productId"],
                "category": click["category"] or OWN[click["productId"]],
                "gender": gender,
                "age": age,
                "late": click["late"],
                "is_bot": click["is_bot"],
            }
        )
    return rows


@pytest.mark.parametrize("few", [1, 2, 48])
@settings(max_examples=120, deadline=None)
@given(
    clicks=st.lists(CLICK, min_size=1, max_size=60),
    cuts=st.lists(st.integers(1, 59), max_size=12),
    restarts=st.lists(st.integers(0, 59), max_size=6),
    steady=st.booleans(),
)
def test_any_cut_and_any_restart_give_the_offers_of_the_plain_machine(
    few: int, clicks: list[dict[str, Any]], cuts: list[int], restarts: list[int], steady: bool
) -> None:
    rows = rows_of(clicks, steady=steady)
    offers, lines = plain(rows, BOTH)

    with patch.object(pattern_machine, "FEW", few):  # by rounds, by both, click by click
        found, ids, found_lines, counts = detect(rows, BOTH, cuts=cuts, restarts=restarts)
        _, whole_ids, _, _ = detect(rows, BOTH, cuts=[], restarts=[])

    assert found == offers
    assert found_lines == lines
    assert ids == whole_ids
    assert len(set(ids)) == len(ids)
    assert sum(counts.values()) == len(offers)


def test_frames_of_every_size_give_the_offers_of_the_plain_machine(many_clicks: list[Row]) -> None:
    offers, lines = plain(many_clicks, BOTH)

    for size in (1, 7, 100, 3000):
        found, _, found_lines, _ = detect(many_clicks, BOTH, cuts=range(0, 3000, size), restarts=[700, 1400])
        assert found == offers
        assert found_lines == lines
    assert len(offers) > 100


@pytest.fixture(scope="module")
def many_clicks() -> list[Row]:
    """3,000 clicks of 150 visitors: enough for both rounds and loops."""
    chance = random.Random(11)
    products = [*OWN, "P7", "P8", "P9"]
    clicks = []
    for _ in range(3000):
        product = chance.choice(products)
        user = chance.randrange(150)
        gender, age = [("M", 40), ("F", 30), ("F", 62), ("U", 22)][user % 4]
        clicks.append(
            {
                "timestamp": 0,
                "userId": f"visitor-{user}",
                "productId": product,
                "category": OWN.get(product, "shoes" if product == "P7" else "clothing"),
                "gender": gender,
                "age": age,
                "late": False,
                "is_bot": chance.random() < 0.02,
            }
        )
    now = START
    for click in clicks:
        now += chance.randrange(2_000)
        click["timestamp"] = now - (chance.randrange(LATENESS) if chance.random() < 0.05 else 0)
    return clicks
