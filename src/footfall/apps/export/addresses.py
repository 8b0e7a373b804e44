"""Turns addresses of servers into what may be written down: never a password."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from footfall.apps.supervisor.settings import Settings
from footfall.core.errors import UsageError

PASSWORD_IN_ADDRESS: Final = re.compile(r"://[^/\s@]*:(?!\$\{)[^/\s@]+@")
"""A user and a password that stand there; ``${NAME}`` only says where the password is."""
_SECRET_OPTION: Final = re.compile(r"password|secret|token|sasl|key", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Kind:
    """What is expected under a setting."""

    setting: str
    schemes: tuple[str, ...]
    usual: str
    """The address where nobody names one: a server that comes with the deployment, or a pattern to fill in."""

    @property
    def variable(self) -> str:
        """Under this name a service finds the address in its environment."""
        return f"FOOTFALL_{self.setting.upper()}"


LOG: Final = Kind("log", ("kafka",), "kafka://kafka:9092")
STORE: Final = Kind("store", ("redis", "rediss"), "redis://redis:6379/0")
WAREHOUSE: Final = Kind("warehouse", ("postgresql", "postgres"), "postgresql://footfall@postgres:5432/clickstream")
KINDS: Final = (LOG, STORE, WAREHOUSE)
RABBITMQ: Final = Kind("rabbitmq", ("amqp", "amqps"), "amqp://footfall@rabbitmq:5672/")
"""Only for who has it: nothing of ours needs it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is."""

    kind: Kind
    parts: SplitResult

    @property
    def host(self) -> str:
        """The first host."""
        return self.parts.hostname or ""

    @property
    def port(self) -> int | None:
        """Its port, if one is said."""
        return self.parts.port

    @property
    def user(self) -> str:
        """Who connects."""
        return self.parts.username or ""

    @property
    def database(self) -> str:
        """What stands behind the host."""
        return self.parts.path.strip("/")

    @property
    def options(self) -> str:
        """What stands behind ``?``."""
        return self.parts.query

    @property
    def inside(self) -> bool:
        """Whether the name is one of the deployment's own network: it has no dot, and is not this machine."""
        return re.fullmatch(r"[a-z][a-z0-9-]*", self.host) is not None and self.host != "localhost"

    def shown(self) -> str:
        """The address for people, with the words USER, PASSWORD and OPTIONS where something is left out."""
        user = f"{self.user}:PASSWORD@" if self.parts.password or self.kind is WAREHOUSE else ""
        place = self.parts.netloc.rpartition("@")[2]
        options = f"?{self.options if self._harmless else 'OPTIONS'}" if self.options else ""
        return f"{self.parts.scheme}://{user}{place}{self.parts.path}{options}"

    @property
    def _harmless(self) -> bool:
        return _SECRET_OPTION.search(self.options) is None and "@" not in self.options


def address_of(settings: Settings, kind: Kind) -> Address:
    """The address that the settings name, or the usual one. Raises UsageError when it is that of no server."""
    text = getattr(settings, kind.setting, None) or kind.usual
    try:
        address = Address(kind, urlsplit(text))
        if address.parts.scheme in kind.schemes and address.host and address.port != 0:
            return address
    except ValueError:  # no port is so large, no host is written so
        pass
    raise UsageError(
        f"{kind.setting}: this is not the address of a server that containers could share.",
        remedy=f"Name one ({kind.usual}), or leave the setting out.",
    )


def without_passwords(document: Any) -> None:
    """Raise UsageError when a password stands in an address anywhere in what is to be written."""
    for text in _texts(document):
        if PASSWORD_IN_ADDRESS.search(text):
            raise UsageError(
                "What would be written holds an address with a password.",
                remedy="Take it out of the settings; services find it in their environment (FOOTFALL_WAREHOUSE, …).",
            )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, Sequence):
        for one in value:
            yield from _texts(one)
