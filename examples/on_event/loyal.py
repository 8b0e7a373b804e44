"""Turns clicks into loyal visitors: one event at a visitor's tenth click, and at every tenth after it."""

from __future__ import annotations

from typing import Any

import footfall


@footfall.on_event("enriched-click-data", to="loyal-visitors", key="userId")
def loyal(event: dict[str, Any], state: dict[str, Any]) -> dict[str, Any] | None:
    """Count the visitor's clicks; ``state`` is the visitor's own, kept between calls and restarts."""
    if event["is_bot"]:
        return None
    state["clicks"] = state.get("clicks", 0) + 1
    if state["clicks"] % 10:
        return None
    return {"userId": event["userId"], "clicks": state["clicks"], "country": event["country"]}
