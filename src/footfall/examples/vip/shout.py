"""Turns what VIPs do into the same in capitals: a function of one's own behind a query."""

from __future__ import annotations

from typing import Any

import footfall


@footfall.on_event("vip-action", to="vip-action-shouted", key="user_id")
def shout(event: dict[str, Any]) -> dict[str, Any]:
    """The event with its name and its action in capitals."""
    return {
        "user_id": event["user_id"],
        "name": event["name"].upper(),
        "page": event["page"],
        "action": event["action"].upper(),
        "event_time": event["event_time"],
    }
