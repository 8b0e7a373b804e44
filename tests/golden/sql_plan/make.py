"""Turns the queries beside it into their plans: ``python -m tests.golden.sql_plan.make``. Read what changed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from footfall.sql.explain import explained
from footfall.sql.planning import plan_script
from tests.unit.sql_tables import STREAMS

QUERIES: Final = sorted(Path(__file__).parent.glob("*.sql"))


def planned(query: Path) -> str:
    """The plan of a query as text."""
    return explained(plan_script(query.read_text(), streams=STREAMS))


if __name__ == "__main__":
    for one in QUERIES:
        one.with_suffix(".plan").write_text(planned(one))
