"""Turns what PostgreSQL says, or does not say, into our errors: try again, correct the rows, or correct the call."""

from __future__ import annotations

from typing import Final

import psycopg

from footfall.core.errors import Failure, FootfallError, Unavailable, UsageError

_OF_ROWS: Final = ("22", "23", "44", "P0", "54")
"""Classes of SQLSTATE that speak of a row, and will again: data, constraint, a view's or trigger's rule, size."""
_LATER: Final = ("08", "25", "40", "53", "55", "57", "58", "XX")
"""Classes that speak of the server, a connection, or another transaction."""

_REMEDIES: Final = {
    "25006": "It is a standby, or read-only for now; name the primary server in the address, or wait for it.",
    "3D000": "Create the database, or correct its name in the address.",
    "28": "Correct user and password in the address.",
    "40": "Another transaction was in the way.",
    "42501": "Grant the user the rights: CREATE in the schema, and all on the tables.",
    "42P01": "A table has gone; it is made again.",
    "53100": "Free some space on the server's disk.",
    "53300": "Close other connections, or raise max_connections on the server.",
    "57014": "The server was too slow, or somebody cancelled it; statement_timeout says how long it may take.",
    "57P": "The server starts or stops just now.",
}
"""By SQLSTATE or how it begins."""
_SPOKEN: Final = (
    ("password", "Correct user and password in the address."),
    ("authentication", "Correct user and password in the address."),
    ("pg_hba.conf", "Allow this machine and user in the server's pg_hba.conf."),
    ("does not exist", "Create it on the server, or correct its name in the address."),
    ("starting up", "It goes on by itself when the server has started."),
    ("shutting down", "It goes on by itself when the server is back."),
    ("too many clients", "Close other connections, or raise max_connections on the server."),
    ("connection slots", "Close other connections, or raise max_connections on the server."),
    ("certificate", "Correct sslmode, sslrootcert or the server's certificate."),
    ("SSL", "Correct sslmode in the address, or the server's ssl."),
)
"""While a connection is made, the client library hands on words alone."""


class Silent(psycopg.OperationalError):
    """The server has not answered for too long: it is frozen, or cut off."""


def is_of_rows(error: psycopg.Error) -> bool:
    """Whether the server refuses rows, and will refuse them again."""
    return (error.sqlstate or "")[:2] in _OF_ROWS and not _is_shortage(error)


def _is_shortage(error: psycopg.Error) -> bool:
    return error.sqlstate == "54001"  # the server's stack, not the row


def words(error: psycopg.Error) -> str:
    """What the server says, on one line."""
    return " ".join((error.diag.message_primary or str(error)).split())


def ours(where: str, error: psycopg.Error) -> FootfallError:
    """The same error as one of ours. ``where`` names server and database, without a password."""
    state = error.sqlstate
    if (silent := _silence(error)) is not None:
        return Unavailable(f"{where} {silent}.", remedy="It may be frozen or cut off; it is tried again.")
    if state is None:
        return _without_state(where, error)
    said = f"{where}: {words(error)}."
    remedy = next((text for begin, text in _REMEDIES.items() if state.startswith(begin)), "")
    if state.startswith(_LATER) or remedy:
        return Unavailable(said, remedy=remedy)
    if state == "42P10":
        return UsageError(said, remedy="The table lacks its primary key: rename it, and Footfall makes one.")
    return Failure(f"{said} (SQLSTATE {state})")


def _without_state(where: str, error: psycopg.Error) -> FootfallError:
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return Failure(f"{where} could not be used: {words(error)}.")
    text = words(error)
    remedy = next((remedy for part, remedy in _SPOKEN if part in text), "Check that it runs and can be reached.")
    return Unavailable(f"{where} cannot be used: {text}.", remedy=remedy)


def _silence(error: BaseException | None) -> Silent | None:
    """The silence that is behind an error: closing a connection that was cut off fails once more."""
    while error is not None and not isinstance(error, Silent):
        error = error.__cause__ or error.__context__
    return error
