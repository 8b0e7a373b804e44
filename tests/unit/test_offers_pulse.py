"""The heartbeat of the web part says healthy only while events are taken and offers are handed out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from footfall.apps.status import State
from footfall.apps.web import serve
from footfall.apps.web.parts import WebParts

pytestmark = pytest.mark.timeout(20)


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[WebParts]:
    with serve.web_parts(tmp_path, dashboard=str) as parts:
        parts.intake.start()
        parts.feed.start()
        yield parts
        parts.feed.close()
        parts.intake.close()


def beats(parts: WebParts, *between: Callable[[], object], stop: threading.Event | None = None) -> list[dict[str, Any]]:
    """What the heartbeat says: first of all, then after each of these was done."""
    said: list[dict[str, Any]] = []
    ended = threading.Event()
    todo = iter([*between, ended.set])

    def beat(**fields: Any) -> None:
        said.append(fields)
        next(todo)()

    serve._pulse(parts, beat, ended, stop or threading.Event())
    return said


def test_a_feed_that_has_ended_shows(parts: WebParts) -> None:
    before, after = beats(parts, parts.feed.close)

    assert (before["state"], before["error"]) == (State.HEALTHY, "")
    assert after["state"] is State.FAILED
    assert after["error"]


def test_an_intake_that_has_ended_shows(parts: WebParts) -> None:
    before, after = beats(parts, parts.intake.close)

    assert (before["state"], after["state"]) == (State.HEALTHY, State.FAILED)
    assert after["error"]


def test_a_stop_is_no_failure(parts: WebParts) -> None:
    stop = threading.Event()

    said = beats(parts, stop.set, parts.feed.close, parts.intake.close, stop=stop)

    assert [(one["state"], one["error"]) for one in said] == [(State.HEALTHY, "")] * 4
