"""A pipeline's settings become streams and a chain."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from footfall.core.errors import UsageError
from footfall.core.events import CART, CLICKS, CUSTOM, ENRICHED, FAILED, OFFERS, SESSIONS, SHOWN
from footfall.pipeline import FOLLOWERS, PROCESSORS, DataDirectory, Pipeline, read_pipeline
from footfall.processors.enrichment.processor import Enrichment
from footfall.processors.patterns import builtin_patterns
from footfall.processors.sessions import Sessions


def test_streams_that_share_a_key_share_their_partitions_and_failed_events_have_one() -> None:
    streams = Pipeline(partitions=5, keep_days=0.5, keep_gigabytes=0.001).streams()
    assert {name: one.partitions for name, one in streams.items()} == {
        CLICKS: 5,
        ENRICHED: 5,
        SESSIONS: 5,
        OFFERS: 5,
        CART: 5,
        CUSTOM: 5,
        SHOWN: 5,
        FAILED: 1,
    }
    assert {one.keep_for for one in streams.values()} == {timedelta(hours=12)}
    assert {one.keep_bytes for one in streams.values()} == {1_000_000, 100_000}
    assert streams[FAILED].keep_bytes == 100_000  # what anybody may fill is a tenth


def test_a_chain_follows_the_datas_way_whatever_the_order_of_the_names() -> None:
    chain = Pipeline().chain(tuple(reversed(PROCESSORS)), patterns=builtin_patterns(), max_rows=7)
    assert chain.enrichment is not None
    assert (tuple(one.name for one in chain.followers), chain.max_rows) == (FOLLOWERS, 7)


def test_a_chain_without_enrichment_reads_what_others_enrich() -> None:
    chain = Pipeline().chain(["sessions"], patterns=builtin_patterns())
    assert (chain.enrichment, [one.name for one in chain.followers]) == (None, ["sessions"])


def test_lateness_and_gap_reach_the_processors() -> None:
    pipeline = Pipeline(lateness_minutes=3, session_gap_minutes=5)
    chain = pipeline.chain(PROCESSORS, patterns=builtin_patterns())
    assert isinstance(chain.enrichment, Enrichment)
    assert chain.watermark.lateness == chain.enrichment.watermark.lateness == pipeline.lateness == timedelta(minutes=3)
    assert [one.gap for one in chain.followers if isinstance(one, Sessions)] == [timedelta(minutes=5)]


def test_an_unknown_processor_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no processor called sesions.*enrichment, aggregation, sessions, behaviour"):
        Pipeline().chain(["sesions"], patterns=builtin_patterns())


@pytest.mark.parametrize(
    "wrong", [{"partitions": 0}, {"partitions": 65}, {"keep_days": 0}, {"lateness_minutes": -1}, {"lateness": 3}]
)
def test_a_setting_that_makes_no_sense_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    file = tmp_path / "footfall.yaml"
    file.write_text(json.dumps({"pipeline": wrong}))

    with pytest.raises(
        UsageError, match=f"footfall.yaml.*{next(iter(wrong))}.*Settings there are: partitions, keep_days"
    ):
        read_pipeline(file)


def test_the_files_section_is_the_pipeline(tmp_path: Path) -> None:
    file = tmp_path / "footfall.yaml"
    file.write_text("port: 8010\npipeline:\n  partitions: 4\n")

    assert read_pipeline(file) == Pipeline(partitions=4, written=True)


def test_a_data_directory_has_a_place_for_everything() -> None:
    directory = DataDirectory(Path("data"))
    assert len({directory.log, directory.warehouse, directory.run}) == 3
    assert {one.parent for one in (directory.log, directory.warehouse, directory.run)} == {Path("data")}
