"""Turns a log into a text that is its own: the same as long as it lives, and no other log's.

Who keeps a place in a log elsewhere keeps this with it. A log that was removed and filled anew has offsets of the same
look, and other events behind them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pyarrow as pa

from footfall.core.errors import Fenced
from footfall.core.events import CLICKS
from footfall.log.base import Commit, DurableLog, Place, Position, StateWrite

GROUP: Final = "identity"
"""Under this name a log keeps it, as state."""
_TABLE: Final = "log"
_BYTES: Final = 16


def identity_of(log: DurableLog, *, random: Callable[[int], bytes]) -> str:
    """The log's own text, 32 hex digits, made from so many random bytes when it is first asked for.

    Raises Unavailable when it cannot be written.
    """
    if (found := _kept(log)) is not None:
        return found
    made = random(_BYTES).hex()
    only_one = Position(GROUP, CLICKS, 0, Place(), Place(0, 1))  # of several processes that ask for it at once
    batch = pa.RecordBatch.from_pydict({"identity": [made]})
    try:
        log.commit(Commit(positions=[only_one], state=[StateWrite(GROUP, 0, _TABLE, batch)]))
    except Fenced:
        return identity_of(log, random=random)
    return made


def _kept(log: DurableLog) -> str | None:
    batches = log.state(GROUP, 0).get(_TABLE, ())
    return next((str(text) for batch in batches for text in batch.column("identity").to_pylist()), None)
