"""Turns a visit to the dashboard into one of its pages. Streamlit runs this file; see `server`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from footfall.apps import web
from footfall.apps.dashboard import live, visits

ICON: Final = Path(web.__file__).with_name("static") / "favicon.svg"


def main() -> None:
    """Run the page that the visitor has chosen."""
    st.set_page_config(page_title="Footfall", page_icon=ICON, layout="wide")
    pages = [
        st.Page(live.page, title="Live", url_path="live", default=True),
        st.Page(visits.page, title="Visits", url_path="visits"),
    ]
    st.navigation(pages, position="top").run()


if __name__ == "__main__":
    main()
