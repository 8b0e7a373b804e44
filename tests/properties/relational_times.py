"""Two streams in time, in which no row is late, given to an operator in any interleaving and any cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import pyarrow as pa
from hypothesis import strategies as st

from footfall.processors.base import NO_TIME
from footfall.processors.relational.rows import END_OF_TIME, Relation
from tests.properties.relational_rows import Driver, Event, as_rows

Stream = Sequence[tuple[int, Event]]
"""For each row the watermark just before it, and what it does."""
NEVER: Final = 2**61


@st.composite
def watermarked(draw: st.DrawFn, events: Sequence[Event], time: Callable[[Event], int]) -> Stream:
    """Watermarks that make no row late: below the time of each row to come, never falling, as far as it pleases."""
    marks: list[int] = []
    ahead = NEVER
    for event in reversed(events):
        ahead = min(ahead, time(event))
        marks.append(ahead - 1 - draw(st.integers(0, 3)))
    marks.reverse()
    for at in range(1, len(marks)):
        marks[at] = max(marks[at], marks[at - 1])
    return list(zip(marks, events, strict=True))


def drive(
    relation: Relation, streams: Sequence[Stream], schemas: Sequence[pa.Schema], data: Any, *, check: Any = None
) -> Driver:
    """All rows of all streams, in any interleaving; the watermark is the least of the streams' own ones."""
    driver = Driver(relation)
    at = [0] * len(streams)
    marks = [NO_TIME] * len(streams)
    while any(at[side] < len(stream) for side, stream in enumerate(streams)):
        side = data.draw(st.sampled_from([s for s, stream in enumerate(streams) if at[s] < len(stream)]))
        some = streams[side][at[side] : at[side] + data.draw(st.integers(1, 5))]
        at[side] += len(some)
        rows = as_rows(schemas[side], [e for _, e in some], marks=[m for m, _ in some], coded=data.draw(st.booleans()))
        driver.process(rows, side)
        ended = at[side] == len(streams[side])
        marks[side] = END_OF_TIME if ended else streams[side][at[side]][0]
        if data.draw(st.booleans()):
            driver.advance(min(marks))
            if check is not None:
                check(driver, min(marks))
        if data.draw(st.integers(0, 3)) == 0:
            driver.restart()
    driver.advance(END_OF_TIME)
    return driver
