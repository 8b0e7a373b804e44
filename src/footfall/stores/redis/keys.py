"""Turns what the store holds into the names of its keys. ``docs/reference/redis-keys.md`` tells readers of them."""

from __future__ import annotations

from typing import Final

LOOKUPS_VERSION: Final = "footfall:lookups:version"
"""A number that grows with each change of look-up data."""
PRODUCTS: Final = "footfall:products"
"""A sorted set with the ids of all products, each with score 0: so it is in the order of the ids."""
VISITORS: Final = "footfall:visitors"
"""The same of visitors."""
PARTIALS: Final = "footfall:partials"
"""A hash: view and partition to what the partition published."""
PARTIALS_NUMBER: Final = "footfall:partials:number"
"""How many publications there were."""
TURN: Final = "footfall:partials:turn"
"""How often somebody has begun to work on a partition."""
TURNS: Final = "footfall:partials:turns"
"""A hash: view and partition to the turn of whoever published it last."""
VIEWS: Final = "footfall:views"
"""A hash: a view's name to ``publication as_of`` of its rows."""
STATE_LOGS: Final = "state_logs"
"""The view that is a stream for its readers."""
STATE_LOGS_ROWS: Final = "footfall:view:state_logs"
"""Its rows, as other views have them under their own name."""
KEPT_LINES: Final = 1_000
"""How long that stream is: ten times the view."""


def view_key(name: str) -> str:
    """Where the rows of a view are, as JSON text."""
    return STATE_LOGS_ROWS if name == STATE_LOGS else name
