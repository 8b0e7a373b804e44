"""Turns who owns which partitions into the tasks of this worker, which come and go with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from footfall.engine.stage import Stage
from footfall.engine.worker import Task


class Ownership(Protocol):
    """Which partitions are this worker's. For one thread."""

    def owned(self) -> Sequence[int] | None:
        """All of them, if that has changed since the last call (and at the first one); else None.

        Raises Fenced when others may own them by now. Called before each turn of the work.
        """
        ...

    def check(self) -> None:
        """Raises Fenced when others may own the partitions by now. Called before what concerns them is written."""
        ...

    def tell(self, places: Mapping[int, int]) -> None:
        """Let other tools see at which offset each partition is read next. Nothing depends on it."""
        ...

    def told(self, partition: int) -> int:
        """What was told last of a partition, by whomever; 0 if nothing was."""
        ...

    def close(self) -> None:
        """Give all of them up."""
        ...


class Fixed:
    """A share of the partitions that never changes."""

    def __init__(self, partitions: Sequence[int]) -> None:
        self._partitions: Sequence[int] | None = partitions

    def owned(self) -> Sequence[int] | None:
        """The share, once."""
        owned, self._partitions = self._partitions, None
        return owned

    def check(self) -> None:
        """Nobody else may own them."""

    def tell(self, places: Mapping[int, int]) -> None:
        """Nobody listens."""

    def told(self, partition: int) -> int:  # noqa: ARG002
        """Nothing."""
        return 0

    def close(self) -> None:
        """Nothing to give up."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is done on one partition."""

    stage: Stage | None
    functions: Sequence[Task]

    @property
    def tasks(self) -> list[Task]:
        """All of it, in order."""
        return [*([self.stage] if self.stage else []), *self.functions]


@dataclass(slots=True)
class Crew:
    """The work on all partitions that this worker owns."""

    ownership: Ownership
    start: Callable[[int], Work]
    """Begins the work on a partition, from what is saved."""
    settled: bool = False
    """Whether it was ever said which partitions are this worker's."""
    _work: dict[int, Work] = field(default_factory=dict)

    @property
    def stages(self) -> list[Stage]:
        """The chains, by partition."""
        return [work.stage for work in self._work.values() if work.stage is not None]

    @property
    def functions(self) -> list[Task]:
        """The user's tasks, by partition."""
        return [task for work in self._work.values() for task in work.functions]

    @property
    def tasks(self) -> list[Task]:
        """All of it."""
        return [task for work in self._work.values() for task in work.tasks]

    def tell(self) -> None:
        """Let other tools see how far the chains are."""
        places = [stage.clicks_at for stage in self.stages]
        offsets = [None if place is None else place.offset for place in places]
        told = {s.partition: offset for s, offset in zip(self.stages, offsets, strict=True) if offset is not None}
        self.ownership.tell(told)

    def changed(self) -> Sequence[Task] | None:
        """All tasks from now on, if partitions came or went since the last call; else None.

        What is kept goes on with what it knows; what comes begins with what the one before saved.
        """
        owned = self.ownership.owned()
        if owned is None:
            return None
        self.settled = True
        kept: Mapping[int, Work] = {number: work for number, work in self._work.items() if number in owned}
        self._work = {number: kept.get(number) or self.start(number) for number in owned}
        return self.tasks
