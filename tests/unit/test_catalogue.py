"""Laws of our own catalogue."""

from __future__ import annotations

from collections import Counter

from footfall.sources.catalogue import CATEGORIES, load_catalogue


def test_the_catalogue_covers_every_category_and_is_rich_where_offers_are_made() -> None:
    shelves = Counter(product.category for product in load_catalogue())
    assert set(shelves) == set(CATEGORIES)
    assert sum(shelves.values()) >= 36
    assert shelves["clothing"] >= 6
    assert shelves["shoes"] >= 7
    assert shelves["handbags"] >= 5


def test_every_product_has_an_id_of_its_own_and_all_fields() -> None:
    products = load_catalogue()
    assert len({product.id for product in products}) == len(products)
    for product in products:
        assert product.title
        assert product.description
        assert product.image == f"{product.id}.svg"
        assert product.price is not None
        assert product.price > 0


def test_changing_the_returned_list_leaves_the_catalogue_as_it_is() -> None:
    load_catalogue().clear()
    assert load_catalogue()
