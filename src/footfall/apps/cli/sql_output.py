"""Turns rows of a query into what is printed: JSON, lines as they come, or on a terminal the table as it is now."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from footfall.apps.cli.output import print_json, print_lines
from footfall.apps.plain import plain

if TYPE_CHECKING:  # loaded only where a query is run
    from rich.live import Live
    from rich.table import Table

    from footfall.sql.plan import Insert

_OP: Final = "_op"
_WIDEST: Final = 40
"""Characters of a column that others wait for."""
_AROUND: Final = 3
"""Lines of a terminal that a table needs beside its rows."""
_PICTURES: Final = 8
"""Of a table, a second."""


class Shower:
    """Shows rows as they come: JSON, or columns that stand below each other; a changing result as a table in place."""

    def __init__(self, insert: Insert, *, as_json: bool) -> None:
        """The columns are those of this query."""
        fields = insert.source.output if insert.target is None else insert.target.columns
        names = [field.name for field in fields]
        self._columns = [*([_OP] if insert.source.changes else []), *names]
        self._as_json = as_json
        self._widths: list[int] = []
        """Of the columns, as the first rows need them."""
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
        cells = [[_cell(row.get(name, "+I")) for name in self._columns] for row in rows]
        if cells and not self._widths:
            cells.insert(0, self._columns)
            self._widths = [min(max(map(len, column)), _WIDEST) for column in zip(*cells, strict=True)]
        print_lines(map(self._line, cells))

    def _line(self, cells: Sequence[str]) -> str:
        if not sys.stdout.isatty():
            return "\t".join(cells)
        return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, self._widths, strict=True)).rstrip()


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
        self._lock = threading.Lock()
        self._live: Live | None = None

    def change(self, rows: Iterable[dict[str, Any]]) -> None:
        """Take changes in; the next picture shows what there is then."""
        with self._lock:
            for row in rows:
                self._current.change(row.get(_OP, "+I"), tuple(_cell(row[name]) for name in self._columns))
        if self._live is None:
            from rich.live import Live

            self._live = Live(get_renderable=self._picture, refresh_per_second=_PICTURES, vertical_overflow="crop")
            self._live.start(refresh=True)

    def close(self) -> None:
        """Leave the last picture on the terminal."""
        if self._live is not None:
            self._live.stop()

    def _picture(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        with self._lock:
            rows = self._current.rows()
        most = shutil.get_terminal_size().lines - _AROUND
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
