"""Runs the command line with a bug in what sends messages: ``python -m tests.faults.buggy_rabbitmq BUG sink …``."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import Final

from footfall.engine.messaging import MessageTask
from footfall.log.base import Place
from footfall.sinks.messages import Message
from footfall.sinks.rabbitmq import RabbitSink

GAP: Final = 0.3
"""Seconds between keeping the place and sending, so that a kill hits it."""


def place_before_confirmation() -> None:
    """The place is kept before the messages are sent: a kill in between loses them."""
    keep, send = MessageTask._keep, RabbitSink.send
    waiting: list[Sequence[Message]] = []

    def later(_self: RabbitSink, messages: Sequence[Message]) -> None:
        waiting.append(messages)

    def first(self: MessageTask, place: Place) -> None:
        keep(self, place)
        threading.Event().wait(GAP)
        while waiting:
            send(self._target, waiting.pop(0))  # type: ignore[arg-type]

    RabbitSink.send = later  # type: ignore[method-assign, assignment]
    MessageTask._keep = first  # type: ignore[method-assign]


BUGS: Final = {"place_before_confirmation": (place_before_confirmation, "lost")}
"""Each with what must be found."""


if __name__ == "__main__":
    BUGS[sys.argv.pop(1)][0]()
    from footfall.apps.cli.main import main

    main()
