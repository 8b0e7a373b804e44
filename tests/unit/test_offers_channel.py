"""The address of a visitor's offers is the visitor's own, and cannot be guessed."""

from __future__ import annotations

import re
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from footfall.apps.web.offers.channel import channel_of, is_channel

KEY = bytes(range(32))


def parts_of(path: str) -> tuple[str, str]:
    """Visitor and signature, as a server takes them out of the path."""
    match = re.fullmatch(r"/offers/([^/]*)/([A-Za-z0-9_-]+)", path)
    assert match, path
    return unquote(match[1]), match[2]


def test_a_channel_is_recognised() -> None:
    assert is_channel(KEY, *parts_of(channel_of(KEY, "sad-music-boxing")))


def test_a_signature_has_at_least_128_bits() -> None:
    _, mac = parts_of(channel_of(KEY, "ada"))
    assert len(mac) * 6 >= 128


def test_the_channel_of_one_visitor_is_not_that_of_another() -> None:
    _, mac = parts_of(channel_of(KEY, "ada"))
    assert not is_channel(KEY, "bob", mac)


def test_another_key_makes_other_channels() -> None:
    _, mac = parts_of(channel_of(KEY, "ada"))
    assert not is_channel(KEY[::-1], "ada", mac)


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_but_its_own_opens_a_channel(visitor: str, other: str) -> None:
    _, mac = parts_of(channel_of(KEY, visitor))
    assert is_channel(KEY, visitor, other) == (other == mac)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_visitor_fits_into_a_path(visitor: str) -> None:
    assert parts_of(channel_of(KEY, visitor))[0] == visitor
