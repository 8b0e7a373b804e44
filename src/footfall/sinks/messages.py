"""Turns events into messages of a broker: what a message is, and what every target of messages promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An event as bytes, and where it comes from."""

    id: str
    """The event's id. A message that comes again has the same one: by it, who receives it drops repetitions."""
    body: bytes
    """Flat JSON."""
    stream: str
    partition: int
    offset: int
    time_ms: int | None
    """When the event happened; None if it does not say."""


class MessageSink(Protocol):
    """Where messages go. Used by one thread."""

    def send(self, messages: Sequence[Message]) -> None:
        """Send the messages in this order, and return once the target has confirmed that it keeps all of them.

        Raises Unavailable when that is not sure: then any of them may have arrived, and all must be sent again.
        Raises UsageError when the target is not usable as given (an address, a password, a name).
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...
