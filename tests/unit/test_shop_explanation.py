"""What the shop says about offers follows the patterns in use."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from footfall.apps.web.shop.explanation import MOST, Explanation, explained
from footfall.core.clock import ManualClock
from footfall.processors.pattern_model import PatternSet
from footfall.processors.patterns import builtin_patterns, load_patterns, parse_patterns


def pattern(*, states: str, within: str = "30 minutes", audience: str = "{gender: any, age: [0, 99], offer: o}") -> str:
    return f"  - {{name: p, within: {within}, audience: [{audience}], states: {{{states}}}}}\n"


def parsed(*patterns: str) -> PatternSet:
    text = "".join(one.replace("name: p", f"name: p{number}") for number, one in enumerate(patterns))
    return parse_patterns(f"patterns:\n{text}")


def test_the_built_in_pattern_is_clothing_shoes_and_other_clothing() -> None:
    [one] = map(explained, builtin_patterns())

    assert (one.who, one.within) == (("Male, 35 to 45", "Female, 25 to 35"), "30 minutes")
    assert [(step.categories, step.again, step.different) for step in one.steps] == [
        (("clothing",), False, False),
        (("shoes",), False, False),
        (("clothing",), True, True),
    ]


def test_the_shortest_way_is_told_and_loops_are_not() -> None:
    [one] = map(
        explained,
        parsed(
            pattern(
                states="init: [{on: {category: a}, to: x}], "
                "x: [{on: {category: a}, to: x}, {on: {category: b}, to: y}, {on: {productId: [P, Q]}, to: offer}], "
                "y: [{on: {category: c}, to: offer}]"
            )
        ),
    )

    assert [(step.categories, step.products) for step in one.steps] == [(("a",), ()), ((), ("P", "Q"))]


def test_a_long_list_of_names_is_cut_and_says_so() -> None:
    names = ", ".join(f"c{n}" for n in range(10))
    [one] = map(explained, parsed(pattern(states=f"init: [{{on: {{category: [{names}]}}, to: offer}}]")))

    assert (len(one.steps[0].categories), one.steps[0].more) == (4, 6)


@pytest.mark.parametrize(
    ("within", "words"),
    [("90 seconds", "90 seconds"), ("1 minute", "1 minute"), ("120 minutes", "2 hours"), ("7 days", "7 days")],
)
def test_how_a_time_is_said(within: str, words: str) -> None:
    [one] = map(explained, parsed(pattern(within=within, states="init: [{on: {category: a}, to: offer}]")))

    assert one.within == words


@pytest.mark.parametrize(
    ("ages", "words"), [((0, 99), "Anybody of any age"), ((40, 40), "Anybody, 40"), ((18, 64), "Anybody, 18 to 64")]
)
def test_how_an_audience_is_said(ages: tuple[int, int], words: str) -> None:
    audience = f"{{gender: any, age: [{ages[0]}, {ages[1]}], offer: o}}"
    [one] = map(explained, parsed(pattern(audience=audience, states="init: [{on: {category: a}, to: offer}]")))

    assert one.who == (words,)


def test_of_many_patterns_the_first_are_told_and_the_rest_counted() -> None:
    many = parsed(*[pattern(states="init: [{on: {category: a}, to: offer}]")] * (MOST + 3))
    explanation = Explanation(lambda: many, clock=ManualClock())

    assert (len(asyncio.run(explanation.current())), explanation.further) == (MOST, 3)


def test_a_changed_file_is_told_and_a_broken_one_leaves_what_was_told(tmp_path: Path) -> None:
    file, clock = tmp_path / "offers.yaml", ManualClock()
    explanation = Explanation(lambda: load_patterns(file) if file.exists() else builtin_patterns(), clock=clock)
    assert asyncio.run(explanation.current())[0].within == "30 minutes"

    changed = pattern(within="5 minutes", states="init: [{on: {category: a}, to: offer}]")
    file.write_text(f"patterns:\n{changed}")
    assert asyncio.run(explanation.current())[0].within == "30 minutes"
    clock.advance(3)
    assert asyncio.run(explanation.current())[0].within == "5 minutes"

    file.write_text("patterns: [")
    clock.advance(3)
    assert asyncio.run(explanation.current())[0].within == "5 minutes"
    assert "offers.yaml" in (explanation.trouble or "")
