"""Turns schemas into their numbers in a schema registry, and numbers into schemas; its errors into ours."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from functools import cache
from typing import Any, Final, Self
from urllib.parse import urlsplit

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError

from footfall.core.errors import FootfallError, Unavailable, UsageError

_SECONDS: Final = 5
_LATER: Final = frozenset({408, 425, 429})
_REFUSED: Final = frozenset({401, 403})
_INCOMPATIBLE: Final = 409
_MISSING: Final = 404
_TRIES: Final = 2


class Registry:
    """A schema registry that speaks Confluent's API. What it has said of a number holds for ever, and is kept."""

    def __init__(self, client: Callable[[], AbstractContextManager[SchemaRegistryClient]], *, where: str) -> None:
        self._client = client
        """Opens a client. It is asked so seldom that no connection is kept."""
        self._where = where

    @classmethod
    def at(cls, url: str, settings: Mapping[str, Any] | None = None) -> Self:
        """The registry at an address. ``settings`` go to Confluent's client as they are: credentials, TLS.

        Raises UsageError for settings that it does not know.
        """
        given = {"url": url, "timeout": _SECONDS, "max.retries": 1, **(settings or {})}
        where = _without_password(url)
        try:
            SchemaRegistryClient(given).close()
            return cls(lambda: closing(SchemaRegistryClient(given)), where=where)
        except (ValueError, TypeError):  # its text may hold the credentials
            raise UsageError(
                f"The schema registry's settings are not usable (address {where}).",
                remedy="Give an http(s) address, and only settings that Confluent's client knows.",
            ) from None

    def number_of(self, subject: str, schema: Mapping[str, Any]) -> int:
        """The number of the schema, which is registered unless it is. Raises Unavailable and UsageError."""
        written = Schema(json.dumps(schema), "AVRO")
        with self._errors(f"register the schema of {subject}"), self._client() as client:
            for _ in range(_TRIES):
                with suppress(_Conflict), _conflicts():
                    return int(client.register_schema(subject, written))
                # Some registries say so, too, when another process registers the same schema at the same moment.
                with suppress(SchemaRegistryError):
                    return int(client.lookup_schema(subject, written).schema_id or 0)
            return int(client.register_schema(subject, written))

    def schema_of(self, number: int) -> Any | None:
        """The Avro schema with the number, as JSON has it; None if there is none. Raises Unavailable, UsageError."""
        try:
            with self._errors(f"ask for schema {number}"), self._client() as client:
                found = client.get_schema(number)
        except _NotThere:
            return None
        if found.schema_type not in {None, "AVRO"} or found.references:
            return None
        return json.loads(found.schema_str or "null")

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except _transport_errors() as error:
            raise Unavailable(
                f"The schema registry at {self._where} cannot be reached ({type(error).__name__}): cannot {what}.",
                remedy="Start it; Footfall tries again.",
            ) from None
        except SchemaRegistryError as error:
            raise self._of(error, what) from None

    def _of(self, error: SchemaRegistryError, what: str) -> FootfallError:
        status = error.http_status_code
        if status == _MISSING:
            return _NotThere(what)
        said = f"The schema registry at {self._where} answered {status}: cannot {what}."
        if status in _REFUSED:
            return UsageError(said, remedy="Correct the credentials of the registry.")
        if status == _INCOMPATIBLE:
            remedy = "An earlier schema of this subject does not go with it: use another topic, or delete the subject."
            return UsageError(said, remedy=remedy)
        if status in _LATER or status >= 500:
            return Unavailable(said, remedy="Footfall tries again.")
        return UsageError(f"{said} It says: {error.error_message}", remedy="Is the address that of a schema registry?")


class _Conflict(Exception):
    """The registry does not take a schema beside those that it has."""


@contextmanager
def _conflicts() -> Iterator[None]:
    try:
        yield
    except SchemaRegistryError as error:
        if error.http_status_code != _INCOMPATIBLE:
            raise
        raise _Conflict from error


class _NotThere(FootfallError):
    """The registry does not have what was asked for."""


@cache
def _transport_errors() -> tuple[type[Exception], ...]:
    """What is raised when a request gets no answer: Confluent's client uses one of these libraries."""
    found: list[type[Exception]] = []
    for library in ("httpx2", "httpx"):
        with suppress(ModuleNotFoundError):
            found.append(importlib.import_module(library).TransportError)
    return tuple(found)


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host or ''}" + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return "?"
