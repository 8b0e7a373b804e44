"""Turns the name of a message format into its codec."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from footfall.core.events import Batch
from footfall.log.codecs import json as flat
from footfall.log.codecs.base import Codec, Decoded


class _Plain:
    name = "json"

    def encode(self, stream: str, batch: Batch) -> Sequence[bytes]:
        return flat.encode(batch)

    def decode(
        self, stream: str, messages: Sequence[bytes], *, schema: pa.Schema, keys: Sequence[bytes | None] | None = None
    ) -> Decoded:
        batch, bad = flat.decode(messages, schema)
        wrong = {one.index for one in bad}
        return Decoded(batch, np.array([i for i in range(len(messages)) if i not in wrong], dtype=np.int64), bad)


def codec(name: str, *, registry: str | None) -> Codec:
    return _Plain()
