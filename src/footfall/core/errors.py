"""Turns a failure into what the caller should do: fix the call, fix the world, or set one event aside.

FootfallError            every error of ours; ``message`` says what and where, ``remedy`` what to do
├── UsageError           the command or a file was wrong: exit code 2
└── Failure              the work could not be done: exit code 1
    ├── Unavailable      may work later (disk full, store away): services try again with back-off
    ├── DamagedBatch     bytes that were committed are not what was written
    ├── OffsetOutOfRange the offset is not in the log any more, or not yet
    ├── Emptied          a store has lost what it held: it must be filled again
    └── Fenced           somebody else moved this position: this worker must stop
"""

from __future__ import annotations

from enum import StrEnum


class FootfallError(Exception):
    """What went wrong, where, and what to do about it.

    Shown to people as it is, without a traceback.
    """

    exit_code = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UsageError(FootfallError):
    """The command line, a settings file or an input file is not usable as given."""

    exit_code = 2


class Failure(FootfallError):
    """The call was right, but the work could not be done."""


class Unavailable(Failure):
    """The work could not be done now; the same call may go through later."""


class DamagedBatch(Failure):
    """A committed batch does not read back as it was written.

    Carries ``stream``, ``partition``, ``offset`` (of the batch's first event) and ``file``.
    """

    def __init__(self, *, stream: str, partition: int, offset: int, file: str, why: str) -> None:
        super().__init__(
            f"Damaged batch in {stream}-{partition} at offset {offset} (file {file}): {why}.",
            remedy="Nothing was served from it. Run `footfall verify` to list all damage, "
            "and restore the file from a copy.",
        )
        self.stream = stream
        self.partition = partition
        self.offset = offset
        self.file = file


class OffsetOutOfRange(Failure):
    """The log does not hold this offset: retention removed it, or it was never written."""


class Emptied(Failure):
    """A store was emptied, or threw away what it should have kept: what it says now must not be believed."""


class Fenced(Failure):
    """The stored position is not the one this worker started from: another worker has taken over."""


class Reason(StrEnum):
    """Why an event was set aside. A closed list: dashboards and scripts may rely on it."""

    COLUMN_COUNT = "column_count"
    """The row has more or fewer fields than the header."""
    MISSING_FIELD = "missing_field"
    """A field that every click needs is empty."""
    BAD_TIMESTAMP = "bad_timestamp"
    """The time is not a number or date in the form the layout promises."""
    TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"
    """The time is before 1990 or after 2100."""
    BAD_IP = "bad_ip"
    """The address is neither IPv4 nor IPv6."""
    BAD_ENCODING = "bad_encoding"
    """The bytes are not UTF-8, or hold a NUL."""
    BAD_VALUE = "bad_value"
    """A field has a value outside what the layout allows (an unknown event type, an age of 900)."""
    FIELD_TOO_LONG = "field_too_long"
    """A field is longer than 8,192 bytes or than its table's column, or the row longer than 1 MiB."""
    BAD_SYNTAX = "bad_syntax"
    """The row cannot be parsed (broken JSON, an unclosed quote)."""
    UNKNOWN_SCHEMA = "unknown_schema"
    """The message names a schema that the registry does not have, or that is no Avro schema."""
    ID_CONFLICT = "id_conflict"
    """The event id was seen before with another content."""
    PROCESSOR_ERROR = "processor_error"
    """A user's function raised while it handled the event."""
