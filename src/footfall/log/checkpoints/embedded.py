"""Turns a directory into a store of positions and state: an embedded log that holds no events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from footfall.core.events import Batch
from footfall.log.base import Commit, Place, Position, StateWrite, StreamSettings
from footfall.log.embedded import EmbeddedLog

_STREAM: Final = StreamSettings(partitions=1_024, keep_for=None)
"""A stream's partitions never change, and how many the other log's stream will have is not known: so, many."""


class EmbeddedCheckpoints:
    """See ``log.base.CheckpointStore``. For workers on one machine; it is on disk when ``save`` returns."""

    def __init__(self, directory: Path) -> None:
        self._log = EmbeddedLog.open(directory)
        self._made = {info.name for info in self._log.streams()}

    def position(self, group: str, stream: str, partition: int) -> Place:
        """See ``CheckpointStore.position``."""
        self._make(stream)
        return self._log.position(group, stream, partition)

    def state(self, group: str, partition: int) -> Mapping[str, Sequence[Batch]]:
        """See ``CheckpointStore.state``."""
        return self._log.state(group, partition)

    def groups(self) -> Sequence[str]:
        """See ``CheckpointStore.groups``."""
        return sorted(self._log.groups())

    def save(self, positions: Sequence[Position], state: Sequence[StateWrite]) -> None:
        """See ``CheckpointStore.save``."""
        for position in positions:
            self._make(position.stream)
        self._log.commit(Commit(positions=positions, state=state))

    def delete_group(self, group: str) -> None:
        """See ``CheckpointStore.delete_group``."""
        self._log.delete_group(group)

    def close(self) -> None:
        """See ``CheckpointStore.close``."""
        self._log.close()

    def _make(self, stream: str) -> None:
        if stream not in self._made:
            self._log.create(stream, _STREAM)
            self._made.add(stream)
