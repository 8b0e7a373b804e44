"""Turns what each partition knows into the views that everyone reads."""

from __future__ import annotations

from collections.abc import Sequence

from footfall.engine.stage import Stage
from footfall.processors.base import NO_TIME
from footfall.stores.base import LiveViews


def publish(stages: Sequence[Stage], store: LiveViews) -> None:
    """Put each partition's part of the views into the store. ``stores.views.refresh`` composes them."""
    for stage in stages:
        partials = {partial.view: partial.batch for partial in stage.partials()}
        if partials and stage.high > NO_TIME // 2:
            store.publish(str(stage.partition), partials, as_of=stage.high, turn=stage.turn)
