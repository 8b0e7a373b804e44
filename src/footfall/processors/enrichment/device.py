"""Turns a click's user agent into the kind of device, and whether it is a bot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from footfall.processors.base import Frame
from footfall.processors.enrichment.memo import Memo
from footfall.processors.enrichment.step import Columns, Context, gather, named, texts_of
from footfall.processors.enrichment.user_agents import DEVICES, classifier


@dataclass(frozen=True, slots=True)
class NameDevice:
    """Adds ``deviceType`` and ``is_bot``; Other and no bot for clicks without a user agent."""

    def start(self, context: Context) -> RunningNameDevice:  # noqa: ARG002  (every step gets it)
        return RunningNameDevice()


class RunningNameDevice:
    """Classifies each user agent once."""

    def __init__(self) -> None:
        self._device_of = classifier().device
        self._memo = Memo(self._look_up)

    def _look_up(self, agents: Sequence[str]) -> list[int]:
        return [DEVICES.index(self._device_of(agent)) for agent in agents]

    def columns(self, frame: Frame) -> Columns:
        indices, agents = texts_of(frame, "userAgent")
        numbers = gather(self._memo.answers(agents), indices, missing=DEVICES.index("Other"))
        return {"deviceType": named(numbers, DEVICES), "is_bot": pa.array(numbers == DEVICES.index("Bot"))}
