"""Turns a name and its options into a service: the command that runs it.

A service is a command that runs until it is told to stop. Nothing here starts anything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LAUNCHER: Final = str(Path(__file__).with_name("launch.py"))
PROCESSORS: Final = ("enrichment", "aggregation", "sessions", "behaviour")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Something that runs, as often as ``replicas`` says."""

    name: str
    command: tuple[str, ...]
    """The program and its arguments; see `footfall_command` for our own."""
    replicas: int = 1
    essential: bool = True
    """Whether everything ends when this one says that it was started in a wrong way (exit code 2)."""

    def instances(self) -> list[Instance]:
        """The processes that this service consists of."""
        if self.replicas == 1:
            return [Instance(name=self.name, service=self, command=self.command)]
        return [
            Instance(
                name=f"{self.name}-{number}",
                service=self,
                command=(*self.command, "--replica", f"{number}/{self.replicas}"),
            )
            for number in range(1, self.replicas + 1)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One process of a service."""

    name: str
    service: Service
    command: tuple[str, ...]


def footfall_command(*arguments: str) -> tuple[str, ...]:
    """How to run one of our own commands as a process."""
    return (sys.executable, "-m", "footfall.apps.cli", *arguments)


def arguments_of(service: Service) -> tuple[str, ...]:
    """What `footfall` is told by one of our own services."""
    program = footfall_command()
    assert service.command[: len(program)] == program  # noqa: S101 - our own services are made below
    return service.command[len(program) :]


def bound_to_us(command: Sequence[str]) -> list[str]:
    """The command line of a process that ends when this one does."""
    return [sys.executable, "-S", "-E", LAUNCHER, str(os.getpid()), *command]


def worker(*, data_dir: Path, patterns: Path | None, replicas: int = 1, settings: Path | None = None) -> Service:
    """The whole chain of processors."""
    place = ("--data-dir", str(data_dir), *_patterns(patterns), *_settings(settings))
    return Service(
        name="worker", command=footfall_command("run", *PROCESSORS, "--name", "worker", *place), replicas=replicas
    )


def replay(*, data_dir: Path, file: Path, options: Sequence[str], settings: Path | None = None) -> Service:
    """Clicks from a file, as if they happened now, again and again."""
    place = ("--data-dir", str(data_dir), *_settings(settings))
    command = footfall_command("replay", str(file), "--loop", *options, *place)
    return Service(name="replay", command=command)


def web(
    *,
    data_dir: Path,
    port: int,
    dashboard: str,
    patterns: Path | None,
    settings: Path | None = None,
    host: str | None = None,
) -> Service:
    """The collector and the shop; on this machine only, unless a host is given."""
    place = ("--data-dir", str(data_dir), *_patterns(patterns), *_settings(settings))
    at = ("--port", str(port), *_host(host), "--dashboard", dashboard)
    return Service(name="web", command=footfall_command("serve", *at, *place))


def dashboard(*, data_dir: Path, port: int, host: str | None = None, known_as: Sequence[str] = ()) -> Service:
    """The live dashboard; on this machine only, unless a host is given."""
    names = (text for name in known_as for text in ("--known-as", name))
    command = footfall_command("dashboard", "--port", str(port), *_host(host), *names, "--data-dir", str(data_dir))
    return Service(name="dashboard", command=command, essential=False)


def sink(which: str, *, data_dir: Path, settings: Path | None = None) -> Service:
    """A stream into its table. Everything else works without it: the log keeps the events."""
    place = ("--name", f"{which}-sink", "--data-dir", str(data_dir), *_settings(settings))
    return Service(name=f"{which}-sink", command=footfall_command("sink", which, *place), essential=False)


def cart_sink(*, data_dir: Path, settings: Path | None = None) -> Service:
    """Selections put into the cart, into their table."""
    return sink("cart", data_dir=data_dir, settings=settings)


def processors(file: Path, *, data_dir: Path) -> Service:
    """The queries and functions that a settings file declares. Everything else works without them."""
    place = ("--name", "processors", "--settings", str(file), "--data-dir", str(data_dir))
    return Service(name="processors", command=footfall_command("apply", str(file), *place), essential=False)


def _host(host: str | None) -> tuple[str, ...]:
    return ("--host", host) if host is not None else ()


def _patterns(file: Path | None) -> tuple[str, ...]:
    return ("--patterns", str(file)) if file is not None else ()


def _settings(file: Path | None) -> tuple[str, ...]:
    return ("--settings", str(file)) if file is not None else ()
