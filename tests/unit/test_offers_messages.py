"""An offer is one event of a stream, whatever its texts hold; titles are there where they are known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.apps.web.offers.messages import event_of, titles_of
from footfall.engine.offers import MatchedClick, Offer
from footfall.sources.catalogue import load_catalogue
from footfall.sources.lookups import ProductRow
from footfall.stores.embedded import EmbeddedStore


def offer(*products: str, name: str = "offer2", category: str = "clothing") -> Offer:
    return Offer(
        id="ab" * 16,
        visitor="ada",
        offer=name,
        pattern="p",
        timestamp_ms=5,
        matched=tuple(MatchedClick(i, product, category) for i, product in enumerate(products)),
        partition=0,
        offset=0,
        appended_ms=5,
    )


def fields_of(event: bytes) -> dict[str, Any]:
    """What a browser makes of an event: lines end with CR, LF or both, and an empty line ends the event."""
    lines = event.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert lines[-2:] == ["", ""]
    assert "" not in lines[:-2]
    found = dict(line.split(": ", 1) for line in lines[:-2])
    assert len(found) == len(lines) - 2
    return found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with EmbeddedStore(tmp_path) as store:
        yield store


@given(st.text(), st.text(), st.text())
def test_no_text_breaks_out_of_its_event(name: str, product: str, title: str) -> None:
    event = event_of(offer(product, name=name, category=title), {product: title})

    found = fields_of(event)
    assert set(found) == {"event", "id", "data"}
    told = json.loads(found["data"])
    assert told["offer"] == name
    assert told["clicks"] == [{"time": 0, "product": product, "category": title, "title": title}]


def test_an_events_id_is_the_offers() -> None:
    assert fields_of(event_of(offer("C1"), {}))["id"] == "ab" * 16


def test_titles_come_from_the_store_and_then_from_our_own_catalogue(store: EmbeddedStore) -> None:
    ours, other = load_catalogue()[:2]
    store.load_products([ProductRow(id=ours.id, title="Another name"), ProductRow(id="untitled")])

    titles = titles_of(offer(ours.id, other.id, "untitled", "unknown"), store)

    assert titles == {ours.id: "Another name", other.id: other.title, "untitled": "untitled"}
