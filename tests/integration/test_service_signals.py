"""A service hears every request to stop, in whatever moment it comes, and however many there are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.observing import environment

SERVICE: Final = """
import signal, sys, threading
from pathlib import Path
from footfall.apps.cli import service

def work(stop, heartbeat):
    {during}
    return "stopped" if stop.wait(10) else "not told"

print(service.serve("worker", Path(sys.argv[1]), work), flush=True)
"""
TERM: Final = "signal.raise_signal(signal.SIGTERM)"
INTERRUPT: Final = "signal.raise_signal(signal.SIGINT)"
AT_THE_LOCK: Final = f"with stop._cond: {TERM}"
"""As when the signal comes while the main thread begins to wait, or while another signal's handler runs."""
BUG: Final = """
import threading, signal
from contextlib import contextmanager
from footfall.apps.cli import service

@contextmanager
def sets_the_event_itself():
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    yield stop

service.stopped_by_signals = sets_the_event_itself
"""


def run(program: str, directory: Path, *, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-c", program, str(directory)]
    return subprocess.run(line, capture_output=True, text=True, env=environment(), timeout=timeout, check=False)


@pytest.mark.parametrize("during", [TERM, INTERRUPT, f"{TERM}; {TERM}", f"{INTERRUPT}; {TERM}", AT_THE_LOCK])
def test_a_signal_stops_a_service_in_whatever_moment_it_comes(during: str, tmp_path: Path) -> None:
    done = run(SERVICE.format(during=during), tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("stopped\n", "", 0)


@pytest.mark.parametrize("during", [f"{INTERRUPT}; {INTERRUPT}", f"{TERM}; {INTERRUPT}"])
def test_a_ctrl_c_after_the_first_request_ends_it_at_once(during: str, tmp_path: Path) -> None:
    done = run(SERVICE.format(during=during), tmp_path)
    assert "KeyboardInterrupt" in done.stderr
    assert done.stdout == ""


def test_a_handler_that_sets_the_event_itself_is_found(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run(BUG + SERVICE.format(during=AT_THE_LOCK), tmp_path, timeout=5)
