"""Turns the view of visits by day into the page that sums up today and the last seven days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa
import streamlit as st

from footfall.apps.dashboard import charts
from footfall.apps.dashboard.days import NONE, Day, days_of
from footfall.apps.dashboard.heading import SECOND, heading
from footfall.apps.dashboard.live import chart, missing, panel
from footfall.apps.dashboard.shapes import nothing
from footfall.apps.dashboard.sources import data_dir, offers_of, reader_of

_VIEW: Final = "visits_by_day"
_TABLE: Final = 288
"""Height of seven rows and their heading, in pixels."""

HELP: Final[Mapping[str, str]] = {
    "Sessions": "Visits of people that began on that day. 30 minutes without a click end one. Bots are left out.",
    "Bounce rate": "Sessions with at most one page seen and nothing put into the cart, of all sessions.",
    "Pages per session": "Pages and products seen, divided by sessions.",
    "Conversion": "Sessions in which a product was put into the cart, of all sessions.",
    "Offers shown": "Offers that came up on a visitor's screen on that day, each counted once.",
}
"""What the figures mean."""


def page() -> None:
    """The page."""
    figures()
    st.caption(
        "Days are UTC, by the time of the clicks; a session belongs to the day on which it began. "
        "Sessions that are still open are counted as they stand."
    )


@st.fragment(run_every=SECOND)
def figures() -> None:
    """All that changes. The browser asks for it again each second."""
    reader = reader_of(data_dir())
    snapshot = reader.snapshot()
    now_ms = reader.now_ms()
    heading("Visits", snapshot, now_ms=now_ms)
    days = days_of(snapshot.views.get(_VIEW, ()), offers_of(data_dir()).by_day())
    today = days[-1] if days else Day(day="")
    with st.container(border=True, key="today", height="content"):
        st.subheader(f"{today.title(now_ms)} (UTC)", anchor=False)
        for column, (name, value) in zip(st.columns(len(HELP)), today.figures().items(), strict=True):
            column.metric(name, value, help=HELP[name])
    with panel(_VIEW, "Sessions in the last 7 days", height=260):
        chart(
            _VIEW,
            snapshot.contents.get(_VIEW) or nothing(_VIEW),
            charts.DAYS,
            alt="Bars: sessions of each of the last 7 days, with bounces apart",
            empty="No session in the last 7 days. Visit the shop, or start `footfall up`.",
        )
    with panel("days", "Day by day", height=_TABLE):
        table_of(days)


def table_of(days: Sequence[Day]) -> None:
    """The same figures for each day, the newest first."""
    if not days:
        missing("No day yet.")
        return
    rows = [{"Day": day.day, **day.figures(), "Bots' sessions": f"{day.bots:,}"} for day in reversed(days)]
    columns = {name: pa.array([row[name] for row in rows], type=pa.string()) for name in rows[0]}
    st.dataframe(
        pa.table(columns),
        height=_TABLE,
        width="stretch",
        hide_index=True,
        placeholder=NONE,
        key="table-days",
        alt="Sessions, bounce rate, pages per session, conversion and offers of each of the last 7 days",
    )
