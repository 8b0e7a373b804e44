"""Turns results into what is printed: JSON for programs, tables and progress for people.

What comes from outside must not steer the terminal: see `footfall.apps.plain`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from footfall.apps.plain import plain, plain_json
from footfall.core.clock import SystemClock

Progress = Callable[[int, int | None], None]
"""Called with what is done so far, and with all there is to do when that is known."""


def print_json(value: Any) -> None:
    """One JSON value on one line of standard output."""
    sys.stdout.write(plain_json(json.dumps(value, ensure_ascii=False, default=str)) + "\n")


def print_lines(lines: Iterable[str]) -> None:
    """Lines on standard output, at once. They must be plain already."""
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def note(text: str) -> None:
    """One line that people should know, on standard error."""
    sys.stderr.write(plain(text) + "\n")


def say(text: str) -> None:
    """A message for people, which may have several lines, on standard error."""
    sys.stderr.write(plain(text, lines=True) + "\n")


def print_figures(figures: Mapping[str, Any]) -> None:
    """Names and values, one pair a line; nested ones beside their name."""
    width = max((len(name) for name in figures), default=0)
    for name, value in figures.items():
        sys.stdout.write(f"{plain(name).replace('_', ' '):<{width}}  {figure(value)}\n")


def figure(value: Any) -> str:
    """A value for people."""
    if isinstance(value, Mapping):
        return ", ".join(f"{plain(str(name))} {figure(one)}" for name, one in value.items()) or "none"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else plain(str(value))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table: aligned on a terminal, separated by tabs elsewhere, where lines must not be cut."""
    shown = (["" if cell is None else plain(str(cell)) for cell in row] for row in [columns, *rows])
    if not sys.stdout.isatty():
        print_lines("\t".join(row) for row in shown)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in next(shown):
        table.add_column(Text(column), overflow="ellipsis", no_wrap=True)
    for row in shown:
        table.add_row(*map(Text, row))
    Console().print(table)


@contextmanager
def progress(label: str, *, every: float = 0.2) -> Iterator[Progress]:
    """Shows how far the work is, on a terminal; does nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (SpinnerColumn(), TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    clock = SystemClock()
    shown = float("-inf")
    with Bar(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task(label, total=None)

        def show(done: int, total: int | None) -> None:
            nonlocal shown
            now = clock.monotonic()
            if now - shown >= every:
                shown = now
                bar.update(task, completed=done, total=total, refresh=True)

        yield show
