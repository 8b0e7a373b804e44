"""A query that takes long gives way to what else needs the processors, and gets on all the same."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Final

import psutil
import pytest

from footfall.apps.query.yielding import Machine, yielding
from footfall.core.clock import ManualClock, SystemClock

ENDLESS: Final = "import signal; signal.pause()"
RUNS, STANDS = False, True


class Said(Machine):
    """A machine that is as busy as the test says, and notes whether the query stands still when it is looked at."""

    def __init__(self, process: subprocess.Popen[bytes], looks: Sequence[tuple[float, bool]]) -> None:
        super().__init__(ManualClock())
        self.wrong: list[int] = []
        """The looks at which the query was not as it should be."""
        self.all_said = threading.Event()
        self._process = psutil.Process(process.pid)
        self._looks = iter(enumerate(looks))

    def idle(self, over: threading.Event) -> float:
        number, (value, stands) = next(self._looks, (-1, (0.0, RUNS)))
        if number < 0:
            self.all_said.set()
            over.wait()
        elif not self._becomes(stands):
            self.wrong.append(number)
        return value

    def _becomes(self, stands: bool) -> bool:
        """A signal takes its time."""
        for _ in range(200):
            if (self._process.status() == psutil.STATUS_STOPPED) == stands:
                return True
            threading.Event().wait(0.01)
        return False


@pytest.fixture
def query() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", ENDLESS]) as process:
        yield process
        process.kill()


@pytest.mark.parametrize(
    "looks",
    [
        pytest.param([(0.5, RUNS), (0.2, RUNS), (1.0, RUNS)], id="a processor is free: it runs"),
        pytest.param([(0.0, RUNS), (0.5, STANDS), (0.5, STANDS)], id="others need them: it stands still"),
        pytest.param([(0.0, RUNS), (0.5, STANDS), (1.0, STANDS), (0.5, RUNS)], id="others have ended: it runs"),
        pytest.param([(0.0, RUNS), (1.0, STANDS), (0.0, RUNS), (1.0, STANDS)], id="queries alone need them: it runs"),
    ],
)
def test_it_stands_still_while_others_need_the_processors(
    looks: Sequence[tuple[float, bool]], query: subprocess.Popen[bytes]
) -> None:
    machine = Said(query, looks)

    with yielding(query, clock=ManualClock(), machine=machine):
        assert machine.all_said.wait(20)

    assert machine.wrong == []
    assert psutil.Process(query.pid).status() != psutil.STATUS_STOPPED


def test_a_query_that_has_ended_needs_nothing(query: subprocess.Popen[bytes]) -> None:
    looked = threading.Semaphore(0)

    class Busy(Machine):
        def idle(self, over: threading.Event) -> float:
            looked.release()
            return 0.0

    query.kill()
    query.wait()

    with yielding(query, clock=ManualClock(), machine=Busy(ManualClock())):
        assert all(looked.acquire(timeout=20) for _ in range(4))

    assert query.returncode == -9


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how busy it is")
def test_a_machine_has_no_more_idle_processors_than_it_has() -> None:
    assert 0 <= Machine(SystemClock()).idle(threading.Event()) <= (psutil.cpu_count() or 1) * 1.3
