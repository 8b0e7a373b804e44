"""Turns this process into one that the kernel lets read a list of files, and nothing else: Landlock.

Linux 5.13 for files, 6.2 for truncation, 6.7 for TCP, 6.12 for signals and abstract sockets. Numbers and structures:
https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from typing import Final

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on all architectures
_ASK_VERSION: Final = 1
_BENEATH: Final = 1
_NO_NEW_PRIVILEGES: Final = 38

_READ: Final = 1 << 2
_FIRST: Final = (1 << 13) - 1
"""Executing, reading, writing, listing, removing, making."""
_SINCE: Final = ((2, 1 << 13), (3, 1 << 14), (5, 1 << 15))
"""Version, and the right that it added: moving, truncating, device control."""
_TCP: Final = 0b11
"""Listening, connecting."""
_OUTSIDE: Final = 0b11
"""Abstract sockets, signals."""


def read_only(files: Iterable[str]) -> bool:
    """Give up everything in the file system but reading these files, and TCP; False where the kernel cannot.

    Holds for this thread and those that it starts from now on.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(ctypes.c_long(_CREATE), None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))
    if version < 1:
        return False
    rights = _rights(version)
    ruleset = libc.syscall(ctypes.c_long(_CREATE), rights, ctypes.c_size_t(len(rights)), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    try:
        for path in files:
            _allow(libc, ruleset, path)
        if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
            return False
        return bool(libc.syscall(ctypes.c_long(_RESTRICT), ctypes.c_int(ruleset), ctypes.c_uint32(0)) == 0)
    finally:
        os.close(ruleset)


def _rights(version: int) -> bytes:
    """All rights that this version can take away; a kernel knows the structure as it was in its time."""
    files = _FIRST | sum(right for since, right in _SINCE if version >= since)
    if version >= 6:
        return struct.pack("QQQ", files, _TCP, _OUTSIDE)
    return struct.pack("QQ", files, _TCP) if version >= 4 else struct.pack("Q", files)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str) -> None:
    file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", _READ, file)
        libc.syscall(ctypes.c_long(_ADD), ctypes.c_int(ruleset), ctypes.c_int(_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(file)
