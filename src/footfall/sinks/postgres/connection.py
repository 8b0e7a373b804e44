"""Turns a PostgreSQL address into a connection that notices within seconds when nobody answers."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Self, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from footfall.core.errors import UsageError
from footfall.sinks.postgres.errors import Silent, ours

_UNLESS_SAID: Final[dict[str, Any]] = {
    "application_name": "footfall",
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""Parameters of the connection that the address does not give: seconds, and milliseconds for the last."""
_STATEMENT: Final = "10s"
"""How long a statement may take, unless the address or the role says so: 10,000 rows take 0.1 s."""
_IDLE: Final = "60s"
"""After this the server ends a transaction whose client was frozen, and others can go on."""
_MORE: Final = 2.0
"""Seconds that the answer may take beyond that."""

_WITHOUT_LIMIT: Final = 300.0
"""Seconds to wait for a sign of a statement that may take for ever."""

T = TypeVar("T")
Connection = psycopg.Connection[TupleRow]


@dataclass(frozen=True, slots=True)
class Server:
    """Where the tables are. Its text has no password in it."""

    conninfo: str = field(repr=False)
    text: str

    @classmethod
    def of(cls, url: str) -> Self:
        """The server of a ``postgresql://`` address. Raises UsageError if it is none."""
        try:
            if not url.startswith(("postgresql://", "postgres://")):
                raise psycopg.ProgrammingError
            said = conninfo_to_dict(url)
        except psycopg.ProgrammingError:  # its words may hold the password
            raise UsageError(
                "The warehouse's address is not one of PostgreSQL.",
                remedy="It looks like postgresql://user:password@host:5432/database?sslmode=require.",
            ) from None
        host, port = said.get("host") or said.get("hostaddr") or "localhost", said.get("port") or "5432"
        name = said.get("dbname") or said.get("user") or "the user's own"
        return cls(
            make_conninfo(url, **{key: value for key, value in _UNLESS_SAID.items() if key not in said}),
            f"PostgreSQL at {host}:{port}, database {name}",
        )

    def __str__(self) -> str:
        return self.text


class _Patient(psycopg.Connection[TupleRow]):
    """A connection that waits so long for a sign of the server, and no longer.

    The kernel of a frozen server's machine still acknowledges what arrives: time-outs of the network see nothing.
    """

    patience = 15.0
    """Seconds."""

    def wait(self, gen: Generator[Any, Any, T], *how: Any, **more: Any) -> T:
        return super().wait(_watched(gen, self.patience), *how, **more)


def _watched(steps: Generator[Any, Any, T], patience: float) -> Generator[Any, Any, T]:
    """The same steps of waiting, ended when nothing was ready for too long."""
    heard = monotonic()
    try:
        wants = next(steps)
        while True:
            ready = yield wants
            if ready:
                heard = monotonic()
            elif monotonic() - heard > patience:
                raise Silent(f"has not answered for {patience:.0f} s")
            wants = steps.send(ready)
    except StopIteration as done:
        result: T = done.value
        return result


def connect(server: Server, *, statement: str = _STATEMENT) -> Connection:
    """A connection, each statement a transaction of its own. ``statement`` is how long one may take; "0": for ever."""
    with our_errors(server):
        db = _Patient.connect(server.conninfo, autocommit=True, prepare_threshold=None, client_encoding="utf8")
        try:
            db.patience = _settle(db, statement)
        except BaseException:
            db.close()
            raise
    return db


def _settle(db: Connection, statement: str) -> float:
    """Say how times are written and how long things may take; how many seconds to wait for an answer."""
    db.execute("SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'")
    for setting, value in (("statement_timeout", statement), ("idle_in_transaction_session_timeout", _IDLE)):
        db.execute(
            "SELECT set_config(name, %s, false) FROM pg_settings WHERE name = %s AND setting = '0'", (value, setting)
        )
    [(limit,)] = db.execute("SELECT setting::bigint FROM pg_settings WHERE name = 'statement_timeout'").fetchall()
    return limit / 1_000 + _MORE if limit else _WITHOUT_LIMIT


@contextmanager
def our_errors(server: Server) -> Iterator[None]:
    """Raise the client's errors as ours."""
    try:
        yield
    except psycopg.Error as error:
        raise ours(str(server), error) from error


@contextmanager
def transaction(db: Connection) -> Iterator[None]:
    """All or nothing."""
    db.execute("BEGIN")
    try:
        yield
    except BaseException:
        abandon(db)
        raise
    db.execute("COMMIT")


def abandon(db: Connection) -> None:
    """Take back what was not committed; also when nobody answers any more."""
    if db.info.transaction_status is psycopg.pq.TransactionStatus.ACTIVE:
        db.close()  # in the middle of something: only a new connection helps
    with suppress(psycopg.Error):
        db.execute("ROLLBACK")
