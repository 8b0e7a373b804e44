"""Turns the services' state into what the terminal shows: a live block, or a line now and then."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from footfall.apps.plain import plain
from footfall.apps.status import ServiceStatus, State
from footfall.core.clock import Clock, SystemClock

COLORS: Final = {
    State.HEALTHY: "green",
    State.STARTING: "yellow",
    State.FAILED: "bold red",
    State.STOPPED: "dim",
}
LINE_EVERY: Final = 5.0
"""Seconds between two lines where there is no terminal."""


class PlainDisplay:
    """A line each five seconds, for log files and pipes."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._shown = float("-inf")

    def show(self, statuses: Sequence[ServiceStatus]) -> None:
        """Print the sum, and each service's state."""
        now = self._clock.monotonic()
        if statuses and now - self._shown >= LINE_EVERY:
            self._shown = now
            each = ", ".join(f"{one.service} {one.state}" for one in statuses)
            self.print(f"{each} | {summary(statuses)}")

    def say(self, service: str, text: str) -> None:
        """Print one line."""
        self.print(f"[{service}] {text}")

    def print(self, text: str) -> None:
        """Write a line at once."""
        sys.stdout.write(plain(text) + "\n")
        sys.stdout.flush()

    def close(self) -> None:
        """Nothing is held."""


class LiveDisplay:
    """A block at the bottom of the terminal that stays up to date."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
        self._live.start()

    def show(self, statuses: Sequence[ServiceStatus]) -> None:
        """Draw the block anew."""
        self._live.update(Group(status_table(statuses), Text(summary(statuses), style="bold")), refresh=True)

    def say(self, service: str, text: str) -> None:
        """Print what a service says."""
        self.print(f"[{service}] {text}")

    def print(self, text: str) -> None:
        """Print a line above the block."""
        self._console.print(Text(plain(text)))

    def close(self) -> None:
        """Leave the block as it is."""
        self._live.stop()


def open_display() -> PlainDisplay | LiveDisplay:
    """The display that fits where standard output goes."""
    return LiveDisplay(Console()) if sys.stdout.isatty() else PlainDisplay()


def status_table(statuses: Sequence[ServiceStatus]) -> Table:
    """The services, one a row; also what ``footfall status`` prints."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("service", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for number in ("pid", "uptime", "events/s", "lag", "cpu %", "memory MB", "restarts"):
        table.add_column(number, justify="right", no_wrap=True)
    table.add_column("last error", overflow="fold")
    for one in statuses:
        table.add_row(
            Text(plain(one.service)),
            Text(one.state.value, style=COLORS[one.state]),
            "-" if one.pid is None else str(one.pid),
            duration(one.uptime_seconds),
            shown(one.events_per_second),
            shown(one.lag),
            shown(one.cpu_percent),
            shown(one.memory_mb),
            shown(one.restarts),
            Text(plain(one.last_error)),
        )
    return table


def shown(value: float | None) -> str:
    """A number for people: no decimals, thousands apart; a dash for what is not known."""
    return "-" if value is None else f"{value:,.0f}"


def duration(seconds: float | None) -> str:
    """A duration for people: ``42 s``, ``3 min``, ``5 h``, ``2 d``."""
    if seconds is None:
        return "-"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def summary(statuses: Sequence[ServiceStatus]) -> str:
    """How fast it all is, in one line."""
    rate = max((one.events_per_second for one in statuses), default=0.0)
    lag = sum(one.lag or 0 for one in statuses)
    offers = sum(one.offers or 0 for one in statuses)
    memory = sum(one.memory_mb or 0.0 for one in statuses)
    return f"{rate:,.0f} events/s, lag {lag:,}, {offers:,} offers so far, {memory:,.0f} MB"
