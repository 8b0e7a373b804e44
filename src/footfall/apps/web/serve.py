"""Turns a data directory into the running web part: its parts put together, a server, and a heartbeat."""

from __future__ import annotations

import contextlib
import os
import resource
import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from footfall import wiring
from footfall.apps.status import State
from footfall.apps.web.app import create_app
from footfall.apps.web.parts import WebParts
from footfall.apps.web.server import run
from footfall.apps.web.settings import read_web_settings
from footfall.core.clock import Clock, SystemClock
from footfall.core.errors import UsageError
from footfall.engine.intake import Intake
from footfall.engine.memory import collect_rarely
from footfall.engine.offers import OfferFeed
from footfall.pipeline import DataDirectory, read_pipeline
from footfall.processors.pattern_model import PatternSet
from footfall.processors.patterns import PatternFile, builtin_patterns
from footfall.sources.catalogue import load_catalogue
from footfall.stores.base import ServingStore

_builtin = cache(builtin_patterns)

HOST: Final = "127.0.0.1"
"""Listened on unless somebody says otherwise, and where links lead to."""
_KEY_BYTES: Final = 32
_BEAT_SECONDS: Final = 0.5
_LAST_PORT: Final = 65_535
_TURN_SECONDS: Final = 0.000_5
"""The thread that answers gets its turn so soon while another one writes or reads with care: usually it is 5 ms."""
_SPARE_MINUTES: Final = 5
"""After the last click, time goes on until its session has ended for certain."""
_UNSOUND: Final = "Events are not taken, or offers not handed out. If it stays so, start the service again."


def serve_web(
    *,
    data_dir: Path,
    port: int,
    dashboard: str,
    host: str = HOST,
    patterns: Path | None = None,
    settings: Path | None = None,
    stop: threading.Event,
    beat: Callable[..., None],
    ready: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Serve until told to stop. Raises Failure when the port is in use; ``ready`` gets the port in use.

    Without a ``dashboard``, links lead to the port after that one.
    """
    _many_connections()
    links = DashboardLinks(dashboard)
    with web_parts(data_dir, dashboard=links, patterns=patterns, settings=settings) as parts:
        stock(parts.store)
        ended = threading.Event()
        pulse = threading.Thread(target=_pulse, args=(parts, beat, ended, stop), name="heartbeat", daemon=True)

        def begun(taken: int) -> None:
            sys.setswitchinterval(_TURN_SECONDS)
            collect_rarely()  # going through all that is loaded takes up to half a second, in which nobody is answered
            links.shop_is_at(taken)
            pulse.start()
            if ready is not None:
                ready(taken)

        try:
            run(create_app(parts), host=host, port=port, stop=stop, ready=begun)
        finally:
            ended.set()
        return {"events": parts.intake.tally.events}


class DashboardLinks:
    """Where links to the dashboard lead: to the given address, or to the port after the shop's once that is known."""

    def __init__(self, given: str = "") -> None:
        self._address = given

    def shop_is_at(self, port: int) -> None:
        """The shop's port is known now. After the last port there is no dashboard, and no link."""
        if not self._address and port < _LAST_PORT:
            self._address = f"http://{HOST}:{port + 1}"

    def __call__(self) -> str:
        """The address; empty while there is none."""
        return self._address


def stock(store: ServingStore) -> None:
    """Put our own products into an empty store: what the shop shows, the enrichment must know."""
    if not store.counts().products:
        store.load_products(load_catalogue())


class PatternsInUse:
    """Which behaviour gets which offer, as of now. Safe to call from several threads."""

    def __init__(self, find: Callable[[], PatternFile | None]) -> None:
        self._find = find
        self._lock = threading.Lock()
        self._file: PatternFile | None = None

    def __call__(self) -> PatternSet:
        """The patterns of the file as far as it can be used; the built-in ones while there is none."""
        with self._lock:
            if self._file is None:
                with contextlib.suppress(UsageError):  # the worker says what is wrong with it
                    self._file = self._find()
            else:
                self._file.poll()
            return _builtin() if self._file is None else self._file.current


@contextmanager
def web_parts(
    data_dir: Path,
    *,
    dashboard: Callable[[], str],
    patterns: Path | None = None,
    settings: Path | None = None,
    clock: Clock | None = None,
) -> Iterator[WebParts]:
    """Everything that the web part works with, on this data directory."""
    pipeline, clock = read_pipeline(settings), clock or SystemClock()
    with (
        wiring.open_log(data_dir, pipeline=pipeline, settings=settings, follow=True) as log,
        wiring.open_store(data_dir, settings=settings, follow=True) as store,
    ):
        yield WebParts(
            data_dir=data_dir,
            log=log,
            store=store,
            clock=clock,
            settings=read_web_settings(settings),
            intake=Intake(
                log,
                clock=clock,
                lateness=pipeline.lateness,
                announce_for=2 * pipeline.lateness + timedelta(minutes=pipeline.session_gap_minutes + _SPARE_MINUTES),
            ),
            feed=OfferFeed(log, clock=clock),
            key=signing_key(DataDirectory(data_dir).run),
            random=secrets.token_bytes,
            dashboard=dashboard,
            patterns=PatternsInUse(lambda: wiring.pattern_file(patterns, data_dir)),
        )


def signing_key(run_dir: Path) -> bytes:
    """The data directory's own key, made when it is first asked for and readable by its owner only."""
    run_dir.mkdir(parents=True, exist_ok=True)
    path = run_dir / "web.key"
    draft = run_dir / f".web.key.{os.getpid()}"
    with contextlib.suppress(FileExistsError):
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # the first one wins; a half-written key is never seen
        draft.unlink()
    return path.read_bytes()


def _pulse(parts: WebParts, beat: Callable[..., None], ended: threading.Event, stop: threading.Event) -> None:
    """Show signs of life until ``ended``: what the intake took, how fast, and what is wrong with it or the feed.

    After ``stop`` both are ended in good order, which is no failure.
    """
    before, at = 0, parts.clock.monotonic()
    while not ended.wait(_BEAT_SECONDS):
        events, now = parts.intake.tally.events, parts.clock.monotonic()
        rate = (events - before) / max(now - at, 1e-6)
        before, at = events, now
        sound = stop.is_set() or (parts.feed.alive and parts.intake.healthy)
        beat(
            state=State.HEALTHY if sound else State.FAILED,
            events=events,
            rate=round(rate, 1),
            lag=0,
            listeners=parts.feed.listeners,
            error=parts.intake.trouble or parts.feed.trouble or ("" if sound else _UNSOUND),
        )


def _many_connections() -> None:
    """Let this process hold as many connections as its hard limit allows."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
