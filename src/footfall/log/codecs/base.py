"""Turns batches into messages, one an event, and messages back into batches: what every codec promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.events import Batch
from footfall.log.codecs.rows import BadMessage


@dataclass(frozen=True, slots=True)
class Decoded:
    """The events of some messages, in order, and the messages that are none."""

    batch: Batch
    origins: npt.NDArray[np.int64]
    """For each row, the index of the message that it came from; never falling. A message may hold several rows."""
    bad: Sequence[BadMessage]


class Codec(Protocol):
    """A message format. Safe to use from several threads."""

    @property
    def name(self) -> str:
        """As settings and failed events name it: json, avro or quix."""
        ...

    def encode(self, stream: str, batch: Batch) -> Sequence[bytes]:
        """One message a row, in order."""
        ...

    def decode(
        self, stream: str, messages: Sequence[bytes], *, schema: pa.Schema, keys: Sequence[bytes | None] | None = None
    ) -> Decoded:
        """The rows of the messages, with this schema. What is wrong with a message never stops the others.

        ``keys`` are the messages' keys, for formats whose messages do not name the visitor themselves.
        """
        ...
