"""Turns what only we know of a stream into state, and back: its columns, its topic's id, how long it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import pyarrow as pa

from footfall.core.errors import Failure
from footfall.core.events import SCHEMAS
from footfall.log.base import CheckpointStore, StateWrite

GROUP: Final = "streams"
"""Under this name checkpoints keep it; a table a stream."""
_LOOK: Final = "kept"
_ID: Final = "id"
_SCHEMA: Final = "schema"


class Shapes:
    """What the log's checkpoints know of streams that the brokers do not."""

    def __init__(self, checkpoints: CheckpointStore) -> None:
        self._checkpoints = checkpoints
        self._learnt: dict[str, pa.Schema] = {}
        """What was learnt last of each stream."""

    def schema(self, stream: str) -> pa.Schema | None:
        """A stream's columns: a built-in one's, or those of all batches so far that were written to another one.

        It is looked up each time, since others may write batches with further columns.
        """
        if stream in SCHEMAS:
            return SCHEMAS[stream]
        saved = self._checkpoints.state(f"{GROUP}:{stream}", 0).get(_SCHEMA, ())
        return saved[-1].schema if saved else None

    def learn(self, stream: str, schema: pa.Schema) -> None:
        """Remember the columns of a batch before it is written. Raises Failure when they contradict earlier ones."""
        if stream in SCHEMAS or (stream in self._learnt and self._learnt[stream].equals(schema)):
            return
        known = self.schema(stream)
        together = schema if known is None else _unified(stream, known, schema)
        if known is None or not known.equals(together):
            empty = pa.RecordBatch.from_pylist([], schema=together)
            self._checkpoints.save((), [StateWrite(f"{GROUP}:{stream}", 0, _SCHEMA, empty, reset=True)])
        self._learnt[stream] = schema

    def keep(self, stream: str, keep_for: timedelta | None) -> None:
        """Remember how long a stream is to be kept."""
        milliseconds = None if keep_for is None else keep_for // timedelta(milliseconds=1)
        row = pa.RecordBatch.from_pydict({"keep_ms": pa.array([milliseconds], pa.int64())})
        self._checkpoints.save((), [StateWrite(GROUP, 0, f"{_LOOK}:{stream}", row, reset=True)])

    def ids(self) -> dict[str, str]:
        """The id of each stream's topic, as it was when positions in it were kept."""
        found: dict[str, str] = {}
        for table, batches in self._checkpoints.state(GROUP, 0).items():
            kind, _, stream = table.partition(":")
            if kind == _ID:
                [found[stream]] = batches[-1].column("id").to_pylist()
        return found

    def keep_ids(self, ids: Mapping[str, str]) -> None:
        """Remember the ids of these streams' topics."""
        rows = {stream: pa.RecordBatch.from_pydict({"id": [known]}) for stream, known in ids.items()}
        self._checkpoints.save(
            (), [StateWrite(GROUP, 0, f"{_ID}:{name}", row, reset=True) for name, row in rows.items()]
        )

    def kept(self) -> dict[str, timedelta | None]:
        """How long each stream is kept; None: for ever."""
        found: dict[str, timedelta | None] = {}
        for table, batches in self._checkpoints.state(GROUP, 0).items():
            kind, _, stream = table.partition(":")
            if kind == _LOOK:
                [row] = batches[-1].to_pylist()
                found[stream] = None if row["keep_ms"] is None else timedelta(milliseconds=row["keep_ms"])
        return found


def _unified(stream: str, known: pa.Schema, schema: pa.Schema) -> pa.Schema:
    """All columns of both; a batch may lack any."""
    try:
        return pa.unify_schemas([known, schema], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise Failure(
            f"A batch for {stream} has other columns than those before: {error}.",
            remedy="Nothing was written. Give the changed events a stream of another name.",
        ) from error
