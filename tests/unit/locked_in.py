"""Locks itself in and prints what it still could do: ``python -m tests.unit.locked_in NAMED KEPT``; nothing is best.

Exit code 77 where this kernel cannot lock.
"""

from __future__ import annotations

import mmap
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from footfall.apps.sandbox import jail


def attempts(named: Path, kept: Path) -> Iterator[tuple[Callable[..., Any], Any]]:
    """Calls and their arguments, all of which must fail."""
    yield open, (kept,)
    yield open, (kept, "w")
    yield open, (named, "r+")
    yield open, (f"{kept}.new", "w")
    yield open, ("/proc/self/environ",)
    yield os.truncate, (kept, 0)
    yield os.remove, (kept,)
    yield os.listdir, ("/",)
    yield os.mkdir, (f"{kept}.folder",)
    yield os.rename, (kept, f"{kept}.moved")
    yield os.symlink, (kept, f"{kept}.link")
    yield os.link, (named, f"{kept}.hard")
    yield os.chmod, (kept, 0)
    yield os.utime, (kept,)
    yield socket.socket, ()
    yield socket.socketpair, ()
    yield os.fork, ()
    yield threading.Thread(target=print).start, ()
    yield subprocess.run, (["true"],)
    yield os.execv, (sys.executable, ["python"])
    yield os.setsid, ()
    yield os.kill, (os.getppid(), signal.SIGCONT)
    yield os.memfd_create, ("x",)
    yield mmap.mmap, (-1, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)


def main() -> int:
    """Try all."""
    named, kept = map(Path, sys.argv[1:])
    if not all(jail.lock_in([str(named)], memory=1 << 30, seconds=60)):
        return 77
    assert named.read_text() == "named"
    for act, given in attempts(named, kept):
        try:
            act(*given)
        except (PermissionError, RuntimeError):
            continue
        print(getattr(act, "__name__", act), given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
