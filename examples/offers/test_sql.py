"""The pattern as SQL makes the offers that the detector makes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from examples.running import events
from examples.sql import at, enriched, needs_sql, rows_of, with_known_clicks
from footfall.sql.planning import plan_script

OFFERS = Path(__file__).with_name("offers.sql")


def test_the_query_can_be_planned() -> None:
    [insert] = plan_script(OFFERS.read_text(), streams={}).inserts

    assert [column.name for column in insert.source.output] == ["userId", "offer", "clicked_at"]
    assert not insert.source.changes


@needs_sql
def test_the_query_makes_the_offers_of_the_detector(tmp_path: Path) -> None:
    data_dir = with_known_clicks(tmp_path, events=20_000)

    rows = rows_of(OFFERS, data_dir=data_dir, Enriched=enriched(tmp_path, data_dir=data_dir))

    made = [(row["userId"], row["offer"], at(row["clicked_at"])) for row in rows]
    own = [
        (row["userId"], row["offer"], datetime.fromtimestamp(row["timestamp"] / 1000, UTC))
        for row in events("special-offers", data_dir=data_dir)
    ]
    assert len(own) > 10
    assert sorted(made) == sorted(own)
