"""Turns statements into results, on a Flink cluster, through the REST API of its SQL Gateway."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from footfall.core.clock import Clock, SystemClock
from footfall.core.errors import Failure
from footfall.sql.flink.http import Rest

_API: Final = "/v2"
"""Rows as JSON came with version 2; later ones only add to it."""
_FIRST_PAUSE: Final = 0.01
_LONGEST_PAUSE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result."""

    name: str
    type: Mapping[str, Any]
    """As Flink describes it: ``{"type": "VARCHAR", "nullable": true, "length": 2147483647}``."""


@dataclass(frozen=True, slots=True)
class Row:
    """One change: a row, and what happens to it."""

    kind: str
    """INSERT, UPDATE_BEFORE, UPDATE_AFTER or DELETE."""
    fields: Sequence[Any]


class Result:
    """What a statement gives: a job, rows, or both. The rows are fetched as they are asked for."""

    def __init__(self, rest: Rest, path: str, *, clock: Clock) -> None:
        self._rest = rest
        self._path = path
        self._clock = clock
        self._first = self._page(f"{path}/result/0?rowFormat=JSON")
        self.job: str | None = self._first.get("jobID")
        """The id of the job that was started."""
        self.columns = [
            Column(one["name"], one["logicalType"]) for one in self._first.get("results", {}).get("columns", ())
        ]

    def rows(self) -> Iterator[Row]:
        """All rows; of a query that never ends, for ever."""
        page = self._first
        while True:
            for one in page.get("results", {}).get("data", ()):
                yield Row(one["kind"], one["fields"])
            following = page.get("nextResultUri")
            if page["resultType"] == "EOS" or not following:
                return
            page = self._page(following)

    def close(self) -> None:
        """Let go of it; a query that still runs ends, other jobs go on."""
        self._rest.call("DELETE", f"{self._path}/close")

    def _page(self, path: str) -> dict[str, Any]:
        """The next part, once it is there."""
        pause, stop = _FIRST_PAUSE, threading.Event()
        while (page := self._rest.call("GET", path)).get("resultType") == "NOT_READY" or _is_empty(page):
            path = page.get("nextResultUri") or path
            self._clock.wait(pause, stop)
            pause = min(pause * 2, _LONGEST_PAUSE)
        if "resultType" not in page:
            raise Failure(f"{self._rest!r} gives no result.", remedy="Is this a SQL Gateway of Flink 1.17 or newer?")
        return page


def _is_empty(page: Mapping[str, Any]) -> bool:
    """Whether it has no rows yet, and more may come."""
    return page.get("resultType") == "PAYLOAD" and not page["results"]["data"] and bool(page.get("nextResultUri"))


class Session:
    """What statements share: settings, tables, views. Closing it ends no job that an INSERT started."""

    def __init__(self, rest: Rest, settings: Mapping[str, str], *, clock: Clock) -> None:
        self._rest = rest
        self._clock = clock
        opened = rest.call("POST", f"{_API}/sessions", {"sessionName": "footfall", "properties": dict(settings)})
        if "sessionHandle" not in opened:
            raise Failure(f"{rest!r} opens no session.", remedy="Is this a SQL Gateway of Flink 1.17 or newer?")
        self._path = f"{_API}/sessions/{opened['sessionHandle']}"

    def execute(self, statement: str) -> Result:
        """Run one statement, without a semicolon. Raises Failure with the root cause when Flink refuses it."""
        sent = self._rest.call("POST", f"{self._path}/statements", {"statement": statement})
        return Result(self._rest, f"{self._path}/operations/{sent['operationHandle']}", clock=self._clock)

    def close(self) -> None:
        """End it."""
        self._rest.call("DELETE", self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except Failure:
            if error is None:
                raise


class Gateway:
    """A SQL Gateway."""

    def __init__(self, url: str, *, clock: Clock | None = None) -> None:
        self._rest = Rest(url, what="a SQL Gateway of Flink")
        self._clock = clock or SystemClock()

    def version(self) -> str:
        """Which Flink it is, as ``2.2.0``."""
        return str(self._rest.call("GET", f"{_API}/info").get("version", "unknown"))

    def session(self, settings: Mapping[str, str] | None = None) -> Session:
        """Open a session with these settings of Flink."""
        return Session(self._rest, settings or {}, clock=self._clock)
