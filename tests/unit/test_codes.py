"""A code means one text until it is released, and released codes carry nothing over."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.codes import Dictionary, coded, constant, grown
from footfall.core.events import CODED
from footfall.core.hashing import text_hash

TEXTS = st.sampled_from([f"text-{n}" for n in range(9)])
WORK = st.lists(st.tuples(st.sampled_from(["add", "release", "hash"]), st.lists(TEXTS, max_size=5)), max_size=20)


@given(WORK)
def test_live_codes_stay_apart_and_keep_their_text_and_number(work: list[tuple[str, list[str]]]) -> None:
    dictionary = Dictionary()
    live: dict[str, int] = {}
    for what, texts in work:
        if what == "add":
            live.update(zip(texts, dictionary.add(texts).tolist(), strict=True))
        elif what == "release":
            dictionary.release([live.pop(text) for text in set(texts) & live.keys()])
        else:
            assert all(dictionary.hashes[code] == text_hash(text) for text, code in live.items())
    assert len(set(live.values())) == len(live) == dictionary.live
    assert all(code < len(dictionary) for code in live.values())
    assert dictionary.decode(list(live.values())).to_pylist() == list(live)
    assert {dictionary.text(code) for code in dictionary.codes().tolist()} == live.keys()
    assert all(dictionary.hashes[code] == text_hash(text) for text, code in live.items())


@given(WORK)
def test_the_new_numbers_are_those_of_the_texts_that_were_added_whatever_was_released_meanwhile(
    work: list[tuple[str, list[str]]],
) -> None:
    dictionary = Dictionary()
    taken: set[int] = set(dictionary.take_new_hashes().tolist())
    added: set[str] = set()
    for what, texts in work:
        if what == "add":
            dictionary.add(texts)
            added |= set(texts)
        elif what == "release":
            dictionary.release([code for code in dictionary.codes().tolist() if dictionary.text(code) in texts])
        else:
            taken |= set(dictionary.take_new_hashes().tolist())
    taken |= set(dictionary.take_new_hashes().tolist())
    assert taken == {text_hash(text) for text in added}


def test_a_text_that_was_released_before_it_was_hashed_is_still_among_the_new_numbers() -> None:
    dictionary = Dictionary()
    dictionary.take_new_hashes()
    dictionary.release(dictionary.add(["ada"]).tolist())
    assert dictionary.take_new_hashes().tolist() == [text_hash("ada")]


def test_new_numbers_are_those_of_all_texts_at_first() -> None:
    dictionary = Dictionary()
    dictionary.add(["ada", "bob"])
    assert sorted(dictionary.take_new_hashes().tolist()) == sorted([text_hash("ada"), text_hash("bob")])
    assert dictionary.take_new_hashes().tolist() == []


def test_a_released_code_is_given_out_again_and_has_no_text_meanwhile() -> None:
    dictionary = Dictionary()
    [ada, bob] = dictionary.add(["ada", "bob"]).tolist()
    dictionary.release([ada, ada])
    with pytest.raises(KeyError, match="was released"):
        dictionary.text(ada)
    assert dictionary.add(["cyd", "bob", "dan"]).tolist() == [ada, bob, 2]


@given(st.lists(TEXTS, min_size=1, max_size=20), st.integers(0, 5), st.integers(0, 20))
def test_encoding_gives_a_code_only_to_the_texts_in_use(texts: list[str], start: int, length: int) -> None:
    column = pa.array(["unused", *texts]).dictionary_encode().cast(CODED).slice(1)[start : start + length]
    dictionary = Dictionary()
    codes = dictionary.encode(column)
    assert dictionary.decode(codes).to_pylist() == column.to_pylist()
    assert dictionary.live == len(set(column.to_pylist()))


def test_an_array_grows_with_the_fill_and_keeps_what_it_held() -> None:
    array = grown(grown(constant("x", 2).indices.to_numpy() + 7, 3, fill=-1), 2_000, fill=-2)
    assert array[:3].tolist() == [7, 7, -1]
    assert (len(array) >= 2_000, array[-1]) == (True, -2)
    assert grown(array, 5) is array


def test_a_coded_column_is_null_where_the_index_is_minus_one() -> None:
    indices = constant("x", 3).indices.to_numpy() - [1, 0, 1]
    assert coded(indices.astype("int32"), ["a"]).to_pylist() == [None, "a", None]
