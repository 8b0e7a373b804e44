"""Turns a snapshot into the head of a page: its title, and of when its data are."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal

import streamlit as st

from footfall.apps.dashboard.freshness import freshness
from footfall.apps.dashboard.reading import Snapshot

SECOND: Final = timedelta(seconds=1)
"""How often a browser asks for what has changed."""
_HEIGHT: Final = 84
"""Room for three lines on a narrow screen, so that advice coming and going moves nothing."""
_COLOURS: Final[dict[str, Literal["green", "gray", "orange", "red"]]] = {
    "live": "green",
    "quiet": "gray",
    "empty": "gray",
    "stopped": "orange",
    "error": "red",
}


def heading(title: str, snapshot: Snapshot, *, now_ms: int) -> None:
    """The title of a page, and how fresh it is."""
    fresh = freshness(snapshot, now_ms=now_ms)
    with st.container(key="freshness", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.title(title, anchor=False, width="content")
            st.badge(fresh.state, color=_COLOURS[fresh.state])
        with st.container(height=_HEIGHT, border=False):
            st.text(f"{fresh.text} {fresh.advice}")  # no Markdown: errors carry paths, and what files hold
