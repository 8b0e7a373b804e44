"""Turns settings into the description of all that runs: `footfall up` starts it, `footfall export` writes it down.

There is one such list. What differs is where: this machine, or containers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from footfall.apps.supervisor.services import Service, dashboard, processors, sink, web, worker
from footfall.apps.supervisor.settings import Settings

EMBEDDED_SINKS: Final = ("cart",)
"""What goes into tables beside the log."""
DATABASE_SINKS: Final = ("cart", "clicks", "sessions", "offers")
"""What goes into tables of a database server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The places that services are told of."""

    data_dir: Path
    settings: Path | None
    patterns: Path | None
    shop_port: int
    dashboard_port: int
    dashboard_address: str
    """What the shop's links to the dashboard say."""
    host: str | None = None
    """What shop and dashboard listen on, if that is not this machine alone."""
    known_as: tuple[str, ...] = ()
    """Host names under which the dashboard is asked for."""


def described(settings: Settings, where: Where, *, source: Service | None) -> list[Service]:
    """All services, in the order of the data's way; the source of clicks, if any, is the caller's to make."""
    chain = worker(
        data_dir=where.data_dir, patterns=where.patterns, replicas=settings.replicas, settings=where.settings
    )
    shop = web(
        data_dir=where.data_dir,
        port=where.shop_port,
        dashboard=where.dashboard_address,
        patterns=where.patterns,
        settings=where.settings,
        host=where.host,
    )
    tables = [sink(name, data_dir=where.data_dir, settings=where.settings) for name in sinks_of(settings)]
    look = dashboard(data_dir=where.data_dir, port=where.dashboard_port, host=where.host, known_as=where.known_as)
    declared = [processors(where.settings, data_dir=where.data_dir)] if settings.processors and where.settings else []
    users = [one.service(where.data_dir, settings=where.settings) for one in settings.services]
    return [chain, shop, *([source] if source else []), *tables, look, *declared, *users]


def look_ups(settings: Settings) -> list[tuple[str, Path]]:
    """What `footfall load` is told before anything starts: the kind of things, and their file."""
    named = (("products", settings.products), ("users", settings.users))
    return [(kind, file) for kind, file in named if file is not None]


def sinks_of(settings: Settings) -> tuple[str, ...]:
    """The sinks that fill the tables of this warehouse."""
    return DATABASE_SINKS if settings.warehouse else EMBEDDED_SINKS
