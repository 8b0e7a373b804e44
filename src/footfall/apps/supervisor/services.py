"""Turns settings into the list of services that `footfall up` starts.

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


def bound_to_us(command: Sequence[str]) -> list[str]:
    """The command line of a process that ends when this one does."""
    return [sys.executable, "-S", "-E", LAUNCHER, str(os.getpid()), *command]


def worker(*, data_dir: Path, patterns: Path, replicas: int = 1, settings: Path | None = None) -> Service:
    """The whole chain of processors."""
    place = ("--data-dir", str(data_dir), "--patterns", str(patterns), *_settings(settings))
    return Service(
        name="worker", command=footfall_command("run", *PROCESSORS, "--name", "worker", *place), replicas=replicas
    )


def replay(*, data_dir: Path, file: Path, options: Sequence[str], settings: Path | None = None) -> Service:
    """Clicks from a file, as if they happened now, again and again."""
    place = ("--data-dir", str(data_dir), *_settings(settings))
    command = footfall_command("replay", str(file), "--loop", *options, *place)
    return Service(name="replay", command=command)


def web(*, data_dir: Path, port: int, dashboard: str, patterns: Path, settings: Path | None = None) -> Service:
    """The collector and the shop."""
    place = ("--data-dir", str(data_dir), "--patterns", str(patterns), *_settings(settings))
    return Service(name="web", command=footfall_command("serve", "--port", str(port), "--dashboard", dashboard, *place))


def dashboard(*, data_dir: Path, port: int) -> Service:
    """The live dashboard."""
    command = footfall_command("dashboard", "--port", str(port), "--data-dir", str(data_dir))
    return Service(name="dashboard", command=command, essential=False)


def cart_sink(*, data_dir: Path, settings: Path | None = None) -> Service:
    """Selections put into the cart, into their table. Everything else works without it: the log keeps them."""
    place = ("--name", "cart-sink", "--data-dir", str(data_dir), *_settings(settings))
    return Service(name="cart-sink", command=footfall_command("sink", "cart", *place), essential=False)


def _settings(file: Path | None) -> tuple[str, ...]:
    return ("--settings", str(file)) if file is not None else ()
