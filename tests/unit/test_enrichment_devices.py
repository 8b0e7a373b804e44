"""What a user agent is taken for."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from crawlerdetect import CrawlerDetect
from hypothesis import given
from hypothesis import strategies as st

from footfall.processors.enrichment.user_agents import LONGEST, classifier, crawler_detector

GOLDEN = Path(__file__).parents[1] / "golden" / "enrichment" / "user_agents.tsv"
AGENTS = [tuple(line.split("\t")) for line in GOLDEN.read_text(encoding="utf-8").splitlines()[1:]]

is_crawler = crawler_detector()
pieces = st.sampled_from(
    [
        "bot",
        "Mozilla/5.0 ",
        "(",
        "; ",
        "Yandex",
        "YandexSearch",
        "Chrome/1.2",
        "^Java",
        "curl",
        "cubot",
        "Googlebot",
        "K",
    ]
)
agents = st.one_of(
    st.text(alphabet=st.characters(max_codepoint=126, min_codepoint=32), max_size=60),
    st.lists(pieces, max_size=6).map("".join),
)


def test_the_golden_table_is_large_enough() -> None:
    assert len(AGENTS) >= 60


@pytest.mark.parametrize(("device", "is_bot", "agent"), AGENTS)
def test_each_user_agent_of_the_golden_table_is_what_the_table_says(device: str, is_bot: str, agent: str) -> None:
    assert classifier().device(agent) == device
    assert (device == "Bot") == (is_bot == "true")


@given(agents)
def test_a_crawler_is_what_crawlerdetect_calls_one(agent: str) -> None:
    assert is_crawler(agent.strip()) == CrawlerDetect().is_crawler(agent)


@pytest.mark.alone
@pytest.mark.parametrize("pattern", ["a ", "(", "a-", "bot", "android", "Nokia", "iPhone a", "\u017f", "like "])
def test_a_user_agent_of_100_kb_takes_a_few_milliseconds(pattern: str) -> None:
    agent = pattern * (100_000 // len(pattern))
    classifier().device("warm")

    took = min(_seconds(agent) for _ in range(5))

    assert took < 0.005


def _seconds(agent: str) -> float:
    begin = time.perf_counter()
    classifier().device(agent)
    return time.perf_counter() - begin


def test_what_stands_after_the_longest_agent_does_not_count() -> None:
    assert classifier().device("x" * LONGEST + " Googlebot") == "Other"
