"""Distinct visitors by minute and by device are exact, for 32 minutes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from footfall.processors.base import Codebook
from footfall.processors.presence import Presence
from tests.unit.frames import frame
from tests.unit.streams import MINUTE, START, Saved

FIRST = START // MINUTE
Seen = tuple[int, str, str]
"""Minute, visitor, device."""


def note(presence: Presence, *seen: Seen, newest: int | None = None) -> None:
    rows: list[dict[str, Any]] = [
        {"timestamp": START + minute * MINUTE, "userId": user, "deviceType": device} for minute, user, device in seen
    ]
    given = frame(rows, presence._book)
    last = max(minute for minute, _, _ in seen) if newest is None else newest
    presence.add(given, np.arange(len(rows)), given.times // MINUTE, newest=FIRST + last)


def by_minute(presence: Presence) -> dict[int, int]:
    return {minute - FIRST: n for minute, n in presence.visitors_by_minute().items() if n}


def by_device(presence: Presence) -> dict[tuple[str, int], int]:
    rows = presence.visitors_by_device().to_pylist()
    return {(row["device"], row["minute"] - FIRST): row["visitors"] for row in rows}


def test_a_visitor_counts_once_a_minute() -> None:
    presence = Presence(Codebook())
    note(presence, (0, "ada", "Mobile"), (0, "ada", "Desktop"), (0, "bob", "Mobile"), (1, "ada", "Mobile"))
    assert by_minute(presence) == {0: 2, 1: 1}


def test_a_visitor_counts_on_each_device_at_its_last_minute_and_once_in_all() -> None:
    presence = Presence(Codebook())
    note(presence, (0, "ada", "Mobile"), (1, "ada", "Desktop"), (2, "ada", "Mobile"), (0, "bob", "Mobile"))
    assert by_device(presence) == {
        ("Mobile", 0): 1,
        ("Mobile", 2): 1,
        ("Desktop", 1): 1,
        ("", 0): 1,
        ("", 2): 1,
    }


@pytest.mark.parametrize("step", [1, 30, 31, 32, 500])
def test_minutes_are_forgotten_when_time_has_gone_on_by_32(step: int) -> None:
    presence = Presence(Codebook())
    note(presence, (0, "ada", "Mobile"))
    note(presence, (step, "bob", "Mobile"))
    assert by_minute(presence) == ({0: 1, step: 1} if step < 32 else {step: 1})
    assert by_device(presence).get(("Mobile", 0), 0) == (step < 32)


def test_an_old_minute_within_32_is_still_counted() -> None:
    presence = Presence(Codebook())
    note(presence, (31, "ada", "Mobile"))
    note(presence, (0, "bob", "Mobile"), newest=31)
    note(presence, (-1, "cyd", "Mobile"), newest=31)
    assert by_minute(presence) == {0: 1, 31: 1}


def test_a_visitor_is_live_until_its_minutes_are_forgotten_and_saved() -> None:
    presence = Presence(Codebook())
    note(presence, (0, "ada", "Mobile"))
    note(presence, (40, "bob", "Mobile"))
    assert presence.live()[:2].tolist() == [True, True]
    presence.changes()
    assert presence.live()[:2].tolist() == [False, True]


def test_a_code_that_is_given_to_another_visitor_carries_no_device_over() -> None:
    book = Codebook()
    presence = Presence(book)
    note(presence, (0, "ada", "Mobile"))
    note(presence, (40, "bob", "Tablet"))
    presence.changes()
    idle = np.flatnonzero(~presence.live()[:2])
    book.visitors.release(idle.tolist())
    note(presence, (41, "cyd", "Tablet"))
    assert book.visitors.add(["cyd"]).tolist() == idle.tolist()
    assert by_device(presence) == {("Tablet", 40): 1, ("Tablet", 41): 1, ("", 40): 1, ("", 41): 1}


def test_what_was_saved_in_pieces_is_restored_at_the_newest_minute() -> None:
    saved, presence = Saved(), Presence(Codebook())
    for minute in (0, 5, 20, 33):
        note(presence, (minute, f"user-{minute}", "Mobile"), (minute, "ada", "Desktop"))
        saved.keep(presence.changes())
    again = Presence(Codebook())
    again.restore(saved.tables)
    assert by_minute(again) == by_minute(presence) == {5: 2, 20: 2, 33: 2}
    assert by_device(again) == by_device(presence)
    assert again.changes() == []
