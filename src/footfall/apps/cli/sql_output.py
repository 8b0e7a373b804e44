"""Turns rows of a query into what is printed: JSON, lines as they come, or on a terminal the table as it is now."""

from __future__ import annotations

import json
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from footfall.apps.cli.output import print_json, print_lines
from footfall.apps.plain import plain
from footfall.core.clock import SystemClock

if TYPE_CHECKING:  # loaded only where a query is run
    from rich.live import Live
    from rich.table import Table

    from footfall.sql.plan import Insert

_OP: Final = "_op"
_WIDTH: Final = 20
_AROUND: Final = 3
"""Lines of a terminal that a table needs beside its rows."""
_EVERY: Final = 0.1
"""Seconds between two pictures of a table."""


class Shower:
    """Shows rows as they come: JSON, or columns that stand below each other; a changing result as a table in place."""

    def __init__(self, insert: Insert, *, as_json: bool) -> None:
        """The columns are those of this query."""
        fields = insert.source.output if insert.target is None else insert.target.columns
        names = [field.name for field in fields]
        self._columns = [*([_OP] if insert.source.changes else []), *names]
        self._as_json = as_json
        self._begun = False
        live = insert.source.changes and not as_json and sys.stdout.isatty()
        self._table = LiveTable(names) if live else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._table is not None:
            self._table.close()

    def show(self, rows: Iterable[dict[str, Any]]) -> None:
        """Show some more."""
        if self._table is not None:
            self._table.change(rows)
        elif self._as_json:
            for row in rows:
                print_json(row)
            sys.stdout.flush()
        else:
            self._print(rows)

    def _print(self, rows: Iterable[dict[str, Any]]) -> None:
        lines = [self._line([_cell(row.get(name, "+I")) for name in self._columns]) for row in rows]
        if lines and not self._begun:
            self._begun = True
            lines.insert(0, self._line(self._columns))
        print_lines(lines)

    def _line(self, cells: Sequence[str]) -> str:
        if not sys.stdout.isatty():
            return "\t".join(cells)
        return "  ".join(cell if len(cell) > _WIDTH else f"{cell:<{_WIDTH}}" for cell in cells).rstrip()


class Current:
    """The rows that there are now; one that is updated keeps its place."""

    def __init__(self) -> None:
        self._rows: dict[int, tuple[str, ...]] = {}
        self._places: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        self._next = 0
        self._free: list[int] = []
        """Places of rows that are being updated."""

    def change(self, op: str, cells: tuple[str, ...]) -> None:
        """Take a row in or out."""
        if op in {"-U", "-D"}:
            places = self._places[cells]
            if places:
                place = places.pop()
                del self._rows[place]
                if op == "-U":
                    self._free.append(place)
            if not places:
                del self._places[cells]
            return
        if op == "+U" and self._free:
            place = self._free.pop(0)
        else:
            place, self._next = self._next, self._next + 1
        self._rows[place] = cells
        self._places[cells].append(place)

    def rows(self) -> list[tuple[str, ...]]:
        """All of them, in order."""
        return [self._rows[place] for place in sorted(self._rows)]


class LiveTable:
    """A changing result on a terminal: the rows that there are now, as many as fit, painted anew in place."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Columns are those of the query."""
        self._columns = columns
        self._current = Current()
        self._clock = SystemClock()
        self._live: Live | None = None
        self._painted = float("-inf")

    def change(self, rows: Iterable[dict[str, Any]]) -> None:
        """Take changes in, and show what there is then."""
        for row in rows:
            self._current.change(row.get(_OP, "+I"), tuple(_cell(row[name]) for name in self._columns))
        if self._clock.monotonic() - self._painted >= _EVERY:
            self._paint()

    def close(self) -> None:
        """Leave the last picture on the terminal."""
        if self._current.rows() or self._live is not None:
            self._paint()
        if self._live is not None:
            self._live.stop()

    def _paint(self) -> None:
        from rich.live import Live

        if self._live is None:
            self._live = Live(auto_refresh=False, vertical_overflow="crop")
            self._live.start()
        self._live.update(self._picture(shutil.get_terminal_size().lines - _AROUND), refresh=True)
        self._painted = self._clock.monotonic()

    def _picture(self, most: int) -> Table:
        from rich.table import Table
        from rich.text import Text

        rows = self._current.rows()
        hidden = len(rows) - max(most, 1)
        table = Table(box=None, pad_edge=False, header_style="bold")
        if hidden > 0:
            table.caption, table.caption_justify = f"and {hidden} more", "left"
        for column in self._columns:
            table.add_column(Text(plain(column)), overflow="ellipsis", no_wrap=True)
        for row in rows[: max(most, 1)]:
            table.add_row(*map(Text, row))
        return table


def _cell(value: Any) -> str:
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else plain(str(value))
