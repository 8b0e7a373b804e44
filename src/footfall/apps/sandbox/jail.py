"""Turns this process into one that has little of everything and ends by itself: limits, priority, locks.

A process that was locked in cannot be let out again.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from footfall.apps.sandbox import calls, landlock

STARTING: Final = 5
"""How far behind all others while libraries are loaded: a quarter of a processor, where somebody else wants it."""
NICE: Final = 15
"""The same for the query itself: a thirtieth. It waits for the pipeline, not the other way round, and yet gets on."""
ROOM: Final = 192 << 20
"""Bytes beyond the query's memory: what the engine does not count, and the rows on their way out."""
GRACE: Final = 0.2
"""Seconds after the deadline, should the parent be unable to end us."""
_ROUGHLY: Final = 2 << 30
"""Bytes of addresses that libraries take, where the system does not say."""
_DEATH_SIGNAL, _DUMPABLE = 1, 4


def step_back() -> None:
    """Behind all others for a processor, and first to go when memory is short. Ends with the process that asked."""
    behind(STARTING)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def behind(nice: int) -> None:
    """Stand so far behind others, never to come forward again by ourselves."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        if os.getsid(0) == os.getpid():  # it is nobody else's
            _group_behind(nice)


def _group_behind(nice: int) -> None:
    """The same for our session: where the system shares out processors by session, being nice counts within it only.

    Such a setting is taken ten times a second, of all processes together.
    """
    for _ in range(5):
        try:
            Path("/proc/self/autogroup").write_text(str(nice))
        except BlockingIOError:
            threading.Event().wait(0.02)
        except OSError:
            return
        else:
            return


def end_at(until: float) -> None:
    """Be killed by the kernel soon after this moment of the monotonic clock, whatever the parent does."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, max(0.01, until + GRACE - time.monotonic()))


def lock_in(files: Sequence[str], *, memory: int, seconds: float) -> tuple[bool, bool]:
    """From now on: read these files, compute, write to what is open, and end.

    Memory is in bytes, and comes on top of what is in use now. Processor time ends a little after the seconds.
    Says whether the kernel locks files, and calls: not every kernel can.
    """
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    addresses = _addresses() + memory + ROOM
    for limit, value in (
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_AS, addresses),
        (resource.RLIMIT_CPU, int(seconds) + 2),
        (resource.RLIMIT_NOFILE, len(files) + 64),
    ):
        _, highest = resource.getrlimit(limit)
        most = value if highest == resource.RLIM_INFINITY else min(value, highest)
        resource.setrlimit(limit, (most, most))
    if sys.platform == "linux":  # other processes of this user cannot look into it
        ctypes.CDLL(None).prctl(_DUMPABLE, 0, 0, 0, 0)
    return landlock.read_only(files), calls.only_reading()


def _addresses() -> int:
    """Bytes of addresses in use."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError):
        return _ROUGHLY
    return pages * resource.getpagesize()
