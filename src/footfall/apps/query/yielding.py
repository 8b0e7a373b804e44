"""Turns a query that takes long into one that stands still most of the time while no processor is free.

To be nice is not enough. Who comes back from waiting for a disk is not always put where only somebody nice runs, and
where the kernel shares processors out by session, a nice one counts as any other for that: a backfill beside two
endless queries, each a thirtieth of a processor by its weight, was slower by a sixth.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from footfall.core.clock import Clock

SHORT: Final = 1.0
"""Seconds in which a query may run as it likes: most are over by then, and wait for nobody."""
LOOK: Final = 0.1
"""Seconds for which it looks at who else is at work, running or standing still."""
SLICE: Final = 0.01
"""Seconds for which it runs between two standstills: so it gets on, however long others need all processors."""
LONGEST: Final = 3.2
"""The most seconds until it looks again, when it was queries alone that needed all of them."""
_FULL: Final = 0.1
"""Processors: less idleness than this is none."""
_WHOLE: Final = 0.9
"""Processors: so much idleness without the query is room for it."""
_STAT: Final = Path("/proc/stat")


class Machine:
    """How busy this machine is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def idle(self, over: threading.Event) -> float:
        """How many processors have nothing to do, for a moment."""
        begun, before = self._clock.monotonic(), _idle_seconds()
        self._clock.wait(LOOK, over)
        return (_idle_seconds() - before) / max(self._clock.monotonic() - begun, 1e-3)


@contextmanager
def yielding(process: subprocess.Popen[bytes], *, clock: Clock, machine: Machine | None = None) -> Iterator[None]:
    """See to it that the process gives way to others while this lasts; on Linux, which says how busy it is."""
    if machine is None and not _STAT.exists():
        yield
        return
    over = threading.Event()
    giving_way = _GivingWay(process, clock, machine or Machine(clock), over)
    thread = threading.Thread(target=giving_way.run, name="give-way", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@dataclass(frozen=True, slots=True)
class _GivingWay:
    process: subprocess.Popen[bytes]
    clock: Clock
    machine: Machine
    over: threading.Event

    def run(self) -> None:
        """Until it is over."""
        again = LOOK
        self.clock.wait(SHORT, self.over)
        while not self.over.is_set():
            if self.machine.idle(self.over) > _FULL:
                continue
            if self._idle_without_it() >= _WHOLE:
                self.clock.wait(again, self.over)  # nobody else needs it, and to look costs the query time
                again = min(2 * again, LONGEST)
                continue
            again = LOOK
            self._a_little_at_a_time()

    def _a_little_at_a_time(self) -> None:
        while not self.over.is_set():
            self.clock.wait(SLICE, self.over)
            if self._idle_without_it() >= _WHOLE:
                return

    def _idle_without_it(self) -> float:
        """How many processors have nothing to do while the process stands still."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            return self.machine.idle(self.over)
        finally:
            self.process.send_signal(signal.SIGCONT)


def _idle_seconds() -> float:
    """Seconds for which the machine's processors had nothing to do since it was started, all together.

    The fourth and fifth figure of the first line: idle, and idle with a disk at work (``man 5 proc_stat``).
    """
    fields = _STAT.read_text().split(maxsplit=6)
    return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")
