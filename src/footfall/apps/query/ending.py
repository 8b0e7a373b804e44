"""Turns a running query's process into none, soon: although it stands behind all others for a processor.

A killed process has to run once more to give back what it has. So it is put back in line with the others first, where
that is allowed (root is), and its memory is released from here, which else takes longest (Linux 5.15).
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

_RELEASE: Final = 448
"""process_mrelease; the same on all architectures."""


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill it, if it still runs. Somebody else waits for it."""
    if process.poll() is not None:
        return
    if sys.platform != "linux":
        process.kill()
        return
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, process.pid, 0)
    with suppress(OSError):
        Path(f"/proc/{process.pid}/autogroup").write_text("0")
    process.kill()
    with suppress(OSError):
        _release(os.pidfd_open(process.pid))


def _release(process: int) -> None:
    """Take a dying process's memory, on this thread's time."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.syscall(ctypes.c_long(_RELEASE), ctypes.c_int(process), ctypes.c_uint(0))
    finally:
        os.close(process)
