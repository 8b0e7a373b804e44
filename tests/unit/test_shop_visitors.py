"""Visitor ids: three friendly words, never given to two visitors, and known again only when we signed them."""

from __future__ import annotations

import asyncio
import re
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall import wiring
from footfall.apps.web.shop.signing import signed, text_of
from footfall.apps.web.shop.visitors import (
    BLOCK,
    EARLY,
    GROUP,
    SPACE,
    TABLE,
    VisitorIds,
    cookie_of,
    three_words,
    visitor_of,
)
from footfall.apps.web.shop.words import ADJECTIVES, GERUNDS, NOUNS
from footfall.core.errors import Failure
from footfall.log.base import Commit, Committed, DurableLog
from footfall.log.embedded import EmbeddedLog

KEY = bytes(range(32))
OTHER = bytes(32)


def test_the_lists_hold_256_different_words_each() -> None:
    for words in (ADJECTIVES, NOUNS, GERUNDS):
        assert len(words) == len(set(words)) == 256
        assert all(re.fullmatch("[a-z]{2,12}", word) for word in words)
    assert all(word.endswith("ing") for word in GERUNDS)
    assert ("sad" in ADJECTIVES, "music" in NOUNS, "boxing" in GERUNDS) == (True, True, True)


@given(st.sets(st.integers(0, 3 * SPACE), min_size=2, max_size=50), st.binary(min_size=32, max_size=32))
def test_different_numbers_are_different_visitors(numbers: set[int], key: bytes) -> None:
    assert len({three_words(number, key=key) for number in numbers}) == len(numbers)


def test_neighbours_do_not_look_alike() -> None:
    ids = [three_words(number, key=KEY).split("-") for number in range(1_000)]

    alike = sum(a == b for one, other in pairwise(ids) for a, b in zip(one, other, strict=True))
    assert alike < 40  # by chance: 3,000 pairs, each alike once in 256


def test_when_all_triples_are_used_up_the_next_carry_a_number() -> None:
    first, later = three_words(7, key=KEY), three_words(2 * SPACE + 7, key=KEY)

    assert later == f"{first}-3"


async def ids(number: int, *makers: VisitorIds) -> list[str]:
    """So many ids of each, asked for at once."""
    return await asyncio.gather(*(one.new() for one in makers for _ in range(number)))


def test_no_id_is_given_twice_to_many_at_once_by_processes_and_restarts(tmp_path: Path) -> None:
    given_out: list[str] = []
    for _ in range(2):  # a restart
        with wiring.open_log(tmp_path) as one, wiring.open_log(tmp_path) as another:
            makers = [VisitorIds(log, key=KEY) for log in (one, another, one)]
            given_out += asyncio.run(ids(2 * BLOCK, *makers))

    assert len(set(given_out)) == len(given_out) == 12 * BLOCK


def reserved(log: DurableLog) -> int:
    """How many numbers are reserved."""
    return sum(row["next"] for batch in log.state(GROUP, 0).get(TABLE, ()) for row in batch.to_pylist())


def test_a_block_is_reserved_when_an_id_is_asked_for_and_the_next_before_it_is_needed(tmp_path: Path) -> None:
    with wiring.open_log(tmp_path) as log:
        maker = VisitorIds(log, key=KEY)
        assert reserved(log) == 0
        asyncio.run(ids(1, maker))
        assert reserved(log) == BLOCK
        asyncio.run(ids(BLOCK - EARLY - 1, maker))
        assert reserved(log) == BLOCK
        asyncio.run(ids(1, maker))

        assert reserved(log) == 2 * BLOCK


class Stalled(EmbeddedLog):
    """A log whose commits wait for a gate."""

    gate = threading.Event()
    waiting = 0

    def commit(self, commit: Commit) -> Committed:
        self.waiting += 1
        self.gate.wait()
        return super().commit(commit)


async def through_a_stall(log: Stalled) -> list[str]:
    maker = VisitorIds(log, key=KEY)
    log.gate.set()
    given_out = await ids(BLOCK - EARLY, maker)
    log.gate.clear()
    log.waiting = 0
    try:
        given_out += await ids(EARLY, maker)  # there are some left
        late = [asyncio.create_task(maker.new()) for _ in range(2 * BLOCK)]
        done, waiting = await asyncio.wait(late, timeout=0.1)
        assert (len(done), len(waiting), log.waiting) == (0, 2 * BLOCK, 1)
        for impatient in late[::2]:
            impatient.cancel()
    finally:
        log.gate.set()
    return given_out + [one for one in await asyncio.gather(*late, return_exceptions=True) if isinstance(one, str)]


def test_while_the_log_stalls_ids_go_on_as_long_as_there_are_some_and_one_thread_waits(tmp_path: Path) -> None:
    wiring.open_log(tmp_path).close()
    with Stalled.open(tmp_path / "log") as log:
        given_out = asyncio.run(through_a_stall(log))

    assert len(set(given_out)) == len(given_out) == 2 * BLOCK


def test_without_the_log_there_is_no_id_rather_than_a_second_one(tmp_path: Path) -> None:
    with wiring.open_log(tmp_path) as log:
        maker = VisitorIds(log, key=KEY)
    with pytest.raises(Failure):
        asyncio.run(maker.new())


def test_a_cookie_names_its_visitor() -> None:
    assert visitor_of(KEY, cookie_of(KEY, "sad-music-boxing")) == "sad-music-boxing"


def test_a_cookie_signed_by_another_shop_or_for_another_purpose_names_nobody() -> None:
    assert visitor_of(KEY, cookie_of(OTHER, "sad-music-boxing")) is None
    assert visitor_of(KEY, signed(KEY, "cart form", "sad-music-boxing")) is None


@given(st.text(max_size=60))
def test_text_that_we_did_not_sign_is_none_of_ours(text: str) -> None:
    assert text_of(KEY, "visitor", text) is None


@given(st.text(max_size=100), st.integers(0, 200), st.integers(0, 25))
def test_one_changed_letter_makes_a_signature_worthless(text: str, where: int, letter: int) -> None:
    value = signed(KEY, "visitor", text)
    place = where % len(value)
    changed = value[:place] + chr(ord("a") + letter) + value[place + 1 :]

    assert text_of(KEY, "visitor", value) == text
    assert text_of(KEY, "visitor", changed) in {None, text}
    if changed.partition(".")[2] != value.partition(".")[2]:
        assert text_of(KEY, "visitor", changed) is None
