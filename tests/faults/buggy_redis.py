"""Stores in Redis with a bug each, which the tests of faults must find."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Final

from footfall.log.base import Position, StateWrite
from footfall.log.checkpoints.redis import RedisCheckpoints
from footfall.log.checkpoints.scripts import MERGE, SAVE
from footfall.servers.redis import RedisServer, Script
from footfall.servers.redis.server import Command

_FENCE: Final = "if stands ~= ARGV[5 + 4 * i] then return {i, stands} end"
_EPOCH: Final = "if epoch ~= ARGV[3] then return 0 end"
_GAP: Final = 0.02
"""Seconds between two calls that should have been one."""


class InTwoCalls(RedisCheckpoints):
    """State and positions are two calls: what happens in between finds one without the other."""

    def save(self, positions: Sequence[Position], state: Sequence[StateWrite]) -> None:
        super().save([], state)
        threading.Event().wait(_GAP)
        super().save(positions, [])


class WithoutFence(RedisCheckpoints):
    """Whoever saves last is believed, wherever it started from."""

    def __init__(self, server: RedisServer, **settings: Any) -> None:
        super().__init__(server, **settings)
        assert _FENCE in SAVE
        self._save = server.script(SAVE.replace(_FENCE, ""))


class WithoutEpoch(RedisCheckpoints):
    """A merge replaces what it has read, whatever became of it meanwhile."""

    def __init__(self, server: RedisServer, **settings: Any) -> None:
        super().__init__(server, **settings)
        assert _EPOCH in MERGE
        self._merging._merge = server.script(MERGE.replace(_EPOCH, ""))


class WithoutGeneration(RedisServer):
    """A server that is believed whatever it has lost."""

    def script(self, body: str) -> Script:
        registered = self._client.register_script(body)
        return lambda keys, arguments: registered(keys=["", *keys], args=["", *arguments])

    def ask(self, *commands: Command, together: bool = False) -> list[Any]:
        return [self._client.execute_command(*command) for command in commands]  # type: ignore[no-untyped-call]


BUGS: Final[dict[str, type[RedisCheckpoints]]] = {"two calls": InTwoCalls, "no fence": WithoutFence}
"""Those that kills, freezes and a second worker must find."""
