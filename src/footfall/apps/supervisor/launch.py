"""Turns itself into another program that the kernel kills when the supervisor dies.

Run as a file, not imported: ``python launch.py PARENT_PID PROGRAM ARGUMENT…``. It imports next to nothing,
because every start of a service passes here.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent's life, then become the program."""
    parent, *command = sys.argv[1:]
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it died before we asked
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
