"""Turns what a Redis server or its client says into what the caller should do; a password is never repeated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from redis import exceptions

from footfall.core.errors import Emptied, Failure, FootfallError, Unavailable, UsageError

EMPTIED: Final = "EMPTIED"
"""What our scripts say when the generation is not the one that they were told."""
_REFUSED: Final = ("NOAUTH", "WRONGPASS", "NOPERM", "invalid username-password", "invalid password")
_NO_DATABASE: Final = ("Invalid Database", "DB index is out of range")
_LATER: Final = ("BUSY", "MISCONF", "NOREPLICAS")
"""How answers begin that pass; the client has classes of its own for the others."""


@contextmanager
def our_errors(place: str) -> Iterator[None]:
    """Raise the errors of the client as ours. ``place`` is the address without its secret."""
    try:
        yield
    except (exceptions.RedisError, OSError) as error:
        raise failure(place, error) from error


def failure(place: str, error: Exception) -> FootfallError:
    """What an error of the client means for the caller."""
    text = str(error).rstrip(".")
    match error:
        case exceptions.ResponseError() if text.startswith(EMPTIED):
            return emptied(place)
        case exceptions.OutOfMemoryError():
            return Unavailable(
                f"{place} has no memory left: its maxmemory is reached.",
                remedy="Give it more (CONFIG SET maxmemory), or delete what others keep in it; it is tried again.",
            )
        case exceptions.ReadOnlyError():
            return Unavailable(
                f"{place} is a replica that may only be read (READONLY).", remedy="Give the address of its primary."
            )
        case exceptions.AuthenticationError() | exceptions.NoPermissionError():
            return _refused(place, text)
        case exceptions.RedisError() if text.startswith(_REFUSED):
            return _refused(place, text)
        case exceptions.TimeoutError() | TimeoutError():
            return Unavailable(f"{place} did not answer in time.", remedy="See whether it is frozen or overloaded.")
        case exceptions.RedisError() if text in _NO_DATABASE:
            return UsageError(f"{place}: the server has no database of this number.", remedy="Correct the address.")
        case exceptions.BusyLoadingError() | exceptions.ClusterDownError() | exceptions.TryAgainError():
            return _later(place, text)
        case exceptions.ConnectionError() | OSError():
            return Unavailable(
                f"{place} cannot be reached ({text}).", remedy="See whether it runs, and whether the address is right."
            )
        case exceptions.ResponseError() if text.startswith(_LATER):
            return _later(place, text)
        case _:
            return Failure(f"{place} does not do what it was asked ({text}).")


def emptied(place: str, why: str = "it was emptied, or is another server than before") -> Emptied:
    """The error that says how to fill a server again."""
    return Emptied(
        f"{place} has lost what Footfall kept there: {why}.",
        remedy="Nothing more is written to it. Run `footfall rebuild`: it fills look-up data, state and views again. "
        "It takes products and users from the files that footfall.yaml names; else name them with --products, --users.",
    )


def _later(place: str, text: str) -> Unavailable:
    return Unavailable(f"{place} cannot be used now ({text}).", remedy="It is tried again.")


def _refused(place: str, text: str) -> UsageError:
    return UsageError(
        f"{place} does not let us in ({text}).",
        remedy="Correct the user or the password in its address: redis://USER:PASSWORD@HOST:PORT/DB.",
    )
