"""Pattern files: what is read from a right one, what is said about a wrong one, and how a change is taken up."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from footfall.core.errors import UsageError
from footfall.processors.patterns import PatternFile, builtin_patterns, load_patterns, parse_patterns

GOOD = """\
patterns:
  - name: shoes
    within: 30 minutes
    audience:
      - {gender: M, age: [35, 45], offer: offer1}
    states:
      init:
        - {on: {category: shoes}, to: seen}
      seen:
        - {on: {productId: 42}, to: offer}
"""


def test_the_built_in_file_holds_the_pattern_of_the_specification() -> None:
    [pattern] = builtin_patterns()

    assert pattern.within == timedelta(minutes=30)
    assert [(a.gender, a.youngest, a.oldest, a.offer) for a in pattern.audience] == [
        ("M", 35, 45, "offer1"),
        ("F", 25, 35, "offer2"),
    ]
    assert [s.name for s in pattern.states] == ["init", "clothes_visited", "shoes_visited"]
    assert [(t.categories, t.different, t.to) for t in pattern.states[2].transitions] == [
        (("clothing",), True, "offer"),
        (("clothing",), False, "clothes_visited"),
    ]


def test_names_are_taken_as_they_are_written() -> None:
    text = GOOD.replace("42", "[007, no, 1e3]").replace("category: shoes", "category: on")

    [pattern] = parse_patterns(text)

    assert pattern.products == ("007", "no", "1e3")
    assert pattern.categories == ("on",)


def test_the_version_follows_the_patterns_and_not_the_layout() -> None:
    version = parse_patterns(GOOD).version

    assert parse_patterns("# a remark\n" + GOOD.replace("30 minutes", "'1800 seconds'")).version == version
    assert parse_patterns(GOOD.replace("offer1", "offer9")).version != version


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("patterns:", "pattern:", "line 2: file.pattern: there is no such field; allowed are patterns"),
        ("  - name: shoes", "  - name: [", "not YAML"),
        ("30 minutes", "half an hour", "line 3: patterns[0].within: `half an hour` must be a time as `30 minutes`"),
        ("30 minutes", "0 minutes", "line 3: patterns[0].within: `0 minutes` must be a time"),
        ("    within: 30 minutes\n", "", "line 2: patterns[0].within: is missing"),
        ("name: shoes", "name: 'two words'", "line 2: patterns[0].name: `two words` must begin with a letter"),
        ("gender: M", "gender: X", "line 5: patterns[0].audience[0].gender: `X` must be one of M, F, U, any"),
        ("[35, 45]", "[45, 35]", "line 5: patterns[0].audience[0].age: must be the youngest and the oldest age"),
        ("[35, 45]", "35", "line 5: patterns[0].audience[0].age: must be a list"),
        ("[35, 45]", "[35, old]", "line 5: patterns[0].audience[0].age[1]: `old` must be a whole number of years"),
        ("[35, 45]", "[35, 450]", "line 5: patterns[0].audience[0].age[1]: `450` must be a whole number of years"),
        (
            "category: shoes",
            "kategory: shoes",
            "line 8: patterns[0].states.init[0].on.kategory: there is no such field",
        ),
        ("{category: shoes}", "{}", "line 8: patterns[0].states.init[0].on: must name a category, a productId or both"),
        ("{category: shoes}", "shoes", "line 8: patterns[0].states.init[0].on: must be fields"),
        ("to: seen", "to: sen", "line 8: patterns[0].states.init[0].to: `sen` must be one of seen, offer"),
        ("to: seen", "to: offer", "line 10: patterns[0].states: no transition leads to `seen`"),
        ("to: offer", "to: seen", "line 7: patterns[0].states: no transition leads to `offer`"),
        ("to: seen", "to: init", "line 8: patterns[0].states.init[0].to: `init` must be one of seen, offer"),
        ("      seen:", "      init:", "line 9: patterns[0].states.init: given twice"),
        ("      init:", "      start:", "line 7: patterns[0].states: the first state must be `init`"),
        ("      seen:", "      offer:", "patterns[0].states.offer: no state may have this name"),
        ("to: seen", "product: different-from-first, to: seen", "the attempt has no first click yet"),
        ("to: offer", "product: other, to: offer", "line 10: patterns[0].states.seen[0].product: may only be"),
        (
            "    within:",
            "    ignore_refresh: maybe\n    within:",
            "line 3: patterns[0].ignore_refresh: `maybe` must be true",
        ),
        ("name: shoes", "name: !!python/object/apply:os.getcwd []", "line 2: patterns[0].name: must be a text"),
    ],
)
def test_a_wrong_file_is_answered_with_its_line_and_field(right: str, wrong: str, message: str) -> None:
    text = GOOD.replace(right, wrong, 1)
    if right == "patterns:":
        text = "# first line\n" + text.replace("pattern:\n", "pattern: \n")
        message = message.replace("line 2", "line 3")

    with pytest.raises(UsageError) as caught:
        parse_patterns(text, source="shop.yaml")

    assert message in str(caught.value)
    assert str(caught.value).startswith("shop.yaml, line ")
    assert caught.value.exit_code == 2


def test_two_patterns_of_one_name_are_refused() -> None:
    twice = GOOD + GOOD.removeprefix("patterns:\n")

    with pytest.raises(UsageError, match=r"line 11: patterns\[1\]\.name: another pattern is named `shoes` already"):
        parse_patterns(twice)


def test_more_than_sixteen_states_are_refused() -> None:
    more = "".join(f"      s{i}:\n        - {{on: {{category: shoes}}, to: offer}}\n" for i in range(15))

    with pytest.raises(UsageError, match=r"line 7: patterns\[0\]\.states: 17 states; at most 16 are allowed"):
        parse_patterns(GOOD + more)


@pytest.mark.parametrize("text", ["", "# nothing\n", "patterns: []\n", "- a\n", "a: &a [*a]\n", "[" * 5000, "\x00"])
def test_what_is_no_pattern_file_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_patterns(text)


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.yaml: the pattern file cannot be read: No such file"):
        load_patterns(tmp_path / "gone.yaml")
    with pytest.raises(UsageError, match="Is a directory"):
        load_patterns(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"patterns:\n  - name: caf\xe9\n")
    with pytest.raises(UsageError, match=r"latin\.yaml, line 2: not UTF-8 text"):
        load_patterns(tmp_path / "latin.yaml")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())

    assert load_patterns(tmp_path / "shop.yaml") == parse_patterns(GOOD)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "offers.yaml"
    path.write_text(GOOD)
    return path


def test_a_changed_file_is_taken_up_once(path: Path) -> None:
    file = PatternFile(path)
    assert not file.poll()

    path.write_text(GOOD.replace("30 minutes", "10 minutes"))

    assert file.poll()
    assert not file.poll()
    assert file.current == parse_patterns(GOOD.replace("30 minutes", "10 minutes"))


def test_a_file_that_was_only_touched_or_commented_changes_nothing(path: Path) -> None:
    file = PatternFile(path)

    os.utime(path, ns=(1, 1))
    assert not file.poll()
    path.write_text(GOOD + "# a remark\n")
    assert not file.poll()
    assert file.error is None


def test_a_wrong_file_leaves_the_old_patterns_in_use_and_shows_the_error(path: Path) -> None:
    file = PatternFile(path)
    before = file.current

    path.write_text(GOOD.replace("to: seen", "to: nowhere"))
    assert not file.poll()
    assert file.current is before
    assert file.error is not None
    assert "offers.yaml, line 8: patterns[0].states.init[0].to" in file.error

    path.write_text(GOOD)
    assert not file.poll()
    assert file.error is None


def test_a_file_that_is_gone_leaves_the_old_patterns_in_use(path: Path) -> None:
    file = PatternFile(path)
    before = file.current

    path.unlink()
    assert not file.poll()
    assert file.current is before
    assert file.error is not None
    assert "cannot be read" in file.error

    path.write_text(GOOD.replace("offer1", "offer7"))
    assert file.poll()
    assert file.error is None


def test_a_file_that_is_wrong_from_the_start_is_an_error(path: Path) -> None:
    path.write_text("patterns: 1\n")

    with pytest.raises(UsageError, match="line 1: patterns: must be a list"):
        PatternFile(path)
