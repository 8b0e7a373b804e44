"""Turns an address into a connection pool to a Redis server whose contents are still those that we know.

A *generation* is a random id, written when a server is first used. It goes when the server is emptied; so whatever
is read or written together with it was neither lost nor filled anew meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from footfall.core.errors import Emptied, UsageError
from footfall.core.progress import unheard
from footfall.servers.redis.checks import Checks, address_of
from footfall.servers.redis.errors import EMPTIED, emptied, our_errors

GENERATION: Final = "footfall:generation"
"""The key with the generation."""
_CHECK: Final = f"if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('{EMPTIED}') end\n"

Value = str | bytes | memoryview | int | float
Script = Callable[[Sequence[str], Sequence[Value]], Any]
"""Runs a script with keys and arguments: KEYS[2…] and ARGV[2…], since the generation comes first."""
Command = tuple[Value, ...]
Random = Callable[[int], bytes]
"""So many random bytes: ``secrets.token_bytes``, or a seeded source in tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSettings:
    """How long a Redis server may take, and how many connections a process has to it."""

    connect_timeout: timedelta = timedelta(seconds=2)
    """Until a connection stands."""
    timeout: timedelta = timedelta(seconds=5)
    """Until something is written or answered, or one of the connections is free."""
    connections: int = 16
    """At most so many at a time; threads wait for one."""


_SETTINGS: Final = RedisSettings()


class RedisServer:
    """One database of a Redis server. Threads share it; nothing is tried twice: that is the caller's matter."""

    def __init__(
        self, client: redis.Redis, place: str, *, random: Random, generation: str, checks: Checks, follow: bool
    ) -> None:
        """Use ``open``."""
        self._follow = follow
        self._client = client
        self._random = random
        self._checks = checks
        self.place = place
        """The address, without user and password."""
        self.generation = generation
        """What the server must still say. Whoever wants to notice also after a restart keeps it elsewhere."""

    @classmethod
    def open(
        cls,
        url: str,
        *,
        random: Random,
        known: str | None = None,
        settings: RedisSettings = _SETTINGS,
        warn: Callable[[str], None] = unheard,
        follow: bool = False,
    ) -> Self:
        """Connect to ``redis://…`` or ``rediss://…``, and make sure that the server keeps what it is given.

        ``known`` is the generation as of before; without it, that of the server is taken, or a new one is written.
        Who says ``follow`` can do without what was lost: it goes on with what there is, and never hears of it.
        ``warn`` hears once what could not be checked. Raises UsageError when the address is wrong or the server may
        evict, Emptied when the generation is not the one known, Unavailable when the server cannot be reached.
        """
        client = _connect(url, settings)
        place = address_of(client.connection_pool)
        try:
            with our_errors(place):
                checks = Checks(client, place, warn)
                found = _generation(client)
                if known is None and found is None:
                    found = _begun(client, random)
            if found is None or known not in {None, found}:
                raise emptied(place)
        except BaseException:
            client.close()
            raise
        return cls(client, place, random=random, generation=found, checks=checks, follow=follow)

    def script(self, body: str) -> Script:
        """A Lua script that runs as a whole, and only if the generation is still there; else it raises Emptied."""
        registered = self._client.register_script(_CHECK + body)

        def attempt(keys: Sequence[str], arguments: Sequence[Value]) -> Any:
            with our_errors(self.place):
                return registered(keys=[GENERATION, *keys], args=[self.generation, *arguments])

        def run(keys: Sequence[str], arguments: Sequence[Value]) -> Any:
            try:
                return attempt(keys, arguments)
            except Emptied:
                if not self._follow:
                    raise
                self._take_over()
                return attempt(keys, arguments)

        return run

    def ask(self, *commands: Command, together: bool = False) -> list[Any]:
        """The answers to several commands in one round trip; ``together``: as of one moment.

        The generation is asked for last: if it is still there, so was everything before. Raises Emptied.
        """
        try:
            return self._ask(commands, together=together)
        except Emptied:
            if not self._follow:
                raise
            self._take_over()
            return self._ask(commands, together=together)

    def _ask(self, commands: Sequence[Command], *, together: bool) -> list[Any]:
        with our_errors(self.place):
            pipeline: Any = self._client.pipeline(transaction=together)
            for command in commands:
                pipeline.execute_command(*command)
            pipeline.execute_command("GET", GENERATION)
            answers: list[Any] = pipeline.execute()
            found = answers.pop()
        if found is None or found.decode() != self.generation:
            raise emptied(self.place)
        return answers

    def _take_over(self) -> None:
        """Know the server from now on as it is."""
        with our_errors(self.place):
            self.generation = _generation(self._client) or _begun(self._client, self._random) or self.generation

    def new_id(self) -> str:
        """A random id."""
        return self._random(16).hex()

    def check_evictions(self) -> None:
        """Raise Emptied if the server threw keys away since it was opened."""
        with our_errors(self.place):
            evicted = self._checks.evicted()
        if evicted and not self._follow:
            raise emptied(self.place, f"it has thrown away {evicted} keys to free memory")

    def accept_emptied(self) -> str:
        """Begin a new generation, once the server was filled again; it. All others that have it open are told."""
        generation = self.new_id()
        with our_errors(self.place):
            self._client.set(GENERATION, generation)
            self._checks.forget_evictions()
        self.generation = generation
        return generation

    def close(self) -> None:
        """Release the connections."""
        self._client.close()
        self._client.connection_pool.disconnect()


def _begun(client: redis.Redis, random: Random) -> str | None:
    """The generation that a server has from now on: ours, or that of somebody who was faster."""
    client.set(GENERATION, random(16).hex(), nx=True)
    return _generation(client)


def _generation(client: redis.Redis) -> str | None:
    found: Any = client.get(GENERATION)
    return None if found is None else bytes(found).decode()


def _connect(url: str, settings: RedisSettings) -> redis.Redis:
    """A client. What is wrong with an address is not repeated: it may be a part of the password."""
    try:
        pool = redis.BlockingConnectionPool.from_url(
            url,
            max_connections=settings.connections,
            timeout=settings.timeout.total_seconds(),
            socket_connect_timeout=settings.connect_timeout.total_seconds(),
            socket_timeout=settings.timeout.total_seconds(),
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
    except (ValueError, TypeError):
        raise UsageError(
            "The address of the Redis server cannot be used.",
            remedy="Write redis://USER:PASSWORD@HOST:PORT/DB, or rediss:// for TLS; in user and password, write "
            "%2F for /, %40 for @, %3A for :, %23 for #.",
        ) from None
    return redis.Redis(connection_pool=pool)
