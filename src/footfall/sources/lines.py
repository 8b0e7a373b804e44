"""Turns a file, packed or not, into pieces of whole lines.

A line ends with a line feed or with the end of the file. A line longer than ROW_LIMIT is cut to one byte more
than that, so that it is seen to be too long and memory stays bounded.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from footfall.core.errors import Failure, UsageError
from footfall.sources.fields import ROW_LIMIT

BOM: Final = b"\xef\xbb\xbf"
GZIP: Final = b"\x1f\x8b"
_LOOK_BACK: Final = 1 << 14
_PACKED_READ: Final = 1 << 18
_ANOTHER: Final = "Unpack it with `gzip -t` to see where it breaks, fetch the file again, and load it again."


def opened(path: Path, block_bytes: int) -> Iterator[bytes]:
    """The file's bytes, unpacked if it is a gzip file, about ``block_bytes`` at a time."""
    try:
        with path.open("rb") as file:
            if file.read(2) == GZIP:
                file.seek(0)
                yield from _unpacked(path, iter(lambda: file.read(_PACKED_READ), b""), max(block_bytes, 1))
                return
            place = 0
            while data := os.pread(file.fileno(), _whole_lines(file.fileno(), place, max(block_bytes, 1)), place):
                yield data
                place += len(data)
    except OSError as error:
        raise cannot_read(path, error) from error


def _whole_lines(file: int, place: int, most: int) -> int:
    """How many bytes to read so that, where possible, they end with a line: then they need not be copied again."""
    end = place + most
    start = max(place, end - _LOOK_BACK)
    last = os.pread(file, end - start, start).rfind(b"\n")
    return start + last + 1 - place if last >= 0 else most


def cannot_read(path: Path, error: OSError) -> UsageError:
    """Why a file could not be opened or read, and what to do."""
    if isinstance(error, FileNotFoundError):
        return UsageError(f"There is no file {path}.", remedy="Check the path.")
    if isinstance(error, IsADirectoryError):
        return UsageError(f"{path} is a directory, not a file.", remedy="Name one file of clicks.")
    if isinstance(error, PermissionError):
        return UsageError(
            f"{path} may not be read by this user.", remedy=f"Give the right to read it: chmod u+r {path}"
        )
    return UsageError(f"{path} cannot be read: {error.strerror or error}.", remedy="Check the file and its disk.")


def _unpacked(path: Path, packed: Iterator[bytes], block_bytes: int) -> Iterator[bytes]:
    """The content of a gzip file of any number of members."""
    inflate = zlib.decompressobj(wbits=31)
    ended = False
    for data in packed:
        rest = data
        while rest:
            if ended:
                rest = rest.lstrip(b"\0")  # padding after a member is allowed
                if not rest:
                    break
                inflate, ended = zlib.decompressobj(wbits=31), False
            try:
                content = inflate.decompress(rest, block_bytes)
            except zlib.error as error:
                raise Failure(f"The gzip file {path} is damaged: {error}.", remedy=_ANOTHER) from error
            if content:
                yield content
            ended = inflate.eof
            rest = inflate.unused_data if ended else inflate.unconsumed_tail
    while not ended and (content := inflate.decompress(b"", block_bytes)):
        yield content
        ended = inflate.eof
    if not ended:
        raise Failure(f"The gzip file {path} ends too early: it is not complete.", remedy=_ANOTHER)


def pieces(path: Path, block_bytes: int, carry: Carry) -> Iterator[tuple[bytes, bool]]:
    """Whole lines of the file, and whether the file ends with them.

    Before asking for the next piece, the caller may put back the end of the piece into ``carry.left``: it then
    comes again at the beginning of the next one. When the file breaks off, the last line is not given out,
    since it may not be complete.
    """
    open_line: list[bytes] = []
    open_bytes = 0
    for data in opened(path, block_bytes):
        end = data.rfind(b"\n") + 1
        if not end:
            if open_bytes <= ROW_LIMIT:
                open_line.append(data[: ROW_LIMIT + 1 - open_bytes])
                open_bytes += len(open_line[-1])
            continue
        start = data.find(b"\n") if open_bytes > ROW_LIMIT else 0
        parts = [part for part in (carry.take(), *open_line, data[start:end]) if part]
        yield parts[0] if len(parts) == 1 else b"".join(parts), False
        open_line, open_bytes = [data[end : end + ROW_LIMIT + 1]], min(len(data) - end, ROW_LIMIT + 1)
    yield carry.take() + b"".join(open_line), True


class Carry:
    """What a piece did not use."""

    def __init__(self) -> None:
        self.left = b""

    def take(self) -> bytes:
        """What was left; then nothing is."""
        left, self.left = self.left, b""
        return left
