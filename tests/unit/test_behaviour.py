"""The rules of behaviour detection, one by one, on the built-in pattern: clothing, shoes, other clothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest

from footfall.core.events import OFFER_SCHEMA
from footfall.processors.base import Change, Codebook
from footfall.processors.behaviour import Behaviour, Detector
from footfall.processors.patterns import PatternSet, builtin_patterns, parse_patterns
from tests.unit.frames import enriched, frame

MINUTE = 60_000
START = 1_331_802_578_000
CATEGORIES = {"C": "clothing", "S": "shoes", "B": "books"}


def clicks(*steps: str, minutes: Sequence[float] = (), **visitor: Any) -> list[dict[str, Any]]:
    """Clicks a minute apart, or at these minutes; ``C1`` is a click on product C1 of category clothing."""
    return [
        {
            "timestamp": START + int((minutes[i] if minutes else i) * MINUTE),
            "productId": step,
            "category": CATEGORIES[step[0]],
            **visitor,
        }
        for i, step in enumerate(steps)
    ]


@dataclass
class Watch:
    """A detector and what an engine keeps of it."""

    patterns: PatternSet = field(default_factory=builtin_patterns)
    book: Codebook = field(default_factory=Codebook)
    saved: dict[str, list[pa.RecordBatch]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.detector: Detector = Behaviour(self.patterns).start(book=self.book, state=self.saved)

    def see(self, rows: list[dict[str, Any]], watermark: int | None = None) -> list[str]:
        """The offers that these clicks cause."""
        outputs = self.detector.process(frame(rows, self.book, watermark=watermark))
        return [offer for output in outputs for offer in output.batch.column("offer").to_pylist()]

    def save(self) -> list[Change]:
        changes = list(self.detector.changes())
        for change in changes:
            self.saved[change.table] = [*([] if change.reset else self.saved.get(change.table, [])), change.batch]
        return changes

    def lines(self) -> list[str]:
        lines: list[str] = self.detector.partials()[0].batch.column("line").to_pylist()
        return lines

    def rows(self, table: str = "attempts") -> int:
        return sum(batch.num_rows for batch in self.saved.get(table, []))


@pytest.mark.parametrize(
    ("gender", "age", "offers"),
    [
        *[("M", 35, ["offer1"]), ("M", 45, ["offer1"]), ("M", 34, []), ("M", 46, [])],
        *[("F", 25, ["offer2"]), ("F", 35, ["offer2"]), ("F", 24, []), ("F", 36, [])],
        *[("U", 35, []), (None, 35, []), ("M", None, []), ("X", 40, []), ("M", -5, []), ("M", 30_000, [])],
    ],
)
def test_only_the_audience_is_offered_anything(gender: str | None, age: int | None, offers: list[str]) -> None:
    assert Watch().see(clicks("C1", "S1", "C2", gender=gender, age=age)) == offers


@pytest.mark.parametrize(
    ("steps", "offers"),
    [
        ("C1 S1 C2", 1),
        ("C1 C2 S1 C3", 1),  # clothing again stays
        ("C1 C2 S1 C2", 1),  # different from the first, which is C1
        ("C1 S1 C1", 0),  # the same as the first leads back
        ("C1 S1 C1 S2 C2", 1),
        ("C1 C1 S1 S1 C2", 1),  # refreshes
        ("C1 S1 S2 C2", 0),  # other shoes end the attempt
        ("C1 B1 S1 C2", 0),
        ("S1 C1 S1 C2", 1),
        ("C1 S1 C2 S1 C3", 1),  # the click that completes is consumed
        ("C1 S1 C2 C2 S1 C3", 2),
        ("C1 S1 C2 C3 S1 C4", 2),
        ("C1 S1 B1 C2 S1 C3", 1),
    ],
)
def test_the_table_of_the_pattern(steps: str, offers: int) -> None:
    whole, cut = Watch(), Watch()

    assert len(whole.see(clicks(*steps.split()))) == offers
    assert sum(len(cut.see([row])) for row in clicks(*steps.split())) == offers


def test_all_clicks_must_come_strictly_within_thirty_minutes_of_the_first() -> None:
    assert Watch().see(clicks("C1", "S1", "C2", minutes=(0, 10, 29.99))) == ["offer1"]
    assert Watch().see(clicks("C1", "S1", "C2", minutes=(0, 10, 30))) == []


def test_a_click_that_comes_too_late_begins_a_new_attempt() -> None:
    assert Watch().see(clicks("C1", "C2", "S1", "C3", minutes=(0, 30, 40, 59))) == ["offer1"]
    assert Watch().see(clicks("C1", "S1", "C1", "S1", "C2", minutes=(0, 29, 30, 31, 32))) == ["offer1"]


def test_a_refresh_does_not_prolong_an_attempt() -> None:
    assert Watch().see(clicks("C1", "C1", "S1", "C2", minutes=(0, 29, 29.5, 31))) == []


def test_a_product_that_changed_its_category_is_still_a_refresh() -> None:
    rows = clicks("C1", "C1", "S1", "C2")
    rows[1]["category"] = "books"
    watch = Watch()
    watch.see(rows[:1])
    watch.save()

    assert Watch().see(rows) == ["offer1"]
    assert Watch(saved=watch.saved).see(rows[1:]) == ["offer1"]


def test_bots_and_late_clicks_are_not_looked_at() -> None:
    assert Watch().see(clicks("C1", "S1", "C2", is_bot=True)) == []
    rows = clicks("C1", "B1", "S1", "B2", "C2")
    rows[1]["is_bot"] = True
    rows[3]["late"] = True
    assert Watch().see(rows) == ["offer1"]


def test_clicks_outside_the_audience_do_not_end_an_attempt() -> None:
    rows = clicks("C1", "B1", "S1", "C2")
    rows[1]["age"] = 20
    assert Watch().see(rows) == ["offer1"]


def test_the_completing_click_names_the_offer() -> None:
    rows = clicks("C1", "S1", "C2", age=35)
    rows[2]["gender"] = "F"
    assert Watch().see(rows) == ["offer2"]


def test_visitors_do_not_mix() -> None:
    ada, bob = clicks("C1", "S1", "C2"), clicks("C1", "B1", "C2", userId="bob")
    rows = [row for pair in zip(ada, bob, strict=True) for row in pair]

    assert Watch().see(rows) == ["offer1"]


def test_an_offer_says_when_to_whom_and_why() -> None:
    watch = Watch()
    watch.see(clicks("C1", "C2"))

    [output] = watch.detector.process(frame(clicks("S1", "C3", minutes=(5, 6)), watch.book))

    assert output.stream == "special-offers"
    assert output.batch.schema == OFFER_SCHEMA
    [row] = output.batch.to_pylist()
    assert (row["userId"], row["offer"], row["pattern"]) == ("ada", "offer1", "clothes-shoes-clothes")
    assert row["timestamp"].timestamp() * 1000 == START + 6 * MINUTE
    assert [(m["productId"], m["category"]) for m in row["matched"]] == [
        ("C1", "clothing"),
        ("S1", "shoes"),
        ("C3", "clothing"),
    ]
    assert [m["timestamp"].timestamp() * 1000 - START for m in row["matched"]] == [0, 5 * MINUTE, 6 * MINUTE]


def test_going_back_to_a_state_keeps_its_click_and_forgets_the_later_ones() -> None:
    for cut in (False, True):
        watch = Watch()
        rows = clicks("C1", "S1", "C1", "S2", "C2")
        parts = [[row] for row in rows] if cut else [rows]

        outputs = [output for part in parts for output in watch.detector.process(frame(part, watch.book))]

        [row] = outputs[0].batch.to_pylist()
        assert [m["productId"] for m in row["matched"]] == ["C1", "S2", "C2"]
        assert row["matched"][0]["timestamp"].timestamp() * 1000 == START


def test_an_offers_id_follows_from_the_pattern_and_the_completing_click() -> None:
    batch = enriched(clicks("C1", "S1", "C2"))
    watches = [Watch(builtin_patterns()), Watch(builtin_patterns()), Watch(renamed())]

    ids = [
        watch.detector.process(frame(batch, watch.book))[0].batch.column("event_id").to_pylist() for watch in watches
    ]

    assert ids[0] == ids[1]
    assert ids[0] != ids[2]


def renamed(within: str = "30 minutes") -> PatternSet:
    """The built-in pattern under another name, or with another time."""
    return parse_patterns(text("other").replace("30 minutes", within))


def text(name: str, audience: str = "{gender: M, age: [35, 45], offer: offer1}") -> str:
    return f"""
patterns:
  - name: {name}
    within: 30 minutes
    audience: [{audience}]
    states:
      init: [{{on: {{category: clothing}}, to: clothes_visited}}]
      clothes_visited: [{{on: {{category: shoes}}, to: shoes_visited}}]
      shoes_visited: [{{on: {{category: clothing}}, to: offer}}]
"""


def test_the_log_shows_every_transition_and_no_stay() -> None:
    watch = Watch()

    watch.see(clicks("C1", "C2", "S1", "S1", "C1", "B1", "B2", "C1", "S1", "C2", userId="sad-music-boxing"))

    user = "[User sad-music-boxing"
    assert watch.lines() == [
        f"{user} entered state clothes_visited][Event: clicked C1][Category: clothing]",
        f"{user} entered state shoes_visited][Event: clicked S1][Category: shoes]",
        f"{user} entered state clothes_visited][Event: clicked C1][Category: clothing]",
        f"{user} entered state init][Event: clicked B1][Category: books]",
        f"{user} entered state clothes_visited][Event: clicked C1][Category: clothing]",
        f"{user} entered state shoes_visited][Event: clicked S1][Category: shoes]",
        f"{user} triggered offer offer1]",
    ]


def test_the_log_does_not_show_that_time_has_run_out() -> None:
    watch = Watch()

    watch.see(clicks("C1", "B1", "C1", "C2", minutes=(0, 30, 40, 70)))

    assert [line.split("]")[0] for line in watch.lines()] == ["[User ada entered state clothes_visited"] * 3


def test_the_log_keeps_the_latest_hundred_lines_also_over_a_restart() -> None:
    watch = Watch()
    for user in range(130):
        watch.see(clicks("C1", userId=f"v{user}"))
        watch.save()

    again = Watch(saved=watch.saved)

    assert len(watch.lines()) == 100
    assert watch.lines()[-1].startswith("[User v129 ")
    assert again.lines() == watch.lines()


def test_attempts_and_counts_outlive_a_restart() -> None:
    watch = Watch()
    assert watch.see(clicks("C1", "S1", "C2", "C1", "S1")) == ["offer1"]
    watch.save()

    again = Watch(saved=watch.saved)

    assert again.see(clicks("C2", minutes=(6,))) == ["offer1"]
    again.save()
    assert again.saved["counts"][-1].to_pylist() == [{"name": "offer1", "count": 2}]
    assert len(again.saved["counts"]) == 1


def test_nothing_is_saved_where_nothing_changed() -> None:
    watch = Watch()
    watch.see(clicks("C1"))
    assert [change.table for change in watch.save()] == ["attempts", "state_logs"]

    watch.see(clicks("B1", "S1", userId="bob"))

    assert watch.save() == []


def test_an_attempt_that_began_and_ended_between_two_saves_leaves_no_trace() -> None:
    watch = Watch()
    watch.see(clicks("C1", "B1"))
    watch.save()
    assert watch.rows() == 0


def test_the_saved_state_stays_in_proportion_to_the_attempts() -> None:
    watch = Watch()
    for turn in range(30):
        watch.see([row for user in range(1000) for row in clicks("C1" if turn % 2 else "B1", userId=f"v{user}")])
        watch.save()
    assert watch.rows() <= 10_000 + 2 * 1000 + 1000
    assert len(Watch(saved=watch.saved).lines()) == 100
    assert int(Watch(saved=watch.saved).detector.live().sum()) == int(watch.detector.live().sum())


def test_attempts_that_no_click_can_go_on_with_are_dropped() -> None:
    watch = Watch()
    watch.see(clicks("C1"))
    watch.save()
    watch.see(clicks("B1", userId="bob", age=20), watermark=START + 30 * MINUTE)
    assert watch.detector.live().tolist()[0]

    watch.see(clicks("B1", userId="bob", age=20), watermark=START + 40 * MINUTE)

    assert watch.detector.live().tolist()[0]  # until that is saved too
    watch.save()
    assert not watch.detector.live().any()


def test_attempts_that_a_punctual_click_may_go_on_with_are_kept() -> None:
    watch = Watch()
    watch.see(clicks("C1", "S1"))
    watch.see(clicks("B1", userId="bob"), watermark=START + 30 * MINUTE)

    assert watch.see(clicks("C2", minutes=(29.9,))) == ["offer1"]


def test_a_code_given_to_another_visitor_brings_no_attempt_along() -> None:
    watch = Watch()
    watch.see(clicks("C1", "S1", "C2"))
    watch.save()
    assert not watch.detector.live().any()
    watch.book.visitors.release([0])

    assert watch.see(clicks("C2", userId="bob")) == []
    assert watch.book.visitors.text(0) == "bob"
    assert watch.see(clicks("S1", "C1", userId="bob")) == ["offer1"]


def test_patterns_that_are_the_same_go_on_when_others_change() -> None:
    first, second = parse_patterns(text("a")).patterns[0], parse_patterns(text("b")).patterns[0]
    [changed] = parse_patterns(text("b").replace("30 minutes", "20 minutes"))
    watch = Watch(PatternSet((first, second)))
    watch.see(clicks("C1", "S1"))
    watch.save()

    watch.detector.use(PatternSet((changed, first)))

    assert [c.reset for c in watch.save()] == [True, False]
    [output] = watch.detector.process(frame(clicks("C2", minutes=(2,)), watch.book))
    assert output.batch.column("pattern").to_pylist() == ["a"]


def test_attempts_at_a_pattern_that_changed_while_nothing_ran_begin_again() -> None:
    watch = Watch(renamed())
    watch.see(clicks("C1", "S1"))
    watch.save()

    again = Watch(renamed("31 minutes"), saved=watch.saved)

    assert again.see(clicks("C2", minutes=(2,))) == []
    assert [c.reset for c in again.save() if c.table == "attempts"] == [True, False]
    assert again.rows() == 1


def test_several_patterns_follow_a_visitor_independently() -> None:
    both = PatternSet((*builtin_patterns(), *parse_patterns(text("b", "{gender: any, age: [40, 40], offer: extra}"))))

    watch = Watch(both)

    [output] = watch.detector.process(frame(clicks("C1", "S1", "C2"), watch.book))

    assert output.batch.column("offer").to_pylist() == ["offer1", "extra"]
    assert len(set(output.batch.column("event_id").to_pylist())) == 2


def test_without_patterns_nothing_is_offered() -> None:
    watch = Watch(PatternSet())
    assert watch.see(clicks("C1", "S1", "C2")) == []
    assert watch.save() == []


def test_an_empty_frame_changes_nothing() -> None:
    watch = Watch()
    assert watch.see([]) == []
    assert watch.save() == []
