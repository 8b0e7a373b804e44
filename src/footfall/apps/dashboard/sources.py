"""Turns the data directory that the server was started on into readers that all visits to the pages share."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from footfall import wiring
from footfall.apps.dashboard.offers import OfferCounts
from footfall.apps.dashboard.options import DATA_DIR
from footfall.apps.dashboard.reading import Reader


@st.cache_resource(show_spinner=False, max_entries=1, on_release=Reader.close)
def reader_of(data_dir: str) -> Reader:
    """The views of this data directory."""
    return Reader(Path(data_dir), open_store=partial(wiring.open_store, follow=True))


@st.cache_resource(show_spinner=False, max_entries=1, on_release=OfferCounts.close)
def offers_of(data_dir: str) -> OfferCounts:
    """The offers shown in this data directory."""
    return OfferCounts(Path(data_dir), open_log=wiring.open_existing_log)


def data_dir() -> str:
    """What `footfall dashboard` was started on."""
    return str(st.secrets[DATA_DIR])
