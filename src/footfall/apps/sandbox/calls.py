"""Turns this process into one that may ask the kernel for a short list of things: seccomp, on Linux on x86-64.

Not on the list: sockets of any kind, new processes and threads, other programs, files opened for writing or removed,
memory that can be executed, other processes' memory and signals, limits. Such a call fails as not permitted. On other
processors False is returned; Landlock and the limits must do there.
Structures: https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Sequence
from typing import Final

_SECCOMP: Final = 317
_FILTER: Final = 1
_ALL_THREADS: Final = 1
_NO_NEW_PRIVILEGES: Final = 38
_X86_64: Final = 0xC000003E

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW: Final = 0x7FFF0000
_DENY: Final = 0x00050000 | errno.EPERM
_UNKNOWN: Final = 0x00050000 | errno.ENOSYS
_KILL: Final = 0x80000000
_NUMBER, _PROCESSOR, _ARGUMENTS = 0, 4, 16
_OTHER_NUMBERS: Final = 0x40000000
"""From here on the same calls have other numbers (x32)."""

_FREE: Final = {
    "read": 0,
    "write": 1,
    "close": 3,
    "stat": 4,
    "fstat": 5,
    "lstat": 6,
    "poll": 7,
    "lseek": 8,
    "munmap": 11,
    "brk": 12,
    "rt_sigaction": 13,
    "rt_sigprocmask": 14,
    "rt_sigreturn": 15,
    "pread64": 17,
    "readv": 19,
    "writev": 20,
    "access": 21,
    "sched_yield": 24,
    "mremap": 25,
    "madvise": 28,
    "nanosleep": 35,
    "getpid": 39,
    "exit": 60,
    "uname": 63,
    "fcntl": 72,
    "getcwd": 79,
    "readlink": 89,
    "gettimeofday": 96,
    "getrusage": 98,
    "sysinfo": 99,
    "times": 100,
    "getuid": 102,
    "getgid": 104,
    "geteuid": 107,
    "getegid": 108,
    "getppid": 110,
    "sigaltstack": 131,
    "gettid": 186,
    "futex": 202,
    "sched_getaffinity": 204,
    "getdents64": 217,
    "restart_syscall": 219,
    "fadvise64": 221,
    "clock_gettime": 228,
    "clock_getres": 229,
    "clock_nanosleep": 230,
    "exit_group": 231,
    "mbind": 237,
    "get_mempolicy": 239,
    "newfstatat": 262,
    "readlinkat": 267,
    "faccessat": 269,
    "set_robust_list": 273,
    "getcpu": 309,
    "getrandom": 318,
    "membarrier": 324,
    "statx": 332,
    "rseq": 334,
    "faccessat2": 439,
}
"""Calls that may have any arguments: they read, compute, or concern this process alone."""

_CLONE3: Final = 435
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | 0x400000
_EXECUTABLE: Final = 4
_FORBIDDEN_BITS: Final = {2: (1, _WRITING), 257: (2, _WRITING), 9: (2, _EXECUTABLE), 10: (2, _EXECUTABLE)}
"""open, openat, mmap, mprotect: an argument's number, and bits that it must not have."""
_IOCTL, _IS_TERMINAL = 16, 0x5401
_PRLIMIT: Final = 302


def only_reading() -> bool:
    """Give up all other calls, for ever; False where that cannot be."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    program = b"".join(_program())
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    return bool(libc.syscall(ctypes.c_long(_SECCOMP), _FILTER, _ALL_THREADS, header) == 0)


def _program() -> Sequence[bytes]:
    """The filter, which sees the call's number and its arguments."""
    lines = [
        _line(_LOAD, _PROCESSOR),
        _line(_EQUAL, _X86_64, no=0, yes=1),
        _line(_RETURN, _KILL),
        _line(_LOAD, _NUMBER),
        _line(_AT_LEAST, _OTHER_NUMBERS, no=1),
        _line(_RETURN, _DENY),
    ]
    for number in _FREE.values():
        lines += [_line(_EQUAL, number, no=1), _line(_RETURN, _ALLOW)]
    lines += [_line(_EQUAL, _CLONE3, no=1), _line(_RETURN, _UNKNOWN)]  # the C library then asks for clone
    for number, (argument, bits) in _FORBIDDEN_BITS.items():
        lines += _given(number, [_half(argument), _line(_ANY_BIT, bits, no=1), _line(_RETURN, _DENY)])
    lines += _given(_IOCTL, [_half(1), _line(_EQUAL, _IS_TERMINAL, yes=1), _line(_RETURN, _DENY)])
    none = [_line(_EQUAL, 0, yes=1), _line(_RETURN, _DENY)]
    # Limits may be asked for, not set: the new limit is no address.
    lines += _given(_PRLIMIT, [_half(2), *none, _half(2, high=True), *none])
    return [*lines, _line(_RETURN, _DENY)]


def _given(number: int, lines: Sequence[bytes]) -> Sequence[bytes]:
    """These lines for this call alone; it is allowed if they do not end it."""
    return [_line(_EQUAL, number, no=len(lines) + 1), *lines, _line(_RETURN, _ALLOW)]


def _half(argument: int, *, high: bool = False) -> bytes:
    """Look at an argument's lower half, or at its higher one."""
    return _line(_LOAD, _ARGUMENTS + 8 * argument + 4 * high)


def _line(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)
