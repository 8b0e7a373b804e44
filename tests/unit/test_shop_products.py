"""The catalogue: each product on exactly one page, however many there are; read again when the store changes."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall import wiring
from footfall.apps.web.shop.products import PAGE_SIZE, SCHEMA, Catalogue, Listing, file_part, heading
from footfall.apps.web.shop.shelves import Shelves, packaged
from footfall.core.clock import ManualClock
from footfall.core.events import UNKNOWN
from footfall.sources.catalogue import CATEGORIES
from footfall.sources.lookups import ProductRow


def catalogue(products: dict[str, str | None], *, batches: int = 1) -> Catalogue:
    """Products by id, with their categories, cut into so many batches."""
    rows = [{"id": product, "category": products[product]} for product in sorted(products)]
    table = pa.Table.from_pylist(rows, SCHEMA)
    return Catalogue(table.to_batches(max_chunksize=max(1, len(rows) // batches)))


products = st.dictionaries(
    st.text(min_size=1, max_size=4), st.sampled_from([None, "a", "b", "home&garden"]), max_size=150
)


@settings(max_examples=60)
@given(products, st.integers(1, 5))
def test_every_product_is_on_exactly_one_page_of_its_lists(found: dict[str, str | None], batches: int) -> None:
    one = catalogue(found, batches=batches)

    assert _all(one, None) == sorted(found)
    by_category = Counter(category or UNKNOWN for category in found.values())
    assert {category.name: category.products for category in one.categories} == by_category
    for name in by_category:
        assert _all(one, name) == sorted(
            product for product, category in found.items() if (category or UNKNOWN) == name
        )


@given(products, st.text(max_size=4))
def test_a_product_is_found_by_its_id_alone(found: dict[str, str | None], other: str) -> None:
    one = catalogue(found)

    for product, category in found.items():
        there = one.find(product)
        assert there is not None
        assert (there.id, there.category) == (product, category or UNKNOWN)
    assert (one.find(other) is None) == (other not in found)


@given(products)
def test_beside_a_product_are_others_of_its_category(found: dict[str, str | None]) -> None:
    one = catalogue(found)

    for listed in _first(one).products:
        beside = one.beside(listed, most=4)
        ids = [product.id for product in beside]
        assert listed.id not in ids
        assert len(set(ids)) == len(ids) == min(4, sum(p == found[listed.id] for p in found.values()) - 1)
        assert {product.category for product in beside} <= {listed.category}


def _first(one: Catalogue) -> Listing:
    listing = one.listing()
    assert listing is not None
    return listing


def _all(one: Catalogue, category: str | None) -> list[str]:
    first = one.listing(category=category)
    assert first is not None
    pages = [one.listing(number, category=category) for number in range(1, first.pages + 1)]
    assert one.listing(first.pages + 1, category=category) is None
    assert all(page is not None and len(page.products) <= PAGE_SIZE for page in pages)
    return [product.id for page in pages if page for product in page.products]


def test_a_category_without_products_has_no_page() -> None:
    assert catalogue({"A": "shoes"}).listing(category="hats") is None


def test_a_large_catalogue_answers_as_fast_as_a_small_one() -> None:
    many = 300_000
    ids = [f"P{n:06d}" for n in range(many)]
    columns = [pa.array(ids), pa.array([f"c{n % 997}" for n in range(many)]), *(pa.nulls(many, f.type) for f in SCHEMA)]
    one = Catalogue([pa.RecordBatch.from_arrays(columns[:2] + columns[4:], schema=SCHEMA)])

    assert len(one.categories) == 997
    found = one.find("P299999")
    assert found is not None
    last = one.listing(many // PAGE_SIZE)
    assert last is not None
    assert last.products[-1] == found
    assert [product.category for product in one.beside(found, most=4)] == [found.category] * 4


def test_an_empty_store_shows_the_packaged_catalogue_and_a_filled_one_its_own(tmp_path: Path) -> None:
    async def ids(shelves: Shelves) -> list[str]:
        return _all(await shelves.catalogue(), None)

    with wiring.open_store(tmp_path) as store:
        shelves = Shelves(store, clock=ManualClock())
        assert asyncio.run(ids(shelves)) == packaged().column("id").to_pylist()
        store.load_products([ProductRow("B"), ProductRow("A")])
        assert asyncio.run(ids(shelves)) == ["A", "B"]
        store.load_products([ProductRow("C")])
        assert asyncio.run(ids(shelves)) == ["A", "B", "C"]


def test_the_packaged_catalogue_has_all_of_the_shops_categories() -> None:
    assert {category.name for category in Catalogue([packaged()]).categories} == set(CATEGORIES)


@pytest.mark.parametrize(
    ("name", "words", "part"),
    [
        ("home&garden", "Home & garden", "home-garden"),
        ("electronics.audio_video", "Electronics.audio video", "electronics-audio-video"),
        ("../../etc", "../../etc", "etc"),
        (UNKNOWN, "Everything else", "unknown"),
    ],
)
def test_how_a_category_is_written(name: str, words: str, part: str) -> None:
    assert (heading(name), file_part(name)) == (words, part)
