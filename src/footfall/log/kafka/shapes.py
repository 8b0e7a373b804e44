"""Turns what is only ours to know of a stream into state, and back: its columns, and how long it is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pyarrow as pa

from footfall.core.events import SCHEMAS
from footfall.log.base import CheckpointStore, StateWrite

GROUP: Final = "streams"
"""Under this name checkpoints keep it; a table a stream."""
_LOOK: Final = "kept"


class Shapes:
    """What the log's checkpoints know of streams that the brokers do not."""

    def __init__(self, checkpoints: CheckpointStore) -> None:
        self._checkpoints = checkpoints
        self._schemas: dict[str, pa.Schema] = dict(SCHEMAS)

    def schema(self, stream: str) -> pa.Schema | None:
        """A stream's columns: a built-in one's, or those of the first batch that was written to another one."""
        if stream not in self._schemas:
            saved = self._checkpoints.state(GROUP, 0).get(f"schema:{stream}", ())
            if saved:
                self._schemas[stream] = saved[-1].schema
        return self._schemas.get(stream)

    def learn(self, stream: str, schema: pa.Schema) -> None:
        """Remember the columns of a stream's first batch."""
        if self.schema(stream) is None:
            empty = pa.RecordBatch.from_pylist([], schema=schema)
            self._checkpoints.save((), [StateWrite(GROUP, 0, f"schema:{stream}", empty, reset=True)])
            self._schemas[stream] = schema

    def keep(self, stream: str, keep_for: timedelta | None) -> None:
        """Remember how long a stream is to be kept."""
        milliseconds = None if keep_for is None else keep_for // timedelta(milliseconds=1)
        row = pa.RecordBatch.from_pydict({"keep_ms": pa.array([milliseconds], pa.int64())})
        self._checkpoints.save((), [StateWrite(GROUP, 0, f"{_LOOK}:{stream}", row, reset=True)])

    def kept(self) -> dict[str, timedelta | None]:
        """How long each stream is kept; None: for ever."""
        found: dict[str, timedelta | None] = {}
        for table, batches in self._checkpoints.state(GROUP, 0).items():
            kind, _, stream = table.partition(":")
            if kind == _LOOK:
                [row] = batches[-1].to_pylist()
                found[stream] = None if row["keep_ms"] is None else timedelta(milliseconds=row["keep_ms"])
        return found
