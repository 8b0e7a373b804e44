"""Turns what a Redis server says about itself into reasons not to trust it with what must not be lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import redis
from redis.exceptions import NoPermissionError, ResponseError

from footfall.core.errors import UsageError

_OLDEST: Final = (6, 2)
_KEEPS: Final = "noeviction"


def address_of(pool: Any) -> str:
    """The address of a pool's server, without user and password."""
    said = pool.connection_kwargs
    database = said.get("db") or 0
    if "path" in said:
        return f"unix://{said['path']}?db={database}"
    scheme = "rediss" if issubclass(pool.connection_class, redis.SSLConnection) else "redis"
    return f"{scheme}://{said.get('host', 'localhost')}:{said.get('port', 6379)}/{database}"


class Checks:
    """Refuses a server that may evict when it is opened; afterwards counts what it evicted."""

    def __init__(self, client: redis.Redis, place: str, warn: Callable[[str], None]) -> None:
        """Raises UsageError when the server is too old, or may evict."""
        self._client = client
        said = self._info()
        self._told = said is not None
        self._evicted = 0 if said is None else int(said.get("evicted_keys", 0))
        if said is not None:
            _check_version(place, str(said.get("redis_version", "")))
        limit, policy = self._memory(said or {})
        if policy is None:
            warn(
                f"{place} tells neither INFO nor CONFIG: whether it may evict keys is not known. "
                f"See to it that its maxmemory-policy is {_KEEPS}."
            )
        elif limit > 0 and policy != _KEEPS:
            raise UsageError(
                f"{place} may throw away what Footfall keeps there: its maxmemory-policy is {policy}.",
                remedy=f"Run `redis-cli CONFIG SET maxmemory-policy {_KEEPS}`, and write `maxmemory-policy {_KEEPS}` "
                "into its configuration.",
            )

    def evicted(self) -> int:
        """How many keys were evicted since."""
        said = self._info("stats") if self._told else None
        if said is None:
            return 0
        evicted = int(said.get("evicted_keys", 0))
        self._evicted = min(self._evicted, evicted)  # it counts from 0 when it starts again
        return evicted - self._evicted

    def forget_evictions(self) -> None:
        """Count from now on."""
        self._evicted += self.evicted()

    def _info(self, *sections: str) -> dict[str, Any] | None:
        try:
            said: Any = self._client.info(*sections)
        except ResponseError as error:
            if _not_allowed(error):
                return None
            raise
        return dict(said)

    def _memory(self, said: dict[str, Any]) -> tuple[int, str | None]:
        """The limit (0: none) and the policy; None if it is not told."""
        if "maxmemory_policy" in said:
            return int(said.get("maxmemory", 0)), str(said["maxmemory_policy"])
        try:
            told: Any = self._client.config_get("maxmemory*")
        except ResponseError as error:
            if _not_allowed(error):
                return 0, None
            raise
        return int(told.get("maxmemory", 0)), told.get("maxmemory-policy")


def _not_allowed(error: ResponseError) -> bool:
    return isinstance(error, NoPermissionError) or "unknown command" in str(error).lower()


def _check_version(place: str, version: str) -> None:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers and numbers < _OLDEST:
        raise UsageError(f"{place} is Redis {version}; 6.2 or newer is needed.", remedy="Use a newer server.")
