"""Turns the live views into the page that a shop's owner watches: eight panels, each second anew.

What comes from outside is given to tables, charts and plain texts only, never to Markdown.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import streamlit as st

from footfall.apps.dashboard import charts
from footfall.apps.dashboard.heading import SECOND, heading
from footfall.apps.dashboard.shapes import CATEGORIES, Content, nothing
from footfall.apps.dashboard.sources import data_dir, reader_of

CHART: Final = 260
"""Height of a chart, in pixels."""
TABLE: Final = 388
"""Height of ten rows and their heading."""
LOG: Final = 300
RAW: Final = 420
_METRIC: Final = 88
"""What a number above a chart takes of its height."""
_FRAME: Final = 88
"""What a panel adds to the height of what it shows: its own heading and edges."""


def page() -> None:
    """The page."""
    panels()
    state_log()
    raw_data()


@st.fragment(run_every=SECOND)
def panels() -> None:
    """The charts and short tables. The browser asks for them again each second."""
    reader = reader_of(data_dir())
    heading("Live", reader.snapshot(), now_ms=reader.now_ms())
    first, second = st.columns(2)
    with first:
        visits(content_of("last_15_minutes"))
    with second:
        sessions(content_of("sessions"))
    first, second = st.columns(2)
    with first:
        devices(content_of("device_type_popularity"))
    with second:
        categories(content_of("category_popularity"))
    first, second = st.columns(2)
    with first:
        products(content_of("products_last_hour"))
    with second:
        visitors(content_of("latest_visitors"))


def content_of(view: str) -> Content:
    """What the panel of a view draws now."""
    return reader_of(data_dir()).snapshot().contents.get(view) or nothing(view)


@contextmanager
def panel(view: str, title: str, *, height: int) -> Iterator[None]:
    """A frame with a heading, of one height whatever is in it."""
    with st.container(border=True, key=f"panel-{view}", height=height + _FRAME):
        st.subheader(title, anchor=False)
        yield


def missing(text: str) -> None:
    """Says in a panel that there is nothing to show, and when there will be."""
    st.caption(text)


def chart(view: str, content: Content, spec: charts.Spec, *, alt: str, empty: str, height: int = CHART) -> None:
    """A chart, or what to do when there is nothing to draw."""
    if content.empty:
        missing(empty)
        return
    st.vega_lite_chart(content.table, spec, height=height, width="stretch", key=f"chart-{view}", alt=alt)


def table(view: str, content: Content, *, height: int, alt: str, empty: str) -> None:
    """A table, or what to do when it has no rows."""
    if content.empty:
        missing(empty)
        return
    st.dataframe(content.table, height=height, width="stretch", hide_index=True, key=f"table-{view}", alt=alt)


def visits(content: Content) -> None:
    """Visits and visitors a minute."""
    with panel("last_15_minutes", "Visitors in the last 15 minutes", height=CHART):
        chart(
            "last_15_minutes",
            content,
            charts.VISITS,
            alt="Lines: visits and visitors in each of the last 15 minutes",
            empty="Nobody in the last 15 minutes. Clicks of the shop, or of `footfall replay FILE`, appear here.",
        )


def sessions(content: Content) -> None:
    """Sessions by half hour."""
    with panel("sessions", "Sessions in the last 8 hours", height=CHART):
        chart(
            "sessions",
            content,
            charts.SESSIONS,
            alt="Bars: sessions that began in each half hour of the last 8 hours",
            empty="No session in the last 8 hours. A visitor's first click begins one.",
        )


def devices(content: Content) -> None:
    """Who is there, and with what device."""
    with panel("device_type_popularity", "Visiting right now", height=CHART):
        if content.empty:
            missing("Nobody in the last 10 minutes. Visit the shop, or start `footfall replay FILE`.")
            return
        st.metric("Visitors", f"{content.total:,}", help="Different visitors in the last 10 minutes.")
        chart(
            "device_type_popularity",
            content,
            charts.DEVICE_SHARES,
            alt="Pie: visitors of the last 10 minutes by device",
            empty="",
            height=CHART - _METRIC,
        )


def categories(content: Content) -> None:
    """What is looked at."""
    more = content.total > CATEGORIES
    title = "Category popularity in the last hour"
    with panel("category_popularity", f"{title} (first {CATEGORIES})" if more else title, height=CHART):
        chart(
            "category_popularity",
            content,
            charts.CATEGORY_BARS,
            alt="Bars: views by category in the last hour",
            empty="Nothing was viewed in the last hour. Products get categories with `footfall load products FILE`.",
        )


def products(content: Content) -> None:
    """What is looked at most."""
    with panel("products_last_hour", "Top ten viewed pages in the last hour", height=TABLE):
        table(
            "products_last_hour",
            content,
            height=TABLE,
            alt="The ten most viewed products",
            empty="Nothing was viewed in the last hour. Look at a product in the shop.",
        )


def visitors(content: Content) -> None:
    """Who came last."""
    with panel("latest_visitors", "Latest visitors", height=TABLE):
        table(
            "latest_visitors",
            content,
            height=TABLE,
            alt="The ten visitors who clicked last",
            empty="No visitor yet. Visit the shop, or start `footfall replay FILE`.",
        )


@st.fragment(run_every=SECOND / 2)
def state_log() -> None:
    """What the detector does, like a terminal, the newest line on top. What a visitor does is here within two seconds.

    The detector's views come once a second, and so do the other panels: two waits that add up.
    """
    content = content_of("state_logs")
    with panel("state_logs", "State machine log", height=LOG + 52):
        wanted = st.text_input(
            "Only lines with",
            key="state-log-filter",
            placeholder="Only lines with … (a visitor, a product, a state)",
            label_visibility="collapsed",
            max_chars=100,
            autocomplete="off",
        )
        lines = [line for line in content.lines if wanted.casefold() in line.casefold()]
        text = "\n".join(lines) or _silence(content, wanted)
        st.code(text, language=None, height=LOG, wrap_lines=True)


def _silence(content: Content, wanted: str) -> str:
    if not content.empty:
        return f"None of the latest {len(content.lines)} lines has “{wanted}” in it."
    return "No line yet.\nIn the shop, choose an age and a gender that an offer is made for, and look at a product."


@st.fragment(run_every=SECOND)
def raw_data() -> None:
    """The newest clicks as they are."""
    with panel("raw_data", "Raw data", height=RAW):
        table(
            "raw_data",
            content_of("raw_data"),
            height=RAW,
            alt="The latest 100 clicks, the newest first",
            empty="No click yet. Visit the shop, or start `footfall replay FILE`.",
        )
